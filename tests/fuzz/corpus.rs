//! What the hunts start from: the files that the repository's own tests and examples are made of.

use std::fs;
use std::path::{Path, PathBuf};

use lem_tests::repository;

/// The files beneath a folder of the repository, or a file itself, in a fixed order.
pub(crate) fn files(path: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(&repository().join(path), &mut found);
    found.sort();
    assert!(!found.is_empty(), "{path} holds no file: the hunt would start from nothing");
    found
}

fn collect(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("a folder of the repository").flatten() {
            collect(&entry.path(), found);
        }
    } else {
        found.push(path.to_owned());
    }
}

/// The contents of [`files`] whose names end with one of these.
pub(crate) fn contents(path: &str, endings: &[&str]) -> Vec<Vec<u8>> {
    let wanted = |file: &PathBuf| endings.iter().any(|ending| file.to_string_lossy().ends_with(ending));
    files(path)
        .into_iter()
        .filter(wanted)
        .map(|file| fs::read(file).expect("a file of the repository"))
        .collect()
}

/// A message without what it quotes and counts: messages that differ in those alone are one kind of answer.
pub(crate) fn shape(message: &str) -> String {
    let unquoted = message.split(['`', '"', '\'']).step_by(2);
    unquoted
        .flat_map(|part| part.chars().filter(|c| c.is_ascii_alphabetic() || *c == ' '))
        .take(120)
        .collect()
}

/// Text as a file of a user may hold it; readers of text are not given other bytes.
pub(crate) fn text(input: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(input)
}

/// What means something in YAML.
pub(crate) const YAML: &[&str] = &[
    "<<: *a\n",
    "&a ",
    "*a",
    "!!binary ",
    "!!str ",
    "!!float ",
    "!x ",
    "%YAML 1.2\n---\n",
    "---\n",
    "...\n",
    "? ",
    ": ",
    "- ",
    "|\n",
    ">-\n",
    "|+2\n",
    "#",
    " # c\n",
    "{",
    "}",
    "[",
    "]",
    ",",
    "''",
    "\"\"",
    "\"\\u0000\"",
    "\"\\x7f\"",
    "\"\\ud800\"",
    "~",
    "null",
    "true",
    "no",
    ".nan",
    ".inf",
    "-.inf",
    "-0",
    "-1",
    "0",
    "0x10",
    "0o17",
    "012",
    "1_000",
    "1e309",
    "1e-400",
    "0.1",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "99999999999999999999999999",
    "1.7976931348623157e308",
    "4294967296",
    "\t",
    "\u{0}",
    "\u{feff}",
    "\r\n",
    "\u{85}",
    "\u{2028}",
    "🦀",
    "é",
    "e\u{301}",
    "\u{202e}",
    "@",
    "%",
    "`",
];
