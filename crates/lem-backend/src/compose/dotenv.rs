//! `.env` and `env_file`: lines of `NAME=value`, as Docker Compose v2 reads them.
//!
//! `#` starts a comment at the start of a line and after a blank; `export` is allowed. Single quotes keep everything as it
//! is; double quotes know `\n \r \t \" \\ \$`; both may span lines. Variables are put into double-quoted and unquoted
//! values. A name without `=` is passed through from the environment. Pure: the caller reads the file.

use std::collections::BTreeMap;

use super::variables::{InterpolationError, interpolate};

/// How values are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// With quotes, comments and variables.
    Dotenv,
    /// Everything after `=` is the value (`format: raw` of an env file).
    Raw,
}

/// One `NAME=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Assignment {
    pub(super) name: String,
    /// `None`: a name without `=`.
    pub(super) value: Option<String>,
    /// From 1.
    pub(super) line: u32,
}

/// What cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DotenvFault {
    pub(super) line: u32,
    pub(super) problem: String,
}

/// Reads a file's text; a variable's value is taken from `environment` before the file's own earlier lines.
pub(super) fn parse(
    text: &str,
    format: Format,
    environment: &BTreeMap<String, String>,
) -> Result<Vec<Assignment>, DotenvFault> {
    let mut assignments: Vec<Assignment> = Vec::new();
    let mut earlier: BTreeMap<String, String> = BTreeMap::new();
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut line = 1;
    while !rest.is_empty() {
        let lookup = |name: &str| environment.get(name).or_else(|| earlier.get(name)).cloned();
        let statement = statement(rest, format, &lookup).map_err(|problem| DotenvFault { line, problem })?;
        if let Some((name, value)) = statement.assignment {
            if let Some(value) = &value {
                earlier.insert(name.clone(), value.clone());
            }
            assignments.push(Assignment { name, value, line });
        }
        let (read, unread) = rest.split_at(statement.length);
        line += u32::try_from(read.matches('\n').count()).unwrap_or(u32::MAX);
        rest = unread;
    }
    Ok(assignments)
}

/// One line, or more where quotes span lines.
struct Statement {
    /// Bytes read, the line end included; at least 1.
    length: usize,
    assignment: Option<(String, Option<String>)>,
}

type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

fn statement(text: &str, format: Format, lookup: &Lookup<'_>) -> Result<Statement, String> {
    let line_length = text.find('\n').map_or(text.len(), |end| end + 1);
    let line = text[..line_length].trim_end_matches(['\n', '\r']);
    if line.trim().is_empty() || line.trim_start().starts_with('#') {
        return Ok(Statement { length: line_length, assignment: None });
    }
    let Some(equals) = line.find('=') else {
        let bare = line.split(" #").next().unwrap_or(line);
        return Ok(Statement { length: line_length, assignment: Some((name(bare)?, None)) });
    };
    let name = name(&line[..equals])?;
    let written = &line[equals + 1..];
    let blanks = written.len() - written.trim_start_matches([' ', '\t']).len();
    let start = equals + 1 + blanks;
    let quote = text[start..].chars().next().filter(|first| matches!(first, '\'' | '"'));
    let (value, length) = match (format, quote) {
        (Format::Raw, _) => (written.to_owned(), line_length),
        (Format::Dotenv, Some(quote)) => {
            let (value, end) = quoted(&text[start + 1..], quote, lookup)?;
            (value, start + 1 + end)
        }
        (Format::Dotenv, None) => (expand(unquoted(&line[start..]), lookup)?, line_length),
    };
    Ok(Statement { length, assignment: Some((name, Some(value))) })
}

fn name(written: &str) -> Result<String, String> {
    let trimmed = written.trim();
    let name = trimmed.strip_prefix("export ").map_or(trimmed, str::trim_start);
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '\'' | '"');
    if name.is_empty() || name.contains(is_odd) {
        return Err("this line is none of `NAME=value`, `NAME` and `# a comment`".to_owned());
    }
    Ok(name.to_owned())
}

/// An unquoted value ends before a comment.
fn unquoted(written: &str) -> &str {
    let comment = written
        .char_indices()
        .zip(written.chars().skip(1))
        .find(|((_, blank), hash)| matches!(blank, ' ' | '\t') && *hash == '#')
        .map(|((index, _), _)| index);
    written[..comment.unwrap_or(written.len())].trim_end()
}

