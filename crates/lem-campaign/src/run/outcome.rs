//! What is known of a run when it has ended: its window, energy, phases and totals.

use lem_backend::docker::ContainerFacts;
use lem_measure::quality::Report;
use lem_measure::{
    Channel, DeviceInfo, EnergyEstimate, Joules, Provenance, Trace, WindowEnergy, WindowPart, energy, stats,
};
use lem_power::SamplerStats;
use lem_protocol::{Phase, Request, WorkerErrorKind, WorkerResult};
use serde::Serialize;
use serde_json::Value;

use super::baseline::RunBaseline;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// The worker finished and said so.
    Completed,
    /// It did not; see the failure.
    Failed,
    /// The campaign was stopped during the run, which will be done anew.
    Interrupted,
}

impl RunStatus {
    /// The name in the database and in exports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Failure {
    /// What kind of failure.
    pub kind: FailureKind,
    /// What happened, and what to do.
    pub message: String,
}

/// What kind of failure ended a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The worker could not be started.
    Start,
    /// The worker's output broke the protocol.
    Protocol,
    /// The worker ended without a result.
    Exit,
    /// The run took longer than it may.
    RunTimeout,
    /// The worker said nothing for too long.
    SilenceTimeout,
    /// A device that was measured disappeared.
    DeviceLost,
    /// The campaign was stopped.
    Stopped,
    /// The worker reported it.
    #[serde(untagged)]
    Worker(WorkerErrorKind),
}

impl FailureKind {
    /// The name in the database and in exports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Worker(kind) => kind.name(),
            Self::Protocol => "protocol",
            Self::Exit => "exit",
            Self::RunTimeout => "run_timeout",
            Self::SilenceTimeout => "silence_timeout",
            Self::DeviceLost => "device_lost",
            Self::Stopped => "stopped",
        }
    }
}

/// Everything that is known of a run when it has ended.
#[derive(Debug, Clone, Serialize)]
pub struct RunOutcome {
    /// How it ended.
    pub status: RunStatus,
    /// Why it failed or was interrupted.
    pub failure: Option<Failure>,
    /// The last of what the worker wrote to standard error, at most 64 KiB.
    pub stderr_tail: String,
    /// The measurement window, `CLOCK_MONOTONIC` in nanoseconds.
    pub window_ns: Option<(i64, i64)>,
    /// Energy of the window over all devices; absent when one of them has none.
    pub energy: Option<EnergyEstimate>,
    /// Sources and methods of that energy, e.g. `nvml:counter+rapl:counter`.
    pub energy_source: Option<String>,
    /// The weakest provenance among the devices.
    pub provenance: Option<Provenance>,
    /// Each device alone.
    pub devices: Vec<DeviceOutcome>,
    /// Each phase that has ended.
    pub phases: Vec<PhaseOutcome>,
    /// The window by what its requests were doing; empty where it could not be divided.
    pub window_parts: Vec<WindowPart>,
    /// Why it could not be; for runs that completed.
    pub parts_withheld: Option<String>,
    /// What the devices draw without work, and the energy above it.
    pub baselines: Vec<RunBaseline>,
    /// The worker's totals.
    pub result: Option<WorkerResult>,
    /// The engine under measurement and its versions.
    pub engine: Option<serde_json::Value>,
    /// The container that it ran in, with its image and engine.
    pub container: Option<ContainerFacts>,
    /// Median time to first token in milliseconds.
    pub ttft_ms_p50: Option<f64>,
    /// How well the sampler kept its times during the run.
    pub sampler: Option<SamplerStats>,
    /// How far the figures can be trusted; for runs that completed.
    pub quality: Option<Report>,
    /// What was around the run.
    pub surroundings: Option<Value>,
}

impl RunOutcome {
    /// A run that did not get past its gap.
    pub(super) fn stopped_while_waiting() -> Self {
        Self {
            status: RunStatus::Interrupted,
            failure: Some(Failure::stopped()),
            stderr_tail: String::new(),
            window_ns: None,
            energy: None,
            energy_source: None,
            provenance: None,
            devices: Vec::new(),
            phases: Vec::new(),
            window_parts: Vec::new(),
            parts_withheld: None,
            baselines: Vec::new(),
            result: None,
            engine: None,
            container: None,
            ttft_ms_p50: None,
            sampler: None,
            quality: None,
            surroundings: None,
        }
    }
}

