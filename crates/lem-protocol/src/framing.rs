//! Lines of JSON over byte streams: what the engine reads from a worker and writes to it, and the worker's side.
//!
//! The reader trusts nothing: a line that is too long, not UTF-8, not JSON or not an event is an error that quotes
//! a short, printable excerpt, and reading can go on with the next line. Memory stays bounded whatever arrives.
//! Whether the events make sense together is [`crate::conversation`]'s question; processes are nobody's here.

mod excerpt;
mod experiment;
#[cfg(test)]
mod tests;

use std::io;

use serde_json::Value;
use thiserror::Error;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

use crate::event::{EVENT_NAMES, Event, EventLine};
pub use excerpt::{EXCERPT_CHARS, excerpt};
pub use experiment::{ExperimentError, PROCEED_LINE, experiment_line, read_experiment, write_experiment};

/// The longest line that either side accepts, in bytes, without its newline.
pub const MAX_LINE_BYTES: usize = 1 << 20;

/// A line of a worker's output that is not an event. Reading can go on after every one of them but [`Self::Io`].
#[derive(Debug, Error)]
pub enum FramingError {
    /// The stream itself failed.
    #[error("the worker's messages could not be passed on: {0}")]
    Io(#[from] io::Error),
    /// The line is longer than [`MAX_LINE_BYTES`]. It is reported when the limit is passed, and again for each
    /// further stretch of that size, so that a caller who counts errors also stops an endless line.
    #[error(
        "line {line} of the worker's output is longer than {MAX_LINE_BYTES} bytes and was dropped; events are one JSON \
         object a line, free text belongs on standard error. It begins: {excerpt}"
    )]
    TooLong {
        /// Number of the line, from 1.
        line: u64,
        /// How it begins, printable.
        excerpt: String,
    },
    /// The line is not UTF-8.
    #[error("line {line} of the worker's output is not UTF-8. It begins: {excerpt}")]
    NotUtf8 {
        /// Number of the line, from 1.
        line: u64,
        /// How it begins, printable.
        excerpt: String,
    },
    /// The line is not a JSON object.
    #[error(
        "line {line} of the worker's output is not a JSON object ({reason}); free text belongs on standard error. \
         It begins: {excerpt}"
    )]
    NotJson {
        /// Number of the line, from 1.
        line: u64,
        /// What the JSON parser says, printable.
        reason: String,
        /// How it begins, printable.
        excerpt: String,
    },
    /// The line has no `t_ns`.
    #[error(
        "line {line} of the worker's output has no \"t_ns\"; every event carries CLOCK_MONOTONIC in nanoseconds. \
         It begins: {excerpt}"
    )]
    MissingTime {
        /// Number of the line, from 1.
        line: u64,
        /// How it begins, printable.
        excerpt: String,
    },
    /// The line names no event of this protocol.
    #[error(
        "line {line} of the worker's output has the unknown event {name}; known events are {}. It begins: {excerpt}",
        EVENT_NAMES.join(", ")
    )]
    UnknownEvent {
        /// Number of the line, from 1.
        line: u64,
        /// The name as it stands there, printable; `null` when there is none.
        name: String,
        /// How it begins, printable.
        excerpt: String,
    },
    /// The event is known and a field of it is missing or has a wrong type or range.
    #[error("line {line} of the worker's output is not a valid {name} event: {reason}. It begins: {excerpt}")]
    InvalidEvent {
        /// Number of the line, from 1.
        line: u64,
        /// The event.
        name: String,
        /// What is wrong with which field, printable.
        reason: String,
        /// How it begins, printable.
        excerpt: String,
    },
}

impl FramingError {
    /// The name of the variant, the same for every implementation of the protocol.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io(_) => "io",
            Self::TooLong { .. } => "too_long",
            Self::NotUtf8 { .. } => "not_utf8",
            Self::NotJson { .. } => "not_json",
            Self::MissingTime { .. } => "missing_time",
            Self::UnknownEvent { .. } => "unknown_event",
            Self::InvalidEvent { .. } => "invalid_event",
        }
    }
}

/// Reads a worker's events from its standard output.
#[derive(Debug)]
pub struct EventReader<R> {
    input: BufReader<R>,
    /// The line so far. Kept here, not in the future, so that `next` may be cancelled.
    line: Vec<u8>,
    /// Lines that have ended.
    ended: u64,
    /// The rest of this line is dropped; how much of it since it was last reported.
    dropping: Option<Dropping>,
}

/// A line that was too long, while its rest passes by.
#[derive(Debug)]
struct Dropping {
    since_report: usize,
    excerpt: String,
}

impl<R: AsyncRead + Unpin> EventReader<R> {
    /// Reads from `input`, line by line.
    pub fn new(input: R) -> Self {
        Self { input: BufReader::new(input), line: Vec::new(), ended: 0, dropping: None }
    }

