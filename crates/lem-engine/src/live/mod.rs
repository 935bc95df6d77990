//! What the machine does now, for whoever watches: devices, readings, and the campaign under way.
//!
//! The engine folds facts into one [`Snapshot`] and tells each part of it that changes, so that watchers replace parts
//! and compute nothing: a window that opens in the middle of a campaign shows the same as one that was there before.
//! While no campaign runs, the monitor samples; it never samples beside a campaign.

mod cells;
mod fold;
mod monitor;
mod rest;
mod session;
mod so_far;
mod state;
mod trail;

use lem_campaign::run::CoolTarget;
use lem_measure::quality::Grade;
use lem_measure::{DeviceInfo, Provenance};
use lem_protocol::Phase;
use lem_spec::source::{Resolved, Source};
use serde::{Deserialize, Serialize};
use specta::Type;

pub(crate) use cells::{DoneBefore, DoneCell};
pub use session::Watch;
pub(crate) use state::Live;

/// News for those who watch. The first is a snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum LiveEvent {
    /// Everything; replaces whatever was known.
    Snapshot {
        /// The state.
        snapshot: Box<Snapshot>,
    },
    /// What happens now in the campaign.
    Now {
        /// All of it.
        now: Now,
    },
    /// A run of the campaign has another state.
    Run {
        /// The run; replaces the one with its index.
        run: RunCell,
    },
    /// A stretch of time began or ended.
    Span {
        /// It; replaces the one with its id.
        span: Span,
    },
    /// The worker wrote, or something should be known.
    Log {
        /// New lines.
        lines: Vec<LogLine>,
    },
    /// Ten times a second: the latest readings of all devices.
    Samples {
        /// Seconds of the live clock.
        now_s: f64,
        /// One for each device.
        readings: Vec<Reading>,
    },
    /// What is stored has changed: lists of results are stale.
    ResultsChanged,
}

/// The state of the machine and of the campaign under way.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
pub struct Snapshot {
    /// Wall time of second 0 of the live clock, in milliseconds since 1970.
    pub epoch_unix_ms: f64,
    /// Now, in seconds of the live clock.
    pub now_s: f64,
    /// The devices that are sampled.
    pub devices: Vec<DeviceInfo>,
    /// Their latest readings, in the same order.
    pub readings: Vec<Reading>,
    /// Milliseconds between samples; `None` while nobody samples.
    pub interval_ms: Option<u32>,
    /// Why nobody samples.
    pub monitor_error: Option<String>,
    /// The campaign that runs, or the last one that ended.
    pub campaign: Option<LiveCampaign>,
}

/// The latest reading of a device.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Type)]
pub struct Reading {
    /// Id of the device.
    pub device: String,
    /// Power in watts.
    pub power_w: Option<f64>,
    /// Temperature in degrees Celsius.
    pub temperature_c: Option<f64>,
    /// Share of time in which it was busy, in percent.
    pub utilization_pct: Option<f64>,
    /// Clock of the streaming multiprocessors in MHz.
    pub sm_clock_mhz: Option<f64>,
    /// Device memory in use, in bytes.
    pub memory_used_bytes: Option<f64>,
    /// Why it could not be read.
    pub error: Option<String>,
}

/// A campaign under way, or ended since the program began.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
pub struct LiveCampaign {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// When it began here, in seconds of the live clock.
    pub begun_s: f64,
    /// Every planned run, in order.
    pub runs: Vec<RunCell>,
    /// Runs, gaps and phases so far.
    pub spans: Vec<Span>,
    /// What happens now.
    pub now: Now,
    /// The last lines.
    pub log: Vec<LogLine>,
    /// The planned thermal gaps.
    pub gaps: LiveGaps,
}

/// Thermal gaps with their sources.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
pub struct LiveGaps {
    /// Within a cycle.
    pub between_experiments: ResolvedSeconds,
    /// Where the cycle changes.
    pub between_cycles: ResolvedSeconds,
}

/// Seconds, and who set them.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
pub struct ResolvedSeconds {
    /// The value in force, in seconds.
    pub value: f64,
    /// Who set it.
    pub source: Source,
    /// The same in words.
    pub source_text: String,
}

impl From<Resolved<f64>> for ResolvedSeconds {
    fn from(Resolved { value, source }: Resolved<f64>) -> Self {
        Self { value, source, source_text: source.to_string() }
    }
}

/// A planned run and how far it has come.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
pub struct RunCell {
    /// Position in the plan.
    pub index: u32,
    /// Name of the experiment.
    pub experiment: String,
    /// Backend.
    pub backend: String,
    /// Model.
    pub model: String,
    /// Cycle, from 1.
    pub cycle: u32,
    /// How far it has come.
    pub status: RunCellStatus,
    /// Id of the attempt.
    pub run_id: Option<String>,
    /// Energy of the window in joules.
    pub energy_j: Option<f64>,
    /// Its uncertainty in joules.
    pub energy_uncertainty_j: Option<f64>,
    /// Energy by output token, in joules.
    pub joules_per_output_token: Option<f64>,
    /// Whether the energy was measured.
    pub provenance: Option<Provenance>,
    /// How far its figures can be trusted.
    pub grade: Option<Grade>,
    /// From the start of the worker to the end of the run, in seconds.
    pub duration_s: Option<f64>,
    /// Why it failed.
    pub error: Option<String>,
    /// The planned gap before it, in seconds.
    pub gap_before_s: f64,
}

