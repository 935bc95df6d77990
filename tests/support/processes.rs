//! Processes of this machine, as `/proc` shows them.

use std::fs;

/// The processes whose command line holds `mark`, with their ids. Those that have died and wait for their parent have no
/// command line.
pub fn naming(mark: &str) -> Vec<(u32, String)> {
    let folders = fs::read_dir("/proc").expect("this is Linux").flatten();
    let own = std::process::id();
    folders
        .filter_map(|folder| folder.file_name().to_str()?.parse().ok())
        .filter(|id| *id != own)
        .filter_map(|id| {
            // A process may end while it is looked at.
            let words = fs::read(format!("/proc/{id}/cmdline")).ok()?;
            let line = String::from_utf8_lossy(&words).replace('\0', " ");
            line.contains(mark).then_some((id, line))
        })
        .collect()
}

/// The most memory that a process has had resident, in KiB; absent when it is gone.
pub(crate) fn peak_memory_kib(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
