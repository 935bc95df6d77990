//! Values of settings: what a field accepts, from the file or from a word of the command line.

use std::fmt;

use serde::Serialize;

use super::{Field, Kind};
use crate::yaml::{Node, NodeValue, Position};

/// The value of a setting; shown, and serialized, as it would be in the file.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// Not set, for a field that allows it.
    Null,
    /// `true` or `false`.
    Flag(bool),
    /// Seconds.
    Seconds(f64),
    /// Any other number.
    Number(f64),
    /// A word, a path or a URL.
    Text(String),
}

impl Value {
    pub(super) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(super) fn seconds(&self) -> Option<f64> {
        if let Self::Seconds(seconds) = self { Some(*seconds) } else { None }
    }

    /// A number, or nothing; an error if it is neither.
    pub(super) fn amount(&self) -> Result<Option<f64>, ()> {
        match self {
            Self::Null => Ok(None),
            Self::Number(number) => Ok(Some(*number)),
            Self::Flag(_) | Self::Seconds(_) | Self::Text(_) => Err(()),
        }
    }

    pub(super) fn flag(&self) -> Option<bool> {
        if let Self::Flag(flag) = self { Some(*flag) } else { None }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Seconds(number) | Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// The value that a node of the file gives to the field; `None` if it is out of the field's range.
pub(super) fn accept(field: &Field, node: &Node) -> Option<Value> {
    match field.kind {
        Kind::Choice(names) => node.as_str().filter(|name| names.contains(name)).map(text),
        // Adding zero makes -0 the 0 that it means.
        Kind::Seconds => node
            .as_f64()
            .filter(|value| value.is_finite() && *value >= 0.0)
            .map(|value| Value::Seconds(value + 0.0)),
        Kind::Flag => node.as_bool().map(Value::Flag),
        Kind::Backend => node.as_str().filter(|name| is_service_name(name)).map(text),
        Kind::Folder | Kind::Program => {
            node.as_str().filter(|path| !path.trim().is_empty() && is_one_line(path)).map(text)
        }
        Kind::Url | Kind::Amount | Kind::Factor if node.is_null() => Some(Value::Null),
        Kind::Amount => node.as_f64().and_then(|value| at_least(0.0, value)),
        Kind::Factor => node.as_f64().and_then(|value| at_least(1.0, value)),
        Kind::Url => node.as_str().filter(|url| is_web_url(url)).map(text),
    }
}

/// The value that a word gives to the field; `None` if it is out of the field's range. The word is what the value is,
/// not YAML: quotes would be part of it.
pub(super) fn accept_word(field: &Field, word: &str) -> Option<Value> {
    let value = match field.kind {
        Kind::Url | Kind::Amount | Kind::Factor if word == "null" => NodeValue::Null,
        _ => NodeValue::String(word.to_owned()),
    };
    accept(field, &Node { value, at: Position { line: 1, column: 1 } })
}

/// A number in range; adding zero makes -0 the 0 that it means.
fn at_least(least: f64, value: f64) -> Option<Value> {
    (value.is_finite() && value >= least).then_some(Value::Number(value + 0.0))
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

/// A character that would break a line of the file, or a terminal.
fn is_one_line(value: &str) -> bool {
    !value.chars().any(|character| character.is_control() || matches!(character, '\u{2028}' | '\u{2029}'))
}

/// The names that the compose specification allows for services: `^[a-zA-Z0-9._-]+$`.
fn is_service_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// Whether this is an absolute http(s) URL with a host, after RFC 3986 sections 3.1 and 3.2. Stricter than browsers,
/// which repair what was mistyped; looser than the RFC on characters beyond ASCII.
pub(crate) fn is_web_url(url: &str) -> bool {
    if url.chars().any(|character| {
        character.is_whitespace() || character.is_control() || "<>\"{}|\\^`".contains(character)
    }) {
        return false;
    }
    let Some((scheme, rest)) = url.split_once("://") else {
        return false;
    };
    if !(scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")) {
        return false;
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = match host_and_port.strip_prefix('[') {
        Some(bracketed) => {
            let Some((address, after)) = bracketed.split_once(']') else {
                return false;
            };
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            match after.strip_prefix(':') {
                Some(port) => (address, Some(port)),
                None if after.is_empty() => (address, None),
                None => return false,
            }
        }
        None => match host_and_port.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (host_and_port, None),
        },
    };
    !host.is_empty()
        && port
            .is_none_or(|port| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok())
}
