//! Where a value in force comes from. The command line wins over the campaign file, that over `.lem-config.yaml`, that
//! over what is built in; whoever shows or stores a value shows this beside it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The place that set a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, specta::Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Source {
    /// Nobody set it: the program's default.
    #[default]
    BuiltIn,
    /// `.lem-config.yaml`.
    Settings {
        /// Line, from 1.
        line: u32,
    },
    /// The campaign file, or a file that it names.
    Campaign {
        /// Line, from 1.
        line: u32,
    },
    /// An option of the command.
    CommandLine,
}

/// A value with the place that set it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, specta::Type)]
pub struct Resolved<T> {
    /// The value in force.
    pub value: T,
    /// Who set it.
    pub source: Source,
}

impl<T> Resolved<T> {
    /// A value with its source.
    pub fn new(value: T, source: Source) -> Self {
        Self { value, source }
    }

    /// A default of the program.
    pub fn built_in(value: T) -> Self {
        Self { value, source: Source::BuiltIn }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built in"),
            Self::Settings { line } => write!(f, ".lem-config.yaml, line {line}"),
            Self::Campaign { line } => write!(f, "campaign file, line {line}"),
            Self::CommandLine => f.write_str("command line"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Source;

    #[test]
    fn a_source_says_where_to_look() {
        assert_eq!(Source::Settings { line: 3 }.to_string(), ".lem-config.yaml, line 3");
        assert_eq!(Source::Campaign { line: 9 }.to_string(), "campaign file, line 9");
        assert_eq!(Source::CommandLine.to_string(), "command line");
        assert_eq!(Source::default().to_string(), "built in");
    }
}
