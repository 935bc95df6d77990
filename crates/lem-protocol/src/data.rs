//! The data files that an experiment names, as every worker in Rust understands them. Sees their bytes, opens none.

use std::path::Path;

use serde_json::Value;
use thiserror::Error;

/// The names under which datasets keep their prompts, in the order in which they are looked for.
const COLUMNS: [&str; 6] = ["text", "prompt", "question", "instruction", "input", "content"];

/// The names under which data says what kind of prompt it is, in the order in which they are looked for.
const GROUPS: [&str; 4] = ["category", "source", "subject", "task"];

/// What is wrong with a data file: the sentence names the file, and the line where it is in one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct DataError(String);

/// A prompt, and the part of the data that it comes from where the data says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// What is asked.
    pub text: String,
    /// Its source, category, subject or task.
    pub group: Option<String>,
}

/// The prompts in a file named `path` of these `bytes`: `.txt`, a prompt a line; `.jsonl`, an object a line; `.csv` with a
/// header. They are in the field `column`; without one, in the first that is called as prompts usually are. Blank lines are
/// passed over.
///
/// # Errors
/// Another ending than these, and anything that is no prompt.
pub fn prompts(path: &str, bytes: Vec<u8>, column: Option<&str>) -> Result<Vec<Prompt>, DataError> {
    let text = text(path, "prompts file", bytes)?;
    match ending(path).as_deref() {
        Some("txt") => {
            Ok(lines(&text).map(|(_, line)| Prompt { text: line.to_owned(), group: None }).collect())
        }
        Some("jsonl") => from_jsonl(path, &text, column),
        Some("csv") => from_csv(path, &text, column),
        _ => Err(DataError(format!("the prompts file {path} is none of .txt, .jsonl and .csv"))),
    }
}

/// These `bytes` of the file named `path`, which is called `what` in messages, as text without a byte order mark.
///
/// # Errors
/// Bytes that are not UTF-8.
pub fn text(path: &str, what: &str, bytes: Vec<u8>) -> Result<String, DataError> {
    let text = String::from_utf8(bytes)
        .map_err(|error| DataError(format!("the {what} {path} is not UTF-8: {error}")))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// What kind of file `path` says that it is: its ending in small letters, without the dot.
pub fn ending(path: &str) -> Option<String> {
    Path::new(path).extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase)
}

/// Lines that are not blank, with their numbers from 1.
pub fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty())
}

fn from_jsonl(path: &str, text: &str, column: Option<&str>) -> Result<Vec<Prompt>, DataError> {
    let mut chosen = column.map(str::to_owned);
    let mut prompts = Vec::new();
    for (number, line) in lines(text) {
        let wrong = |reason: String| DataError(format!("{path}, line {number}: {reason}"));
        let value: Value =
            serde_json::from_str(line).map_err(|error| wrong(format!("not a line of JSON ({error})")))?;
        let object = value.as_object().ok_or_else(|| wrong("not a JSON object".into()))?;
        let names: Vec<&str> = object.keys().map(String::as_str).collect();
        let name = match &chosen {
            Some(name) => name,
            None => chosen.insert(find_column(path, &names)?.to_owned()),
        };
        let found =
            object.get(name.as_str()).and_then(Value::as_str).filter(|prompt| !prompt.trim().is_empty());
        let text = found.ok_or_else(|| {
            wrong(format!("there is no text under \"{name}\"; the fields are: {}", names.join(", ")))
        })?;
        let group = find(&GROUPS, &names).and_then(|name| object.get(name)).filter(|group| !group.is_null());
        let group = group.map(|group| group.as_str().map_or_else(|| group.to_string(), str::to_owned));
        prompts.push(Prompt { text: text.to_owned(), group });
    }
    Ok(prompts)
}

fn from_csv(path: &str, text: &str, column: Option<&str>) -> Result<Vec<Prompt>, DataError> {
    let unreadable = |error: csv::Error| DataError(format!("{path}: {error}"));
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().map_err(unreadable)?.clone();
    let names: Vec<&str> = header.iter().map(str::trim).collect();
    let name = column.map_or_else(|| find_column(path, &names), Ok)?;
    let position_of = |wanted: &str| names.iter().position(|&found| found == wanted);
    let Some(position) = position_of(name) else {
        let names = names.join(", ");
        return Err(DataError(format!("{path} has no column \"{name}\"; the columns are: {names}")));
    };
    let group = find(&GROUPS, &names).and_then(position_of);
    let mut prompts = Vec::new();
    for record in reader.records() {
        let record = record.map_err(unreadable)?;
        let line = record.position().map_or(0, csv::Position::line);
        let text = record.get(position).filter(|prompt| !prompt.trim().is_empty()).ok_or_else(|| {
            DataError(format!("{path}, line {line}: there is no text in the column \"{name}\""))
        })?;
        let group = group.and_then(|group| record.get(group)).map(str::to_owned);
        prompts.push(Prompt { text: text.to_owned(), group });
    }
    Ok(prompts)
}

fn find_column<'a>(path: &str, names: &[&'a str]) -> Result<&'a str, DataError> {
    find(&COLUMNS, names).ok_or_else(|| {
        DataError(format!(
            "{path}: no field is called {}; name the one with the prompts as `column`. The fields are: {}",
            COLUMNS.join(", "),
            names.join(", ")
        ))
    })
}

/// The first of `known` among `names`, in any case.
pub fn find<'a>(known: &[&str], names: &[&'a str]) -> Option<&'a str> {
    known.iter().find_map(|&known| names.iter().copied().find(|name| name.eq_ignore_ascii_case(known)))
}

#[cfg(test)]
mod tests;
