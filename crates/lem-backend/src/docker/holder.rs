//! Who holds a container: the process that started it, named so that another process can tell whether it is alive.

use std::fmt;
use std::fs;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

/// A process, named across machines, restarts and containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    machine: String,
    boot: String,
    /// A process id means something only in its own name space.
    namespace: String,
    pid: u32,
    /// Clock ticks from boot to its start: a process id is given out again.
    started: u64,
}

impl Holder {
    /// This process. `None` where the system does not tell enough (no `/proc`).
    pub fn this_process() -> Option<Self> {
        let pid = std::process::id();
        Some(Self { pid, started: start_ticks(pid)?, ..Self::here()? })
    }

    fn here() -> Option<Self> {
        let word = |path: &str| {
            let text = fs::read_to_string(path).ok()?.trim().to_owned();
            (!text.is_empty() && !text.contains('/')).then_some(text)
        };
        let namespace = fs::read_link("/proc/self/ns/pid").ok()?.to_string_lossy().into_owned();
        Some(Self {
            // Absent in many containers: then the boot alone says which machine.
            machine: word("/etc/machine-id").unwrap_or_else(|| "unknown".into()),
            boot: word("/proc/sys/kernel/random/boot_id")?,
            namespace,
            pid: 0,
            started: 0,
        })
    }

    /// Another user's processes may be hidden from `/proc`, but a signal still finds them.
    fn runs_here(&self) -> bool {
        if fs::exists(format!("/proc/{}/stat", self.pid)).unwrap_or(true) {
            return start_ticks(self.pid) == Some(self.started);
        }
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        pid.is_some_and(|pid| test_kill_process(pid) != Err(Errno::SRCH))
    }

    /// Reads what [`fmt::Display`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        let [machine, boot, namespace, pid, started] = parts.as_slice() else { return None };
        Some(Self {
            machine: (*machine).into(),
            boot: (*boot).into(),
            namespace: (*namespace).into(),
            pid: pid.parse().ok()?,
            started: started.parse().ok()?,
        })
    }

    /// Whether it has certainly ended. A process of another machine, or of another name space, may be alive.
    pub fn is_dead(&self) -> bool {
        let Some(here) = Self::here() else { return false };
        if self.boot != here.boot {
            return self.machine == here.machine && self.machine != "unknown";
        }
        self.namespace == here.namespace && !self.runs_here()
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { machine, boot, namespace, pid, started } = self;
        write!(f, "{machine}/{boot}/{namespace}/{pid}/{started}")
    }
}

/// Field 22 of `/proc/PID/stat` (proc(5)). The second field is a name that may hold spaces and parentheses. A process
/// that has ended but was not waited for yet (state Z) holds nothing any more.
fn start_ticks(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    if state == "Z" || state == "X" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn this() -> Holder {
        Holder::this_process().expect("there is /proc")
    }

    #[test]
    fn what_is_written_is_read_back() {
        assert_eq!(Holder::parse(&this().to_string()), Some(this()));
        assert_eq!(Holder::parse("someone"), None);
    }

    #[test]
    fn this_process_is_alive() {
        assert!(!this().is_dead());
    }

    #[test]
    fn a_process_that_took_over_the_id_of_a_dead_one_is_not_it() {
        assert!(Holder { started: this().started + 1, ..this() }.is_dead());
        assert!(Holder { pid: u32::MAX, ..this() }.is_dead());
    }

    #[test]
    fn nothing_outlives_a_restart_of_its_machine() {
        let before = Holder { boot: "before".into(), machine: "m".into(), ..this() };
        assert_eq!(before.is_dead(), before.machine == this().machine);
        assert!(Holder { boot: "before".into(), ..this() }.is_dead() || this().machine == "unknown");
    }

    #[test]
    fn what_cannot_be_seen_from_here_may_be_alive() {
        assert!(!Holder { machine: "another".into(), boot: "another".into(), ..this() }.is_dead());
        assert!(!Holder { namespace: "pid:[1]".into(), pid: u32::MAX, ..this() }.is_dead());
    }
}
