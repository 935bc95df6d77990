//! Load on an OpenAI-compatible server, told as a worker tells it.
//!
//! [`run()`] reads one experiment, sends its requests to a server over HTTP, and writes the events of
//! [`lem_protocol`]: to the engine it is a worker like any other. It neither starts nor stops the server, and it
//! measures no energy.
//!
//! The measurement window is the steady state: requests are sent without a break from warm-up through the window, so
//! that the server is under its load when the window opens and still is when it closes. A request is measured when it
//! finishes inside of the window, and `index` counts the measured requests in the order in which they finished. Of
//! requests that were already under way when the window opened, and of those that still are when it closes, only the
//! tokens that came in the window are in the totals.

mod answer;
mod ask;
mod body;
mod clock;
mod counting;
mod effective;
mod failure;
mod hold;
mod load;
mod models;
mod probe;
mod proceed;
mod prompts;
mod ready;
mod record;
mod report;
mod run;
mod secret;
mod server;
mod settings;
mod sse;
mod tls;
mod traffic;
mod under_way;
mod warmup;
mod window;

use std::fmt;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

pub use secret::Secret;

/// A server under load. `Debug` leaves out its address, because there may be a secret in the query.
#[derive(Clone)]
pub struct Target {
    /// Where its API is, as `http://127.0.0.1:8000/v1`. A query in it is sent and never told.
    pub base_url: String,
    /// Which of its endpoints is asked.
    pub api: Api,
    /// Goes into the `Authorization` header as a bearer token, and nowhere else.
    pub api_key: Option<Secret>,
    /// How long to wait until the server answers, from now.
    pub ready_timeout: Duration,
    /// When the server's start began, `CLOCK_MONOTONIC` in nanoseconds: the phase `load` begins then.
    pub served_since_ns: i64,
}

impl fmt::Debug for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { api, api_key, ready_timeout, .. } = self;
        let mut shown = formatter.debug_struct("Target");
        shown.field("api", api).field("api_key", api_key).field("ready_timeout", ready_timeout);
        shown.finish_non_exhaustive()
    }
}

/// An endpoint for text generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// `chat/completions`: the server puts the prompt into the chat template of the model.
    Chat,
    /// `completions`: the prompt as it is.
    Completions,
}

impl Api {
    /// The name in campaigns and results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Completions => "completions",
        }
    }

    /// Its path under the base URL.
    pub(crate) fn path(self) -> &'static [&'static str] {
        match self {
            Self::Chat => &["chat", "completions"],
            Self::Completions => &["completions"],
        }
    }
}

/// Carries out the one experiment that comes over `input`: events go to `output`, free text to `log`. Where the experiment
/// holds its warm-up, that ends with another line of `input`, or with its end.
///
/// `true` when the last event is a result, `false` when it is an error. Fails only when `output` or `log` do.
/// `hello` names the version of the server and is therefore said when the server answers; until then `log` tells what
/// is waited for, once a minute at least. Dropping the future ends everything, requests under way included. It needs a
/// runtime of tokio with its I/O and its timer.
pub async fn run(
    target: Target,
    input: impl AsyncRead + Unpin + Send,
    output: impl AsyncWrite + Unpin + Send,
    log: impl AsyncWrite + Unpin + Send,
) -> io::Result<bool> {
    let (mut report, lines) = report::Report::new(&target);
    let work = async move { Ok(run::carry_out_or_say(&target, input, &mut report).await) };
    let (success, ()) = tokio::try_join!(work, report::pass_on(lines, output, log))?;
    Ok(success)
}
