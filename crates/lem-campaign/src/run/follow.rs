//! Following one worker from its first event to its last.

use std::collections::BTreeMap;

use lem_backend::Control as Life;
use lem_protocol::conversation::Conversation;
use lem_protocol::framing::FramingError;
use lem_protocol::{Event, EventLine, Phase, PhaseEdge, Request, WorkerResult};
use tokio::sync::mpsc::Receiver;

use super::around::{Look, Owner};
use super::campaign::{Rig, RunError};
use super::control::Control;
use super::event::CampaignEvent;
use super::heat::{Heat, Heated};
use super::load::{self, CpuTime};
use super::outcome::{Failure, FailureKind};
use super::recording::Recording;
use super::streams::Tail;
use crate::plan::PlannedRun;

/// Lines that are not events are libraries that print where they should not; more than this is a broken worker.
const MAX_BAD_LINES: u32 = 100;

/// A worker that has sent its result may hold its output open for this long, in seconds.
const RESULT_GRACE_S: f64 = 5.0;

/// Warnings kept of one run; more are counted.
const MAX_WARNINGS: u32 = 100;

/// A time stamp may be this much ahead of the engine's own reading of the same clock.
const CLOCK_TOLERANCE_NS: i64 = 5_000_000;

/// What a worker has told so far.
#[derive(Default)]
pub(super) struct Told {
    pub(super) phases: BTreeMap<Phase, (i64, Option<i64>)>,
    pub(super) requests: Vec<Request>,
    pub(super) result: Option<WorkerResult>,
    pub(super) engine: Option<serde_json::Value>,
    pub(super) after: Option<Look>,
    /// The share of the CPUs' time that others used in the window, or why it is not known.
    pub(super) load: Option<Result<f64, String>>,
    pub(super) container: Option<lem_backend::docker::ContainerFacts>,
    pub(super) stderr: Tail,
}

/// A worker's two streams.
pub(super) struct Streams {
    pub(super) events: Receiver<Result<EventLine, FramingError>>,
    pub(super) log: Receiver<String>,
}

