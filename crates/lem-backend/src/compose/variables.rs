//! Variables in compose files: `$X ${X} ${X:-d} ${X-d} ${X:?m} ${X?m} ${X:+a} ${X+a} $$`, nested to any use.
//!
//! The forms are those of the Compose Specification, "Interpolation". Pure: whoever asks brings the values.

use std::collections::BTreeSet;

/// Deepest nesting of `${A:-${B:-...}}`; nobody writes three levels.
const MAX_NESTING: usize = 32;

/// A text with its variables put in.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Interpolated {
    pub(super) text: String,
    /// Variables whose value is in the text.
    pub(super) used: BTreeSet<String>,
    /// Variables that are not set and for which the text names no default; they were taken as empty.
    pub(super) unset: BTreeSet<String>,
}

/// Why variables cannot be put in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum InterpolationError {
    #[error(
        "`{0}` has a `$` that starts no variable; write `$$` for a dollar sign, or a form such as `${{NAME:-default}}`"
    )]
    Lone(String),
    #[error("`{0}` has a `${{` without its `}}`; close it, or write `$${{` for the characters themselves")]
    Unclosed(String),
    #[error(
        "`${{{0}}}` is no form of a variable; write `${{NAME}}`, or one of `:- - :? ? :+ +` after the name"
    )]
    Form(String),
    #[error("the variable {name} is {state}{}; set it in the environment or in the file .env", told(message))]
    Required { name: String, state: &'static str, message: String },
    #[error("variables are nested deeper than {MAX_NESTING} levels; write fewer")]
    Nesting,
}

fn told(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(" (the file says: {message})") }
}

/// Puts the values of `lookup` into `text`.
pub(super) fn interpolate(
    text: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<Interpolated, InterpolationError> {
    let mut done = Interpolated::default();
    done.text = expand(text, lookup, &mut done, 0)?;
    Ok(done)
}

fn expand(
    text: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
    done: &mut Interpolated,
    level: usize,
) -> Result<String, InterpolationError> {
    if level > MAX_NESTING {
        return Err(InterpolationError::Nesting);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        out.push_str(&rest[..dollar]);
        let after = &rest[dollar + 1..];
        rest = if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            after
        } else if let Some(body) = after.strip_prefix('{') {
            let end = closing_brace(body).ok_or_else(|| InterpolationError::Unclosed(text.to_owned()))?;
            out.push_str(&braced(&body[..end], lookup, done, level)?);
            &body[end + 1..]
        } else {
            let name = leading_name(after);
            if name.is_empty() {
                return Err(InterpolationError::Lone(text.to_owned()));
            }
            out.push_str(&value(name, lookup, done));
            &after[name.len()..]
        };
    }
    out.push_str(rest);
    Ok(out)
}

/// What stands between `${` and `}`.
fn braced(
    body: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
    done: &mut Interpolated,
    level: usize,
) -> Result<String, InterpolationError> {
    let name = leading_name(body);
    let rest = &body[name.len()..];
    if name.is_empty() {
        return Err(InterpolationError::Form(body.to_owned()));
    }
    if rest.is_empty() {
        return Ok(value(name, lookup, done));
    }
    let (empty_counts, operator) = match rest.strip_prefix(':') {
        Some(operator) => (false, operator),
        None => (true, rest),
    };
    let written = lookup(name);
    let state = if written.is_some() { "empty" } else { "not set" };
    let set = written.filter(|value| empty_counts || !value.is_empty());
    let mut operator = operator.chars();
    let kind = operator.next();
    let word = operator.as_str();
    match (kind, set) {
        (Some('-' | '?'), Some(value)) => {
            done.used.insert(name.to_owned());
            Ok(value)
        }
        (Some('-'), None) | (Some('+'), Some(_)) => expand(word, lookup, done, level + 1),
        (Some('+'), None) => Ok(String::new()),
        (Some('?'), None) => {
            let message = expand(word, lookup, done, level + 1)?;
            Err(InterpolationError::Required { name: name.to_owned(), state, message })
        }
        _ => Err(InterpolationError::Form(body.to_owned())),
    }
}

