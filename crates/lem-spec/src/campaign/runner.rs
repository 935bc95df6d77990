//! The key `runner`: `docker` or `process` for all backends, or one of them, with a command if need be, for each.

use std::sync::Arc;

use super::draft::unknown_entries;
use super::findings::Findings;
use super::spec::{Runner, RunnerKind};
use super::written::{Devices, Runners};
use crate::diagnostic::Diagnostic;
use crate::source::{Resolved, Source};
use crate::yaml::{Entry, Node, NodeValue};

/// Reads `runner`.
pub(super) fn runners(entry: &Entry, file: &Arc<str>, findings: &mut Findings) -> Runners {
    let mut runners = Runners::default();
    match &entry.value.value {
        NodeValue::Null => {}
        NodeValue::Mapping(entries) => {
            for own in entries.iter().filter(|own| !own.value.is_null()) {
                let field = format!("runner.{}", own.key);
                if let Some(runner) = runner(&own.value, &field, file, findings) {
                    runners.by_backend.insert(own.key.clone(), runner);
                }
            }
        }
        _ => runners.all = runner(&entry.value, "runner", file, findings),
    }
    runners
}

fn runner(node: &Node, field: &str, file: &Arc<str>, findings: &mut Findings) -> Option<Resolved<Runner>> {
    let source = Source::Campaign { line: node.at.line };
    if !matches!(node.value, NodeValue::Mapping(_)) {
        let kind = kind(node, field, file, findings)?;
        return Some(Resolved::new(kind.plain(), source));
    }
    unknown_entries(node, field, &["kind", "command"], file, findings);
    let Some(written) = node.get("kind") else {
        let message = format!("`{field}` needs `kind`: docker or process");
        findings.add(Diagnostic::error("missing_key", message).in_file(file, node.at).about(field));
        return None;
    };
    let kind = kind(written, &format!("{field}.kind"), file, findings)?;
    let command = match node.entry("command").filter(|entry| !entry.value.is_null()) {
        None => None,
        Some(entry) => Some(command(entry, kind, field, file, findings)?),
    };
    let runner = match kind {
        RunnerKind::Docker => Runner::Docker,
        RunnerKind::Process => Runner::Process { command },
    };
    Some(Resolved::new(runner, source))
}

fn kind(node: &Node, field: &str, file: &Arc<str>, findings: &mut Findings) -> Option<RunnerKind> {
    let kind = node.as_str().and_then(|word| word.parse().ok());
    if kind.is_none() {
        let found = node.as_str().map_or_else(|| node.kind_name().to_owned(), |word| format!("{word:?}"));
        let problem = Diagnostic::error(
            "invalid_value",
            format!("`{field}` is {found}, but must be docker or process"),
        );
        let problem = match node.as_str() {
            Some("local") => problem.with_hint("a process on this machine is `process`"),
            _ => problem,
        };
        findings.add(problem.in_file(file, node.at).about(field));
    }
    kind
}

fn command(
    entry: &Entry,
    kind: RunnerKind,
    field: &str,
    file: &Arc<str>,
    findings: &mut Findings,
) -> Option<Vec<String>> {
    let field = format!("{field}.command");
    let words: Option<Vec<String>> = entry.value.items().iter().map(word).collect();
    let sound =
        words.as_deref().is_some_and(|words| words.first().is_some_and(|program| !program.is_empty()));
    let message = if kind == RunnerKind::Docker {
        format!("`{field}` does not go with docker, whose service says what it runs")
    } else if !sound {
        format!(
            "`{field}` must be a list of a program and its arguments, for example [python, -m, my_worker]"
        )
    } else {
        return words;
    };
    findings.add(Diagnostic::error("invalid_value", message).in_file(file, entry.value.at).about(field));
    None
}

/// An argument: text, or a whole number, whose spelling is certain.
fn word(node: &Node) -> Option<String> {
    match &node.value {
        NodeValue::String(text) => Some(text.clone()),
        NodeValue::Int(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Reads `measurement.devices`.
pub(super) fn devices(node: &Node, file: &Arc<str>, findings: &mut Findings) -> Option<Resolved<Devices>> {
    let source = Source::Campaign { line: node.at.line };
    if node.is_null() {
        return None;
    }
    if node.as_str() == Some("auto") {
        return Some(Resolved::new(Devices::Auto, source));
    }
    let items = match &node.value {
        NodeValue::Sequence(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let names: Option<Vec<String>> = items.iter().map(device).collect();
    let names = names.filter(|names| !names.is_empty());
    if names.is_none() {
        let message = "`measurement.devices` must be `auto` or a list of device ids or indices from 0";
        let problem = Diagnostic::error("invalid_value", message).with_hint("`lem devices` lists them");
        findings.add(problem.in_file(file, node.at).about("measurement.devices"));
    }
    names.map(|names| Resolved::new(Devices::Chosen(names), source))
}

fn device(node: &Node) -> Option<String> {
    match &node.value {
        NodeValue::String(id) if !id.trim().is_empty() => Some(id.clone()),
        NodeValue::Int(index) if *index >= 0 => Some(index.to_string()),
        _ => None,
    }
}
