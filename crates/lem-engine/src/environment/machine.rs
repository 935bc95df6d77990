//! The host: system, CPUs, memory. Files are read beneath a root, which is `/` but in tests; what is not there is `null`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

/// What cannot change while this program runs.
pub(super) fn fixed(root: &Path) -> Map<String, Value> {
    let system = rustix::system::uname();
    let info = read(root, "proc/cpuinfo").unwrap_or_default();
    let entries = [
        ("app_version", json!(env!("CARGO_PKG_VERSION"))),
        (
            "kernel",
            json!(format!("{} {}", system.sysname().to_string_lossy(), system.release().to_string_lossy())),
        ),
        ("architecture", json!(system.machine().to_string_lossy())),
        ("os", json!(os_release(root))),
        ("cpu", processor(root, &info)),
        ("memory_bytes", json!(meminfo(root, "MemTotal:"))),
        ("numa_nodes", json!(numa_nodes(root))),
        ("virtual_machine", json!(has_flag(&info, "hypervisor"))),
        ("in_container", json!(["/.dockerenv", "/run/.containerenv"].iter().any(|file| exists(root, file)))),
    ];
    entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The CPU with its settings of now, on top of what is `fixed` of it.
pub(super) fn cpu(root: &Path, fixed: Option<&Value>) -> Value {
    let mut cpu = fixed.and_then(Value::as_object).cloned().unwrap_or_default();
    cpu.insert("governor".into(), json!(governor(root)));
    cpu.insert("turbo".into(), json!(turbo(root)));
    cpu.insert("smt".into(), json!(line(root, "sys/devices/system/cpu/smt/control")));
    Value::Object(cpu)
}

/// The frequency governor of all CPUs, `mixed` where they differ.
pub(super) fn governor(root: &Path) -> Option<String> {
    policies(root, "scaling_governor")
}

/// Bytes of swap, used or not.
pub(super) fn swap_total(root: &Path) -> Option<u64> {
    meminfo(root, "SwapTotal:")
}

/// Bytes of swap in use.
pub(super) fn swap_used(root: &Path) -> Option<u64> {
    swap_total(root)?.checked_sub(meminfo(root, "SwapFree:")?)
}

/// A line of a file, without white space around it.
pub(super) fn line(root: &Path, file: &str) -> Option<String> {
    let text = read(root, file)?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn read(root: &Path, file: &str) -> Option<String> {
    fs::read_to_string(root.join(file)).ok()
}

fn exists(root: &Path, file: &str) -> bool {
    root.join(file.trim_start_matches('/')).exists()
}

fn processor(root: &Path, info: &str) -> Value {
    json!({
        "model": values(info, "model name").next(),
        "logical_cores": std::thread::available_parallelism().ok().map(std::num::NonZero::get),
        "physical_cores": physical_cores(info),
        "driver": policies(root, "scaling_driver"),
    })
}

/// The name of the distribution.
fn os_release(root: &Path) -> Option<String> {
    let text = read(root, "etc/os-release").or_else(|| read(root, "usr/lib/os-release"))?;
    let name = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(name.trim().trim_matches(['"', '\'']).to_owned())
}

/// The values of a field of `/proc/cpuinfo`, one for each logical CPU.
fn values<'a>(info: &'a str, field: &'a str) -> impl Iterator<Item = &'a str> {
    let pairs = info.lines().filter_map(|line| line.split_once(':'));
    pairs.filter(move |(name, _)| name.trim() == field).map(|(_, value)| value.trim())
}

/// Cores of all sockets; `None` where the kernel does not number them, as on ARM.
fn physical_cores(info: &str) -> Option<usize> {
    let cores: BTreeSet<_> = values(info, "physical id").zip(values(info, "core id")).collect();
    (!cores.is_empty()).then_some(cores.len())
}

/// Whether the CPU has a flag; `None` where there are no flags to read.
fn has_flag(info: &str, flag: &str) -> Option<bool> {
    values(info, "flags").next().map(|flags| flags.split_whitespace().any(|word| word == flag))
}

/// What all frequency policies say, `mixed` where they differ.
fn policies(root: &Path, file: &str) -> Option<String> {
    let folders = fs::read_dir(root.join("sys/devices/system/cpu/cpufreq")).ok()?;
    let policies = folders.flatten().filter(|f| f.file_name().to_string_lossy().starts_with("policy"));
    let said: BTreeSet<String> = policies.filter_map(|folder| line(&folder.path(), file)).collect();
    if said.len() > 1 { Some("mixed".into()) } else { said.into_iter().next() }
}

/// Whether CPUs may run above their nominal frequency.
fn turbo(root: &Path) -> Option<bool> {
    let cpu = root.join("sys/devices/system/cpu");
    match line(&cpu, "intel_pstate/no_turbo") {
        Some(off) => Some(off == "0"),
        None => line(&cpu, "cpufreq/boost").map(|on| on == "1"),
    }
}

fn numa_nodes(root: &Path) -> Option<usize> {
    let folders = fs::read_dir(root.join("sys/devices/system/node")).ok()?;
    let names = folders.flatten().map(|folder| folder.file_name().to_string_lossy().into_owned());
    Some(names.filter_map(|name| name.strip_prefix("node")?.parse::<u32>().ok()).count())
}

/// A field of `/proc/meminfo` in bytes.
fn meminfo(root: &Path, field: &str) -> Option<u64> {
    let info = read(root, "proc/meminfo")?;
    let value = info.lines().find_map(|line| line.strip_prefix(field))?;
    value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::tests::host_files;

    const FREQUENCY: &str = "sys/devices/system/cpu/cpufreq";

    #[test]
    fn a_host_is_described_by_its_files() {
        let cpu = |core: u32| {
            format!(
                "model name\t: Xeon\nphysical id\t: 0\ncore id\t\t: {core}\nflags\t\t: fpu hypervisor\n\n"
            )
        };
        let root = host_files(&[
            ("proc/cpuinfo", &[cpu(0), cpu(1), cpu(0), cpu(1)].concat()),
            ("proc/meminfo", "MemTotal:  1000 kB\nSwapTotal:  10 kB\nSwapFree:   4 kB\n"),
            ("etc/os-release", "NAME=Debian\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n"),
            ("sys/devices/system/node/node0/x", ""),
            ("sys/devices/system/node/node1/x", ""),
            (".dockerenv", ""),
        ]);
        let fixed = fixed(root.path());
        assert_eq!(fixed["os"], "Debian GNU/Linux 12");
        assert_eq!((&fixed["memory_bytes"], &fixed["numa_nodes"]), (&json!(1_024_000), &json!(2)));
        assert_eq!((&fixed["virtual_machine"], &fixed["in_container"]), (&json!(true), &json!(true)));
        assert_eq!((&fixed["cpu"]["model"], &fixed["cpu"]["physical_cores"]), (&json!("Xeon"), &json!(2)));
        assert_eq!(swap_used(root.path()), Some(6144));
    }

    #[test]
    fn what_is_not_there_is_null() {
        let root = host_files(&[]);
        let fixed = fixed(root.path());
        assert_eq!((&fixed["os"], &fixed["virtual_machine"]), (&Value::Null, &Value::Null));
        assert_eq!(cpu(root.path(), None), json!({"governor": null, "turbo": null, "smt": null}));
        assert_eq!((swap_used(root.path()), governor(root.path())), (None, None));
    }

    #[test]
    fn governors_that_differ_are_mixed() {
        let policy = |n: u32| format!("{FREQUENCY}/policy{n}/scaling_governor");
        let same = host_files(&[(&policy(0), "performance\n"), (&policy(1), "performance\n")]);
        assert_eq!(governor(same.path()).as_deref(), Some("performance"));
        let mixed = host_files(&[(&policy(0), "performance\n"), (&policy(1), "powersave\n")]);
        assert_eq!(governor(mixed.path()).as_deref(), Some("mixed"));
    }

    #[test]
    fn turbo_is_read_where_the_driver_has_it() {
        let intel = host_files(&[("sys/devices/system/cpu/intel_pstate/no_turbo", "1\n")]);
        assert_eq!(turbo(intel.path()), Some(false));
        let other = host_files(&[(&format!("{FREQUENCY}/boost"), "1\n")]);
        assert_eq!(turbo(other.path()), Some(true));
    }
}
