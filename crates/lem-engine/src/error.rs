//! The one error of the engine's edge: what happened, and what to do. Rich errors end here.

use serde::Serialize;

/// What a consumer may branch on; everything else is in the sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// Something that a person wrote cannot be used: a file, an option, an id.
    BadInput,
    /// What was asked for does not exist.
    NotFound,
    /// Someone else holds what is needed: another campaign, or a file changed in the meantime.
    Conflict,
    /// The machine cannot do it: no meter, no permission, no space.
    Machine,
}

/// An error as programs show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error, specta::Type)]
#[serde(rename = "CommandError")]
#[error("{message}")]
pub struct Error {
    /// What a consumer may branch on.
    pub code: ErrorCode,
    /// What happened, and where.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Error {
    /// An error without a hint.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None }
    }

    /// The same error with advice.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A file that cannot be read or written.
    pub(crate) fn file(action: &str, path: &std::path::Path, source: &std::io::Error) -> Self {
        let code = match source.kind() {
            std::io::ErrorKind::NotFound => ErrorCode::NotFound,
            _ => ErrorCode::Machine,
        };
        Self::new(code, format!("{}: cannot be {action}: {source}", path.display()))
    }
}

impl From<lem_store::StoreError> for Error {
    fn from(error: lem_store::StoreError) -> Self {
        use lem_store::StoreError;
        let code = match &error {
            StoreError::Absent { .. } | StoreError::NotFound { .. } => ErrorCode::NotFound,
            StoreError::ShortId { .. } | StoreError::AmbiguousId { .. } => ErrorCode::BadInput,
            StoreError::Busy { .. } | StoreError::WrongState { .. } | StoreError::Newer { .. } => {
                ErrorCode::Conflict
            }
            _ => ErrorCode::Machine,
        };
        Self::new(code, error.to_string())
    }
}
