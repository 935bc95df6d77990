//! Holds what was written against the table of known keys: types, ranges, refusals, and keys that nobody knows.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::findings::Findings;
use super::known::{Handling, Kind, Known};
use super::tree::{Content, Tree};
use crate::diagnostic::Diagnostic;
use crate::source::{Resolved, Source};
use crate::suggest::nearest;
use crate::yaml::{Node, NodeValue, Position};

/// What a tree says, by the paths of the table; what is null, not known or not valid is absent.
#[derive(Debug, Default)]
pub(super) struct Values {
    known: BTreeMap<&'static str, Checked>,
    /// The entries that the table does not have, by path.
    pub(super) unknown: Vec<(String, Value)>,
}

#[derive(Debug)]
struct Checked {
    value: Value,
    file: Arc<str>,
    at: Position,
}

impl Values {
    /// Whether the key was given.
    pub(super) fn has(&self, path: &str) -> bool {
        self.known.contains_key(path)
    }

    /// A text, or a word of a list.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.known.get(path)?.value.as_str()
    }

    /// A text that the caller keeps.
    pub(super) fn owned_text(&self, path: &str) -> Option<String> {
        self.text(path).map(str::to_owned)
    }

    /// True or false.
    pub(super) fn bool(&self, path: &str) -> Option<bool> {
        self.known.get(path)?.value.as_bool()
    }

    /// A whole number of a key whose bounds fit.
    pub(super) fn u32(&self, path: &str) -> Option<u32> {
        self.u64(path).and_then(|value| u32::try_from(value).ok())
    }

    /// A whole number.
    pub(super) fn u64(&self, path: &str) -> Option<u64> {
        self.known.get(path)?.value.as_u64()
    }

    /// A number.
    pub(super) fn f64(&self, path: &str) -> Option<f64> {
        self.known.get(path)?.value.as_f64()
    }

    /// A list of texts; empty when not given.
    pub(super) fn texts(&self, path: &str) -> Vec<String> {
        let items = self.known.get(path).and_then(|checked| checked.value.as_array());
        items.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// A list of whole numbers.
    pub(super) fn indices(&self, path: &str) -> Option<Vec<u32>> {
        let items = self.known.get(path)?.value.as_array()?;
        Some(items.iter().filter_map(Value::as_u64).filter_map(|item| u32::try_from(item).ok()).collect())
    }

    /// A value with the line of the campaign that it stands in.
    pub(super) fn sourced<T>(&self, path: &str, value: Option<T>) -> Option<Resolved<T>> {
        let line = self.known.get(path)?.at.line;
        value.map(|value| Resolved::new(value, Source::Campaign { line }))
    }

    /// A value of any kind with its line.
    pub(super) fn written(&self, path: &str) -> Option<Resolved<Value>> {
        self.sourced(path, Some(self.known.get(path)?.value.clone()))
    }

    /// A finding about a key that was given.
    pub(super) fn mark(&self, path: &str, finding: Diagnostic) -> Diagnostic {
        let finding = finding.about(path);
        match self.known.get(path) {
            Some(checked) => finding.in_file(&checked.file, checked.at),
            None => finding,
        }
    }
}

/// Checks every entry of `tree` against `table`.
pub(super) fn check(tree: &Tree, table: &'static [Known], findings: &mut Findings) -> Values {
    let mut values = Values::default();
    let mut walk = Walk { table, values: &mut values, findings };
    walk.section(tree, "");
    values
}

struct Walk<'a> {
    table: &'static [Known],
    values: &'a mut Values,
    findings: &'a mut Findings,
}

impl Walk<'_> {
    fn section(&mut self, tree: &Tree, prefix: &str) {
        for (key, child) in tree.section().into_iter().flatten() {
            let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            let sections = is_section(self.table, &path);
            if sections && child.section().is_some() {
                self.section(child, &path);
            } else if let Some(known) = self.table.iter().find(|known| known.path == path) {
                if !child.is_null() {
                    self.value(known, child);
                }
            } else if sections {
                if !child.is_null() {
                    let message = format!("`{path}` is {}, but must be a mapping of keys", child.kind_name());
                    self.findings.add(child.mark(Diagnostic::error("wrong_type", message).about(path)));
                }
            } else {
                self.findings.add(child.mark_key(unknown_key(self.table, &path)));
                self.values.unknown.push((path, child.to_json()));
            }
        }
    }

    fn value(&mut self, known: &'static Known, tree: &Tree) {
        let Some(value) = read(known.kind, tree) else {
            let message = format!("`{}` is {}, but must be {}", known.path, shown(tree), known.kind);
            self.findings.add(tree.mark(Diagnostic::error("invalid_value", message).about(known.path)));
            return;
        };
        match known.handling {
            Handling::Only(accepted, reason) if !is_one_of(&value, accepted) => {
                self.findings.add(tree.mark(refusal(known.path, &shown(tree), accepted, reason)));
            }
            Handling::Noted(quiet, reason) if !is_one_of(&value, quiet) => {
                let message = format!("`{}` is not followed: {reason}", known.path);
                self.findings.add(tree.mark(Diagnostic::note("not_followed", message).about(known.path)));
            }
            Handling::Executed
            | Handling::Recorded
            | Handling::Dormant
            | Handling::Only(..)
            | Handling::Noted(..) => {}
        }
        self.values.known.insert(known.path, Checked { value, file: Arc::clone(&tree.file), at: tree.at });
    }
}

