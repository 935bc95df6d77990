//! The machine around the devices.

use crate::device::DeviceKind;
use crate::quality::catalogue as kinds;
use crate::quality::facts::{Host, RunFacts};
use crate::quality::judge::{Finding, pass_or_invalid, pass_or_warn};
use crate::quality::{Check, Verdict};

use super::list;

/// The most of the CPUs' time that others may use, in percent.
const LOAD: f64 = 20.0;

pub(super) fn checks(facts: &RunFacts) -> Vec<Check> {
    vec![
        kinds::ENVIRONMENT.check(environment(facts.environment_drift.as_deref())),
        kinds::HOST_LOAD.check(host_load(&facts.host)),
        kinds::GOVERNOR.check(governor(facts)),
        kinds::SWAP.check(swap(facts.host.swapped_mib)),
    ]
}

fn environment(drift: Option<&[String]>) -> Finding {
    let Some(drift) = drift else {
        return Finding::unknown("The environment was not compared with that at the start of the campaign.");
    };
    let why = match drift {
        [] => "The environment is as at the start of the campaign.".to_owned(),
        changes => format!("The environment has changed: {}.", list(changes)),
    };
    Finding::bare(pass_or_invalid(drift.is_empty()), why)
}

fn host_load(host: &Host) -> Finding {
    let Some(load) = host.load_by_others.filter(|share| share.is_finite()) else {
        let why = host.load_unknown.as_deref().unwrap_or("nobody looked");
        return Finding::unknown(format!("The load of other processes is not known: {why}."));
    };
    let percent = load * 100.0;
    Finding::of(percent, pass_or_warn(percent <= LOAD), format!("Others used {percent:.0} % of the CPUs."))
}

/// A governor that follows load changes the energy of a CPU from one run to the next. Where no CPU is measured it says
/// little, and most machines have another one: it is told, and not judged.
fn governor(facts: &RunFacts) -> Finding {
    let Some(governor) = facts.host.governor.as_deref() else {
        return Finding::unknown("The CPUs' frequency governor is not known.");
    };
    let measured = facts.devices.iter().any(|d| d.kind != DeviceKind::Gpu);
    let verdict = pass_or_warn(governor == "performance" || !measured);
    Finding::bare(verdict, format!("The CPUs' frequency governor is `{governor}`."))
}

fn swap(swapped_mib: Option<f64>) -> Finding {
    let Some(mib) = swapped_mib.filter(|mib| mib.is_finite()) else {
        return Finding::unknown("It is not known whether the machine swapped.");
    };
    let verdict = if mib <= 0.0 { Verdict::Pass } else { Verdict::Warn };
    Finding::of(mib, verdict, format!("{mib:.0} MiB were swapped in or out during the run."))
}