fn value(name: &str, lookup: &dyn Fn(&str) -> Option<String>, done: &mut Interpolated) -> String {
    let value = lookup(name);
    let names = if value.is_some() { &mut done.used } else { &mut done.unset };
    names.insert(name.to_owned());
    value.unwrap_or_default()
}

/// The name at the start of `text`: a letter or `_`, then letters, digits and `_`; empty if there is none.
fn leading_name(text: &str) -> &str {
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        return "";
    }
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    &text[..end]
}

/// Where the `}` stands that closes a `${` whose content starts here.
fn closing_brace(body: &str) -> Option<usize> {
    let bytes = body.as_bytes();
    let (mut open, mut index) = (1_usize, 0);
    while index < bytes.len() {
        match (bytes[index], bytes.get(index + 1)) {
            (b'$', Some(b'$')) => index += 1,
            (b'$', Some(b'{')) => {
                open += 1;
                index += 1;
            }
            (b'}', _) => {
                open -= 1;
                if open == 0 {
                    return Some(index);
                }
            }
            _ => {}
        }
        index += 1;
    }
    None
}

/// Words that mark a variable as a secret, as parts of its name between underscores; `TOKENIZERS_PARALLELISM` is none.
const SECRET_WORDS: [&str; 12] = [
    "TOKEN",
    "SECRET",
    "SECRETS",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "CREDENTIAL",
    "CREDENTIALS",
    "KEY",
    "APIKEY",
    "PAT",
    "AUTH",
];

/// Whether a variable of this name probably holds a secret.
pub(super) fn sounds_secret(name: &str) -> bool {
    name.to_ascii_uppercase().split(['_', '-', '.']).any(|part| SECRET_WORDS.contains(&part))
}

