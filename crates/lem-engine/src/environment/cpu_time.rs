//! The CPU time of this host, and what of it the processes of a run used: see [`CpuTime`]. A reading costs a file of the
//! kernel and some for each process of the run, microseconds each. Processes of others are not looked at.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use lem_campaign::run::{ContainerTime, CpuTime, Owner, ProcessId, ProcessTime};
use rustix::time::{ClockId, clock_gettime};

/// Reads the time of now. `this` is the process that runs the engine; `since` is the reading at the other edge of a
/// window, whose processes are looked for even where they have lost their parents. Fails with a reason where it cannot
/// be told what the run's own part is.
pub(crate) fn read(
    root: &Path,
    this: u32,
    owner: &Owner,
    since: Option<&CpuTime>,
) -> Result<CpuTime, String> {
    let now = clock_gettime(ClockId::Boottime);
    #[expect(clippy::cast_precision_loss, reason = "2^52 seconds are longer than any machine runs")]
    let at_s = now.tv_sec as f64 + now.tv_nsec as f64 * 1e-9;
    let account = fs::read_to_string(root.join("proc/stat")).ok().and_then(|text| cpus(&text));
    let (all_s, busy_s) = account.ok_or("the kernel's account of CPU time cannot be read")?;
    let known = since.and_then(|since| since.container.as_ref()).map(|container| container.account.clone());
    let find = |id: &String| known.map_or_else(|| container(root, id, &owner.pids), Ok);
    let account = owner.container.as_ref().map(find).transpose()?;
    let container = account.map(|account| container_time(root, account)).transpose()?;
    let worker = match container {
        Some(_) => &[][..],
        None if owner.pids.is_empty() => return Err("the worker's processes are not known".into()),
        None => &owner.pids[..],
    };
    if !root.join(format!("proc/{this}/task/{this}/children")).exists() {
        return Err("this kernel does not tell the children of a process".into());
    }
    let mut sought: Vec<(u32, Option<ProcessId>)> = vec![(this, None)];
    sought.extend(worker.iter().map(|pid| (*pid, None)));
    sought.extend(since.iter().flat_map(|since| since.processes.keys()).map(|id| (id.pid, Some(*id))));
    let mut found = CpuTime { at_s, all_s, busy_s, container, ..CpuTime::default() };
    while let Some((pid, expected)) = sought.pop() {
        if found.processes.keys().any(|id| id.pid == pid) {
            continue;
        }
        let Some((id, time)) = process(root, pid)? else { continue };
        if expected.is_none_or(|expected| expected == id) {
            sought.extend(children(root, pid).into_iter().map(|child| (child, None)));
            found.processes.insert(id, time);
        }
    }
    Ok(found)
}

/// Time of all CPUs together and the busy part of it in seconds, from the first line of `/proc/stat` (`proc_stat(5)`).
/// Guests are part of user and nice already. Stolen time went to another machine on the same CPUs, which is others.
fn cpus(stat: &str) -> Option<(f64, f64)> {
    let columns = stat.lines().next()?.strip_prefix("cpu ")?;
    let columns: Option<Vec<f64>> = columns.split_whitespace().map(|word| word.parse().ok()).collect();
    let [user, nice, system, idle, iowait, irq, softirq, steal] = *columns?.first_chunk()?;
    let busy = user + nice + system + irq + softirq + steal;
    Some(((busy + idle + iowait) * tick_s(), busy * tick_s()))
}

/// A process with its time; nothing where it has ended. Another user's may be hidden.
fn process(root: &Path, pid: u32) -> Result<Option<(ProcessId, ProcessTime)>, String> {
    match fs::read(root.join(format!("proc/{pid}/stat"))) {
        // A name of a program need not be text.
        Ok(stat) => Ok(times(pid, &String::from_utf8_lossy(&stat))),
        Err(error) if error.kind() == io::ErrorKind::NotFound || is_gone(&error) => Ok(None),
        Err(error) => Err(format!("process {pid} of the run cannot be looked at: {error}")),
    }
}

/// A process that ends while its file is open.
fn is_gone(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error())
}

