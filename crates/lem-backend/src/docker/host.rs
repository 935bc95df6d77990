//! The processes of a container as this host sees them, where it is the engine's host.

use std::fs;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// Process ids on this host of everything in a container; empty where the engine runs elsewhere, since no control group
/// is named after the container then.
pub fn processes(container: &str) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| belongs(*pid, container)).collect()
}

/// Whether a process is one of a container. The path of a control group ends in `/ID` or in `/docker-ID.scope`, with the
/// driver cgroupfs or systemd. A process that has ended and only waits for its parent to notice does not count.
fn belongs(pid: u32, container: &str) -> bool {
    let read = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let ended = || read("stat").rsplit_once(") ").is_none_or(|(_, state)| state.starts_with(['Z', 'X']));
    read("cgroup").contains(container) && !ended()
}

/// Sends a signal to processes of a container. False where one could not be reached for want of permission.
pub(super) fn signal(pids: &[u32], container: &str, signal: Signal) -> bool {
    let mut allowed = true;
    for pid in pids {
        let Some(id) = i32::try_from(*pid).ok().and_then(Pid::from_raw) else { continue };
        let Ok(process) = pidfd_open(id, PidfdFlags::empty()) else { continue };
        // Checked once the process is held: its id may have been given to another one.
        if belongs(*pid, container) {
            allowed &= pidfd_send_signal(&process, signal) != Err(Errno::PERM);
        }
    }
    allowed
}