/// Whether a value is a URL with a user's credentials, as proxies have them.
pub(super) fn holds_credentials(value: &str) -> bool {
    value.split_once("://").is_some_and(|(_, rest)| {
        rest.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@'))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Interpolated, InterpolationError, holds_credentials, interpolate, sounds_secret};

    fn lookup(name: &str) -> Option<String> {
        match name {
            "SET" => Some("value".to_owned()),
            "EMPTY" => Some(String::new()),
            "DOLLAR" => Some("$SET".to_owned()),
            _ => None,
        }
    }

    fn text(template: &str) -> String {
        interpolate(template, &lookup).expect("a sound template").text
    }

    fn error(template: &str) -> String {
        interpolate(template, &lookup).expect_err("not a sound template").to_string()
    }

    #[test]
    fn every_form_of_the_specification_has_its_meaning() {
        for (template, expected) in [
            ("$SET", "value"),
            ("${SET}", "value"),
            ("a$SET-b", "avalue-b"),
            ("${UNSET}", ""),
            ("${SET:-d}", "value"),
            ("${EMPTY:-d}", "d"),
            ("${UNSET:-d}", "d"),
            ("${SET-d}", "value"),
            ("${EMPTY-d}", ""),
            ("${UNSET-d}", "d"),
            ("${SET:?m}", "value"),
            ("${SET?m}", "value"),
            ("${EMPTY?m}", ""),
            ("${SET:+a}", "a"),
            ("${EMPTY:+a}", ""),
            ("${UNSET:+a}", ""),
            ("${SET+a}", "a"),
            ("${EMPTY+a}", "a"),
            ("${UNSET+a}", ""),
            ("${UNSET:-}", ""),
            ("$$SET", "$SET"),
            ("$${SET}", "${SET}"),
            ("100$$", "100$"),
        ] {
            assert_eq!(text(template), expected, "{template}");
        }
    }

    #[test]
    fn a_default_may_hold_variables_of_its_own() {
        assert_eq!(text("a${UNSET:-b${SET:-c}}d"), "abvalued");
        assert_eq!(text("${UNSET:-${NONE:-${EMPTY:-deep}}}"), "deep");
        assert_eq!(text("${SET:+${UNSET-x}/${SET}}"), "x/value");
        assert_eq!(text("${UNSET:-$$}"), "$");
    }

    #[test]
    fn a_default_may_hold_what_looks_like_another_form() {
        assert_eq!(text("${UNSET:-http://host:8000/a?b=c}"), "http://host:8000/a?b=c");
        assert_eq!(text("${UNSET-:-x}"), ":-x");
    }

    #[test]
    fn a_value_is_not_interpolated_again() {
        assert_eq!(text("${DOLLAR}"), "$SET");
    }

    #[test]
    fn a_default_that_is_not_taken_is_not_looked_at() {
        assert_eq!(text("${SET:-${UNSET:?needed}}"), "value");
    }

    #[test]
    fn used_and_unset_variables_are_told() {
        let done = interpolate("$SET ${UNSET} ${OTHER:-x}", &lookup).expect("sound");
        assert_eq!(done.used.into_iter().collect::<Vec<_>>(), ["SET"]);
        assert_eq!(done.unset.into_iter().collect::<Vec<_>>(), ["UNSET"]);
    }

    #[test]
    fn every_refusal_says_what_to_write() {
        insta::assert_snapshot!(
            [
                "100%$",
                "$1",
                "a $ b",
                "${SET",
                "${UNSET:-${SET}",
                "${}",
                "${1x}",
                "${SET!}",
                "${SET:}",
                "${A B}",
                "${UNSET:?}",
                "${UNSET?say which user}",
                "${EMPTY:?must not be empty, $SET}",
            ]
            .map(|template| format!("{template}\n    {}", error(template)))
            .join("\n")
        );
    }

    #[test]
    fn endless_nesting_is_refused_and_does_not_exhaust_the_stack() {
        let template = "${A:-".repeat(50_000) + &"}".repeat(50_000);
        assert_eq!(interpolate(&template, &lookup), Err(InterpolationError::Nesting));
    }

    #[test]
    fn secrets_are_known_by_the_words_of_their_names() {
        for name in ["HF_TOKEN", "hf_token", "AWS_SECRET_ACCESS_KEY", "OPENAI_API_KEY", "DB_PASSWORD"] {
            assert!(sounds_secret(name), "{name}");
        }
        for name in ["TOKENIZERS_PARALLELISM", "MAX_TOKENS", "CUDA_VISIBLE_DEVICES", "PATH", "KEYBOARD"] {
            assert!(!sounds_secret(name), "{name}");
        }
        assert!(holds_credentials("http://me:secret@proxy:3128/"));
        assert!(!holds_credentials("http://proxy:3128/a@b"));
    }

    proptest! {
        #[test]
        fn a_text_without_dollars_stays_as_it_is(template in "[^$]*") {
            let expected = Interpolated { text: template.clone(), ..Interpolated::default() };
            prop_assert_eq!(interpolate(&template, &lookup), Ok(expected));
        }

        #[test]
        fn doubling_every_dollar_gives_the_text_itself(plain in "\\PC*") {
            prop_assert_eq!(text(&plain.replace('$', "$$")), plain);
        }

        #[test]
        fn no_text_makes_it_panic(template in "([${}:?+-]|SET|EMPTY|[a-z]|\\PC){0,40}") {
            let _ = interpolate(&template, &lookup);
        }

        #[test]
        fn a_set_variable_never_shows_its_default(default in "[a-z0-9/:.]{0,20}") {
            prop_assert_eq!(text(&format!("${{SET:-{default}}}")), "value");
            prop_assert_eq!(text(&format!("${{UNSET:-{default}}}")), default);
        }
    }
}
