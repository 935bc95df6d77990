//! What this worker says. Saying does not wait: lines queue up and are passed on beside the load, so that a slow reader
//! does not delay requests.

use std::io;

use lem_protocol::{Event, EventWriter, PROTOCOL_VERSION, Phase, PhaseEdge};
use serde_json::{Value, json};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::clock::monotonic_ns;
use crate::failure::Failure;
use crate::secret::secrets_of;
use crate::{Secret, Target};

/// A line on its way to the engine, newline included.
#[derive(Debug)]
pub(crate) enum Line {
    Event(Vec<u8>),
    Log(String),
}

/// The way to the engine. Time stamps never decrease: one that is earlier than the last becomes the last.
#[derive(Debug)]
pub(crate) struct Report {
    lines: UnboundedSender<Line>,
    secrets: Vec<Secret>,
    last_ns: i64,
    greeted: bool,
}

impl Report {
    /// A report of what happens on `target`, and the lines that it will consist of.
    pub(crate) fn new(target: &Target) -> (Self, UnboundedReceiver<Line>) {
        let (sender, receiver) = unbounded_channel();
        (Self { lines: sender, secrets: secrets_of(target), last_ns: 0, greeted: false }, receiver)
    }

    /// Greets at `t_ns`; `server` is its version, where it tells one.
    pub(crate) fn hello(&mut self, t_ns: i64, server: Option<&str>) -> Result<i64, Failure> {
        self.greeted = true;
        let server = server.map_or(Value::Null, |version| self.without_secrets(version).into());
        let versions = [("server".to_owned(), server), ("lem".to_owned(), json!(env!("CARGO_PKG_VERSION")))];
        self.say(
            t_ns,
            Event::Hello {
                protocol: PROTOCOL_VERSION,
                engine: "openai".into(),
                versions: versions.into_iter().collect(),
            },
        )
    }

    /// The phase begins; its stamp, as [`Report::say`] gives it.
    pub(crate) fn begin(&mut self, t_ns: i64, phase: Phase) -> Result<i64, Failure> {
        self.say(t_ns, Event::Phase { phase, edge: PhaseEdge::Begin })
    }

    /// The phase ends; its stamp, as [`Report::say`] gives it.
    pub(crate) fn end(&mut self, t_ns: i64, phase: Phase) -> Result<i64, Failure> {
        self.say(t_ns, Event::Phase { phase, edge: PhaseEdge::End })
    }

    pub(crate) fn warn(&mut self, message: &str) -> Result<(), Failure> {
        let message = self.without_secrets(message);
        self.say(monotonic_ns(), Event::Warning { message }).map(drop)
    }

    /// Says `event`, which happened at `t_ns`; gives the stamp that it carries, which is no earlier than the last one.
    pub(crate) fn say(&mut self, t_ns: i64, event: Event) -> Result<i64, Failure> {
        self.last_ns = self.last_ns.max(t_ns);
        let mut line = Vec::new();
        EventWriter::new(&mut line)
            .write(self.last_ns, event)
            .map_err(|error| Failure::engine(format!("an event could not be written: {error}")))?;
        // When nobody takes lines any more, the reader's own failure ends the run.
        let _ = self.lines.send(Line::Event(line));
        Ok(self.last_ns)
    }

    /// A line of free text.
    pub(crate) fn log(&self, text: &str) {
        let text = self.without_secrets(text).replace(['\r', '\n'], " ");
        let _ = self.lines.send(Line::Log(format!("{text}\n")));
    }

    /// The last words of a run that failed; a greeting comes before them if there was none.
    pub(crate) fn fail(&mut self, failure: &Failure) {
        let now_ns = monotonic_ns();
        let said = if self.greeted { Ok(now_ns) } else { self.hello(now_ns, None) };
        let message = self.without_secrets(&failure.message);
        let event = Event::Error { kind: failure.kind, message, peak_memory_bytes: None };
        if let Err(unsaid) = said.and_then(|_| self.say(now_ns, event)) {
            self.log(&format!("{failure} (nor could this be reported: {unsaid})"));
        }
    }

    fn without_secrets(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| secret.hidden_in(&text))
    }
}

/// Passes lines on until there will be no more.
pub(crate) async fn pass_on(
    mut lines: UnboundedReceiver<Line>,
    mut output: impl AsyncWrite + Unpin,
    mut log: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    while let Some(line) = lines.recv().await {
        match line {
            Line::Event(line) => {
                output.write_all(&line).await?;
                output.flush().await?;
            }
            Line::Log(line) => {
                log.write_all(line.as_bytes()).await?;
                log.flush().await?;
            }
        }
    }
    Ok(())
}
