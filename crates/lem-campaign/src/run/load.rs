//! How much of the host's CPUs others used during a window: what was busy, less what the worker and this program used.
//!
//! Both edges of the window are read and subtracted. Deliberately absent: a guess where the run's own part is not
//! known. What others did would then be as wrong as the guess.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// CPU time up to a moment, in seconds since the machine was started.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CpuTime {
    /// When it was read, since the machine was started.
    pub at_s: f64,
    /// Of all CPUs together, busy or not.
    pub all_s: f64,
    /// Of all CPUs together, with anything but idling and waiting for disks.
    pub busy_s: f64,
    /// The run's own processes: this program, the worker where it is one, and what descends from either.
    pub processes: BTreeMap<ProcessId, ProcessTime>,
    /// Everything in the worker's container; absent for a worker that is in none.
    pub container: Option<ContainerTime>,
}

/// CPU time of a container.
#[derive(Debug, Clone, PartialEq)]
pub struct ContainerTime {
    /// The file that tells it: found by processes in the container, which may have ended when it is read again.
    pub account: PathBuf,
    /// What was used, in seconds.
    pub used_s: f64,
}

/// A process. Its number alone may be given to another one later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProcessId {
    /// Its number on this host.
    pub pid: u32,
    /// When it was started, in clock ticks since the machine was.
    pub started_ticks: u64,
}

/// CPU time of a process in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ProcessTime {
    /// When it was started, since the machine was.
    pub started_s: f64,
    /// Its own threads, in user and kernel mode.
    pub own_s: f64,
    /// Its children that have ended and were waited for, with theirs: they hand their whole lives on to it.
    pub ended_children_s: f64,
}

/// The kernel tells CPU time in steps of this many seconds (`sysconf(_SC_CLK_TCK)` is 100 wherever Linux runs).
const TICK_S: f64 = 0.01;

/// The share of all CPUs' time (0 to 1) that others used between two readings; why not where it cannot be known.
pub(super) fn used_by_others(begin: &CpuTime, end: &CpuTime) -> Result<f64, String> {
    let all_s = end.all_s - begin.all_s;
    if all_s < TICK_S {
        return Err("the window is shorter than a tick of the kernel's account".into());
    }
    let contained_s = match (&begin.container, &end.container) {
        (Some(begin), Some(end)) => end.used_s - begin.used_s,
        _ => 0.0,
    };
    let own_s = own_processes_s(begin, end)? + contained_s;
    // The two accounts are rounded differently, so that a quiet machine may come out below nothing.
    Ok(((end.busy_s - begin.busy_s - own_s) / all_s).clamp(0.0, 1.0))
}

