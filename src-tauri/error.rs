//! What a command answers instead of a result: the engine's error as it is.

pub(crate) use lem_engine::Error as CommandError;
use lem_engine::ErrorCode;

/// No project is open.
pub(crate) fn no_project() -> CommandError {
    CommandError::new(ErrorCode::NotFound, "no project folder is open").with_hint("choose or create one")
}

/// A failure of the machine or of the framework.
pub(crate) fn machine(error: impl std::fmt::Display) -> CommandError {
    CommandError::new(ErrorCode::Machine, error.to_string())
}
