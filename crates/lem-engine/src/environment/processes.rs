//! Processes of this host, as `/proc` tells them. Only those that are asked for are read: a look at a few costs some
//! tens of microseconds.

use std::fs;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

/// What is known of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    /// All of it.
    Process(HostProcess),
    /// It exists, but `/proc` does not show it to this user.
    Hidden,
    /// It has ended.
    Gone,
}

/// A process of this host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct HostProcess {
    pub(super) parent: u32,
    pub(super) group: u32,
    pub(super) session: u32,
    /// The name of its program, at most 15 characters; see [`plain`].
    pub(super) name: String,
    /// Its control groups, one a line.
    pub(super) cgroup: String,
}

/// The number of the first namespace of process ids (`PROC_PID_INIT_INO` of Linux), by which the driver counts.
const FIRST_NAMESPACE: &str = "pid:[4026531836]";

/// Whether process ids of the driver are those that this program sees; not so in most containers.
pub(super) fn ids_are_those_of_the_driver() -> bool {
    fs::read_link("/proc/self/ns/pid").is_ok_and(|link| link.as_os_str() == FIRST_NAMESPACE)
}

/// Looks a process up.
pub(super) fn look_up(pid: u32) -> Seen {
    // A name of a program need not be text.
    let read = |file: &str| {
        fs::read(format!("/proc/{pid}/{file}")).map(|b| String::from_utf8_lossy(&b).into_owned())
    };
    let Ok(stat) = read("stat") else { return unseen(pid) };
    let cgroup = read("cgroup").unwrap_or_default();
    parse(&stat, cgroup).map_or_else(|| unseen(pid), Seen::Process)
}

/// Whether a process that cannot be read exists: a mount of `/proc` may hide those of others.
fn unseen(pid: u32) -> Seen {
    let id = i32::try_from(pid).ok().and_then(Pid::from_raw);
    match id.map(test_kill_process) {
        Some(Ok(()) | Err(Errno::PERM)) => Seen::Hidden,
        _ => Seen::Gone,
    }
}

/// Reads `/proc/PID/stat`; the name may itself hold parentheses and spaces.
fn parse(stat: &str, cgroup: String) -> Option<HostProcess> {
    let (front, back) = stat.rsplit_once(") ")?;
    let (_, name) = front.split_once('(')?;
    let mut numbers = back.split_whitespace().skip(1).map(str::parse::<i64>);
    // Groups and sessions of kernel threads are 0, and unknown ones -1.
    let mut next = || numbers.next()?.ok().map(|number| u32::try_from(number).unwrap_or(0));
    let (parent, group, session) = (next()?, next()?, next()?);
    Some(HostProcess { parent, group, session, name: plain(name), cgroup })
}

/// A name that can be stored and shown anywhere: a program may have chosen any bytes for its name, and a path may tell
/// whose it is.
fn plain(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or_default();
    last.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).take(15).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything_and_is_stored_plainly() {
        let stat = |name: &str| format!("12 ({name}) S 5 6 7 0 -1");
        let process = parse(&stat("a) R (b\u{1b}[31m"), "0::/\n".into()).expect("a process");
        assert_eq!((process.parent, process.group, process.session), (5, 6, 7));
        assert_eq!(process.name, "a) R (b?[31m");
        assert_eq!(parse(&stat("/home/eve/run"), String::new()).expect("a process").name, "run");
        assert_eq!(parse("12 (sh", String::new()), None);
    }

    #[test]
    fn this_process_is_seen_and_one_that_ended_is_gone() {
        let Seen::Process(own) = look_up(std::process::id()) else { panic!("not seen") };
        assert!(own.parent > 0 && !own.name.is_empty());
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        assert_eq!(look_up(child.id()), Seen::Gone);
    }
}
