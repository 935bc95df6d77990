//! One sampler watched from outside: how soon it is ready, and what CPU time and memory it takes.
//!
//! CPU time is that of all processes in its process group, by their CPU clocks (nanoseconds, threads that have ended
//! included); what it measures has left the group. `/proc/PID/stat` would count in steps of 10 ms, which is more than a
//! good sampler takes in a second.

use std::fs;
use std::io::{Read as _, Seek as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::Signal;
use nix::sys::time::TimeValLike as _;
use nix::unistd::Pid;
use serde::Deserialize;

use crate::Outcome;
use crate::subject::{now_ns, wait_until};

const MILLISECOND: i64 = 1_000_000;
const SECOND: i64 = 1_000_000_000;

/// The window is left out of the CPU time per second for this long before it ends.
const BEFORE_END: i64 = 100 * MILLISECOND;

/// A sampler that is not ready after this is not waited for.
const PATIENCE: i64 = 120 * SECOND;

/// What is known of one sampler.
pub(crate) struct Seen {
    pub(crate) watched: Watched,
    pub(crate) told: Told,
    /// CPU time from its start to its end, in milliseconds.
    pub(crate) cpu_ms: f64,
}

/// What was seen while it ran.
pub(crate) struct Watched {
    /// From its start until what it measures was running, in milliseconds.
    pub(crate) ready_ms: f64,
    /// CPU time per second within the window, in milliseconds.
    pub(crate) cpu_ms_per_s: f64,
    /// Sum over its processes of the most memory each had resident, in MiB.
    pub(crate) peak_mib: f64,
}

/// What it tells itself, as the last line of its output.
#[derive(Deserialize)]
pub(crate) struct Told {
    /// 99th percentile of the time between two regular samples, in milliseconds.
    pub(crate) interval_p99_ms: Option<f64>,
}

/// Runs a sampler whose window lasts `seconds` and begins when the first line of `window` is written.
pub(crate) fn observe(command: &mut Command, window: &Path, seconds: u32) -> Outcome<Seen> {
    let mut errors = tempfile::tempfile()?;
    // A file of the run before would be taken for the window of this one.
    let _ = fs::remove_file(window);
    command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors.try_clone()?);
    let used_before_ns = used_by_children_ns()?;
    let spawned_ns = now_ns();
    let mut child =
        command.spawn().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    let watched = watch(&mut child, window, spawned_ns, seconds);
    if watched.is_err() {
        // It may be gone already; its processes must not run beside the next sampler.
        let _ = nix::sys::signal::killpg(Pid::from_raw(i32::try_from(child.id())?), Signal::SIGKILL);
    }
    let output = child.wait_with_output()?;
    let used_ns = used_by_children_ns()? - used_before_ns;
    let said = String::from_utf8_lossy(&output.stdout);
    let told = said.lines().next_back().and_then(|line| serde_json::from_str(line).ok());
    match (watched, told) {
        (Ok(watched), Some(told)) if output.status.success() => {
            Ok(Seen { watched, told, cpu_ms: milliseconds(used_ns - second_line(window)) })
        }
        (watched, _) => {
            let mut said = String::new();
            errors.rewind()?;
            errors.read_to_string(&mut said)?;
            let reason = watched.err().map_or_else(|| output.status.to_string(), |error| error.to_string());
            let last = said.lines().next_back().unwrap_or("it said nothing");
            Err(format!("{}: {reason}: {last}", command.get_program().display()).into())
        }
    }
}

fn watch(child: &mut Child, window: &Path, spawned_ns: i64, seconds: u32) -> Outcome<Watched> {
    let begun_ns = loop {
        if let Some(begun_ns) = line(window, 0) {
            break begun_ns;
        }
        if child.try_wait()?.is_some() {
            return Err("it ended before it was ready".into());
        }
        if now_ns() > spawned_ns + PATIENCE {
            return Err("it is not ready after two minutes".into());
        }
        wait_until(now_ns() + 2 * MILLISECOND);
    };
    let group = i32::try_from(child.id())?;
    let (from_ns, used_from_ns) = (now_ns(), used_by_group_ns(group));
    wait_until(begun_ns + i64::from(seconds) * SECOND - BEFORE_END);
    let (to_ns, used_to_ns) = (now_ns(), used_by_group_ns(group));
    let mut peak_kib = 0;
    while child.try_wait()?.is_none() {
        peak_kib = peak_kib.max(members(group).into_iter().filter_map(peak_kib_of).sum());
        wait_until(now_ns() + 5 * MILLISECOND);
    }
    Ok(Watched {
        ready_ms: milliseconds(begun_ns - spawned_ns),
        cpu_ms_per_s: milliseconds(used_to_ns - used_from_ns) / lem_measure::units::seconds(to_ns - from_ns),
        peak_mib: f64::from(peak_kib) / 1024.0,
    })
}

fn milliseconds(ns: i64) -> f64 {
    lem_measure::units::seconds(ns) * 1e3
}

/// A number in a line of the window's file, once the line is complete.
fn line(window: &Path, at: usize) -> Option<i64> {
    let text = fs::read_to_string(window).ok()?;
    text.split_inclusive('\n').nth(at)?.strip_suffix('\n')?.parse().ok()
}

/// The CPU time of what was measured; samplers that wait themselves leave it out.
fn second_line(window: &Path) -> i64 {
    line(window, 1).unwrap_or(0)
}

/// The CPU time of all children that have ended, and of theirs.
fn used_by_children_ns() -> Outcome<i64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    Ok((usage.user_time() + usage.system_time()).num_microseconds() * 1000)
}

fn used_by_group_ns(group: i32) -> i64 {
    let used = |pid: i32| {
        Some(nix::time::clock_getcpuclockid(Pid::from_raw(pid)).ok()?.now().ok()?.num_nanoseconds())
    };
    members(group).into_iter().filter_map(used).sum()
}

/// The processes of a group.
fn members(group: i32) -> Vec<i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| group_of(*pid) == Some(group)).collect()
}

/// The third field after the name, which stands in parentheses and may hold any character.
fn group_of(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(2)?.parse().ok()
}

fn peak_kib_of(pid: i32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB")?.trim().parse().ok())
}