/// The value after an opening quote, and the bytes up to the end of its line.
fn quoted(text: &str, quote: char, lookup: &Lookup<'_>) -> Result<(String, usize), String> {
    let mut template = String::new();
    let mut characters = text.char_indices();
    let close = loop {
        match characters.next() {
            None => return Err(format!("the quote {quote} is not closed")),
            Some((index, character)) if character == quote => break index,
            Some((_, '\\')) if quote == '"' => match characters.next() {
                Some((_, 'n')) => template.push('\n'),
                Some((_, 'r')) => template.push('\r'),
                Some((_, 't')) => template.push('\t'),
                Some((_, '$')) => template.push_str("$$"),
                Some((_, known @ ('"' | '\\'))) => template.push(known),
                Some((_, other)) => template.extend(['\\', other]),
                None => return Err(format!("the quote {quote} is not closed")),
            },
            Some((_, character)) => template.push(character),
        }
    };
    let after = &text[close + 1..];
    let length = after.find('\n').map_or(after.len(), |end| end + 1);
    let tail = after[..length].trim();
    if !(tail.is_empty() || tail.starts_with('#')) {
        return Err("something stands after the closing quote; put the whole value in quotes".to_owned());
    }
    let value = if quote == '\'' { template } else { expand(&template, lookup)? };
    Ok((value, close + 1 + length))
}

/// Puts variables in. Messages never show a value: it may be a secret.
fn expand(template: &str, lookup: &Lookup<'_>) -> Result<String, String> {
    interpolate(template, lookup).map(|done| done.text).map_err(|error| match error {
        InterpolationError::Lone(_) | InterpolationError::Unclosed(_) | InterpolationError::Form(_) => {
            "the value has a `$` that starts no variable; put the value in single quotes, or write `$$`"
                .to_owned()
        }
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::{Format, parse};

    fn environment() -> BTreeMap<String, String> {
        BTreeMap::from([("HOME".to_owned(), "/home/me".to_owned()), ("A".to_owned(), "outer".to_owned())])
    }

    fn values(text: &str) -> Vec<(String, Option<String>)> {
        let read = parse(text, Format::Dotenv, &environment()).expect("a sound file");
        read.into_iter().map(|assignment| (assignment.name, assignment.value)).collect()
    }

    fn one(text: &str) -> String {
        values(text).pop().and_then(|(_, value)| value).expect("one value")
    }

    fn problem(text: &str) -> String {
        let fault = parse(text, Format::Dotenv, &environment()).expect_err("not sound");
        format!("{}: {}", fault.line, fault.problem)
    }

    #[test]
    fn comments_blank_lines_export_and_crlf_are_understood() {
        let text = "# comment\r\n\r\nexport PUID=1000\r\nPGID = 100 # group\n\nNAME\n";
        let expected = [("PUID", Some("1000")), ("PGID", Some("100")), ("NAME", None)];
        assert_eq!(values(text), expected.map(|(name, value)| (name.to_owned(), value.map(str::to_owned))));
    }

    #[test]
    fn a_hash_within_a_word_is_no_comment() {
        assert_eq!(one("X=a#b"), "a#b");
        assert_eq!(one("X=a #b"), "a");
        assert_eq!(one("X=#b"), "#b");
        assert_eq!(one("X=' # '"), " # ");
    }

    #[test]
    fn single_quotes_keep_and_double_quotes_expand() {
        assert_eq!(one("X='$HOME\\n'"), "$HOME\\n");
        assert_eq!(one("X=\"$HOME\\n\\$HOME\" # c"), "/home/me\n$HOME");
        assert_eq!(one("X=${HOME}/cache"), "/home/me/cache");
        assert_eq!(one("X=\"two\nlines\""), "two\nlines");
        assert_eq!(one("X="), "");
        assert_eq!(one("X=\"\""), "");
    }

    #[test]
    fn the_environment_wins_over_earlier_lines() {
        assert_eq!(one("A=inner\nB=mine\nX=$A-$B"), "outer-mine");
    }

    #[test]
    fn a_value_over_two_lines_keeps_the_line_numbers_right() {
        let read = parse("X='a\nb'\nY=1\n", Format::Dotenv, &environment()).expect("sound");
        assert_eq!(read.iter().map(|assignment| assignment.line).collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn a_raw_file_is_taken_as_it_is() {
        let read = parse("X= \"a\" # $b\n", Format::Raw, &environment()).expect("sound");
        assert_eq!(read[0].value.as_deref(), Some(" \"a\" # $b"));
    }

    #[test]
    fn every_refusal_names_its_line() {
        insta::assert_snapshot!(
            [
                "ok=1\nno name=1",
                "=1",
                "X='a",
                "X=\"a\\",
                "X='a' b",
                "X=$1",
                "X=${A",
                "X=${NONE:?needed}",
                "a b"
            ]
            .map(|text| format!("{text:?}\n    {}", problem(text)))
            .join("\n")
        );
    }

    #[test]
    fn a_refusal_shows_no_value() {
        for text in ["X=secret$1", "X='a' secret", "a secret", "X=\"secret${\""] {
            assert!(!problem(text).contains("secret"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "([=#\"'$\\\\{}\r\n \t]|[A-Z]|\\PC){0,60}") {
            let _ = parse(&text, Format::Dotenv, &environment());
            let _ = parse(&text, Format::Raw, &environment());
        }

        #[test]
        fn a_single_quoted_value_comes_back_as_it_is(value in "[^']{0,40}") {
            prop_assert_eq!(one(&format!("X='{value}'")), value);
        }
    }
}
