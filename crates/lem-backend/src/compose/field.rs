//! A value of the tree together with its dotted path: what the readers of fields work with, so that every refusal names
//! its field and its line.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use super::error::{At, Fault, FaultKind, Remark};
use super::words;
use super::yaml::{Node, Value};

#[derive(Debug, Clone)]
pub(super) struct Field<'a> {
    node: &'a Node,
    path: String,
}

/// One of `NAME=value` and `NAME: value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) name: String,
    /// `None`: a name without value.
    pub(super) value: Option<String>,
    /// Whether a variable that sounds like a secret was put into the value.
    pub(super) secret: bool,
    /// Whether the value is written without quotes in a mapping, so that YAML may take it for a number.
    pub(super) plain: bool,
    pub(super) at: At,
}

impl<'a> Field<'a> {
    pub(super) fn new(node: &'a Node, path: impl Into<String>) -> Self {
        Self { node, path: path.into() }
    }

    pub(super) fn at(&self) -> At {
        self.node.at
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn node(&self) -> &'a Node {
        self.node
    }

    /// A key of this mapping; `None` if it is absent, null, or empty text, as a variable that is not set leaves it.
    pub(super) fn get(&self, key: &str) -> Option<Field<'a>> {
        let node = self.node.get(key)?;
        let is_empty = match &node.value {
            Value::Null => true,
            Value::Scalar(scalar) => scalar.text.is_empty(),
            _ => false,
        };
        (!is_empty).then(|| Field::new(node, format!("{}.{key}", self.path)))
    }

    /// What `read` makes of a key, if it is set.
    pub(super) fn optional<T>(
        &self,
        key: &str,
        read: impl FnOnce(&Field<'a>) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        self.get(key).map(|field| read(&field)).transpose()
    }

    /// What `read` makes of a key, or nothing.
    pub(super) fn or_default<T: Default>(
        &self,
        key: &str,
        read: impl FnOnce(&Field<'a>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        Ok(self.optional(key, read)?.unwrap_or_default())
    }

    pub(super) fn is_mapping(&self) -> bool {
        matches!(self.node.value, Value::Mapping(_))
    }

    pub(super) fn is_list(&self) -> bool {
        matches!(self.node.value, Value::Sequence(_))
    }

    /// The keys of a mapping with their values, null ones included.
    pub(super) fn fields(&self) -> Result<Vec<(&'a str, Field<'a>)>, Fault> {
        match &self.node.value {
            Value::Mapping(entries) => Ok(entries
                .iter()
                .map(|entry| {
                    let path = format!("{}.{}", self.path, entry.key);
                    (entry.key.as_str(), Field::new(&entry.value, path))
                })
                .collect()),
            _ => Err(self.expected("a mapping (`key: value`)")),
        }
    }

    /// The items of a list.
    pub(super) fn items(&self) -> Result<Vec<Field<'a>>, Fault> {
        match &self.node.value {
            Value::Sequence(items) => Ok(items
                .iter()
                .enumerate()
                .map(|(index, item)| Field::new(item, format!("{}[{index}]", self.path)))
                .collect()),
            _ => Err(self.expected("a list")),
        }
    }

    /// The items of a list, or the one value that stands instead of a list.
    pub(super) fn one_or_more(&self) -> Result<Vec<Field<'a>>, Fault> {
        match &self.node.value {
            Value::Scalar(_) => Ok(vec![self.clone()]),
            _ => self.items(),
        }
    }

    pub(super) fn text(&self) -> Result<String, Fault> {
        match &self.node.value {
            Value::Scalar(scalar) if scalar.plain && matches!(scalar.text.as_str(), "True" | "TRUE") => {
                Ok("true".to_owned())
            }
            Value::Scalar(scalar) if scalar.plain && matches!(scalar.text.as_str(), "False" | "FALSE") => {
                Ok("false".to_owned())
            }
            Value::Scalar(scalar) => Ok(scalar.text.clone()),
            _ => Err(self.expected("a single value")),
        }
    }

    /// Texts, from a list or from one value.
    pub(super) fn texts(&self) -> Result<Vec<String>, Fault> {
        self.one_or_more()?.iter().map(Field::text).collect()
    }

    /// `true` or `false`, also in the words of YAML 1.1.
    pub(super) fn flag(&self) -> Result<bool, Fault> {
        let text = self.text()?;
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "y" => Ok(true),
            "false" | "no" | "off" | "n" => Ok(false),
            _ => Err(self.fault(format!("`{text}` is neither true nor false"))),
        }
    }

    /// A whole number that fits `T`.
    pub(super) fn whole<T: FromStr>(&self) -> Result<T, Fault> {
        let text = self.text()?;
        text.trim()
            .parse()
            .map_err(|_| self.fault(format!("`{text}` is no whole number that is possible here")))
    }

    /// A finite number above 0.
    pub(super) fn positive(&self) -> Result<f64, Fault> {
        let text = self.text()?;
        let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite() && *number > 0.0);
        number.ok_or_else(|| self.fault(format!("`{text}` is no number above 0")))
    }

    pub(super) fn bytes(&self) -> Result<u64, Fault> {
        self.read(words::bytes)
    }

    pub(super) fn duration(&self) -> Result<std::time::Duration, Fault> {
        self.read(words::duration)
    }

    /// A command line: a list of words, or a line that is split as a shell does.
    pub(super) fn words(&self) -> Result<Vec<String>, Fault> {
        if self.is_list() { self.texts() } else { self.read(words::split) }
    }

    fn read<T>(&self, read: impl FnOnce(&str) -> Result<T, String>) -> Result<T, Fault> {
        read(&self.text()?).map_err(|problem| self.fault(problem))
    }

    /// Pairs, from a list of `NAME=value` or from a mapping.
    pub(super) fn pairs(&self) -> Result<Vec<Pair>, Fault> {
        if self.is_list() {
            return self.items()?.iter().map(Field::pair).collect();
        }
        self.fields()?
            .into_iter()
            .map(|(name, field)| {
                let value = if field.node.value == Value::Null { None } else { Some(field.text()?) };
                let plain = matches!(&field.node.value, Value::Scalar(scalar) if scalar.plain);
                Ok(Pair { name: name.to_owned(), value, secret: field.is_secret(), plain, at: field.at() })
            })
            .collect()
    }

    fn pair(&self) -> Result<Pair, Fault> {
        let text = self.text()?;
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (text, None),
        };
        if name.is_empty() {
            return Err(self.fault("a pair without name; write `NAME=value`"));
        }
        Ok(Pair { name, value, secret: self.is_secret(), plain: false, at: self.at() })
    }

    /// Pairs that all have a value; a name without one has the empty value.
    pub(super) fn map(&self) -> Result<BTreeMap<String, String>, Fault> {
        Ok(self.pairs()?.into_iter().map(|pair| (pair.name, pair.value.unwrap_or_default())).collect())
    }

    /// Whether a variable that sounds like a secret was put into this value or one below it.
    pub(super) fn is_secret(&self) -> bool {
        fn holds(node: &Node) -> bool {
            match &node.value {
                Value::Null => false,
                Value::Scalar(scalar) => scalar.secret,
                Value::Sequence(items) => items.iter().any(holds),
                Value::Mapping(entries) => entries.iter().any(|entry| holds(&entry.value)),
            }
        }
        holds(self.node)
    }

    /// Refuses keys that are not in `known`; `x-...` is always allowed.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Fault> {
        for (key, field) in self.fields()? {
            if !known.contains(&key) && !key.starts_with("x-") {
                return Err(field.fault(format!("this key is not known here; the keys are {}", list(known))));
            }
        }
        Ok(())
    }

    pub(super) fn expected(&self, what: &str) -> Fault {
        self.fault(format!("{what} is expected here, not {}", self.node.kind_name()))
    }

    pub(super) fn fault(&self, problem: impl Into<String>) -> Fault {
        Fault { at: self.at(), field: self.path.clone(), kind: FaultKind::Value, problem: problem.into() }
    }

    pub(super) fn remark(&self, message: impl Into<String>) -> Remark {
        Remark { at: self.at(), field: self.path.clone(), message: message.into() }
    }

    pub(super) fn unsupported(&self, advice: impl Into<String>) -> Fault {
        Fault { kind: FaultKind::Unsupported, ..self.fault(advice) }
    }
}

/// Words for a message: `a`, `b`, `c`.
pub(super) fn list<T: Display>(words: &[T]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
