//! What can be wrong with a compose file, each with its place and what to do about it.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file, as it was named.
    pub file: PathBuf,
    /// Line, from 1; `None` is the file as a whole.
    pub line: Option<u32>,
}

impl Place {
    pub(super) fn whole(file: &Path) -> Self {
        Self { file: file.to_owned(), line: None }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.file.display()),
            None => write!(f, "{}", self.file.display()),
        }
    }
}

/// Something that is used as it is but that the user should know: without effect in LEM, or perhaps not as meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// Where it is written.
    pub place: Place,
    /// The dotted path of the field, such as `services.vllm.restart`.
    pub field: String,
    /// What to know.
    pub message: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.place, self.field, self.message)
    }
}

/// Why a compose file, or one service of it, cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// A file cannot be read.
    #[error("{place}: `{}` cannot be read{}: {problem}", file.display(), as_field(field))]
    Unreadable {
        /// Who asks for the file.
        place: Place,
        /// The field that asks for it; empty for the compose file itself.
        field: String,
        /// The file.
        file: PathBuf,
        /// What the system said, and what to do.
        problem: String,
    },
    /// A file is not YAML, or an env file is not made of `NAME=value` lines.
    #[error("{place}: {problem}")]
    Syntax {
        /// Where reading stopped.
        place: Place,
        /// What is wrong there.
        problem: String,
    },
    /// The service is not in the file.
    #[error("{}: there is no service `{wanted}`; {}", file.display(), known_services(known, nearest.as_deref()))]
    NoService {
        /// The compose file.
        file: PathBuf,
        /// The service that was asked for.
        wanted: String,
        /// Those that exist, in the order of the file.
        known: Vec<String>,
        /// The one that is probably meant.
        nearest: Option<String>,
    },
    /// A field holds what it cannot hold.
    #[error("{place}: {field}: {problem}")]
    Value {
        /// Where the value is written.
        place: Place,
        /// Its dotted path.
        field: String,
        /// What is wrong, and what to write.
        problem: String,
    },
    /// A variable is missing or misspelt.
    #[error("{place}: {field}: {problem}")]
    Variable {
        /// Where it is used.
        place: Place,
        /// The field that uses it.
        field: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// Compose knows it, LEM does not do it, and leaving it out would change what runs.
    #[error("{place}: {field}: LEM does not support this: {advice}")]
    Unsupported {
        /// Where it is written.
        place: Place,
        /// Its dotted path.
        field: String,
        /// What to do instead.
        advice: String,
    },
}

fn as_field(field: &str) -> String {
    if field.is_empty() { String::new() } else { format!(" ({field})") }
}

fn known_services(known: &[String], nearest: Option<&str>) -> String {
    let list = || known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match (known.is_empty(), nearest) {
        (true, _) => "the file defines no service".to_owned(),
        (false, Some(nearest)) => format!("is `{nearest}` meant? The file defines {}", list()),
        (false, None) => format!("the file defines {}", list()),
    }
}

/// What the pure parts report: a [`ComposeError`] before its file has a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: At,
    pub(super) field: String,
    pub(super) kind: FaultKind,
    pub(super) problem: String,
}

/// Which [`ComposeError`] a [`Fault`] becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FaultKind {
    Value,
    Variable,
    Unsupported,
}

/// What the pure parts remark: a [`Note`] before its file has a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Remark {
    pub(super) at: At,
    pub(super) field: String,
    pub(super) message: String,
}

/// A line of one of the files that were read; which one is known to [`super::sources::Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At {
    pub(super) source: usize,
    pub(super) line: u32,
}
