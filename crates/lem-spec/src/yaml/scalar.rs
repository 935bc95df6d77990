//! Which value a scalar's text is: YAML 1.2, chapter 10.3 (core schema), plus the lenient readings that fields may ask for.

use super::NodeValue;

/// Largest magnitude below which every whole number is an exact f64.
const EXACT_IN_F64: f64 = 9_007_199_254_740_992.0;

/// The value of an unquoted scalar.
pub(super) fn plain(text: &str) -> NodeValue {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => NodeValue::Null,
        "true" | "True" | "TRUE" => NodeValue::Bool(true),
        "false" | "False" | "FALSE" => NodeValue::Bool(false),
        _ => number(text).unwrap_or_else(|| NodeValue::String(text.to_owned())),
    }
}

/// The number that an unquoted scalar is, if it is one.
///
/// `012` is 12 in YAML 1.2 and 10 in YAML 1.1: whoever wrote it means one of them, so it is left as text.
pub(super) fn number(text: &str) -> Option<NodeValue> {
    if let Some(digits) = text.strip_prefix("0x") {
        return i64::from_str_radix(digits, 16).ok().filter(|_| unsigned(digits)).map(NodeValue::Int);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return i64::from_str_radix(digits, 8).ok().filter(|_| unsigned(digits)).map(NodeValue::Int);
    }
    let (negative, unsigned_text) = split_sign(text);
    match unsigned_text {
        ".inf" | ".Inf" | ".INF" => {
            return Some(NodeValue::Float(if negative { f64::NEG_INFINITY } else { f64::INFINITY }));
        }
        _ if matches!(text, ".nan" | ".NaN" | ".NAN") => return Some(NodeValue::Float(f64::NAN)),
        _ => {}
    }
    if !is_decimal(unsigned_text) {
        return None;
    }
    if unsigned_text.bytes().all(|byte| byte.is_ascii_digit()) {
        if unsigned_text.len() > 1 && unsigned_text.starts_with('0') {
            return None;
        }
        if let Ok(value) = text.parse() {
            return Some(NodeValue::Int(value));
        }
    }
    text.parse().ok().map(NodeValue::Float)
}

/// Text that is exactly a finite decimal number, without the ambiguous leading zeros of `012`.
pub(super) fn decimal(text: &str) -> Option<f64> {
    match number(text)? {
        NodeValue::Float(value) if value.is_finite() => Some(value),
        NodeValue::Int(_) => text.parse().ok(),
        _ => None,
    }
}

/// A float without fraction as a whole number, where floats are exact.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the magnitude is checked against 2^53 and the fraction against 0"
)]
pub(super) fn whole(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && value.abs() <= EXACT_IN_F64).then_some(value as i64)
}

/// The words for booleans of YAML 1.1 (<https://yaml.org/type/bool.html>), in the spellings that `PyYAML` takes.
pub(super) fn boolean_word(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

/// YAML's spelling of a number that JSON cannot write.
pub(super) fn non_finite_name(value: f64) -> &'static str {
    if value.is_nan() {
        ".nan"
    } else if value > 0.0 {
        ".inf"
    } else {
        "-.inf"
    }
}

/// Digits only: Rust's parsers would take a sign after `0x`.
fn unsigned(digits: &str) -> bool {
    !digits.starts_with(['+', '-'])
}

fn split_sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// `( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?` of the core schema, sign removed.
fn is_decimal(text: &str) -> bool {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(split_sign(exponent).1)),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mantissa_is_sound = digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty());
    mantissa_is_sound && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent))
}