/// The finding about a key that this version cannot execute as written.
pub(super) fn refusal(path: &str, shown: &str, accepted: &[&str], reason: &str) -> Diagnostic {
    let hint = match accepted {
        [] => format!("remove `{path}`"),
        [value, ..] => format!("remove `{path}` or set it to `{value}`"),
    };
    Diagnostic::error("not_executed", format!("`{path}: {shown}` cannot be executed: {reason}"))
        .with_hint(hint)
        .about(path)
}

fn is_section(table: &[Known], path: &str) -> bool {
    table.iter().any(|known| known.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

/// The warning about a key that the table does not have.
pub(super) fn unknown_key(table: &'static [Known], path: &str) -> Diagnostic {
    let warning =
        Diagnostic::warning("unknown_key", format!("`{path}` is not a known key: it has no effect"));
    match suggestion(table, path) {
        Some(meant) => warning.with_hint(format!("did you mean `{meant}`?")),
        None => warning,
    }
    .about(path)
}

/// The nearest key of the same section, or one of this very name in another section.
fn suggestion(table: &'static [Known], path: &str) -> Option<String> {
    let (section, key) = path.rsplit_once('.').unwrap_or(("", path));
    let siblings = table.iter().filter_map(|known| {
        let rest = if section.is_empty() {
            Some(known.path)
        } else {
            known.path.strip_prefix(section).and_then(|rest| rest.strip_prefix('.'))
        };
        rest.and_then(|rest| rest.split('.').next())
    });
    if let Some(sibling) = nearest(key, siblings) {
        return Some(if section.is_empty() { sibling.to_owned() } else { format!("{section}.{sibling}") });
    }
    let elsewhere = table.iter().find(|known| known.path.rsplit('.').next() == Some(key));
    elsewhere.map(|known| known.path.to_owned())
}

/// The value as plain data of its kind; `None` when it is not of that kind or out of its range.
fn read(kind: Kind, tree: &Tree) -> Option<Value> {
    let node = match &tree.content {
        Content::Leaf(node) => node,
        Content::Section(_) => return (kind == Kind::Any).then(|| tree.to_json()),
    };
    match kind {
        Kind::Bool => node.as_bool().map(Value::Bool),
        Kind::Integer(least, most) => whole(node, least, most),
        Kind::Number(least, most) => {
            number(node).filter(|value| (least..=most).contains(value)).map(Value::from)
        }
        Kind::Positive(most) => number(node).filter(|value| *value > 0.0 && *value <= most).map(Value::from),
        Kind::Text => text(node),
        Kind::OneOf(words) => node.as_str().filter(|word| words.contains(word)).map(Value::from),
        Kind::Texts if node.as_str().is_some() => text(node).map(|one| Value::Array(vec![one])),
        Kind::Texts => is_list(node)?.iter().map(text).collect(),
        Kind::Indices if node.as_i64().is_some() => {
            whole(node, 0, MAX_INDEX).map(|one| Value::Array(vec![one]))
        }
        Kind::Indices => is_list(node)?.iter().map(|item| whole(item, 0, MAX_INDEX)).collect(),
        Kind::Any => Some(node.to_json()),
    }
}

const MAX_INDEX: i64 = 1023;

fn is_list(node: &Node) -> Option<&[Node]> {
    matches!(node.value, NodeValue::Sequence(_)).then(|| node.items())
}

fn whole(node: &Node, least: i64, most: i64) -> Option<Value> {
    node.as_i64().filter(|value| (least..=most).contains(value)).map(Value::from)
}

fn number(node: &Node) -> Option<f64> {
    node.as_f64().filter(|value| value.is_finite())
}

fn text(node: &Node) -> Option<Value> {
    node.as_str()
        .filter(|text| !text.trim().is_empty() && !text.chars().any(char::is_control))
        .map(Value::from)
}

/// Whether a scalar is one of these, numbers compared as numbers.
fn is_one_of(value: &Value, words: &[&str]) -> bool {
    words.iter().any(|word| match value {
        Value::Bool(value) => value.to_string() == *word,
        Value::Number(value) => word.parse::<f64>().ok().is_some_and(|word| value.as_f64() == Some(word)),
        Value::String(value) => value == word,
        _ => false,
    })
}

/// The value for a message, cut when long.
pub(super) fn shown(tree: &Tree) -> String {
    let full = match &tree.content {
        Content::Section(_) => return "a mapping".to_owned(),
        Content::Leaf(node) => match node.as_str() {
            Some(text) => format!("{text:?}"),
            None => node.to_json().to_string(),
        },
    };
    match full.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &full[..end]),
        None => full,
    }
}

/// What may stand at a key, to follow "must be".
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("true or false"),
            Self::Integer(least, most) if *most == i64::MAX => write!(f, "a whole number, at least {least}"),
            Self::Integer(least, most) => write!(f, "a whole number from {least} to {most}"),
            Self::Number(least, most) => write!(f, "a number from {least} to {most}"),
            Self::Positive(most) => write!(f, "a number above 0, at most {most}"),
            Self::Text => f.write_str("text, neither empty nor with control characters"),
            Self::OneOf(words) => write!(f, "one of {}", words.join(", ")),
            Self::Texts => f.write_str("text or a list of texts"),
            Self::Indices => write!(f, "a whole number from 0 to {MAX_INDEX} or a list of them"),
            Self::Any => f.write_str("a value"),
        }
    }
}