impl Failure {
    pub(super) fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    pub(super) fn stopped() -> Self {
        Self::new(FailureKind::Stopped, "the campaign was stopped")
    }
}

/// One device in a run.
#[derive(Debug, Clone, Serialize)]
pub struct DeviceOutcome {
    /// The device.
    pub device: DeviceInfo,
    /// Its energy by counter and by integration.
    pub energy: WindowEnergy,
    /// Mean power in watts.
    pub mean_power_w: Option<f64>,
    /// Temperature when the worker was started, in degrees Celsius.
    pub start_temperature_c: Option<f64>,
    /// Highest temperature in the window, in degrees Celsius.
    pub max_temperature_c: Option<f64>,
}

/// One phase of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PhaseOutcome {
    /// The phase.
    pub phase: Phase,
    /// When it began and ended, `CLOCK_MONOTONIC` in nanoseconds.
    pub start_ns: i64,
    /// See `start_ns`.
    pub end_ns: i64,
    /// Energy over all devices; absent when one of them has none.
    pub energy: Option<EnergyEstimate>,
}

/// One device in the window of a run; of a run that had none, which device it was.
pub(super) fn device_outcome(
    device: &DeviceInfo,
    trace: &Trace,
    start_temperature_c: Option<f64>,
    window: Option<(i64, i64)>,
) -> DeviceOutcome {
    let none = DeviceOutcome {
        device: device.clone(),
        energy: WindowEnergy::default(),
        mean_power_w: None,
        start_temperature_c,
        max_temperature_c: None,
    };
    let Some((start_ns, end_ns)) = window else { return none };
    let energy = energy::window_energy(device, trace, start_ns, end_ns);
    let seconds = lem_measure::units::seconds(end_ns - start_ns);
    let temperatures =
        trace.between(start_ns, end_ns).iter().filter_map(|sample| sample.get(Channel::Temperature));
    DeviceOutcome {
        energy,
        mean_power_w: energy.best().and_then(|e| e.energy.mean_power(seconds)).map(|w| w.0),
        max_temperature_c: temperatures.reduce(f64::max),
        ..none
    }
}

/// The energies of several devices as one: sums of energies, roots of summed squares of uncertainties. A device
/// without energy makes the sum unknown: a sum that leaves one out would be a wrong number.
pub(super) fn total(energies: impl IntoIterator<Item = WindowEnergy>) -> Option<EnergyEstimate> {
    let mut any = false;
    let (mut energy_j, mut squares) = (0.0, 0.0);
    for energy in energies {
        let best = energy.best()?;
        energy_j += best.energy.0;
        squares += best.uncertainty.0.powi(2);
        any = true;
    }
    any.then(|| EnergyEstimate { energy: Joules(energy_j), uncertainty: Joules(f64::sqrt(squares)) })
}

/// Where the energy of a window comes from, each source once: `nvml:counter+rapl:counter`.
pub(super) fn energy_source(devices: &[DeviceOutcome]) -> Option<String> {
    let mut names: Vec<String> = devices
        .iter()
        .filter_map(|d| Some(format!("{}:{}", d.device.source.name(), d.energy.method()?)))
        .collect();
    names.sort_unstable();
    names.dedup();
    (!names.is_empty()).then(|| names.join("+"))
}

/// The median time to first token of requests that have one.
pub(super) fn ttft_ms_p50(requests: &[Request]) -> Option<f64> {
    let times: Vec<f64> = requests.iter().filter_map(|r| r.ttft_ms).collect();
    stats::quantile(&times, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(energy_j: f64, uncertainty_j: f64) -> WindowEnergy {
        let estimate = EnergyEstimate { energy: Joules(energy_j), uncertainty: Joules(uncertainty_j) };
        WindowEnergy { counter: Some(estimate), integral: None }
    }

    #[test]
    fn devices_add_up_and_their_uncertainties_in_squares() {
        let sum = total([counted(10.0, 3.0), counted(5.0, 4.0)]);
        assert_eq!(sum, Some(EnergyEstimate { energy: Joules(15.0), uncertainty: Joules(5.0) }));
    }

    #[test]
    fn a_device_without_energy_makes_the_sum_unknown() {
        assert_eq!(total([counted(10.0, 3.0), WindowEnergy::default()]), None);
        assert_eq!(total([]), None);
    }
}
