//! Why a run ends without a result: what becomes the protocol's `error`.

use lem_protocol::data::DataError;
use lem_protocol::{OutOfRange, WorkerErrorKind};

/// A failure, said once, at the end. Its message says what happened and what to do.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    pub(crate) kind: WorkerErrorKind,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn unsupported(message: impl Into<String>) -> Self {
        Self { kind: WorkerErrorKind::UnsupportedParameter, message: message.into() }
    }

    pub(crate) fn model_not_found(message: impl Into<String>) -> Self {
        Self { kind: WorkerErrorKind::ModelNotFound, message: message.into() }
    }

    pub(crate) fn out_of_memory(message: impl Into<String>) -> Self {
        Self { kind: WorkerErrorKind::OutOfMemory, message: message.into() }
    }

    pub(crate) fn engine(message: impl Into<String>) -> Self {
        Self { kind: WorkerErrorKind::Engine, message: message.into() }
    }

    /// The same failure, with what failed in front.
    pub(crate) fn of(self, what: &str) -> Self {
        Self { message: format!("{what}: {}", self.message), ..self }
    }
}

impl From<OutOfRange> for Failure {
    fn from(error: OutOfRange) -> Self {
        Self::unsupported(error.to_string())
    }
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        Self::unsupported(error.to_string())
    }
}
