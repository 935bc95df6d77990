//! One finding about a file that a user wrote: what, where, and what to do.
//!
//! Findings are data: nothing here prints, and reading goes on after one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::yaml::Position;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing needs to be done.
    Note,
    /// Read, but perhaps not as meant.
    Warning,
    /// Not usable as written.
    Error,
}

/// One finding about a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Diagnostic {
    /// How much it matters.
    pub severity: Severity,
    /// A stable word for programs, such as `unknown_key`.
    pub code: String,
    /// What was found.
    pub message: String,
    /// What to do about it, where that is known.
    pub hint: Option<String>,
    /// The file, as the user named it.
    pub file: Option<String>,
    /// Where in the file.
    pub at: Option<Position>,
    /// The dotted path of the field that it is about.
    pub field: Option<String>,
}

impl Diagnostic {
    /// A finding without place, field or hint.
    pub fn new(severity: Severity, code: &str, message: impl Into<String>) -> Self {
        Self {
            severity,
            code: code.to_owned(),
            message: message.into(),
            hint: None,
            file: None,
            at: None,
            field: None,
        }
    }

    /// An error, see [`Diagnostic::new`].
    pub fn error(code: &str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    /// A warning, see [`Diagnostic::new`].
    pub fn warning(code: &str, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    /// A note, see [`Diagnostic::new`].
    pub fn note(code: &str, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, code, message)
    }

    /// The same finding with advice.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same finding, placed in a file.
    #[must_use]
    pub fn in_file(mut self, file: &str, at: Position) -> Self {
        self.file = Some(file.to_owned());
        self.at = Some(at);
        self
    }

    /// The same finding, about a field.
    #[must_use]
    pub fn about(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// `file:line:column: error: message (hint: ...)`, without the parts that are not known.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}:")?;
        }
        if let Some(Position { line, column }) = self.at {
            write!(f, "{line}:{column}:")?;
        }
        if self.file.is_some() || self.at.is_some() {
            f.write_str(" ")?;
        }
        write!(f, "{}: {}", self.severity, self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " (hint: {hint})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_says_as_much_as_is_known() {
        let place = Position { line: 3, column: 7 };
        let bare = Diagnostic::note("x", "nothing to do");
        assert_eq!(bare.to_string(), "note: nothing to do");
        let full = Diagnostic::error("x", "cycles is 0")
            .with_hint("use 1 or more")
            .in_file("a.yaml", place)
            .about("cycles");
        assert_eq!(full.to_string(), "a.yaml:3:7: error: cycles is 0 (hint: use 1 or more)");
        let without_file = Diagnostic { file: None, ..full };
        assert_eq!(without_file.to_string(), "3:7: error: cycles is 0 (hint: use 1 or more)");
    }

    #[test]
    fn an_error_outranks_a_warning_and_that_a_note() {
        assert!(Severity::Error > Severity::Warning && Severity::Warning > Severity::Note);
    }

    #[test]
    fn findings_are_data() {
        insta::assert_json_snapshot!(Diagnostic::warning("x", "m").in_file("a.yaml", Position { line: 1, column: 2 }), @r#"
        {
          "severity": "warning",
          "code": "x",
          "message": "m",
          "hint": null,
          "file": "a.yaml",
          "at": {
            "line": 1,
            "column": 2
          },
          "field": null
        }
        "#);
    }
}
