//! The only place that prints.
#![expect(clippy::print_stderr, reason = "this is the program's voice")]

use std::io::{ErrorKind, Write};

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use lem_engine::{Diagnostic, Error, Severity};
use serde::Serialize;

/// One line of text to standard output.
pub(crate) fn line(text: &str) {
    write(&format!("{text}\n"));
}

/// One line of text to standard error.
pub(crate) fn note(text: &str) {
    eprintln!("{text}");
}

/// Data as indented JSON.
pub(crate) fn json(value: &impl Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => line(&text),
        Err(error) => note(&format!("error: the result cannot be written as JSON: {error}")),
    }
}

/// Data as JSON in one line.
pub(crate) fn json_line(value: &impl Serialize) {
    match serde_json::to_string(value) {
        Ok(text) => line(&text),
        Err(error) => note(&format!("error: the result cannot be written as JSON: {error}")),
    }
}

/// A reader that has gone (`lem results | head`) wants nothing more, which is no failure.
fn write(text: &str) {
    if let Err(error) = std::io::stdout().write_all(text.as_bytes())
        && error.kind() == ErrorKind::BrokenPipe
    {
        std::process::exit(0);
    }
}

/// An error with its advice.
pub(crate) fn error(error: &Error, json: bool) {
    if json {
        eprintln!("{}", serde_json::json!({ "error": error }));
        return;
    }
    eprintln!("error: {}", error.message);
    if let Some(hint) = &error.hint {
        eprintln!("  hint: {hint}");
    }
}

/// Findings about files; notes only when asked for.
pub(crate) fn diagnostics(found: &[Diagnostic], with_notes: bool) {
    for diagnostic in found.iter().filter(|d| with_notes || d.severity > Severity::Note) {
        eprintln!("{diagnostic}");
    }
}

/// Rows under headings, columns that hold numbers to the right.
pub(crate) fn table(headings: &[&str], numbers: &[usize], rows: Vec<Vec<String>>) {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(headings.iter().copied());
    for row in rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    for number in numbers {
        if let Some(column) = table.column_mut(*number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    line(&table.trim_fmt());
}
