//! What the app's processes take, as `/proc` tells it.

use std::fs;

/// A process and everything that it started.
pub(super) struct Family(u32);

impl Family {
    pub(super) fn of(root: u32) -> Self {
        Self(root)
    }

    /// The ids of all that are there now.
    fn members(&self) -> Vec<u32> {
        let mut members = vec![self.0];
        let mut next = 0;
        while let Some(parent) = members.get(next).copied() {
            members.extend(children(parent));
            next += 1;
        }
        members
    }

    /// The member whose program has this name.
    pub(super) fn called(&self, name: &str) -> Option<u32> {
        self.members().into_iter().find(|id| {
            fs::read_link(format!("/proc/{id}/exe"))
                .is_ok_and(|path| path.file_name().is_some_and(|file| file.to_string_lossy() == name))
        })
    }

    /// Proportional set size of all, in MiB: pages that several share count once in all.
    pub(super) fn memory_mib(&self) -> f64 {
        let pss_kib = |id: &u32| -> f64 {
            let rollup = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).unwrap_or_default();
            let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
            line.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse().ok()).unwrap_or(0.0)
        };
        self.members().iter().map(pss_kib).sum::<f64>() / 1024.0
    }
}

fn children(parent: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// CPU time of the main thread of a process so far, in seconds, in steps of 10 ms.
pub(super) fn main_thread_s(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/task/{process}/stat")).unwrap_or_default();
    // The name may hold spaces; what follows its parenthesis does not.
    let rest = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let ticks: f64 = rest.split(' ').skip(11).take(2).filter_map(|n| n.parse::<f64>().ok()).sum();
    #[expect(clippy::cast_precision_loss, reason = "a hundred")]
    let per_second = rustix::param::clock_ticks_per_second() as f64;
    ticks / per_second
}
