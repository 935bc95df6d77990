//! How the value of a setting is spelt in YAML, so that every reader of YAML takes it for the same value.

use super::Value;
use super::outline::Form;
use crate::yaml;

/// A value in YAML; text keeps the quotes that it had, and gets some where it would be read as something else.
pub(super) fn written(value: &Value, form: Form) -> String {
    match (value, form) {
        (Value::Text(text), Form::DoubleQuoted) => serde_json::Value::from(text.as_str()).to_string(),
        (Value::Text(text), Form::SingleQuoted) => single_quoted(text),
        (Value::Text(text), _) if !is_plain_text(text) => single_quoted(text),
        _ => value.to_string(),
    }
}

fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Whether text needs no quotes, in a block and between braces, for YAML 1.2 and 1.1 readers alike.
fn is_plain_text(text: &str) -> bool {
    let starts_well = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        || (text.starts_with("./") || text.starts_with("../"));
    let continues_well = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/:".contains(&byte));
    let is_text = yaml::parse(text).is_ok_and(|node| node.as_str() == Some(text) && node.as_bool().is_none());
    starts_well && continues_well && !text.ends_with(':') && is_text
}
