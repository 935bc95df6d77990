//! What happens in a campaign, as facts. Whoever shows them derives the rest.

use lem_measure::{DeviceInfo, Sample};
use lem_protocol::{Phase, Request};
use lem_spec::campaign::ThermalMode;
use serde::Serialize;

use super::baseline::IdlePower;
use super::outcome::RunOutcome;

/// When a device counts as cool.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, specta::Type)]
pub struct CoolTarget {
    /// Its temperature at rest before the first run, in degrees Celsius.
    pub reference_c: f64,
    /// It is cool at this temperature and below, in degrees Celsius.
    pub cool_at_c: f64,
}

/// One fact. It was made durable before anyone else hears of it; samples alone are shown at once and become durable
/// within a second.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum CampaignEvent {
    /// The meters are open and the first run is next.
    CampaignStarted {
        /// Identifies the campaign.
        campaign_id: String,
        /// Its name.
        name: String,
        /// Runs in the plan.
        runs: usize,
        /// Runs still to do.
        remaining: usize,
        /// The devices that are sampled.
        devices: Vec<DeviceInfo>,
    },
    /// An attempt at a planned run exists; its gap comes next.
    RunBegun {
        /// Identifies the attempt.
        run_id: String,
        /// Position in the plan.
        index: usize,
        /// Cycle, from 1.
        cycle: u32,
        /// Name of the experiment.
        experiment: String,
        /// The gap before it, in seconds.
        gap_planned_s: f64,
    },
    /// The gap before a run is being waited out.
    GapStarted {
        /// The run that waits.
        run_id: String,
        /// The planned gap in seconds, at most where it waits for the devices to cool.
        planned_s: f64,
        /// What is left of it: time since the last run counts.
        remaining_s: f64,
        /// Where the planned value comes from.
        source: String,
        /// How it ends.
        mode: ThermalMode,
        /// What it waits for of each device, in the order of the devices; nothing in a gap of fixed length, and before
        /// there is a state to come back to.
        targets: Vec<Option<CoolTarget>>,
    },
    /// The gap is over.
    GapEnded {
        /// The run that waited.
        run_id: String,
        /// Time since the end of the last run in seconds; absent before the first.
        actual_s: Option<f64>,
        /// Why it ended.
        because: GapEnd,
        /// How it was to end.
        mode: ThermalMode,
        /// Temperature of the hottest device when it began, in degrees Celsius.
        start_temperature_c: Option<f64>,
        /// The same when it ended.
        end_temperature_c: Option<f64>,
        /// What an adaptive gap returns to.
        reference_temperature_c: Option<f64>,
    },
    /// The devices are recorded at rest before a run.
    BaselineStarted {
        /// The run that waits.
        run_id: String,
        /// How long it will take.
        seconds: f64,
    },
    /// The bare baseline is known.
    BaselineTaken {
        /// The run that waited.
        run_id: String,
        /// The baseline.
        baseline: IdlePower,
    },
    /// The bare baseline was found not to hold; adjusted energies that rest on it are withdrawn.
    BaselineDrifted {
        /// The runs that used it since it was last known to hold.
        runs: Vec<String>,
        /// By which share it was off.
        drift: f64,
        /// The same as a sentence.
        reason: String,
    },
    /// The worker was started.
    RunStarted {
        /// The run.
        run_id: String,
        /// `CLOCK_MONOTONIC` and wall time of one moment, in nanoseconds: the run's only tie to wall time.
        anchor_monotonic_ns: i64,
        /// See `anchor_monotonic_ns`.
        anchor_unix_ns: i64,
        /// Temperature of the hottest device at that moment, in degrees Celsius.
        start_temperature_c: Option<f64>,
    },
    /// A worker's phase began.
    PhaseBegun {
        /// The run.
        run_id: String,
        /// The phase.
        phase: Phase,
        /// When, by the worker's clock.
        t_ns: i64,
    },
    /// A worker's phase ended.
    PhaseEnded {
        /// The run.
        run_id: String,
        /// The phase.
        phase: Phase,
        /// When, by the worker's clock.
        t_ns: i64,
    },
    /// The worker said how far it is.
    Progress {
        /// The run.
        run_id: String,
        /// Requests done in this phase.
        done: u32,
        /// Requests in all, where known.
        total: Option<u32>,
    },
    /// Measured requests have finished.
    Requests {
        /// The run.
        run_id: String,
        /// The requests.
        requests: Vec<Request>,
    },
    /// A device was read.
    Samples {
        /// The run.
        run_id: String,
        /// The device.
        device_id: String,
        /// The readings, in order.
        #[serde(skip)]
        samples: Vec<Sample>,
        /// Power of the last reading, in watts.
        power_w: Option<f64>,
        /// Temperature of the last reading that has one, in degrees Celsius.
        temperature_c: Option<f64>,
    },
    /// The worker wrote to its standard error.
    Log {
        /// The run.
        run_id: String,
        /// One line, cut at 8 KiB.
        line: String,
    },
    /// Something a reader of the results should know.
    Warning {
        /// The run.
        run_id: String,
        /// A sentence.
        message: String,
    },
    /// A run has ended, well or not.
    RunFinished {
        /// The run.
        run_id: String,
        /// Position in the plan.
        index: usize,
        /// Name of the experiment.
        experiment: String,
        /// Everything that is known of it.
        outcome: Box<RunOutcome>,
    },
    /// Planned runs need not be done: their experiment is known well enough.
    NotNeeded {
        /// Their positions in the plan.
        runs: Vec<usize>,
        /// Why.
        reason: String,
    },
    /// The campaign has ended.
    CampaignFinished {
        /// Identifies the campaign.
        campaign_id: String,
        /// How it ended.
        status: CampaignStatus,
        /// Runs completed since it was started or resumed.
        completed: usize,
        /// Runs failed since then.
        failed: usize,
        /// Planned runs that are not needed any more.
        not_needed: usize,
        /// Planned runs that were not done.
        remaining: usize,
        /// Why it ended early.
        message: Option<String>,
    },
}

/// How a campaign ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CampaignStatus {
    /// Every planned run was done, well or not.
    Completed,
    /// Too many runs failed in a row.
    Failed,
    /// It was stopped; it can be resumed.
    Interrupted,
}

impl CampaignStatus {
    /// The name in the database and in exports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Why a gap ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GapEnd {
    /// There was none to wait out.
    None,
    /// Its time was over.
    Elapsed,
    /// The devices were back at rest.
    Cooled,
    /// They were not, and no more time was to be spent on it.
    Maximum,
    /// Someone skipped it.
    Skipped,
    /// The campaign was stopped.
    Stopped,
}

impl GapEnd {
    /// The name in the database and in exports.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Elapsed => "elapsed",
            Self::Cooled => "cooled",
            Self::Maximum => "maximum",
            Self::Skipped => "skipped",
            Self::Stopped => "stopped",
        }
    }
}
