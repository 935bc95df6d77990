//! A YAML document as a tree in which every key and every value knows where it was written.
//!
//! One reader serves settings, campaigns and experiment configs, JSON included (JSON is YAML). Scalars follow the YAML 1.2
//! core schema; what `PyYAML` (YAML 1.1) would read as another number (`012`, `1_000`, `1:30`) stays text, so that such a
//! value is refused by its field and never becomes a wrong number. Aliases and `<<` are resolved here and nowhere else.
//!
//! Deliberately absent: comments, styles and byte spans (`settings::outline` has them for editing), several documents in
//! one file, keys that are not scalars, and tags of other programs; each is an error with its place.

mod build;
mod scalar;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use build::{MAX_DEPTH, MAX_SOURCE_BYTES, parse};

/// A place in a text: both numbers start at 1; columns count characters; a byte order mark has no column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, specta::Type)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Character in the line, from 1.
    pub column: u32,
}

/// A value and where it starts. The value of an alias, or one merged by `<<`, is placed where it was written once.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What stands there.
    pub value: NodeValue,
    /// Its first character; for an empty value, the place where it would be.
    pub at: Position,
}

/// The kinds of value that YAML's core schema knows.
#[derive(Debug, Clone, PartialEq)]
pub enum NodeValue {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`; `yes` and the like are text, see [`Node::as_bool`].
    Bool(bool),
    /// A whole number that fits; a larger one is a [`NodeValue::Float`].
    Int(i64),
    /// Any other number, `.nan` and `.inf` included.
    Float(f64),
    /// Text, quoted or not.
    String(String),
    /// A list, in order.
    Sequence(Vec<Node>),
    /// Keys and values in the order written, keys merged by `<<` first; each key occurs once.
    Mapping(Vec<Entry>),
}

/// One key of a mapping with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key's text; a key that is a number keeps its spelling.
    pub key: String,
    /// Where the key starts.
    pub key_at: Position,
    /// What it is set to.
    pub value: Node,
}

/// The text is not one sound YAML document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {}, column {}: {message}", at.line, at.column)]
pub struct SyntaxError {
    /// Where reading stopped.
    pub at: Position,
    /// What is wrong there.
    pub message: String,
}

impl Node {
    /// The value of `key`, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The entry of `key`, if this is a mapping that has it.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value at a dotted path such as `thermal_gaps.between_cycles`.
    pub fn path(&self, path: &str) -> Option<&Node> {
        path.split('.').try_fold(self, |node, key| node.get(key))
    }

    /// The entries of a mapping; empty for everything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            NodeValue::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a sequence; empty for everything else.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            NodeValue::Sequence(items) => items,
            _ => &[],
        }
    }

    /// Whether this is null, written or left empty.
    pub fn is_null(&self) -> bool {
        self.value == NodeValue::Null
    }

    /// Text; `None` for everything else, numbers included.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            NodeValue::String(text) => Some(text),
            _ => None,
        }
    }

    /// A boolean, or one of YAML 1.1's words for it (`yes`, `no`, `on`, `off`), as files written for `PyYAML` have them.
    pub fn as_bool(&self) -> Option<bool> {
        match &self.value {
            NodeValue::Bool(value) => Some(*value),
            NodeValue::String(text) => scalar::boolean_word(text),
            _ => None,
        }
    }

    /// A number, or text that is exactly a decimal number (`"60"`, `"1e3"`); may be NaN or infinite if written so.
    #[expect(clippy::cast_precision_loss, reason = "the caller asks for a float; whole numbers have as_i64")]
    pub fn as_f64(&self) -> Option<f64> {
        match &self.value {
            NodeValue::Int(value) => Some(*value as f64),
            NodeValue::Float(value) => Some(*value),
            NodeValue::String(text) => scalar::decimal(text),
            _ => None,
        }
    }

    /// A whole number; also a float without fraction (`4.0`, `1e3`) within the range in which floats are exact, and text
    /// that is exactly a whole number.
    pub fn as_i64(&self) -> Option<i64> {
        match &self.value {
            NodeValue::Int(value) => Some(*value),
            NodeValue::Float(value) => scalar::whole(*value),
            NodeValue::String(text) if scalar::decimal(text).is_some() => text.parse().ok(),
            _ => None,
        }
    }

    /// What kind of value this is, for messages: `a number`, `text`, `a list`, ...
    pub fn kind_name(&self) -> &'static str {
        match &self.value {
            NodeValue::Null => "null",
            NodeValue::Bool(_) => "true or false",
            NodeValue::Int(_) => "a whole number",
            NodeValue::Float(_) => "a number",
            NodeValue::String(_) => "text",
            NodeValue::Sequence(_) => "a list",
            NodeValue::Mapping(_) => "a mapping",
        }
    }

    /// The same data without positions. JSON has no NaN and no infinity: they become the text `.nan`, `.inf`, `-.inf`, so
    /// that they stay visible and no consumer takes them for a number or for nothing.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match &self.value {
            NodeValue::Null => Value::Null,
            NodeValue::Bool(value) => Value::Bool(*value),
            NodeValue::Int(value) => Value::from(*value),
            NodeValue::Float(value) => serde_json::Number::from_f64(*value)
                .map_or_else(|| Value::from(scalar::non_finite_name(*value)), Value::Number),
            NodeValue::String(text) => Value::from(text.as_str()),
            NodeValue::Sequence(items) => items.iter().map(Node::to_json).collect(),
            NodeValue::Mapping(entries) => Value::Object(
                entries.iter().map(|entry| (entry.key.clone(), entry.value.to_json())).collect(),
            ),
        }
    }
}