/// The times in `/proc/PID/stat`; the name in front of them may itself hold parentheses and spaces.
fn times(pid: u32, stat: &str) -> Option<(ProcessId, ProcessTime)> {
    let (_, after_name) = stat.rsplit_once(") ")?;
    let column = |number: usize| {
        // Columns are counted from 1 in proc_pid_stat(5), and the state behind the name is the third.
        let word = after_name.split_whitespace().nth(number - 3)?;
        word.parse::<u64>().ok()
    };
    #[expect(clippy::cast_precision_loss, reason = "2^53 ticks are longer than any machine runs")]
    let seconds = |ticks: u64| ticks as f64 * tick_s();
    let [user, system, ended_user, ended_system] = [column(14)?, column(15)?, column(16)?, column(17)?];
    let started_ticks = column(22)?;
    let time = ProcessTime {
        started_s: seconds(started_ticks),
        own_s: seconds(user + system),
        ended_children_s: seconds(ended_user + ended_system),
    };
    Some((ProcessId { pid, started_ticks }, time))
}

/// The children of all threads of a process; none where it has ended.
fn children(root: &Path, pid: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(root.join(format!("proc/{pid}/task"))) else { return Vec::new() };
    let lists =
        threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|word| word.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// Where the CPU account of a container is, beneath the root. `pids` are processes in it.
fn container(root: &Path, id: &str, pids: &[u32]) -> Result<PathBuf, String> {
    let read = |file: &str| fs::read_to_string(root.join(file)).unwrap_or_default();
    let mounts = read("proc/self/mountinfo");
    let file = pids.iter().find_map(|pid| account(&read(&format!("proc/{pid}/cgroup")), &mounts, id));
    let file = file.ok_or("the control group of the worker's container is not seen from here")?;
    Ok(file.trim_start_matches('/').into())
}

/// What everything in a container has used, by its account.
fn container_time(root: &Path, account: PathBuf) -> Result<ContainerTime, String> {
    let used_s = fs::read_to_string(root.join(&account)).ok().and_then(|text| used_s(&text));
    let used_s = used_s.ok_or("the CPU account of the worker's container cannot be read, or is no more")?;
    Ok(ContainerTime { account, used_s })
}

/// The file with the CPU account of a container: `cpuacct.usage` (cgroup v1) or `cpu.stat` (v2), from the groups of one
/// of its processes (`/proc/PID/cgroup`) and this program's mounts (`/proc/self/mountinfo`). A group within the
/// container's own is not all of it, so the path ends with the part that names the container.
fn account(groups: &str, mounts: &str, id: &str) -> Option<String> {
    let group = |wanted: &dyn Fn(&str) -> bool| {
        let lines = groups.lines().filter_map(|line| line.split_once(':')?.1.split_once(':'));
        let (_, path) =
            lines.into_iter().find(|(controllers, path)| wanted(controllers) && path.contains(id))?;
        let (above, below) = path.split_at(path.find(id)?);
        Some(format!("{above}{}", below.split('/').next()?))
    };
    let is_accounted = |controllers: &str| controllers.split(',').any(|controller| controller == "cpuacct");
    if let Some(path) = group(&is_accounted) {
        return beneath(mounts, "cgroup", "cpuacct", &path).map(|folder| format!("{folder}/cpuacct.usage"));
    }
    let path = group(&str::is_empty)?;
    beneath(mounts, "cgroup2", "", &path).map(|folder| format!("{folder}/cpu.stat"))
}

/// Where a control group is in the file system: beneath the mount of this type that has this option (`proc_pid_mountinfo(5)`).
fn beneath(mounts: &str, kind: &str, option: &str, group: &str) -> Option<String> {
    mounts.lines().find_map(|line| {
        let (mount, file_system) = line.split_once(" - ")?;
        let mut words = mount.split(' ').skip(3);
        let (root, at) = (words.next()?, words.next()?);
        let mut words = file_system.split(' ');
        let is_kind = words.next()? == kind;
        let has_option = option.is_empty() || words.nth(1)?.split(',').any(|word| word == option);
        let path = group.strip_prefix(root.trim_end_matches('/'))?;
        (is_kind && has_option).then(|| format!("{at}{path}"))
    })
}

/// Nanoseconds in one number (cgroup v1), or microseconds in the line `usage_usec` (v2), as seconds.
fn used_s(account: &str) -> Option<f64> {
    let line =
        |name: &str| account.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok());
    line("usage_usec ").map(|us| us * 1e-6).or_else(|| account.trim().parse::<f64>().ok().map(|ns| ns * 1e-9))
}

