//! What the checks of a run need to know, as plain data. Absent means not known, never zero; shares are 0 to 1.

use crate::device::{DeviceKind, PowerSource, Provenance};
use crate::energy::EnergyEstimate;
use crate::sample::Channel;

use super::timing::Sampling;

/// What is known of a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunFacts {
    /// Length of the measurement window in seconds; absent when the run had none.
    pub window_s: Option<f64>,
    /// Whether the window holds inference alone: neither start-up, nor loading, nor warm-up.
    pub window_is_inference: Option<bool>,
    /// The nominal time between samples in milliseconds.
    pub interval_ms: u32,
    /// The devices that were measured.
    pub devices: Vec<DeviceFacts>,
    /// The ids of the devices that should have been measured.
    pub planned_devices: Option<Vec<String>>,
    /// Energy of the window over all devices.
    pub energy: Option<EnergyEstimate>,
    /// Output tokens in the window.
    pub output_tokens: Option<u64>,
    /// How well the sampler kept its times during the run.
    pub sampler: Option<SamplerFacts>,
    /// Whether runs begin cool or in thermal equilibrium.
    pub thermal_mode: Option<ThermalMode>,
    /// How the pause before the run ended.
    pub gap: Option<GapOutcome>,
    /// How warm-up ended.
    pub warm_up: Option<WarmUp>,
    /// The baseline that adjusted energy subtracts; absent where nothing is subtracted, and then not checked.
    pub baseline: Option<Baseline>,
    /// Requests in the window.
    pub requests: Option<Requests>,
    /// Outputs that ended at the limit of their length.
    pub truncation: Option<Truncation>,
    /// The batch that was asked for and the one that was reached.
    pub batch: Option<Batch>,
    /// Signs of trouble in what the worker and its engine wrote.
    pub log: Option<LogSigns>,
    /// What is not as it was when the campaign began, in words, e.g. `driver 570.86 instead of 565.57`.
    pub environment_drift: Option<Vec<String>>,
    /// The machine around the devices.
    pub host: Host,
}

/// What is known of one device in the window of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceFacts {
    /// As in `DeviceInfo::id`.
    pub id: String,
    /// What a person calls it.
    pub name: String,
    /// What its energy covers.
    pub kind: DeviceKind,
    /// Where its numbers come from.
    pub source: PowerSource,
    /// Whether they are measured.
    pub provenance: Provenance,
    /// The channels that it has.
    pub channels: Vec<Channel>,
    /// The averaging window of its power in milliseconds, where it averages.
    pub power_averaging_ms: Option<u32>,
    /// The share of the time that its power sensor sees; absent where that was not found out.
    pub sensor_share: Option<f64>,
    /// How the window was sampled; absent without a window.
    pub sampling: Option<Sampling>,
    /// Readings go on for this long after the window, in seconds; absent without a window.
    pub tail_s: Option<f64>,
    /// The energy that is reported, in joules.
    pub energy_j: Option<f64>,
    /// What it was taken from.
    pub method: Option<Method>,
    /// How that is read: a field or a call of the driver, a file.
    pub reading: Option<String>,
    /// Energy by the counter in joules.
    pub counter_j: Option<f64>,
    /// Energy by integrated power in joules.
    pub integral_j: Option<f64>,
    /// The energy counter fell within the trace.
    pub counter_reset: bool,
    /// Mean power in the window in watts.
    pub mean_power_w: Option<f64>,
    /// The highest reading of power in the window in watts.
    pub peak_power_w: Option<f64>,
    /// The greater of the board's default and enforced power limit in watts.
    pub power_limit_w: Option<f64>,
    /// Power of the idle device without a context in watts, where it was measured.
    pub idle_power_w: Option<f64>,
    /// Coefficient of variation of the SM clock in the window, weighted by time.
    pub clock_variation: Option<f64>,
    /// Time in which clocks were held down.
    pub throttling: Throttling,
    /// Temperatures.
    pub temperature: Temperatures,
    /// Processes on the device that are not the worker's; absent when nobody looked.
    pub foreign_processes: Option<Vec<ForeignProcess>>,
    /// Whether the board is split into instances; absent on boards that cannot be.
    pub mig: Option<bool>,
    /// Persistence mode.
    pub persistence: Option<bool>,
    /// Whether memory errors are corrected and counted; absent on boards that do not.
    pub ecc: Option<bool>,
    /// Memory errors during the run.
    pub ecc_errors: Option<EccErrors>,
    /// Critical errors (Xid) that the driver reported, by their numbers, from the start of the worker to the end of the
    /// window; absent when nobody could listen for them.
    pub xids: Option<Vec<u64>>,
}

impl DeviceFacts {
    /// Whether the device reports a channel.
    pub fn has(&self, channel: Channel) -> bool {
        self.channels.contains(&channel)
    }

    /// Whether it is a real GPU, which has what a GPU has even where its driver does not tell.
    pub(super) fn is_board(&self) -> bool {
        self.kind == DeviceKind::Gpu && self.source == PowerSource::Nvml
    }

    /// What to call it in a sentence. Boards of one machine often share their name, so it has the id too.
    pub(super) fn label(&self) -> String {
        format!("{} ({})", self.name, self.id)
    }
}

