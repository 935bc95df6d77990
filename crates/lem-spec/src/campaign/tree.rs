//! The settings of one experiment while its layers are put together: a tree in which every value remembers the file
//! that it came from, because a base file, a config and its overrides end up in one tree.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::diagnostic::Diagnostic;
use crate::yaml::{Entry, Node, NodeValue, Position};

/// A value or a section, and where it was written.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    /// The file, as the user would name it.
    pub(super) file: Arc<str>,
    /// Where its key stands.
    pub(super) key_at: Position,
    /// Where the value stands.
    pub(super) at: Position,
    /// The value.
    pub(super) content: Content,
}

/// What a [`Tree`] holds.
#[derive(Debug, Clone)]
pub(super) enum Content {
    /// Anything but a mapping.
    Leaf(Node),
    /// A mapping.
    Section(BTreeMap<String, Tree>),
}

impl Tree {
    /// The tree of a node whose key stands at `key_at`.
    pub(super) fn from_node(node: &Node, file: &Arc<str>, key_at: Position) -> Self {
        let content = match &node.value {
            NodeValue::Mapping(entries) => Content::Section(
                entries.iter().map(|entry| (entry.key.clone(), Self::from_entry(entry, file))).collect(),
            ),
            _ => Content::Leaf(node.clone()),
        };
        Self { file: Arc::clone(file), key_at, at: node.at, content }
    }

    /// The tree of an entry's value.
    pub(super) fn from_entry(entry: &Entry, file: &Arc<str>) -> Self {
        Self::from_node(&entry.value, file, entry.key_at)
    }

    /// A section without entries at a place.
    pub(super) fn empty(file: &Arc<str>, at: Position) -> Self {
        Self { file: Arc::clone(file), key_at: at, at, content: Content::Section(BTreeMap::new()) }
    }

    /// Puts `over` on top: sections are merged key by key, everything else is replaced.
    pub(super) fn merge(&mut self, over: Self) {
        match (&mut self.content, over.content) {
            (Content::Section(base), Content::Section(entries)) => {
                for (key, value) in entries {
                    match base.get_mut(&key) {
                        Some(present) => present.merge(value),
                        None => {
                            base.insert(key, value);
                        }
                    }
                }
            }
            (_, content) => *self = Self { content, ..over },
        }
    }

    /// Merges `value` at a path, making the sections on the way.
    pub(super) fn set(&mut self, path: &[&str], value: Self) {
        let wrapped = path.iter().rev().fold(value, |inner, key| {
            let (file, key_at, at) = (Arc::clone(&inner.file), inner.key_at, inner.at);
            Self { file, key_at, at, content: Content::Section(BTreeMap::from([((*key).to_owned(), inner)])) }
        });
        self.merge(wrapped);
    }

    /// The entries of a section; `None` for a value.
    pub(super) fn section(&self) -> Option<&BTreeMap<String, Tree>> {
        match &self.content {
            Content::Section(entries) => Some(entries),
            Content::Leaf(_) => None,
        }
    }

    /// The entry of a section.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.section()?.get(key)
    }

    /// Takes an entry out of a section.
    pub(super) fn take(&mut self, key: &str) -> Option<Self> {
        match &mut self.content {
            Content::Section(entries) => entries.remove(key),
            Content::Leaf(_) => None,
        }
    }

    /// The text of a value that is text.
    pub(super) fn as_str(&self) -> Option<&str> {
        match &self.content {
            Content::Leaf(node) => node.as_str(),
            Content::Section(_) => None,
        }
    }

    /// Whether nothing was written: the same as if the key were absent.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.content, Content::Leaf(node) if node.is_null())
    }

    /// What kind of value this is, for messages.
    pub(super) fn kind_name(&self) -> &'static str {
        match &self.content {
            Content::Leaf(node) => node.kind_name(),
            Content::Section(_) => "a mapping",
        }
    }

    /// The data without places.
    pub(super) fn to_json(&self) -> Value {
        match &self.content {
            Content::Leaf(node) => node.to_json(),
            Content::Section(entries) => {
                Value::Object(entries.iter().map(|(key, value)| (key.clone(), value.to_json())).collect())
            }
        }
    }

    /// The dotted paths of all values, in order.
    pub(super) fn leaf_paths(&self) -> Vec<String> {
        let Some(entries) = self.section() else {
            return Vec::new();
        };
        entries
            .iter()
            .flat_map(|(key, value)| match value.leaf_paths() {
                below if below.is_empty() => vec![key.clone()],
                below => below.into_iter().map(|path| format!("{key}.{path}")).collect(),
            })
            .collect()
    }

    /// The value at a dotted path.
    pub(super) fn at_path(&self, path: &str) -> Option<&Self> {
        path.split('.').try_fold(self, |tree, key| tree.get(key))
    }

    /// A finding about the value.
    pub(super) fn mark(&self, finding: Diagnostic) -> Diagnostic {
        finding.in_file(&self.file, self.at)
    }

    /// A finding about the key.
    pub(super) fn mark_key(&self, finding: Diagnostic) -> Diagnostic {
        finding.in_file(&self.file, self.key_at)
    }
}