/// How far a planned run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum RunCellStatus {
    /// Not begun.
    Planned,
    /// Its gap is being waited out.
    Waiting,
    /// Its worker works.
    Running,
    /// It has results.
    Completed,
    /// It ended with an error.
    Failed,
    /// It was cut off.
    Interrupted,
    /// Its experiment is known well enough without it.
    NotNeeded,
}

/// A stretch of time in a campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
pub struct Span {
    /// Position among the spans.
    pub id: u32,
    /// What it is.
    pub kind: SpanKind,
    /// Name of the experiment, or of the phase.
    pub label: String,
    /// The run that it belongs to.
    pub run_index: u32,
    /// Begin, in seconds of the live clock.
    pub start_s: f64,
    /// End; `None` while it lasts.
    pub end_s: Option<f64>,
}

/// What a span is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum SpanKind {
    /// From the start of the worker to the end of the run.
    Run,
    /// A thermal gap.
    Gap,
    /// A phase of the worker.
    Phase,
}

/// What happens now in a campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
pub struct Now {
    /// In one word.
    pub state: NowState,
    /// The run at hand.
    pub run_index: Option<u32>,
    /// Id of the attempt at it.
    pub run_id: Option<String>,
    /// Its experiment.
    pub experiment: Option<String>,
    /// Its backend.
    pub backend: Option<String>,
    /// Its cycle.
    pub cycle: Option<u32>,
    /// The worker's phase.
    pub phase: Option<Phase>,
    /// The gap that is being waited out.
    pub gap: Option<GapNow>,
    /// Requests done in this phase.
    pub requests_done: Option<u32>,
    /// Requests of this phase in all.
    pub requests_total: Option<u32>,
    /// Tokens generated in the window so far.
    pub output_tokens: Option<u32>,
    /// Integral of power over the window so far, in joules: preliminary.
    pub energy_so_far_j: Option<f64>,
    /// That by the tokens so far: preliminary.
    pub joules_per_token_so_far: Option<f64>,
    /// Whether the campaign is to wait after this run.
    pub pause_asked: bool,
    /// Whether it is to end.
    pub stop_asked: bool,
    /// Runs in the plan.
    pub total: u32,
    /// Runs with results.
    pub completed: u32,
    /// Runs that failed.
    pub failed: u32,
    /// Runs still to do.
    pub remaining: u32,
    /// Expected time left in seconds: planned gaps, and the mean duration of runs so far; `None` before the first.
    pub left_s: Option<f64>,
    /// How the campaign ended, if it has.
    pub ended: Option<EndedNow>,
}

/// What a campaign does, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum NowState {
    /// Meters are opened, containers prepared.
    Preparing,
    /// It waits out a thermal gap.
    Gap,
    /// A worker works.
    Running,
    /// It was asked to wait.
    Paused,
    /// It is over.
    Ended,
}

/// What is waited for between runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum GapPurpose {
    /// That a time passes.
    Wait,
    /// That the devices cool; it ends before its time when they have.
    Cool,
    /// That the devices are recorded at rest, for the baseline.
    Baseline,
}

/// A thermal gap that is being waited out.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
pub struct GapNow {
    /// When the waiting began, in seconds of the live clock.
    pub started_s: f64,
    /// What for.
    pub purpose: GapPurpose,
    /// When it ends, at the latest.
    pub until_s: f64,
    /// The planned gap in seconds; time since the last run counts.
    pub planned_s: f64,
    /// Who set it.
    pub source_text: String,
    /// The highest temperature of a device when it began, in degrees Celsius.
    pub start_temperature_c: Option<f64>,
    /// How cool each device is to be, in the order of the snapshot's devices; absent for one without a thermometer, and
    /// nothing where no temperature is waited for.
    pub targets: Vec<Option<CoolTarget>>,
}

/// How a campaign ended.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
pub struct EndedNow {
    /// In one word.
    pub status: EndedStatus,
    /// Why.
    pub message: Option<String>,
    /// What to do.
    pub hint: Option<String>,
    /// When, in seconds of the live clock.
    pub at_s: f64,
}

/// How a campaign ended, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum EndedStatus {
    /// Every planned run was done.
    Completed,
    /// It could not go on, or too many runs failed in a row.
    Failed,
    /// It was stopped.
    Interrupted,
}

/// A line for whoever watches.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
pub struct LogLine {
    /// When, in seconds of the live clock.
    pub t_s: f64,
    /// The run that it is about.
    pub run_index: Option<u32>,
    /// Who speaks.
    pub kind: LogKind,
    /// What was said.
    pub text: String,
}

/// Who speaks in a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum LogKind {
    /// The worker's standard error.
    Log,
    /// The engine, about something that a reader of results should know.
    Warning,
    /// The engine, about a failure.
    Error,
}

/// What a person asks of the running campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Steer {
    /// End it now; it can be resumed.
    Stop,
    /// Wait after the present run.
    Pause,
    /// End the pause.
    GoOn,
    /// End the present gap.
    SkipGap,
}