/// What the run's own processes used in between. One that has ended since left all of its time to the process that
/// waited for it, also the part from before the first reading, which is taken off.
fn own_processes_s(begin: &CpuTime, end: &CpuTime) -> Result<f64, String> {
    let (mut own_s, mut left_s) = (0.0, 0.0);
    for (id, now) in &end.processes {
        let before = match begin.processes.get(id) {
            Some(before) => *before,
            None if now.started_s < begin.at_s - TICK_S => {
                return Err(format!("process {} of the run was not seen when the window began", id.pid));
            }
            None => ProcessTime::default(),
        };
        own_s += now.own_s - before.own_s;
        left_s += now.ended_children_s - before.ended_children_s;
    }
    let gone = || begin.processes.iter().filter(|(id, _)| !end.processes.contains_key(id));
    let gone_s: f64 = gone().map(|(_, before)| before.own_s + before.ended_children_s).sum();
    // Each figure is a tick short at most.
    let slack_s = 2.0 * TICK_S * f64::from(u32::try_from(gone().count()).unwrap_or(u32::MAX));
    if gone_s > left_s + slack_s {
        return Err("a process of the run ended without leaving its CPU time to another one".into());
    }
    Ok(own_s + (left_s - gone_s).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two CPUs, `at_s` seconds after the start of the machine.
    fn reading(at_s: f64, busy_s: f64, processes: &[(u32, f64, f64)]) -> CpuTime {
        let process = |(pid, own_s, ended_children_s): &(u32, f64, f64)| {
            // Those from 100 on are started in the window.
            let started_s = if *pid < 100 { 1.0 } else { 1_001.0 };
            let id = ProcessId { pid: *pid, started_ticks: u64::from(*pid) };
            (id, ProcessTime { started_s, own_s: *own_s, ended_children_s: *ended_children_s })
        };
        let processes = processes.iter().map(process).collect();
        CpuTime { at_s, all_s: 2.0 * at_s, busy_s, processes, container: None }
    }

    /// The share in percent.
    fn share(begin: &CpuTime, end: &CpuTime) -> String {
        let share = used_by_others(begin, end).unwrap_or_else(|why| panic!("{why}"));
        format!("{:.2}", share * 100.0)
    }

    #[test]
    fn what_was_busy_less_the_worker_and_this_program_was_used_by_others() {
        let begin = reading(1_000.0, 500.0, &[(1, 30.0, 5.0), (2, 7.0, 0.0)]);
        let end = reading(1_010.0, 515.0, &[(1, 31.0, 5.0), (2, 15.0, 0.0)]);
        assert_eq!(share(&begin, &end), "30.00", "15 s busy, 9 s its own, of 20 s");
    }

    #[test]
    fn what_runs_in_the_container_of_the_worker_is_its_own() {
        let container = |used_s| Some(ContainerTime { account: "cpu.stat".into(), used_s });
        let begin = CpuTime { container: container(40.0), ..reading(1_000.0, 500.0, &[(1, 30.0, 0.0)]) };
        let end = CpuTime { container: container(48.0), ..reading(1_010.0, 512.0, &[(1, 31.0, 0.0)]) };
        assert_eq!(share(&begin, &end), "15.00");
    }

    #[test]
    fn a_process_that_was_started_in_the_window_counts_whole() {
        let begin = reading(1_000.0, 500.0, &[(1, 30.0, 0.0)]);
        let end = reading(1_010.0, 510.0, &[(1, 31.0, 0.0), (100, 5.0, 2.0)]);
        assert_eq!(share(&begin, &end), "10.00");
    }

    #[test]
    fn a_process_that_ended_in_the_window_counts_from_its_beginning_on() {
        // Process 2 had used 50 s and used 4 s more; process 1 has waited for it.
        let begin = reading(1_000.0, 500.0, &[(1, 30.0, 0.0), (2, 45.0, 5.0)]);
        let end = reading(1_010.0, 506.0, &[(1, 31.0, 54.0)]);
        assert_eq!(share(&begin, &end), "5.00", "6 s busy, 1 s and 4 s its own, of 20 s");
    }

    #[test]
    fn a_process_that_ended_and_left_nothing_leaves_the_load_unknown() {
        let begin = reading(1_000.0, 500.0, &[(1, 30.0, 0.0), (2, 45.0, 0.0)]);
        let end = reading(1_010.0, 506.0, &[(1, 31.0, 0.0)]);
        assert!(used_by_others(&begin, &end).is_err_and(|why| why.contains("ended")));
    }

    #[test]
    fn a_process_that_was_overlooked_at_the_beginning_leaves_the_load_unknown() {
        let begin = reading(1_000.0, 500.0, &[(1, 30.0, 0.0)]);
        let end = reading(1_010.0, 510.0, &[(1, 31.0, 0.0), (7, 900.0, 0.0)]);
        assert!(used_by_others(&begin, &end).is_err_and(|why| why.contains("process 7")));
    }

    #[test]
    fn a_share_is_never_below_nothing_nor_above_all() {
        let begin = reading(1_000.0, 500.0, &[(1, 30.0, 0.0)]);
        assert_eq!(share(&begin, &reading(1_010.0, 505.0, &[(1, 35.02, 0.0)])), "0.00");
        assert_eq!(share(&begin, &reading(1_010.0, 520.1, &[(1, 30.0, 0.0)])), "100.00");
    }

    #[test]
    fn a_window_without_a_tick_has_no_share() {
        let begin = reading(1_000.0, 500.0, &[]);
        assert!(used_by_others(&begin, &begin).is_err());
    }
}