/// What an energy was taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The energy counter.
    Counter,
    /// Integrated power.
    Power,
}

/// Shares of the window in which clocks were held down, by reason; absent where the device does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Throttling {
    /// By temperature, in software or hardware.
    pub thermal: Option<f64>,
    /// By the power limit.
    pub power_cap: Option<f64>,
    /// By the hardware: slowdown, or the power brake of the system.
    pub hardware: Option<f64>,
}

/// Temperatures of a device in degrees Celsius.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Temperatures {
    /// When the worker was started.
    pub start_c: Option<f64>,
    /// What the start is compared with: after the idle before the first run, or the plateau of a hot and steady one.
    pub reference_c: Option<f64>,
    /// Slope in the window in degrees per minute (least squares).
    pub slope_c_per_min: Option<f64>,
    /// Share of the window outside of 20 to 95 °C.
    pub outside: Option<f64>,
}

/// A process on a device that is not the worker's.
#[derive(Debug, Clone, PartialEq)]
pub struct ForeignProcess {
    /// Its id on the host.
    pub pid: u32,
    /// Share of the device's time that it used, where the driver tells.
    pub utilization: Option<f64>,
    /// Device memory that it holds, in bytes.
    pub memory_bytes: Option<u64>,
}

/// Memory errors of a device from before the run to after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EccErrors {
    /// Corrected by the hardware.
    pub corrected: u64,
    /// Not corrected.
    pub uncorrected: u64,
}

/// Counts of the sampler's thread over the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SamplerFacts {
    /// Regular ticks that were done.
    pub ticks: u64,
    /// Regular ticks whose time had passed before they could be done.
    pub missed_ticks: u64,
    /// Readings that failed, of all devices.
    pub read_errors: u64,
}

/// The thermal state in which runs begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThermalMode {
    /// After a gap: a window shows the device warming up.
    CoolStart,
    /// In equilibrium under load, as a server is.
    HotSteady,
}

/// How the pause before a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GapOutcome {
    /// There was none to wait out.
    None,
    /// A pause of fixed length was waited out.
    Elapsed,
    /// The device had settled.
    Settled,
    /// The longest allowed pause was over and the device had not settled.
    Maximum,
    /// A person skipped it.
    Skipped,
}

/// How warm-up ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WarmUp {
    /// Latencies were stable.
    Converged,
    /// The most prompts or the longest time was reached before they were.
    CapHit,
    /// So many prompts were run, and nobody asked whether latencies were stable.
    Fixed,
    /// There was none.
    Nothing,
}

/// A baseline that adjusted energy subtracts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Baseline {
    /// What the device held when it was measured.
    pub kind: BaselineKind,
    /// Time since it was measured, in seconds.
    pub age_s: f64,
    /// How far it was off when it was measured again, relative to itself; the sign is not used.
    pub drift: Option<f64>,
}

/// What a device held while its baseline was measured: a context alone costs 26 to 66 W (arXiv 2605.23918).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BaselineKind {
    /// No context.
    Bare,
    /// A context without a model.
    Context,
    /// A model without requests.
    Loaded,
}

/// Requests in the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Requests {
    /// Answered.
    pub ok: u32,
    /// Failed.
    pub failed: u32,
    /// How many there should have been, where that is fixed.
    pub expected: Option<u32>,
}

/// Outputs that ended at the limit of their length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Truncation {
    /// How many.
    pub truncated: u32,
    /// Of how many.
    pub requests: u32,
    /// The least length is the greatest one, so that every output ends there.
    pub forced: bool,
}

impl Truncation {
    /// Counts the outputs that reached `max_output_tokens`.
    pub fn of(
        output_tokens: impl IntoIterator<Item = u32>,
        min_output_tokens: u32,
        max_output_tokens: u32,
    ) -> Self {
        let start = Self { forced: min_output_tokens == max_output_tokens, ..Self::default() };
        output_tokens.into_iter().fold(start, |sum, tokens| Self {
            truncated: sum.truncated.saturating_add(u32::from(tokens >= max_output_tokens)),
            requests: sum.requests.saturating_add(1),
            ..sum
        })
    }
}

/// Requests that are worked on at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Batch {
    /// What was asked for.
    pub configured: u32,
    /// The mean over the window.
    pub effective: Option<f64>,
    /// The highest share of the KV cache in use.
    pub kv_cache_used: Option<f64>,
}

/// Lines of the worker's log that look like trouble, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogSigns {
    /// Crashes of the engine or of one of its processes.
    pub crashes: u32,
    /// Out of memory.
    pub out_of_memory: u32,
    /// Something was tried again.
    pub retries: u32,
}

/// The machine around the devices.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Host {
    /// Share of all CPUs' time in the window that processes other than the worker and LEM used.
    pub load_by_others: Option<f64>,
    /// Why that is not known.
    pub load_unknown: Option<String>,
    /// The frequency governor of the CPUs; of several, one that is not `performance`.
    pub governor: Option<String>,
    /// What was swapped in and out during the run, in MiB.
    pub swapped_mib: Option<f64>,
}
