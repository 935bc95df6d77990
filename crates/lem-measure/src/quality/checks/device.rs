//! The state of the devices: the right ones, nothing else on them, and settings that do not distort.

use std::collections::BTreeSet;

use crate::device::DeviceKind;
use crate::quality::catalogue as kinds;
use crate::quality::facts::{DeviceFacts, EccErrors, ForeignProcess, RunFacts};
use crate::quality::judge::{Finding, pass_or_invalid, pass_or_warn};
use crate::quality::{Check, Verdict, xid_in_words};

use super::list;

/// A process that uses this share of a device's time is active.
const ACTIVE: f64 = 0.01;

pub(super) fn checks(facts: &RunFacts) -> Vec<Check> {
    let devices = || facts.devices.iter();
    let checks = [
        Some(kinds::DEVICES.check(planned(facts))),
        kinds::FOREIGN_PROCESSES.worst(devices().filter(|d| is_looked_at(d)), foreign_processes),
        kinds::MIG.worst(devices().filter(|d| d.mig.is_some()), mig),
        kinds::PERSISTENCE.worst(devices().filter(|d| d.is_board()), persistence),
        kinds::ECC.worst(devices().filter(|d| d.ecc == Some(true)), ecc),
        kinds::XID.worst(devices().filter(|d| d.is_board()), xid),
    ];
    checks.into_iter().flatten().collect()
}

/// Other work on a CPU is what `host_load` tells.
fn is_looked_at(device: &DeviceFacts) -> bool {
    device.is_board() || (device.kind == DeviceKind::Gpu && device.foreign_processes.is_some())
}

fn planned(facts: &RunFacts) -> Finding {
    let Some(planned) = &facts.planned_devices else {
        return Finding::unknown("It is not known which devices were planned.");
    };
    let planned: BTreeSet<&str> = planned.iter().map(String::as_str).collect();
    let measured: BTreeSet<&str> = facts.devices.iter().map(|d| d.id.as_str()).collect();
    let missing: Vec<String> = planned.difference(&measured).map(ToString::to_string).collect();
    let more: Vec<String> = measured.difference(&planned).map(ToString::to_string).collect();
    let why = match (missing.is_empty(), more.is_empty()) {
        (true, true) => "The devices are those that were planned.".to_owned(),
        (false, _) => format!("Not measured: {}.", list(&missing)),
        (true, false) => format!("Measured and not planned: {}.", list(&more)),
    };
    Finding::bare(pass_or_invalid(missing.is_empty() && more.is_empty() && !planned.is_empty()), why)
}

fn foreign_processes(device: &DeviceFacts) -> Finding {
    let label = device.label();
    let Some(processes) = &device.foreign_processes else {
        return Finding::unknown(format!("Nobody looked for other processes on {label}."));
    };
    let active = |process: &&ForeignProcess| process.utilization.is_some_and(|share| share >= ACTIVE);
    let found = f64::from(u32::try_from(processes.len()).unwrap_or(u32::MAX));
    match processes.iter().find(active) {
        _ if processes.is_empty() => {
            Finding::of(found, Verdict::Pass, format!("No other process was on {label}."))
        }
        Some(ForeignProcess { pid, .. }) => {
            let why = format!("Process {pid} used {label} too, and its energy is counted.");
            Finding::of(found, Verdict::Invalid, why)
        }
        None => {
            let pids: Vec<String> = processes.iter().map(|process| process.pid.to_string()).collect();
            let why = format!("Processes that are not known to be active were on {label}: {}.", list(&pids));
            Finding::of(found, Verdict::Warn, why)
        }
    }
}

/// A board's sensor knows nothing of its instances.
fn mig(device: &DeviceFacts) -> Finding {
    let label = device.label();
    if device.mig == Some(true) {
        let why = format!("{label} is split by MIG, so that its energy is not attributable to one instance.");
        return Finding::bare(Verdict::Invalid, why);
    }
    Finding::bare(Verdict::Pass, format!("{label} is not split."))
}

fn persistence(device: &DeviceFacts) -> Finding {
    let label = device.label();
    match device.persistence {
        None => Finding::unknown(format!("The driver does not tell the persistence mode of {label}.")),
        Some(true) => Finding::bare(Verdict::Pass, format!("The driver keeps {label} initialised.")),
        Some(false) => {
            let why = format!(
                "The driver may unload {label} between programs, which resets its counter and clocks."
            );
            Finding::bare(Verdict::Warn, why)
        }
    }
}

fn ecc(device: &DeviceFacts) -> Finding {
    let label = device.label();
    match device.ecc_errors {
        None => Finding::unknown(format!("Nobody looked for memory errors of {label}.")),
        Some(EccErrors { uncorrected: 0, corrected }) => {
            let why = format!("The memory of {label} had {corrected} corrected errors.");
            Finding::bare(pass_or_warn(corrected == 0), why)
        }
        Some(EccErrors { uncorrected, .. }) => {
            let why = format!("The memory of {label} had {uncorrected} errors that were not corrected.");
            Finding::bare(Verdict::Invalid, why)
        }
    }
}

/// Each kind of error is named once.
fn xid(device: &DeviceFacts) -> Finding {
    let label = device.label();
    let Some(xids) = &device.xids else {
        return Finding::unknown(format!(
            "It is not known whether the driver reported errors (Xid) of {label}."
        ));
    };
    let found = f64::from(u32::try_from(xids.len()).unwrap_or(u32::MAX));
    if xids.is_empty() {
        return Finding::of(found, Verdict::Pass, format!("The driver reported no error (Xid) of {label}."));
    }
    let kinds: BTreeSet<u64> = xids.iter().copied().collect();
    let words: Vec<String> = kinds.into_iter().map(xid_in_words).collect();
    Finding::of(found, Verdict::Invalid, format!("The driver reported errors of {label}: {}.", list(&words)))
}
