//! An experiment before it is checked, and the two plain ways to list experiments: `configs` and `experiments`.
//!
//! [`super::grid`] is the third. All three yield the settings of one experiment in one tree.

use std::sync::Arc;

use serde_json::Value;

use super::files::{Files, split_dotted, stem};
use super::findings::Findings;
use super::tree::Tree;
use crate::diagnostic::Diagnostic;
use crate::suggest::nearest;
use crate::yaml::{Entry, Node, NodeValue};

/// An experiment before it is checked.
pub(super) struct Draft {
    /// All its settings.
    pub(super) tree: Tree,
    /// The name that it has unless it says otherwise: that of its file.
    pub(super) fallback_name: Option<String>,
    /// What sets it apart from its siblings: dotted path and value.
    pub(super) axes: Vec<(String, Value)>,
    /// Whether a name that it gives is still to be told apart by the axes.
    pub(super) axes_extend_name: bool,
}

/// The drafts of the list `configs`.
pub(super) fn configs(entry: &Entry, files: &Files<'_>, findings: &mut Findings) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for item in as_list(&entry.value) {
        let asked = Tree::from_node(item, &files.campaign, item.at);
        let Some(path) = asked.as_str() else {
            let message = format!("`configs` must be a list of file names, but has {}", asked.kind_name());
            findings.add(asked.mark(Diagnostic::error("wrong_type", message).about("configs")));
            continue;
        };
        if let Some(tree) = files.load(path, &asked, findings) {
            drafts.push(Draft { tree, fallback_name: stem(path), axes: Vec::new(), axes_extend_name: false });
        }
    }
    drafts
}

/// The drafts of the list `experiments`.
pub(super) fn listed(entry: &Entry, files: &Files<'_>, findings: &mut Findings) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for item in as_list(&entry.value) {
        let draft = match item.entry("config") {
            _ if !matches!(item.value, NodeValue::Mapping(_)) => {
                let message =
                    format!("`experiments` must be a list of mappings, but has {}", item.kind_name());
                let problem = Diagnostic::error("wrong_type", message).about("experiments");
                findings.add(problem.in_file(&files.campaign, item.at));
                None
            }
            Some(config) => from_config(item, config, files, findings),
            None => inline(item, files, findings),
        };
        drafts.extend(draft);
    }
    drafts
}

fn from_config(item: &Node, config: &Entry, files: &Files<'_>, findings: &mut Findings) -> Option<Draft> {
    unknown_entries(item, "experiments", &["config", "overrides"], &files.campaign, findings);
    let asked = Tree::from_entry(config, &files.campaign);
    let Some(path) = asked.as_str() else {
        let message = format!("`config` is {}, but must be the name of a file", asked.kind_name());
        findings.add(asked.mark(Diagnostic::error("wrong_type", message).about("experiments.config")));
        return None;
    };
    let mut tree = files.load(path, &asked, findings)?;
    let mut axes = Vec::new();
    if let Some(entry) = item.entry("overrides").filter(|entry| !entry.value.is_null()) {
        if !is_mapping(entry, &files.campaign, "experiments.overrides", findings) {
            return None;
        }
        let over = split_dotted(&Tree::from_entry(entry, &files.campaign));
        axes = leaves(&over);
        tree.merge(over);
    }
    let axes_extend_name = !axes.iter().any(|(key, _)| key == "config_name");
    Some(Draft { tree, fallback_name: stem(path), axes, axes_extend_name })
}

fn inline(item: &Node, files: &Files<'_>, findings: &mut Findings) -> Option<Draft> {
    let own = split_dotted(&Tree::from_node(item, &files.campaign, item.at));
    let axes = leaves(&own);
    let tree = files.extend(own, findings)?;
    Some(Draft { tree, fallback_name: None, axes, axes_extend_name: false })
}

fn leaves(tree: &Tree) -> Vec<(String, Value)> {
    let value = |path: &String| tree.at_path(path).map_or(Value::Null, Tree::to_json);
    tree.leaf_paths().into_iter().map(|path| (path.clone(), value(&path))).collect()
}

fn as_list(node: &Node) -> &[Node] {
    match &node.value {
        NodeValue::Sequence(items) => items,
        NodeValue::Null => &[],
        _ => std::slice::from_ref(node),
    }
}

/// Whether an entry holds a mapping; an error is found if not.
pub(super) fn is_mapping(entry: &Entry, file: &Arc<str>, field: &str, findings: &mut Findings) -> bool {
    let mapping = matches!(entry.value.value, NodeValue::Mapping(_));
    if !mapping {
        let message = format!("`{field}` is {}, but must be a mapping of keys", entry.value.kind_name());
        findings.add(Diagnostic::error("wrong_type", message).in_file(file, entry.value.at).about(field));
    }
    mapping
}

/// Warns about the keys of a mapping that are not known.
pub(super) fn unknown_entries(
    node: &Node,
    prefix: &str,
    known: &[&str],
    file: &Arc<str>,
    findings: &mut Findings,
) {
    for entry in node.entries().iter().filter(|entry| !known.contains(&entry.key.as_str())) {
        let field = format!("{prefix}.{}", entry.key);
        let warning =
            Diagnostic::warning("unknown_key", format!("`{field}` is not a known key: it has no effect"));
        let warning = match nearest(&entry.key, known.iter().copied()) {
            Some(meant) => warning.with_hint(format!("did you mean `{prefix}.{meant}`?")),
            None => warning,
        };
        findings.add(warning.in_file(file, entry.key_at).about(field));
    }
}
