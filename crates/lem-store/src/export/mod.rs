//! The rows of the results as files: CSV, JSON, JSON Lines. The same rows and the same names in each.
//!
//! A missing value is an empty cell or `null`. Every row says in `measured`, `provenance` and `energy_source` whether
//! its energy was measured.

mod csv;
mod json;

use std::io::{self, Write};

use crate::ResultRow;

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Deserialize, specta::Type)]
#[serde(rename = "ExportFormat", rename_all = "snake_case")]
pub enum Format {
    /// RFC 4180, with a header. Text that a spreadsheet would run as a formula begins with an apostrophe.
    Csv,
    /// One array of objects.
    Json,
    /// One object a line.
    Jsonl,
}

impl Format {
    /// What the names of its files end in.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
        }
    }
}

/// Why rows could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The file or pipe does not take them.
    #[error("the export could not be written ({0}): check the free space and the permissions of the target")]
    Write(#[from] io::Error),
}

/// Writes `rows` to `out` and flushes it.
pub fn export(format: Format, rows: &[ResultRow], mut out: impl Write) -> Result<(), ExportError> {
    match format {
        Format::Csv => csv::write(rows, &mut out)?,
        Format::Json => json::write(rows, &mut out)?,
        Format::Jsonl => json::write_lines(rows, &mut out)?,
    }
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests;
