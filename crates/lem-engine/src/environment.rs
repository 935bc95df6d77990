//! What the machine was during a campaign. It holds no time stamps, so that equal machines give equal snapshots, and
//! no environment variables, so that it holds no secrets.

use std::fs;

use lem_measure::DeviceInfo;
use serde_json::{Value, json};

/// A snapshot of the machine and its meters.
pub(crate) fn snapshot(devices: &[DeviceInfo]) -> Value {
    let system = rustix::system::uname();
    json!({
        "app_version": env!("CARGO_PKG_VERSION"),
        "kernel": format!("{} {}", system.sysname().to_string_lossy(), system.release().to_string_lossy()),
        "architecture": system.machine().to_string_lossy(),
        "cpu": {
            "model": cpu_model(),
            "logical_cores": std::thread::available_parallelism().ok().map(std::num::NonZero::get),
            "governor": line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        },
        "memory_bytes": memory_bytes(),
        "devices": devices,
    })
}

fn line(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

fn cpu_model() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").ok()?;
    let model = info.lines().find(|line| line.starts_with("model name"))?;
    model.split_once(':').map(|(_, name)| name.trim().to_owned())
}

fn memory_bytes() -> Option<u64> {
    let info = fs::read_to_string("/proc/meminfo").ok()?;
    let total = info.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    total.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}
