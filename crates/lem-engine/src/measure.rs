//! The energy of any command: its own process is the window.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use lem_measure::{DeviceInfo, Provenance, Trace, energy, units};
use lem_power::clock::now_ns;
use lem_power::{Meter, Sampler, SamplerConfig, SamplerEvent, SamplerStats};
use serde::Serialize;
use tokio::process::Command;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::clock::unix_ns;
use crate::error::{Error, ErrorCode};

/// Sampling goes on for this long after the command, so that the counter's tick after its end is seen.
const TAIL: Duration = Duration::from_millis(350);

/// The same where power is averaged over a second.
const AVERAGED_TAIL: Duration = Duration::from_millis(1_600);

/// What `lem measure` found.
#[derive(Debug, Clone, Serialize)]
pub struct Measurement {
    /// Energy over all devices in joules; absent when one of them has none.
    pub energy_j: Option<f64>,
    /// Expanded uncertainty (k = 2, about 95 %) of the window's edges in joules; the gain of the sensors is not in it.
    pub uncertainty_j: Option<f64>,
    /// Duration of the window in seconds: from just before the command was started until it had ended.
    pub duration_s: f64,
    /// Sources and methods of the energy, e.g. `nvml:counter`.
    pub energy_source: Option<String>,
    /// The weakest provenance among the devices.
    pub provenance: Option<Provenance>,
    /// Whether every device was measured, not estimated or simulated.
    pub measured: bool,
    /// Why there is no energy, when there is none.
    pub missing_reason: Option<String>,
    /// Each device alone.
    pub devices: Vec<MeasuredDevice>,
    /// Samples of all devices.
    pub samples: usize,
    /// Median time between two regular samples in milliseconds.
    pub interval_median_ms: Option<f64>,
    /// 99th percentile of that time.
    pub interval_p99_ms: Option<f64>,
    /// Regular samples that came too late to be taken.
    pub missed_ticks: u64,
    /// The window, `CLOCK_MONOTONIC` in nanoseconds.
    pub start_monotonic_ns: i64,
    /// See `start_monotonic_ns`.
    pub end_monotonic_ns: i64,
    /// The same in wall time since 1970: the start as read, the end a duration later.
    pub start_unix_ns: i64,
    /// See `start_unix_ns`.
    pub end_unix_ns: i64,
    /// The command's exit code; absent when a signal ended it.
    pub exit_code: Option<i32>,
    /// The signal that ended the command.
    pub signal: Option<i32>,
    /// Whether measuring was interrupted by Ctrl-C or a termination signal, which the command was sent too.
    pub interrupted: bool,
}

/// One device of a measurement.
#[derive(Debug, Clone, Serialize)]
pub struct MeasuredDevice {
    /// The device's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where its numbers come from.
    pub source: &'static str,
    /// Whether they are measured.
    pub provenance: Provenance,
    /// The reported energy in joules: the counter's, else the integral's.
    pub energy_j: Option<f64>,
    /// Its expanded uncertainty (k = 2) in joules.
    pub uncertainty_j: Option<f64>,
    /// `counter` or `power`.
    pub method: Option<&'static str>,
    /// Energy by the counter in joules.
    pub counter_j: Option<f64>,
    /// Energy by integrated power in joules.
    pub integral_j: Option<f64>,
    /// Mean power in watts.
    pub mean_power_w: Option<f64>,
}

/// Runs a command and measures the energy of the meters' devices meanwhile.
pub(crate) fn run(
    meters: Vec<Box<dyn Meter>>,
    interval_ms: u32,
    command: &[String],
) -> Result<Measurement, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|e| Error::new(ErrorCode::Machine, format!("threads cannot be started: {e}")))?;
    let (sender, events) = channel();
    let config = SamplerConfig { interval_ms, ..SamplerConfig::default() };
    let sampler = Sampler::start(meters, config, move |event| drop(sender.send(event)))
        .map_err(|e| Error::new(ErrorCode::BadInput, e.to_string()))?;
    let devices = sampler.devices().to_vec();
    let window = runtime.block_on(run_command(command, &sampler))?;
    sampler.refine();
    wait_out_tail(&devices);
    let stats = sampler.stop();
    let recorded = Recorded::collect(&events, devices.len());
    Ok(evaluate(&devices, &recorded, &window, &stats))
}

/// When the command ran and how it ended.
struct Window {
    start_ns: i64,
    end_ns: i64,
    start_unix_ns: i64,
    status: ExitStatus,
    interrupted: bool,
}

