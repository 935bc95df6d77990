//! Short ways into JSON that say what is missing.

use serde_json::Value;

/// The number in a field.
#[track_caller]
pub fn number(value: &Value, field: &str) -> f64 {
    let Some(number) = value[field].as_f64() else { panic!("{field} is no number in {value:#}") };
    number
}

/// The whole number in a field.
#[track_caller]
pub fn integer(value: &Value, field: &str) -> i64 {
    let Some(number) = value[field].as_i64() else { panic!("{field} is no whole number in {value:#}") };
    number
}

/// The text in a field.
#[track_caller]
pub fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    let Some(text) = value[field].as_str() else { panic!("{field} is no text in {value:#}") };
    text
}

/// The names of an object's fields, sorted.
#[track_caller]
pub fn names(value: &Value) -> Vec<&str> {
    let Some(object) = value.as_object() else { panic!("no object: {value:#}") };
    let mut names: Vec<&str> = object.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}
