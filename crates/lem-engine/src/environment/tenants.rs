//! Who else uses a GPU. Its sensor measures the whole board, so the energy of a stranger is in every number.

use std::collections::BTreeSet;
use std::fmt;

use lem_power::{DeviceState, GpuProcess, ProcessKind};
use serde::Serialize;

use super::processes::{HostProcess, Seen, ids_are_those_of_the_driver, look_up};

/// The processes that are measured.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Owners {
    /// Workers by their process ids on this host. Their groups, their sessions and all that descends from them is theirs.
    pub pids: BTreeSet<u32>,
    /// Containers by their full ids. All that runs in them is theirs.
    pub containers: BTreeSet<String>,
    /// Whether a server is measured that somebody else has started: which processes are its own is not known then.
    pub served_by_others: bool,
}

/// Those who use the devices besides. Nobody else does only where both lists are empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Tenants {
    /// Those that are known.
    pub foreign: Vec<Foreign>,
    /// Why there may be others, a sentence for each reason.
    pub unknown: Vec<String>,
}

/// A process on a device that belongs to nobody who is measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Foreign {
    /// The device's id.
    pub device: String,
    /// Its process id on this host.
    pub pid: u32,
    /// Its program, where this user may see it.
    pub name: Option<String>,
    /// What it does on the device.
    pub kind: ProcessKind,
    /// Whether it is a display server or a desktop: it is there as long as somebody is logged in.
    pub display: bool,
    /// Memory of the device that it holds, in bytes.
    pub memory_bytes: Option<u64>,
    /// Its greatest share of the device's time since the last look, in percent.
    pub utilization_pct: Option<u32>,
}

/// Programs that draw a desktop, by the first 15 characters of their names (all that Linux keeps).
const DISPLAY_PROGRAMS: [&str; 16] = [
    "Xorg",
    "X",
    "Xwayland",
    "Xvnc",
    "gnome-shell",
    "mutter",
    "kwin_wayland",
    "kwin_x11",
    "plasmashell",
    "sway",
    "weston",
    "wayfire",
    "Hyprland",
    "cosmic-comp",
    "cinnamon",
    "xfwm4",
];

/// Longer than any line of ancestors; a loop cannot be, but files of `/proc` are read one after the other.
const MOST_ANCESTORS: usize = 64;

/// The least length of a container's id by which a control group can be named.
const SHORTEST_ID: usize = 12;

impl Tenants {
    /// Sorts the processes on the devices into those of `owners` and others.
    pub fn find(devices: &[DeviceState], owners: &Owners) -> Self {
        Self::among(devices, owners, ids_are_those_of_the_driver(), &look_up)
    }

    pub(super) fn among(
        devices: &[DeviceState],
        owners: &Owners,
        ids_match: bool,
        host: &dyn Fn(u32) -> Seen,
    ) -> Self {
        let mut tenants = Self::default();
        for device in devices {
            match (&device.processes, untold(device, owners, ids_match)) {
                (Some(processes), None) => {
                    tenants.foreign.extend(foreign(&device.id, processes, owners, host));
                }
                (_, why) => tenants.unknown.extend(why),
            }
        }
        tenants
    }
}

/// Why it cannot be told who uses a device.
fn untold(device: &DeviceState, owners: &Owners, ids_match: bool) -> Option<String> {
    let id = &device.id;
    if let Some(why) = &device.unreachable {
        return Some(format!("{id} could not be looked at: {why}"));
    }
    if device.processes.is_none() {
        let why = device.absent.get("processes").map_or("no reason is known", String::as_str);
        return Some(format!("{id} does not tell who uses it: {why}"));
    }
    if !ids_match {
        return Some(format!("{id} is used by processes that cannot be seen from inside of this container"));
    }
    let why = || {
        format!(
            "{id} is used by a server that was not started here: which processes are its own is not known"
        )
    };
    owners.served_by_others.then(why)
}

/// The processes on a device that are not of `owners`.
fn foreign(
    device: &str,
    processes: &[GpuProcess],
    owners: &Owners,
    host: &dyn Fn(u32) -> Seen,
) -> Vec<Foreign> {
    let stranger = |process: &GpuProcess| {
        let name = match host(process.pid) {
            // Ended between the driver's answer and this look.
            Seen::Gone => return None,
            Seen::Hidden => None,
            Seen::Process(seen) if owners.own(process.pid, &seen, host) => return None,
            Seen::Process(seen) => Some(seen.name),
        };
        if owners.pids.contains(&process.pid) {
            return None;
        }
        let draws = process.kind != ProcessKind::Compute;
        Some(Foreign {
            device: device.to_owned(),
            pid: process.pid,
            display: draws && name.as_deref().is_some_and(|name| DISPLAY_PROGRAMS.contains(&name)),
            name,
            kind: process.kind,
            memory_bytes: process.memory_bytes,
            utilization_pct: process.utilization_pct,
        })
    };
    processes.iter().filter_map(stranger).collect()
}

impl Owners {
    /// Whether a process is one of them, or descends from one.
    fn own(&self, pid: u32, process: &HostProcess, host: &dyn Fn(u32) -> Seen) -> bool {
        let mut next = (pid, process.clone());
        for _ in 0..MOST_ANCESTORS {
            let (pid, process) = next;
            if self.names(pid, &process) {
                return true;
            }
            let parent = process.parent;
            match host(parent) {
                Seen::Process(seen) if parent > 1 => next = (parent, seen),
                _ => return false,
            }
        }
        false
    }

    /// A group outlives the parent of a process, which then descends from nobody of ours any more.
    fn names(&self, pid: u32, process: &HostProcess) -> bool {
        let ids = [pid, process.group, process.session];
        let contains = |id: &String| id.len() >= SHORTEST_ID && process.cgroup.contains(id.as_str());
        ids.iter().any(|id| self.pids.contains(id)) || self.containers.iter().any(contains)
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_deref().unwrap_or("a process of another user");
        let does = match (self.display, self.kind) {
            (true, _) => "draws the desktop",
            (_, ProcessKind::Compute) => "computes",
            (_, ProcessKind::Graphics) => "draws",
            (_, ProcessKind::ComputeAndGraphics) => "computes and draws",
        };
        write!(f, "{name} (process {}) {does} on {}", self.pid, self.device)?;
        if let Some(bytes) = self.memory_bytes {
            write!(f, ", holds {} MiB", bytes >> 20)?;
        }
        if let Some(share) = self.utilization_pct {
            write!(f, ", uses up to {share} % of it")?;
        }
        Ok(())
    }
}
