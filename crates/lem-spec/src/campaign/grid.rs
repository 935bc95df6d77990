//! The section `grid`: every combination of what it lists.
//!
//! It is expanded backend by backend, model by model, then over `shared` and the backend's overrides in the order
//! written, the last key changing fastest.

use std::sync::Arc;

use super::draft::{Draft, is_mapping, unknown_entries};
use super::findings::Findings;
use super::tree::Tree;
use crate::diagnostic::Diagnostic;
use crate::yaml::{Entry, Node, NodeValue};

/// More experiments than this are taken for a slip in the grid.
pub(super) const MAX_EXPERIMENTS: usize = 10_000;
const GRID_KEYS: [&str; 5] = ["backends", "models", "shared", "axes", "backend_overrides"];

struct Axis {
    key: String,
    path: Vec<String>,
    values: Vec<Tree>,
}

/// The drafts of the section `grid`.
pub(super) fn grid(entry: &Entry, file: &Arc<str>, findings: &mut Findings) -> Vec<Draft> {
    let grid = &entry.value;
    if !is_mapping(entry, file, "grid", findings) {
        return Vec::new();
    }
    unknown_entries(grid, "grid", &GRID_KEYS, file, findings);
    let Some(backends) = names(grid, "backends", file, findings) else {
        if grid.get("backends").is_none_or(Node::is_null) {
            let message = "`grid` needs `backends`, for example `backends: [pytorch]`";
            findings.add(
                Diagnostic::error("missing_key", message).in_file(file, entry.key_at).about("grid.backends"),
            );
        }
        return Vec::new();
    };
    let models = names(grid, "models", file, findings).unwrap_or_default();
    let shared = shared_axes(grid, file, findings);
    let mut plan = Vec::new();
    let mut total: usize = 0;
    for backend in backends {
        let mut axes: Vec<&Axis> = shared.iter().collect();
        let own = overrides(grid, &backend, file, findings);
        axes.extend(&own);
        let combinations =
            axes.iter().fold(1_usize, |product, axis| product.saturating_mul(axis.values.len()));
        total = total.saturating_add(combinations.saturating_mul(models.len().max(1)));
        if total <= MAX_EXPERIMENTS {
            expand(&backend, &models, &axes, &mut plan);
        }
    }
    unused_overrides(grid, &plan, file, findings);
    if total > MAX_EXPERIMENTS {
        let message = format!("`grid` makes {total} experiments; at most {MAX_EXPERIMENTS} are planned");
        findings.add(
            Diagnostic::error("too_many", message)
                .with_hint("sweep fewer values, or split the campaign")
                .in_file(file, entry.key_at)
                .about("grid"),
        );
        return Vec::new();
    }
    plan
}

fn expand(backend: &Tree, models: &[Tree], axes: &[&Axis], drafts: &mut Vec<Draft>) {
    let combinations: usize = axes.iter().map(|axis| axis.values.len()).product();
    let models: Vec<Option<&Tree>> =
        if models.is_empty() { vec![None] } else { models.iter().map(Some).collect() };
    for model in models {
        for combination in 0..combinations {
            let mut tree = Tree::empty(&backend.file, backend.at);
            tree.set(&["backend"], backend.clone());
            if let Some(model) = model {
                tree.set(&["model_name"], model.clone());
            }
            let mut varying = Vec::new();
            let mut rest = combinations;
            for axis in axes {
                rest /= axis.values.len();
                let value = &axis.values[combination / rest % axis.values.len()];
                tree.set(&axis.path.iter().map(String::as_str).collect::<Vec<_>>(), value.clone());
                if axis.values.len() > 1 {
                    varying.push((axis.key.clone(), value.to_json()));
                }
            }
            drafts.push(Draft { tree, fallback_name: None, axes: varying, axes_extend_name: true });
        }
    }
}

