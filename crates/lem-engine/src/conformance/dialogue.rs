//! One talk with a worker: what it was told, and everything that was heard.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use lem_backend::process::ProcessBackend;
use lem_backend::{Backend, Exit, Session, Start};
use lem_protocol::{
    Conversation, Event, EventLine, EventReader, Experiment, Phase, PhaseEdge, WorkerErrorKind, framing,
};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

use super::WorkerTrial;

/// A worker that is asked to end has this long.
const GRACE: Duration = Duration::from_secs(10);

/// How far a talk goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// To the worker's last word.
    End,
    /// Until it measures; then it is asked to end.
    Measuring,
}

/// What was heard.
pub(super) struct Dialogue {
    pub(super) events: Vec<EventLine>,
    pub(super) exit: Exit,
    /// The last lines of standard error.
    pub(super) stderr: String,
    pub(super) started_ns: i64,
    pub(super) ended_ns: i64,
    /// From the request to end until it had ended.
    pub(super) took_to_end: Duration,
    /// Processes that went on.
    pub(super) left: Vec<u32>,
    /// Why nothing more can be said of it.
    pub(super) failed: Option<String>,
}

impl Dialogue {
    pub(super) async fn hold(
        launcher: &[PathBuf],
        trial: &WorkerTrial,
        experiment: &Experiment,
        until: Until,
    ) -> Self {
        let mut heard = Self {
            events: Vec::new(),
            exit: Exit::Code(-1),
            stderr: String::new(),
            started_ns: lem_power::clock::now_ns(),
            ended_ns: 0,
            took_to_end: Duration::ZERO,
            left: Vec::new(),
            failed: None,
        };
        let backend = ProcessBackend { launcher: launcher.to_vec() };
        let start = Start { command: trial.command.clone(), ..Start::default() };
        match backend.start(&start).await {
            Ok(session) => heard.talk(session, experiment, until, trial.patience).await,
            Err(error) => heard.failed = Some(error.to_string()),
        }
        heard.ended_ns = lem_power::clock::now_ns();
        heard
    }

    async fn talk(&mut self, session: Session, experiment: &Experiment, until: Until, patience: Duration) {
        let Session { mut stdin, stdout, stderr, mut control } = session;
        let group = control.pids();
        let said = tokio::spawn(last_words(stderr));
        let listening = async {
            // A worker that does not read shows as its silence.
            let _ = framing::write_experiment(&mut stdin, experiment).await;
            self.listen(stdout, experiment, until).await
        };
        self.failed = match timeout(patience, listening).await {
            Ok(failed) => failed,
            Err(_) => Some(format!("it was not done after {} s", patience.as_secs())),
        };
        drop(stdin);
        let asked = Instant::now();
        let by_itself = if until == Until::End && self.failed.is_none() {
            timeout(GRACE, control.wait()).await.ok().and_then(Result::ok)
        } else {
            None
        };
        if by_itself.is_some() {
            self.left = group.iter().flat_map(|group| members(*group)).collect();
        }
        let stopped = control.stop(GRACE).await;
        self.took_to_end = asked.elapsed();
        self.exit = by_itself.or(stopped.ok()).unwrap_or(Exit::Code(-1));
        self.stderr = said.await.unwrap_or_default();
    }

    /// Takes events until the end; gives what broke a rule.
    async fn listen(
        &mut self,
        stdout: impl AsyncRead + Unpin,
        experiment: &Experiment,
        until: Until,
    ) -> Option<String> {
        let mut events = EventReader::new(stdout);
        let mut conversation = Conversation::expecting(experiment.workload.sample_size);
        loop {
            let line = match events.next().await {
                Ok(Some(line)) => line,
                Ok(None) => return conversation.finish().err().map(|violation| violation.to_string()),
                Err(error) => return Some(format!("its output: {error}")),
            };
            if let Err(violation) = conversation.accept(&line) {
                return Some(violation.to_string());
            }
            let measuring =
                matches!(line.event, Event::Phase { phase: Phase::Measure, edge: PhaseEdge::Begin });
            self.events.push(line);
            if until == Until::Measuring && measuring {
                return None;
            }
        }
    }

    pub(super) fn last(&self) -> Option<&Event> {
        self.events.last().map(|line| &line.event)
    }

    /// The error that it ended with.
    pub(super) fn error(&self) -> Option<(WorkerErrorKind, &str)> {
        match self.last() {
            Some(Event::Error { kind, message, .. }) => Some((*kind, message)),
            _ => None,
        }
    }
}

/// The last three lines of a stream.
async fn last_words(mut stream: impl AsyncRead + Unpin) -> String {
    let mut bytes = Vec::new();
    // What was read before an error is still worth telling.
    let _ = stream.read_to_end(&mut bytes).await;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(3)..].join(" | ")
}

/// The processes of a process group that have not ended (proc(5): the third field after the name).
fn members(group: u32) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields = stat.rsplit_once(") ").map(|(_, rest)| rest.split(' ').collect::<Vec<_>>());
        fields.is_some_and(|fields| {
            !matches!(fields.first(), Some(&("Z" | "X")))
                && fields.get(2) == Some(&group.to_string().as_str())
        })
    })
    .collect()
}
