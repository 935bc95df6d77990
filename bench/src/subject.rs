//! What `sampler` starts: the command that is measured, and the simplest sampler that can be.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use nvml_wrapper::Nvml;
use nvml_wrapper::structs::device::FieldId;
use nvml_wrapper::sys_exports::field_id::{NVML_FI_DEV_POWER_INSTANT, NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION};
use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::Outcome;
use crate::report::say;

#[derive(Subcommand)]
pub(crate) enum Subject {
    /// Does nothing for some seconds, and tells when it began and what CPU time it took itself
    Window { seconds: u32, file: PathBuf },
    /// Reads energy and power of every GPU in a loop
    Loop { interval_ms: u32, seconds: u32, file: PathBuf },
    /// Measures windows of these lengths in seconds, by polling power and by a difference of the counter
    Windows { lengths: Vec<f64> },
}

pub(crate) fn run(subject: &Subject) -> Outcome<()> {
    match subject {
        Subject::Window { seconds, file } => window(*seconds, file),
        Subject::Loop { interval_ms, seconds, file } => bare_loop(*interval_ms, *seconds, file),
        Subject::Windows { lengths } => crate::accuracy::peers::windows(lengths),
    }
}

/// `CLOCK_MONOTONIC` in nanoseconds.
pub(crate) fn now_ns() -> i64 {
    nanoseconds(clock_gettime(ClockId::Monotonic))
}

fn nanoseconds(time: Timespec) -> i64 {
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// Waits until an instant of `CLOCK_MONOTONIC`.
pub(crate) fn wait_until(t_ns: i64) {
    let time = Timespec { tv_sec: t_ns / 1_000_000_000, tv_nsec: t_ns % 1_000_000_000 };
    // A signal that does not end the program may cut a wait short: wait on.
    while rustix::thread::clock_nanosleep_absolute(ClockId::Monotonic, &time).is_err() && now_ns() < t_ns {}
}

/// The beginning of the window is the first line of the file, the CPU time to leave out the second.
fn window(seconds: u32, file: &Path) -> Outcome<()> {
    let begun_ns = now_ns();
    // Out of the group of the process that measures, whose CPU time is that of its group.
    rustix::process::setsid()?;
    let mut file = File::create(file)?;
    writeln!(file, "{begun_ns}")?;
    wait_until(begun_ns + i64::from(seconds) * 1_000_000_000);
    writeln!(file, "{}", nanoseconds(clock_gettime(ClockId::ProcessCPUTime)))?;
    Ok(())
}

/// The library that the environment names.
pub(crate) fn nvml() -> Outcome<Nvml> {
    let library =
        std::env::var_os("LEM_NVML_LIBRARY").unwrap_or_else(|| OsStr::new("libnvidia-ml.so.1").to_owned());
    Ok(Nvml::builder().lib_path(&library).init()?)
}

/// The least that any sampler must do. It keeps no samples and hands none on.
fn bare_loop(interval_ms: u32, seconds: u32, file: &Path) -> Outcome<()> {
    let nvml = nvml()?;
    let boards =
        (0..nvml.device_count()?).map(|index| nvml.device_by_index(index)).collect::<Result<Vec<_>, _>>()?;
    let fields = [FieldId(NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION), FieldId(NVML_FI_DEV_POWER_INSTANT)];
    let step_ns = i64::from(interval_ms) * 1_000_000;
    let begun_ns = now_ns();
    writeln!(File::create(file)?, "{begun_ns}")?;
    let mut ticks_ns = Vec::new();
    for tick in 0..i64::from(seconds) * 1_000_000_000 / step_ns {
        wait_until(begun_ns + tick * step_ns);
        ticks_ns.push(now_ns());
        for board in &boards {
            std::hint::black_box(board.field_values_for(&fields)?);
        }
    }
    let mut intervals: Vec<i64> = ticks_ns.windows(2).map(|pair| pair[1] - pair[0]).collect();
    intervals.sort_unstable();
    let percentile_ms = |percent: usize| {
        let rank = (intervals.len() * percent).div_ceil(100).max(1);
        intervals.get(rank - 1).map(|ns| lem_measure::units::seconds(*ns) * 1e3)
    };
    say(&serde_json::json!({"interval_median_ms": percentile_ms(50), "interval_p99_ms": percentile_ms(99)})
        .to_string());
    Ok(())
}
