//! Waiting until the server answers, and what it says of itself then.

use reqwest::header::SERVER;
use serde_json::Value;

use crate::answer::cut;
use crate::clock::{monotonic_ns, nanoseconds_of, until};
use crate::failure::Failure;
use crate::report::Report;
use crate::server::{MAX_BODY, Refusal, Server, text};

/// How often the server is asked whether it is ready.
const PERIOD_NS: i64 = 200_000_000;

/// How often it is said that one still waits.
const REMINDER_NS: i64 = 60_000_000_000;

/// Longer texts are no version.
const MAX_VERSION_CHARS: usize = 100;

/// Waits for something that a server does not do before it is ready, and tells the log about it.
#[derive(Debug)]
pub(crate) struct Patience {
    since_ns: i64,
    deadline_ns: i64,
    said: Option<(String, i64)>,
}

impl Patience {
    /// Patience from now until `timeout` has passed.
    pub(crate) fn new(timeout: std::time::Duration) -> Self {
        let since_ns = monotonic_ns();
        Self { since_ns, deadline_ns: since_ns.saturating_add(nanoseconds_of(timeout)), said: None }
    }

    /// Waits before the next attempt. Fails at once with what waiting does not mend, and when time is up.
    pub(crate) async fn after(
        &mut self,
        refusal: &Refusal,
        server: &Server,
        report: &Report,
    ) -> Result<(), Failure> {
        if !refusal.may_pass() {
            return Err(refusal.failure());
        }
        let (said, now_ns) = (refusal.said(), monotonic_ns());
        if now_ns >= self.deadline_ns {
            let waited_s = (now_ns - self.since_ns) / 1_000_000_000;
            return Err(Failure::engine(format!(
                "the server at {} was not ready after {waited_s} s ({said}); its log may say why, or it needs a longer \
                 `ready_timeout_seconds`",
                server.shown()
            )));
        }
        let is_news =
            self.said.as_ref().is_none_or(|(last, at_ns)| *last != said || now_ns - at_ns >= REMINDER_NS);
        if is_news {
            report.log(&format!("waiting for the server at {} ({said})", server.shown()));
            self.said = Some((said, now_ns));
        }
        until(self.deadline_ns.min(now_ns.saturating_add(PERIOD_NS))).await;
        Ok(())
    }
}

/// The names of the models that the server serves, once it answers.
pub(crate) async fn models(
    server: &Server,
    patience: &mut Patience,
    report: &Report,
) -> Result<Vec<String>, Failure> {
    loop {
        match list_models(server).await {
            Ok(found) => return found,
            Err(refusal) => patience.after(&refusal, server, report).await?,
        }
    }
}

async fn list_models(server: &Server) -> Result<Result<Vec<String>, Failure>, Refusal> {
    let response = server.get(&["models"]).await?;
    let body = text(response, MAX_BODY).await.map_err(Refusal::Broken)?;
    let value: Value = serde_json::from_str(&body).unwrap_or(Value::Null);
    // Ollama says null where it has none.
    let Some(models) = value.get("data").filter(|data| data.is_array() || data.is_null()) else {
        return Ok(Err(Failure::engine(format!(
            "{} does not speak the OpenAI API: its list of models is {}",
            server.shown(),
            cut(&body)
        ))));
    };
    let ids = models.as_array().into_iter().flatten().filter_map(|model| model.get("id")?.as_str());
    Ok(Ok(ids.map(str::to_owned).collect()))
}

/// The version of the server: from `/version`, as vLLM has it, else from the header `Server`; `None` if neither tells.
pub(crate) async fn version(server: &Server) -> Option<String> {
    if let Ok(response) = server.get_from_root(&["version"]).await
        && let Ok(body) = text(response, MAX_BODY).await
        && let Ok(value) = serde_json::from_str::<Value>(&body)
        && let Some(version) = value.get("version").and_then(Value::as_str)
    {
        return Some(printable(version));
    }
    let header = server.get(&["models"]).await.ok();
    let header = header.as_ref().and_then(|response| response.headers().get(SERVER)?.to_str().ok());
    header.map(printable)
}

fn printable(version: &str) -> String {
    version.chars().filter(|c| !c.is_control()).take(MAX_VERSION_CHARS).collect()
}
