//! One request: sent, its answer read as it streams, each chunk stamped when it came off the connection.
//!
//! All chunks of one read share a stamp: the server sent them together, or they met on the way.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Response, StatusCode};

use crate::Api;
use crate::answer::{Chunk, parse};
use crate::clock::monotonic_ns;
use crate::failure::Failure;
use crate::record::Record;
use crate::server::{Refusal, Server, accepted, reason};
use crate::sse::Events;

/// How long a connection is kept after its answer, for the server to end the response properly.
const REST_TIMEOUT: Duration = Duration::from_secs(1);

/// An answer that is complete.
pub(crate) struct Answered {
    /// When it was, `CLOCK_MONOTONIC` in nanoseconds.
    pub(crate) end_ns: i64,
    /// What is left of the response.
    rest: Response,
}

impl Answered {
    /// Reads the rest, so that the connection can serve another request.
    pub(crate) async fn read_rest(mut self) {
        let rest = async { while let Ok(Some(_)) = self.rest.chunk().await {} };
        // A server that does not end its response loses a connection, and nothing else.
        let _ = tokio::time::timeout(REST_TIMEOUT, rest).await;
    }
}

/// Sends `body` and reads the answer into `record`; `on_first` is told when the first text was there.
pub(crate) async fn ask(
    server: &Server,
    api: Api,
    body: Vec<u8>,
    record: &Mutex<Record>,
    mut on_first: impl FnMut(i64),
) -> Result<Answered, Refusal> {
    let request = server.post(api.path(), body);
    lock(record).sent_ns = monotonic_ns();
    let mut response = accepted(request.send().await).await?;
    check_streams(&response)?;
    let mut events = Events::default();
    let mut found = Vec::new();
    loop {
        let piece = response.chunk().await;
        let at_ns = monotonic_ns();
        let ended = match &piece {
            Ok(Some(piece)) => events.push(piece, &mut found).map(|()| false),
            Ok(None) => std::mem::take(&mut events).finish().map(|last| {
                found.extend(last);
                true
            }),
            Err(_) => Ok(true),
        };
        let ended = ended.map_err(|error| Refusal::Broken(error.to_string()))?;
        if take(&mut found, at_ns, record, &mut on_first)? || (ended && lock(record).finished) {
            return Ok(Answered { end_ns: at_ns, rest: response });
        }
        if ended {
            return Err(broke_off(record, piece.err()));
        }
    }
}

/// Takes the events that were found into the record; `true` when one says that the answer is complete.
fn take(
    found: &mut Vec<String>,
    at_ns: i64,
    record: &Mutex<Record>,
    on_first: &mut impl FnMut(i64),
) -> Result<bool, Refusal> {
    for data in found.drain(..) {
        if data.trim() == "[DONE]" {
            return if lock(record).is_empty() { Err(nothing_came()) } else { Ok(true) };
        }
        if data.trim().is_empty() {
            continue;
        }
        let chunk = parse(&data).map_err(Refusal::Broken)?;
        if let Chunk::Error(message) = chunk {
            return Err(Refusal::Broken(format!("the server gave up within its answer: {message}")));
        }
        let is_first = lock(record).take(at_ns, &chunk);
        if is_first {
            on_first(at_ns);
        }
    }
    Ok(false)
}

fn check_streams(response: &Response) -> Result<(), Refusal> {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/json") {
        let message = "the server answered as a whole although it was asked to stream; nothing can be timed";
        return Err(Refusal::Broken(message.into()));
    }
    Ok(())
}

fn nothing_came() -> Refusal {
    Refusal::Broken("the server ended its answer before there was anything in it".into())
}

fn broke_off(record: &Mutex<Record>, error: Option<reqwest::Error>) -> Refusal {
    let chunks = lock(record).chunks();
    let why = error.map_or_else(
        || "the server's response ended, and it did not say that the answer does".into(),
        reason,
    );
    Refusal::Broken(format!("the answer broke off after {chunks} chunks with text: {why}"))
}

/// Whether a server that does not find something speaks of a model, and not of the address under which it lists them.
fn is_about_model(message: &str) -> bool {
    message.to_ascii_lowercase().replace("/models", "").contains("model")
}

/// The record, also after a panic elsewhere: nothing in it can be half done.
pub(crate) fn lock(record: &Mutex<Record>) -> std::sync::MutexGuard<'_, Record> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Refusal {
    /// Whether the server may have yet to load its model.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Status(status, _) => {
                status.is_server_error()
                    || matches!(
                        *status,
                        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
                    )
            }
            Self::Broken(_) => !self.is_about_certificate(),
        }
    }

    fn is_about_certificate(&self) -> bool {
        matches!(self, Self::Broken(message) if message.contains("invalid peer certificate"))
    }

    /// What happened, in words.
    pub(crate) fn said(&self) -> String {
        match self {
            Self::Status(status, message) => format!("status {}: {message}", status.as_u16()),
            Self::Broken(message) => message.clone(),
        }
    }

    /// The failure of a run, with what to do.
    pub(crate) fn failure(&self) -> Failure {
        let said = self.said();
        if said.to_ascii_lowercase().contains("out of memory") {
            return Failure::out_of_memory(format!("the server ran out of memory ({said})"));
        }
        if self.is_about_certificate() {
            return Failure::engine(format!(
                "this system does not trust the server's certificate ({said}); add its authority to those of the system"
            ));
        }
        let Self::Status(status, message) = self else {
            return Failure::engine(said);
        };
        match *status {
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => Failure::unsupported(format!(
                "the server refuses a parameter ({said}); change it, or leave it out"
            )),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Failure::engine(format!(
                "the server refuses access ({said}); name the variable that holds its API key as `api_key_env`"
            )),
            StatusCode::NOT_FOUND if is_about_model(message) => {
                Failure::model_not_found(format!("the server does not have the model ({said})"))
            }
            StatusCode::NOT_FOUND => Failure::engine(format!(
                "the server does not know this endpoint ({said}); its address ends in /v1 for most servers, and `api` \
                 must be one that it speaks"
            )),
            other if other.is_redirection() => Failure::engine(format!(
                "the server redirects (status {}), which is not followed; give the address that it redirects to",
                other.as_u16()
            )),
            _ => Failure::engine(format!("the server failed ({said}); its log may say why")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_server_that_starts_may_say_is_waited_out() {
        let status = |code| Refusal::Status(StatusCode::from_u16(code).unwrap(), "x".into());
        assert_eq!(
            [503, 502, 429, 404, 401, 308].map(|code| status(code).may_pass()),
            [true, true, true, false, false, false]
        );
        assert!(Refusal::Broken("error sending request (Connection refused)".into()).may_pass());
        let untrusted =
            Refusal::Broken("error sending request (invalid peer certificate: UnknownIssuer)".into());
        assert!(!untrusted.may_pass() && untrusted.failure().message.contains("does not trust"));
    }
}