pub(super) struct Follower<'a, 'r> {
    pub(super) rig: &'a Rig<'a>,
    pub(super) control: &'a Control,
    pub(super) recording: &'a mut Recording<'r>,
    pub(super) run_id: &'a str,
    /// Before the worker was started: no time stamp of it is earlier.
    pub(super) started_ns: i64,
    /// The planned run and its worker, until it has said who it is.
    pub(super) worker: Option<(&'a PlannedRun, &'a mut (dyn Life + 'static))>,
    /// The planned run, and whose processes are its worker's.
    owner: Option<(&'a PlannedRun, Owner)>,
    /// The CPUs' time when the window began.
    cpu_time: Option<Result<CpuTime, String>>,
    pub(super) told: Told,
    /// A warm-up that lasts until the devices are hot.
    pub(super) heat: Option<Heat>,
    conversation: Conversation,
    bad_lines: u32,
    warnings: u32,
}

impl<'a, 'r> Follower<'a, 'r> {
    pub(super) fn new(
        rig: &'a Rig<'a>,
        control: &'a Control,
        recording: &'a mut Recording<'r>,
        run_id: &'a str,
        sample_size: u32,
        started_ns: i64,
    ) -> Self {
        Self {
            started_ns,
            rig,
            control,
            recording,
            run_id,
            worker: None,
            owner: None,
            cpu_time: None,
            told: Told::default(),
            heat: None,
            conversation: Conversation::expecting(sample_size),
            bad_lines: 0,
            warnings: 0,
        }
    }

    /// Follows until the worker closes its output. Gives the failure that ended it early, if one did.
    pub(super) async fn follow(&mut self, streams: &mut Streams) -> Result<Option<Failure>, RunError> {
        let limits = self.rig.limits;
        let run_deadline_ns = limits.run_timeout_s.map(|s| self.started_ns + nanoseconds(s));
        // Not the start of the run: a worker is not silent while its container is being made.
        let mut heard_ns = self.rig.clock.now_ns();
        loop {
            // All has been said after a result; what holds the output open then is a child, or a slow exit.
            let patience_s =
                if self.told.result.is_some() { RESULT_GRACE_S } else { limits.silence_timeout_s };
            let silent_ns = heard_ns + nanoseconds(patience_s);
            let deadline_ns = run_deadline_ns.map_or(silent_ns, |run| run.min(silent_ns));
            let look_ns = self.heat.as_ref().and_then(|heat| heat.next_look_ns(self.rig.clock.now_ns()));
            tokio::select! {
                biased;
                () = self.control.stopped() => return Ok(Some(Failure::stopped())),
                () = self.rig.clock.sleep_until(look_ns.unwrap_or(i64::MAX)), if look_ns.is_some() => {
                    self.look_at_the_heat().await?;
                }
                event = self.recording.next() => {
                    self.recording.take(event).await?;
                    if let Some(lost) = self.recording.lost() {
                        return Ok(Some(Failure::new(FailureKind::DeviceLost, lost)));
                    }
                }
                () = self.rig.clock.sleep_until(deadline_ns) => {
                    if self.told.result.is_some() {
                        return Ok(None);
                    }
                    return Ok(Some(timed_out(run_deadline_ns == Some(deadline_ns), self.rig)));
                }
                Some(line) = streams.log.recv() => {
                    heard_ns = self.rig.clock.now_ns();
                    self.log(line);
                }
                event = streams.events.recv() => {
                    heard_ns = self.rig.clock.now_ns();
                    let Some(event) = event else { return Ok(None) };
                    if let Some(failure) = self.take(event).await? {
                        return Ok(Some(failure));
                    }
                }
            }
        }
    }

    /// A line of standard error; it is kept and shown, and not written until the run ends.
    pub(super) fn log(&mut self, line: String) {
        (self.rig.show)(&CampaignEvent::Log { run_id: self.run_id.into(), line: line.clone() });
        self.told.stderr.push(line);
    }

    async fn take(&mut self, next: Result<EventLine, FramingError>) -> Result<Option<Failure>, RunError> {
        let line = match next {
            Ok(line) => line,
            Err(error) => return self.bad_line(&error).await,
        };
        if let Err(violation) = self.conversation.accept(&line) {
            return Ok(Some(broken(violation.to_string())));
        }
        if let Some(failure) = self.check_clock(line.t_ns) {
            return Ok(Some(failure));
        }
        self.tell(line).await
    }

    async fn bad_line(&mut self, error: &FramingError) -> Result<Option<Failure>, RunError> {
        self.bad_lines += 1;
        if self.bad_lines > MAX_BAD_LINES {
            return Ok(Some(broken(format!(
                "the worker wrote more than {MAX_BAD_LINES} lines that are not events; the last: {error}"
            ))));
        }
        self.warn(format!("the worker's output: {error}")).await?;
        Ok(None)
    }

    /// Time stamps from another clock would cut the wrong window, so they end the run.
    fn check_clock(&self, t_ns: i64) -> Option<Failure> {
        let now_ns = self.rig.clock.now_ns();
        (t_ns < self.started_ns - CLOCK_TOLERANCE_NS || t_ns > now_ns + CLOCK_TOLERANCE_NS).then(|| {
            broken(format!(
                "the worker's time stamp {t_ns} lies outside of the run ({} to {now_ns}); workers must stamp events \
                 with this host's CLOCK_MONOTONIC",
                self.started_ns
            ))
        })
    }

    async fn tell(&mut self, line: EventLine) -> Result<Option<Failure>, RunError> {
        let (run_id, t_ns) = (self.run_id.to_owned(), line.t_ns);
        match line.event {
            Event::Hello { engine, versions, .. } => {
                // Not earlier: it may not have been a process yet.
                self.owner = self.worker.take().map(|(planned, life)| (planned, Owner::of(life)));
                self.told.engine = Some(serde_json::json!({ "engine": engine, "versions": versions }));
            }
            Event::Phase { phase, edge } => self.phase(phase, edge, t_ns).await?,
            Event::Progress { done, total } => {
                (self.rig.show)(&CampaignEvent::Progress { run_id, done, total });
            }
            Event::Request(request) => {
                self.told.requests.push(request);
            }
            Event::Warning { message } => self.warn(message).await?,
            Event::Result(result) => self.told.result = Some(result),
            Event::Error { kind, message, peak_memory_bytes } => {
                let peak =
                    peak_memory_bytes.map_or_else(String::new, |b| format!(" (peak memory {b} bytes)"));
                return Ok(Some(Failure::new(FailureKind::Worker(kind), format!("{message}{peak}"))));
            }
        }
        Ok(None)
    }

    /// Tells a worker that warms up to go on once the devices are as hot as they will get.
    async fn look_at_the_heat(&mut self) -> Result<(), RunError> {
        let Some(heat) = self.heat.as_mut() else { return Ok(()) };
        if heat.look(self.recording.traces(), self.rig.clock.now_ns()) == Heated::Maximum {
            self.warn(
                "the temperature was still changing when warm-up had lasted for thermal.max_seconds".into(),
            )
            .await?;
        }
        Ok(())
    }

    async fn phase(&mut self, phase: Phase, edge: PhaseEdge, t_ns: i64) -> Result<(), RunError> {
        if phase == Phase::Measure {
            self.recording.refine();
        }
        match (phase, edge, self.heat.as_mut()) {
            (Phase::Warmup, PhaseEdge::Begin, Some(heat)) => heat.begin(t_ns),
            (Phase::Measure, PhaseEdge::Begin, Some(heat)) if heat.is_waiting() => {
                self.heat = None;
                let message =
                    "the worker did not wait until the devices were hot: it does not know `warmup.hold`";
                self.warn(message.into()).await?;
            }
            _ => {}
        }
        let run_id = self.run_id.to_owned();
        match edge {
            PhaseEdge::Begin => {
                if phase == Phase::Measure {
                    self.cpu_time = self.read_cpu_time(None);
                }
                self.told.phases.insert(phase, (t_ns, None));
                self.rig.tell(CampaignEvent::PhaseBegun { run_id, phase, t_ns }).await
            }
            PhaseEdge::End => {
                if let Some((_, end)) = self.told.phases.get_mut(&phase) {
                    *end = Some(t_ns);
                }
                if phase == Phase::Measure {
                    self.look_around().await?;
                }
                self.rig.tell(CampaignEvent::PhaseEnded { run_id, phase, t_ns }).await
            }
        }
    }

    /// At the end of the window: a worker that is gone owns nothing any more.
    async fn look_around(&mut self) -> Result<(), RunError> {
        self.told.load = self.cpu_time.take().map(|begin| {
            let begin = begin?;
            let end = self.read_cpu_time(Some(&begin)).unwrap_or_else(|| Err("nobody looked".into()));
            load::used_by_others(&begin, &end?)
        });
        if let Some((planned, owner)) = self.owner.take() {
            let look = self.rig.surroundings.look(planned, owner);
            self.told.after = Some(self.recording.during(look).await?);
        }
        Ok(())
    }

    fn read_cpu_time(&self, since: Option<&CpuTime>) -> Option<Result<CpuTime, String>> {
        let (planned, owner) = self.owner.as_ref()?;
        Some(self.rig.surroundings.cpu_time(planned, owner, since))
    }

    async fn warn(&mut self, message: String) -> Result<(), RunError> {
        self.warnings += 1;
        match self.warnings {
            n if n < MAX_WARNINGS => self.rig.warn(self.run_id, message).await,
            MAX_WARNINGS => {
                self.rig.warn(self.run_id, "further warnings of this run are not kept".into()).await
            }
            _ => Ok(()),
        }
    }
}

fn broken(message: String) -> Failure {
    Failure::new(FailureKind::Protocol, message)
}

fn timed_out(whole_run: bool, rig: &Rig<'_>) -> Failure {
    match rig.limits.run_timeout_s.filter(|_| whole_run) {
        Some(seconds) => Failure::new(
            FailureKind::RunTimeout,
            format!("the run took longer than {seconds} s (execution.run_timeout_seconds)"),
        ),
        None => Failure::new(
            FailureKind::SilenceTimeout,
            format!(
                "the worker said nothing for {} s (execution.silence_timeout_seconds)",
                rig.limits.silence_timeout_s
            ),
        ),
    }
}

/// Seconds as nanoseconds, at most a century: longer waits are for ever.
#[expect(clippy::cast_possible_truncation, reason = "bounded to a century")]
pub(super) fn nanoseconds(seconds: f64) -> i64 {
    (seconds.clamp(0.0, 3.2e9) * 1e9) as i64
}
