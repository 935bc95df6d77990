//! One talk with a worker: what it was told, and everything that was heard.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use lem_backend::process::ProcessBackend;
use lem_backend::{Backend, Exit, Session, Start};
use lem_protocol::{
    Conversation, Event, EventLine, EventReader, Experiment, Phase, PhaseEdge, WorkerErrorKind, framing,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt as _};
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
    /// To its last word; it is told to go on when it has been held at the end of its warm-up for so long.
    Held(Duration),
}

/// What was heard.
pub(super) struct Dialogue {
    pub(super) events: Vec<EventLine>,
    pub(super) exit: Exit,
    /// The last lines of standard error.
    pub(super) stderr: String,
    pub(super) started_ns: i64,
    pub(super) ended_ns: i64,
    /// When it was told to go on.
    pub(super) told_ns: Option<i64>,
    /// From the request to end until it had ended.
    pub(super) took_to_end: Duration,
    /// Processes that went on.
    pub(super) left: Vec<u32>,
    /// Why nothing more can be said of it.
    pub(super) failed: Option<String>,
}

impl Dialogue {
    /// Nothing was heard yet.
    pub(super) fn not_begun() -> Self {
        Self {
            events: Vec::new(),
            exit: Exit::Code(-1),
            stderr: String::new(),
            started_ns: lem_power::clock::now_ns(),
            ended_ns: 0,
            told_ns: None,
            took_to_end: Duration::ZERO,
            left: Vec::new(),
            failed: None,
        }
    }

    pub(super) async fn hold(
        launcher: &[PathBuf],
        trial: &WorkerTrial,
        experiment: &Experiment,
        until: Until,
    ) -> Self {
        let mut heard = Self::not_begun();
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
            self.listen(stdout, &mut stdin, experiment, until).await
        };
        self.failed = match timeout(patience, listening).await {
            Ok(failed) => failed,
            Err(_) => Some(self.not_done(until, patience)),
        };
        drop(stdin);
        let asked = Instant::now();
        let by_itself = if until != Until::Measuring && self.failed.is_none() {
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
        stdin: &mut (impl AsyncWrite + Unpin),
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
            if let Until::Held(wait) = until
                && self.told_ns.is_none()
                && self.is_held_since(wait)
            {
                self.told_ns = Some(lem_power::clock::now_ns());
                // A worker that has gone on by itself may have closed its input.
                let _ = stdin.write_all(framing::PROCEED_LINE).await;
                let _ = stdin.flush().await;
            }
            if until == Until::Measuring && measuring {
                return None;
            }
        }
    }

    /// Whether a warm-up of one request has lasted for so long and is at its second request, or a later one.
    fn is_held_since(&self, wait: Duration) -> bool {
        let begun_ns = self.edge_ns(Phase::Warmup, PhaseEdge::Begin);
        let within = &self.events[..];
        let progress =
            within.iter().rev().take_while(|line| matches!(line.event, Event::Progress { .. })).count();
        let waited = begun_ns.zip(within.last()).map(|(begun_ns, last)| last.t_ns.saturating_sub(begun_ns));
        progress >= 2
            && waited.is_some_and(|waited_ns| i128::from(waited_ns) >= wait.as_nanos().cast_signed())
    }

    fn not_done(&self, until: Until, patience: Duration) -> String {
        let seconds = patience.as_secs();
        match (until, self.told_ns) {
            (Until::Held(_), None) => format!(
                "it reported no progress of a warm-up that was held for {seconds} s; what is silent counts as dead"
            ),
            (Until::Held(_), Some(_)) => format!("it was told to go on, and was not done after {seconds} s"),
            _ => format!("it was not done after {seconds} s"),
        }
    }

    /// When this edge of a phase was.
    pub(super) fn edge_ns(&self, wanted: Phase, at: PhaseEdge) -> Option<i64> {
        let is_edge = |line: &&EventLine| matches!(line.event, Event::Phase { phase, edge } if phase == wanted && edge == at);
        self.events.iter().find(is_edge).map(|line| line.t_ns)
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
