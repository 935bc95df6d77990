//! The one line that goes to a worker: written by the engine, read by a worker written in Rust.

use std::io::{self, BufRead, Read as _};

use thiserror::Error;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::{MAX_LINE_BYTES, excerpt};
use crate::experiment::Experiment;

/// The experiment could not be written or read.
#[derive(Debug, Error)]
pub enum ExperimentError {
    /// The stream failed: for the engine, usually a worker that died before it read.
    #[error("the experiment could not be passed to the worker: {0}")]
    Io(#[from] io::Error),
    /// The stream ended before anything came.
    #[error("standard input ended before an experiment came; the engine writes one line of JSON to it")]
    Missing,
    /// The line is longer than [`MAX_LINE_BYTES`].
    #[error("the experiment is longer than {MAX_LINE_BYTES} bytes on one line; put long prompts into a file")]
    TooLong,
    /// The line is not a valid experiment.
    #[error("the experiment is not valid: {reason}. It begins: {excerpt}")]
    Invalid {
        /// What is wrong, printable.
        reason: String,
        /// How it begins, printable.
        excerpt: String,
    },
}

impl ExperimentError {
    fn invalid(reason: &serde_json::Error, line: &[u8]) -> Self {
        Self::Invalid { reason: excerpt(reason.to_string().as_bytes()), excerpt: excerpt(line) }
    }
}

/// `experiment` as the line that goes over the wire, newline included.
///
/// It is read back before it is given out: JSON has no NaN or infinity, and what a worker cannot read must not be sent.
pub fn experiment_line(experiment: &Experiment) -> Result<Vec<u8>, ExperimentError> {
    let mut line = serde_json::to_vec(experiment).map_err(|error| ExperimentError::invalid(&error, b""))?;
    if line.len() > MAX_LINE_BYTES {
        return Err(ExperimentError::TooLong);
    }
    serde_json::from_slice::<Experiment>(&line).map_err(|error| ExperimentError::invalid(&error, &line))?;
    line.push(b'\n');
    Ok(line)
}

/// What ends a warm-up that [`Warmup::hold`](crate::Warmup::hold) keeps going.
pub const PROCEED_LINE: &[u8] = b"{\"proceed\":true}\n";

/// Writes `experiment` to a worker's standard input and flushes. The caller closes the stream afterwards, or writes
/// [`PROCEED_LINE`] to it when the time has come.
pub async fn write_experiment<W: AsyncWrite + Unpin>(
    output: &mut W,
    experiment: &Experiment,
) -> Result<(), ExperimentError> {
    output.write_all(&experiment_line(experiment)?).await?;
    output.flush().await?;
    Ok(())
}

/// Reads the experiment from a worker's standard input: one line, blocking. What follows it is left unread.
pub fn read_experiment<R: BufRead>(input: &mut R) -> Result<Experiment, ExperimentError> {
    let mut line = Vec::new();
    let limit = MAX_LINE_BYTES as u64 + 1;
    input.take(limit).read_until(b'\n', &mut line)?;
    if line.trim_ascii().is_empty() {
        return Err(ExperimentError::Missing);
    }
    if line.len() > MAX_LINE_BYTES && !line.ends_with(b"\n") {
        return Err(ExperimentError::TooLong);
    }
    serde_json::from_slice(&line).map_err(|error| ExperimentError::invalid(&error, &line))
}