fn shared_axes(grid: &Node, file: &Arc<str>, findings: &mut Findings) -> Vec<Axis> {
    let mut axes: Vec<Axis> = Vec::new();
    for section in ["shared", "axes"] {
        let Some(entry) = grid.entry(section).filter(|entry| !entry.value.is_null()) else {
            continue;
        };
        let field = format!("grid.{section}");
        if section == "axes" {
            findings.add(
                Diagnostic::warning(
                    "alias",
                    "`grid.axes` is read as `grid.shared`; earlier tools ignored it",
                )
                .with_hint("rename it to `shared`")
                .in_file(file, entry.key_at)
                .about(&field),
            );
        }
        if !is_mapping(entry, file, &field, findings) {
            continue;
        }
        for entry in entry.value.entries() {
            if axes.iter().any(|axis| axis.key == entry.key) {
                let message = format!("`{}` is in both `grid.shared` and `grid.axes`", entry.key);
                findings.add(
                    Diagnostic::error("given_twice", message)
                        .with_hint("keep it in `shared`")
                        .in_file(file, entry.key_at)
                        .about(format!("{field}.{}", entry.key)),
                );
            }
            let path = entry.key.split('.').map(str::to_owned).collect();
            axes.push(axis(entry, path, &entry.key, file, findings));
        }
    }
    axes
}

fn overrides(grid: &Node, backend: &Tree, file: &Arc<str>, findings: &mut Findings) -> Vec<Axis> {
    let name = backend.as_str().unwrap_or_default();
    let Some(all) = grid.entry("backend_overrides").filter(|entry| !entry.value.is_null()) else {
        return Vec::new();
    };
    if !is_mapping(all, file, "grid.backend_overrides", findings) {
        return Vec::new();
    }
    let Some(own) = all.value.entry(name).filter(|entry| !entry.value.is_null()) else {
        return Vec::new();
    };
    if !is_mapping(own, file, &format!("grid.backend_overrides.{name}"), findings) {
        return Vec::new();
    }
    own.value
        .entries()
        .iter()
        .map(|entry| {
            let path = vec![name.to_owned(), entry.key.clone()];
            axis(entry, path, &format!("{name}.{}", entry.key), file, findings)
        })
        .collect()
}

/// Overrides for a backend that the grid does not have would be dropped without a word.
fn unused_overrides(grid: &Node, drafts: &[Draft], file: &Arc<str>, findings: &mut Findings) {
    for entry in grid.get("backend_overrides").map(Node::entries).unwrap_or_default() {
        let used = |draft: &Draft| draft.tree.get("backend").and_then(Tree::as_str) == Some(&entry.key);
        if !drafts.is_empty() && !drafts.iter().any(used) {
            let message =
                format!("`grid.backend_overrides.{}` has no effect: `backends` does not have it", entry.key);
            let field = format!("grid.backend_overrides.{}", entry.key);
            findings.add(Diagnostic::warning("unused", message).in_file(file, entry.key_at).about(field));
        }
    }
}

fn axis(entry: &Entry, path: Vec<String>, key: &str, file: &Arc<str>, findings: &mut Findings) -> Axis {
    let values: Vec<Tree> = match &entry.value.value {
        NodeValue::Sequence(items) => {
            items.iter().map(|item| Tree::from_node(item, file, entry.key_at)).collect()
        }
        _ => vec![Tree::from_entry(entry, file)],
    };
    if values.is_empty() {
        let message = format!("`{key}` has no values, so that the grid has no experiments");
        findings.add(
            Diagnostic::error("empty_list", message)
                .with_hint("give a value, or remove the key")
                .in_file(file, entry.value.at)
                .about(key),
        );
    }
    Axis { key: key.to_owned(), path, values }
}

/// The names under a key of the grid; `None` when there are none or they are not names.
fn names(grid: &Node, key: &str, file: &Arc<str>, findings: &mut Findings) -> Option<Vec<Tree>> {
    let entry = grid.entry(key).filter(|entry| !entry.value.is_null())?;
    let written = match &entry.value.value {
        NodeValue::Sequence(items) => items.as_slice(),
        _ => std::slice::from_ref(&entry.value),
    };
    let wrong = written.iter().find(|item| item.as_str().is_none_or(|name| name.trim().is_empty()));
    if written.is_empty() || wrong.is_some() {
        let found = wrong.map_or("an empty list", Node::kind_name);
        let message = format!("`grid.{key}` must be a list of names, but has {found}");
        let at = wrong.map_or(entry.value.at, |node| node.at);
        findings.add(Diagnostic::error("wrong_type", message).in_file(file, at).about(format!("grid.{key}")));
        return None;
    }
    Some(written.iter().map(|item| Tree::from_node(item, file, entry.key_at)).collect())
}