/// A tick of these accounts in seconds: 0.01 wherever Linux runs.
fn tick_s() -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "100")]
    let ticks = rustix::param::clock_ticks_per_second() as f64;
    1.0 / ticks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::tests::host_files;

    const ID: &str = "4f0c5e9a1b2c3d4e5f60718293a4b5c6d7e8f9010203040506070809aabbccdd";

    fn stat(pid: u32, own: [u32; 2], ended_children: [u32; 2], started: u32) -> String {
        let ([user, system], [ended_user, ended_system]) = (own, ended_children);
        format!(
            "{pid} (a) R (b) S 1 9 9 0 -1 4194304 1 0 0 0 {user} {system} {ended_user} {ended_system} 20 0 3 0 {started} 99 7\n"
        )
    }

    fn close(found: f64, expected: f64) -> bool {
        (found - expected).abs() < 1e-9
    }

    #[test]
    fn guests_are_counted_once_and_waiting_is_not_busy() {
        let (all_s, busy_s) = cpus("cpu  1000 200 300 8000 500 40 50 60 900 100\ncpu0 1 1 1\n").unwrap();
        assert!(close(busy_s, 16.5) && close(all_s, 101.5), "{busy_s} of {all_s}");
        assert_eq!(cpus("cpu  1 2 3 4\n"), None, "a kernel of long ago");
        assert_eq!(cpus("intr 1 2 3\n"), None);
    }

    #[test]
    fn times_of_a_process_are_found_behind_any_name() {
        let (id, time) = times(7, &stat(7, [1200, 34], [500, 66], 4711)).unwrap();
        assert_eq!(id, ProcessId { pid: 7, started_ticks: 4711 });
        assert!(close(time.own_s, 12.34) && close(time.ended_children_s, 5.66), "{time:?}");
        assert!(close(time.started_s, 47.11), "{time:?}");
        assert_eq!(times(7, "7 (sh) S 1 2"), None);
    }

    /// The engine is process 10 with a child by its second thread; 20 is a worker beside it, 30 belongs to nobody of ours.
    fn processes() -> tempfile::TempDir {
        host_files(&[
            ("proc/stat", "cpu  1000 0 0 3000 0 0 0 0 0 0\n"),
            ("proc/10/stat", &stat(10, [10, 0], [0, 0], 1)),
            ("proc/10/task/10/children", ""),
            ("proc/10/task/11/children", "12 "),
            ("proc/12/stat", &stat(12, [20, 0], [0, 0], 2)),
            ("proc/12/task/12/children", "99 "),
            ("proc/20/stat", &stat(20, [30, 0], [0, 0], 3)),
            ("proc/20/task/20/children", "21 "),
            ("proc/21/stat", &stat(21, [40, 0], [0, 0], 4)),
            ("proc/21/task/21/children", ""),
            ("proc/30/stat", &stat(30, [50, 0], [0, 0], 5)),
            ("proc/30/task/30/children", ""),
        ])
    }

    fn pids(time: &CpuTime) -> Vec<u32> {
        time.processes.keys().map(|id| id.pid).collect()
    }

    #[test]
    fn what_descends_from_the_engine_or_from_the_worker_is_its_own() {
        let root = processes();
        let owner = Owner { pids: vec![20], container: None };
        let found = read(root.path(), 10, &owner, None).unwrap();
        assert_eq!(pids(&found), [10, 12, 20, 21], "99 has ended");
        assert!(close(found.all_s, 40.0) && close(found.busy_s, 10.0) && found.at_s > 0.0, "{found:?}");
    }

    #[test]
    fn a_process_that_has_lost_its_parent_is_still_seen_and_its_number_alone_is_not_enough() {
        let root = processes();
        let owner = Owner { pids: vec![20], container: None };
        let begin = read(root.path(), 10, &owner, None).unwrap();
        fs::remove_dir_all(root.path().join("proc/20")).unwrap();
        assert_eq!(pids(&read(root.path(), 10, &owner, Some(&begin)).unwrap()), [10, 12, 21]);
        fs::write(root.path().join("proc/21/stat"), stat(21, [1, 0], [0, 0], 900)).unwrap();
        assert_eq!(
            pids(&read(root.path(), 10, &owner, Some(&begin)).unwrap()),
            [10, 12],
            "21 is another one"
        );
    }

    #[test]
    fn a_container_is_found_by_its_name_in_either_version_of_control_groups() {
        let first = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
                     33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n";
        let groups = format!("9:name=systemd:/docker/{ID}\n2:cpu,cpuacct:/docker/{ID}/own\n0::/\n");
        let file = format!("/sys/fs/cgroup/cpu,cpuacct/docker/{ID}/cpuacct.usage");
        assert_eq!(account(&groups, first, ID), Some(file));
        let second = "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
        let groups = format!("0::/system.slice/docker-{ID}.scope/init.scope\n");
        let file = format!("/sys/fs/cgroup/system.slice/docker-{ID}.scope/cpu.stat");
        assert_eq!(account(&groups, second, ID), Some(file));
        assert_eq!(account("0::/system.slice/cron.service\n", second, ID), None);
    }

    #[test]
    fn a_mount_of_a_part_shows_what_is_beneath_it() {
        let mounts = "31 23 0:28 /docker /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n";
        let inside = format!("0::/docker/{ID}\n");
        assert_eq!(account(&inside, mounts, ID), Some(format!("/sys/fs/cgroup/{ID}/cpu.stat")));
        assert_eq!(account(&format!("0::/../{ID}\n"), mounts, ID), None, "outside of it");
    }

    #[test]
    fn an_account_is_read_in_the_unit_of_its_version() {
        assert_eq!(used_s("12500000000\n"), Some(12.5));
        assert_eq!(used_s("usage_usec 2500000\nuser_usec 1\nsystem_usec 2\n"), Some(2.5));
        assert_eq!(used_s("user_usec 1\n"), None);
    }

    #[test]
    fn the_account_of_a_container_stands_beside_the_engine() {
        let root = processes();
        let files = [
            ("proc/self/mountinfo", "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n".to_owned()),
            ("proc/30/cgroup", format!("0::/docker/{ID}\n")),
            (&format!("sys/fs/cgroup/docker/{ID}/cpu.stat"), "usage_usec 7000000\n".to_owned()),
        ];
        for (file, text) in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let owner = Owner { pids: vec![30], container: Some(ID.into()) };
        let begin = read(root.path(), 10, &owner, None).unwrap();
        let used_s = |time: &CpuTime| time.container.as_ref().map(|container| container.used_s);
        assert_eq!((pids(&begin), used_s(&begin)), (vec![10, 12], Some(7.0)));
        // Its processes end with the window, and its account does not.
        fs::remove_dir_all(root.path().join("proc/30")).unwrap();
        assert_eq!(used_s(&read(root.path(), 10, &owner, Some(&begin)).unwrap()), Some(7.0));
        fs::remove_dir_all(root.path().join("sys/fs/cgroup/docker")).unwrap();
        assert!(read(root.path(), 10, &owner, Some(&begin)).is_err_and(|why| why.contains("is no more")));
    }

    #[test]
    fn what_cannot_be_told_has_a_reason() {
        let why = |root: &Path, owner: &Owner| read(root, 10, owner, None).expect_err("not known");
        let (root, nobody) = (processes(), Owner::default());
        assert!(why(root.path(), &nobody).contains("the worker's processes are not known"));
        let elsewhere = Owner { pids: Vec::new(), container: Some(ID.into()) };
        assert!(why(root.path(), &elsewhere).contains("is not seen from here"));
        let worker = Owner { pids: vec![20], container: None };
        fs::remove_file(root.path().join("proc/10/task/10/children")).unwrap();
        assert!(why(root.path(), &worker).contains("this kernel"));
        assert!(why(Path::new("/nowhere"), &worker).contains("account"));
    }

    #[test]
    fn a_worker_that_computes_is_seen_to_on_this_machine() {
        use std::process::{Command, Stdio};
        // Its child computes for a while and ends; `cat` ends with its input.
        let script = "sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done'; echo done; cat";
        let mut worker = Command::new("sh")
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let owner = Owner { pids: vec![worker.id()], container: None };
        let this = std::process::id();
        let begin = read(Path::new("/"), this, &owner, None).unwrap();
        let mut said = [0; 5];
        io::Read::read_exact(worker.stdout.as_mut().unwrap(), &mut said).unwrap();
        let end = read(Path::new("/"), this, &owner, Some(&begin)).unwrap();
        drop(worker.stdin.take());
        worker.wait().unwrap();
        let of = |time: &CpuTime| {
            let (_, own) = time.processes.iter().find(|(id, _)| id.pid == owner.pids[0]).expect("seen");
            own.ended_children_s
        };
        assert!(of(&end) > of(&begin), "{begin:?} {end:?}");
        assert!(end.busy_s > begin.busy_s && end.all_s > begin.all_s, "{begin:?} {end:?}");
    }
    #[test]
    #[expect(clippy::print_stderr, reason = "the cost is for whoever runs it")]
    fn a_reading_takes_less_than_a_look() {
        let this = std::process::id();
        let owner = Owner { pids: vec![this], container: None };
        let mut least = std::time::Duration::MAX;
        for _ in 0..20 {
            let from = std::time::Instant::now();
            read(Path::new("/"), this, &owner, None).unwrap();
            least = least.min(from.elapsed());
        }
        eprintln!("the CPUs' time and that of one process: {least:?}");
        assert!(least.as_millis() < 10, "{least:?}");
    }
}