    /// The next event; `None` at the end of the stream. Blank lines are passed over.
    ///
    /// Cancel safe: nothing that was read is lost when the future is dropped. After an error the next call goes on
    /// with the line after the bad one.
    pub async fn next(&mut self) -> Result<Option<EventLine>, FramingError> {
        while self.read_line().await? {
            let line = std::mem::take(&mut self.line);
            if !line.trim_ascii().is_empty() {
                return parse_event(&line, self.ended).map(Some);
            }
        }
        Ok(None)
    }

    /// Fills `self.line` with the next whole line; `false` at the end of the stream.
    async fn read_line(&mut self) -> Result<bool, FramingError> {
        loop {
            let available = self.input.fill_buf().await?;
            if available.is_empty() {
                self.ended += 1;
                self.dropping = None;
                return Ok(!self.line.is_empty());
            }
            let newline = available.iter().position(|&byte| byte == b'\n');
            let length = newline.unwrap_or(available.len());
            let fits = self.dropping.is_none() && self.line.len() + length <= MAX_LINE_BYTES;
            if self.dropping.is_none() {
                // The excerpt of an oversized line is taken from its beginning, so this much is always kept.
                let room = MAX_LINE_BYTES.saturating_sub(self.line.len());
                self.line.extend_from_slice(&available[..length.min(room)]);
            }
            self.input.consume(length + usize::from(newline.is_some()));
            if fits {
                if newline.is_some() {
                    self.ended += 1;
                    return Ok(true);
                }
                continue;
            }
            self.drop_stretch(length, newline.is_some())?;
        }
    }

    /// Counts `length` bytes of a line that is too long, and reports it when that is due.
    fn drop_stretch(&mut self, length: usize, ends: bool) -> Result<(), FramingError> {
        let line = self.ended + 1;
        let report = match &mut self.dropping {
            None => {
                let excerpt = excerpt(&std::mem::take(&mut self.line));
                self.dropping = Some(Dropping { since_report: 0, excerpt: excerpt.clone() });
                Some(excerpt)
            }
            Some(dropping) => {
                dropping.since_report += length;
                if dropping.since_report > MAX_LINE_BYTES {
                    dropping.since_report = 0;
                    Some(dropping.excerpt.clone())
                } else {
                    None
                }
            }
        };
        if ends {
            self.dropping = None;
            self.ended += 1;
        }
        report.map_or(Ok(()), |excerpt| Err(FramingError::TooLong { line, excerpt }))
    }
}

/// One line of a worker's output as an event; `number` counts lines from 1 and appears in errors.
pub fn parse_event(line: &[u8], number: u64) -> Result<EventLine, FramingError> {
    let begins = || excerpt(line);
    let Ok(text) = std::str::from_utf8(line) else {
        return Err(FramingError::NotUtf8 { line: number, excerpt: begins() });
    };
    let not_json = |reason: &str| FramingError::NotJson {
        line: number,
        reason: excerpt(reason.as_bytes()),
        excerpt: begins(),
    };
    let value: Value = serde_json::from_str(text).map_err(|error| not_json(&error.to_string()))?;
    let Some(object) = value.as_object() else {
        return Err(not_json("another kind of JSON value"));
    };
    let name = object.get("event").unwrap_or(&Value::Null);
    let Some(name) = name.as_str().filter(|name| EVENT_NAMES.contains(name)).map(str::to_owned) else {
        let name = excerpt(name.to_string().as_bytes());
        return Err(FramingError::UnknownEvent { line: number, name, excerpt: begins() });
    };
    if !object.contains_key("t_ns") {
        return Err(FramingError::MissingTime { line: number, excerpt: begins() });
    }
    serde_json::from_value(value).map_err(|error| FramingError::InvalidEvent {
        line: number,
        name,
        reason: excerpt(error.to_string().as_bytes()),
        excerpt: begins(),
    })
}

/// Writes events: the worker's side, blocking. Each event is one write and one flush, so that lines never tear.
#[derive(Debug)]
pub struct EventWriter<W> {
    output: W,
}

impl<W: io::Write> EventWriter<W> {
    /// Writes to `output`, usually standard output.
    pub fn new(output: W) -> Self {
        Self { output }
    }

    /// Writes one event that happened at `t_ns`, `CLOCK_MONOTONIC` in nanoseconds.
    ///
    /// Fails when the stream does, and with [`io::ErrorKind::InvalidData`] rather than write a line that every reader
    /// must refuse.
    pub fn write(&mut self, t_ns: i64, event: Event) -> io::Result<()> {
        let mut line = serde_json::to_vec(&EventLine { t_ns, event })?;
        if line.len() > MAX_LINE_BYTES {
            let message =
                format!("an event of {} bytes is longer than the limit of {MAX_LINE_BYTES}", line.len());
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        line.push(b'\n');
        self.output.write_all(&line)?;
        self.output.flush()
    }
}