async fn run_command(command: &[String], sampler: &Sampler) -> Result<Window, Error> {
    let (program, arguments) =
        command.split_first().ok_or_else(|| Error::new(ErrorCode::BadInput, "name a command to measure"))?;
    let unavailable = |e| Error::new(ErrorCode::Machine, format!("signals cannot be received: {e}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unavailable)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(unavailable)?;
    let mut prepared = Command::new(program);
    prepared.args(arguments);
    sampler.refine();
    let (start_ns, start_unix_ns) = (now_ns(), unix_ns());
    let mut child = prepared.spawn().map_err(|e| {
        Error::new(ErrorCode::BadInput, format!("`{program}` cannot be started: {e}"))
            .with_hint("check the name after `--`, or give the program's full path")
    })?;
    let (status, interrupted) = wait(&mut child, &mut interrupt, &mut terminate).await;
    let end_ns = now_ns();
    let status = status.map_err(|e| Error::new(ErrorCode::Machine, format!("`{program}` was lost: {e}")))?;
    Ok(Window { start_ns, end_ns, start_unix_ns, status, interrupted })
}

/// A terminal sends Ctrl-C to the command too; a termination signal reaches this program alone and is passed on. The
/// command decides when it ends.
async fn wait(
    child: &mut tokio::process::Child,
    interrupt: &mut Signal,
    terminate: &mut Signal,
) -> (std::io::Result<ExitStatus>, bool) {
    let mut interrupted = false;
    loop {
        tokio::select! {
            status = child.wait() => return (status, interrupted),
            _ = interrupt.recv() => interrupted = true,
            _ = terminate.recv() => {
                interrupted = true;
                let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
                if let Some(pid) = pid {
                    // A command that has ended meanwhile is what was wanted.
                    let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
                }
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the counter's next tick comes in real time")]
fn wait_out_tail(devices: &[DeviceInfo]) {
    let averaged = devices.iter().any(|d| d.power_averaging_ms.is_some());
    std::thread::sleep(if averaged { AVERAGED_TAIL } else { TAIL });
}

/// What the sampler gave.
struct Recorded {
    traces: Vec<Trace>,
    lost: Option<String>,
}

impl Recorded {
    fn collect(events: &Receiver<SamplerEvent>, devices: usize) -> Self {
        let mut recorded = Self { traces: vec![Trace::default(); devices], lost: None };
        for event in events.try_iter() {
            match event {
                SamplerEvent::Samples { device, samples } => {
                    for sample in samples {
                        recorded.traces[device].push(sample);
                    }
                }
                SamplerEvent::DeviceLost { message, .. } => recorded.lost = Some(message),
                SamplerEvent::ReadErrors { .. } => {}
            }
        }
        recorded
    }
}

fn evaluate(
    devices: &[DeviceInfo],
    recorded: &Recorded,
    window: &Window,
    stats: &SamplerStats,
) -> Measurement {
    let duration_s = units::seconds(window.end_ns - window.start_ns);
    let each: Vec<MeasuredDevice> = devices
        .iter()
        .zip(&recorded.traces)
        .map(|(device, trace)| evaluate_one(device, trace, window))
        .collect();
    let complete = each.iter().all(|d| d.energy_j.is_some());
    let sum = |value: fn(&MeasuredDevice) -> Option<f64>| each.iter().filter_map(value).sum::<f64>();
    let mut sources: Vec<String> =
        each.iter().filter_map(|d| Some(format!("{}:{}", d.source, d.method?))).collect();
    sources.sort_unstable();
    sources.dedup();
    Measurement {
        energy_j: complete.then(|| sum(|d| d.energy_j)),
        uncertainty_j: complete.then(|| sum(|d| d.uncertainty_j.map(|u| u * u)).sqrt()),
        duration_s,
        energy_source: complete.then(|| sources.join("+")),
        provenance: each.iter().map(|d| d.provenance).max(),
        measured: each.iter().all(|d| d.provenance == Provenance::Measured),
        missing_reason: (!complete).then(|| missing_reason(&each, recorded)),
        devices: each,
        samples: recorded.traces.iter().map(|t| t.samples().len()).sum(),
        interval_median_ms: stats.interval_median_ms,
        interval_p99_ms: stats.interval_p99_ms,
        missed_ticks: stats.missed_ticks,
        start_monotonic_ns: window.start_ns,
        end_monotonic_ns: window.end_ns,
        start_unix_ns: window.start_unix_ns,
        end_unix_ns: window.start_unix_ns + (window.end_ns - window.start_ns),
        exit_code: window.status.code(),
        signal: window.status.signal(),
        interrupted: window.interrupted,
    }
}

fn evaluate_one(device: &DeviceInfo, trace: &Trace, window: &Window) -> MeasuredDevice {
    let energy = energy::window_energy(device, trace, window.start_ns, window.end_ns);
    let best = energy.best();
    let duration_s = units::seconds(window.end_ns - window.start_ns);
    MeasuredDevice {
        id: device.id.clone(),
        name: device.name.clone(),
        source: device.source.name(),
        provenance: device.provenance,
        energy_j: best.map(|e| e.energy.0),
        uncertainty_j: best.map(|e| e.uncertainty.0),
        method: energy.method(),
        counter_j: energy.counter.map(|e| e.energy.0),
        integral_j: energy.integral.map(|e| e.energy.0),
        mean_power_w: best.and_then(|e| e.energy.mean_power(duration_s)).map(|w| w.0),
    }
}

fn missing_reason(devices: &[MeasuredDevice], recorded: &Recorded) -> String {
    if let Some(lost) = &recorded.lost {
        return format!("a device was lost: {lost}");
    }
    let without: Vec<&str> =
        devices.iter().filter(|d| d.energy_j.is_none()).map(|d| d.name.as_str()).collect();
    format!("the window holds too few readings of {}", without.join(", "))
}
