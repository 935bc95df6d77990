//! What is around a run beyond its meters: who else is on the devices, errors of their memory, what has changed since
//! the campaign began.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use lem_backend::Control as Life;
use lem_measure::quality::{EccErrors, ForeignProcess};
use lem_power::Xids;
use lem_power::nvml::ASK_MS;
use serde_json::{Value, json};

use super::load::CpuTime;
use crate::plan::PlannedRun;

/// Looks at the surroundings: before a worker is started, and when its window has just ended and it is still there.
pub trait Surroundings: Send + Sync {
    /// Looks; takes milliseconds and never fails: what cannot be found out is absent.
    fn look<'a>(&'a self, run: &'a PlannedRun, owner: Owner) -> BoxFuture<'a, Look>;

    /// Begins to listen for critical errors that the driver reports of the devices. Does not wait for it.
    fn listen(&self) -> BoxFuture<'_, ()>;

    /// Ends that, and tells what was heard of each device that has such errors, by its id. Takes a call of the driver, and
    /// a second at most.
    fn heard(&self) -> BTreeMap<String, Xids>;

    /// Reads the CPUs' time, at both edges of a window; takes a fraction of a millisecond. `since` is the reading at the
    /// edge before. Fails with a reason where it is not known which part of it is the run's own.
    fn cpu_time(&self, run: &PlannedRun, owner: &Owner, since: Option<&CpuTime>) -> Result<CpuTime, String>;
}

/// Whose processes are the worker's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owner {
    /// Its process ids on this host.
    pub pids: Vec<u32>,
    /// The full id of its container.
    pub container: Option<String>,
}

impl Owner {
    pub(super) fn of(worker: &dyn Life) -> Self {
        Self { pids: worker.pids(), container: worker.container().map(|facts| facts.id.clone()) }
    }
}

/// What was seen.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// Each device that could be looked at, by id.
    pub devices: BTreeMap<String, DeviceLook>,
    /// What is not as it was when the campaign began, in words; absent when nobody could compare.
    pub drift: Option<Vec<String>>,
    /// The frequency governor of the CPUs.
    pub governor: Option<String>,
    /// What the machine has swapped in and out since it started, in MiB.
    pub swapped_mib: Option<f64>,
    /// All of it, for the record.
    pub record: Value,
}

/// What was seen on one device.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DeviceLook {
    /// What computes on it, whoever it belongs to, in words; absent when nothing does. Desktops are at rest.
    pub busy: Option<String>,
    /// Processes that are not the worker's; absent when that could not be told.
    pub foreign: Option<Vec<ForeignProcess>>,
    /// Memory errors since the driver was loaded; absent on boards that count none.
    pub ecc: Option<EccErrors>,
}

impl Look {
    /// What computes on any of the devices.
    pub(super) fn busy(&self) -> Option<String> {
        self.devices.values().find_map(|device| device.busy.clone())
    }
}

/// Both looks at a run, and what was found in between.
#[derive(Debug, Clone, Default)]
pub(super) struct Around {
    pub(super) before: Look,
    /// Absent for a worker that never got to the end of its window.
    pub(super) after: Option<Look>,
    /// The share of the CPUs' time (0 to 1) that others used in the window, or why it is not known; absent as above.
    pub(super) load: Option<Result<f64, String>>,
    /// Critical errors that the driver reported while the worker ran, by device.
    pub(super) xids: BTreeMap<String, Xids>,
}

/// An error may be told by this much after it has occurred: the driver is asked now and then.
const XID_LATE_NS: i64 = 2 * ASK_MS as i64 * 1_000_000;

impl Around {
    /// What is kept with the run.
    pub(super) fn record(&self) -> Value {
        json!({
            "before": self.before.record,
            "after": self.after.as_ref().map(|look| &look.record),
            "drift": self.drift(),
            "load_by_others": self.load_by_others(),
            "load_unknown": self.load_unknown(),
            "xids": self.xids,
        })
    }

    /// What has changed since the campaign began, by both looks.
    pub(super) fn drift(&self) -> Option<Vec<String>> {
        let looks = std::iter::once(&self.before).chain(&self.after);
        let mut words: Vec<String> = Vec::new();
        let mut compared = false;
        for drift in looks.filter_map(|look| look.drift.as_ref()) {
            compared = true;
            words.extend(drift.iter().filter(|word| !words.contains(word)).cloned().collect::<Vec<_>>());
        }
        compared.then_some(words)
    }

    /// Processes that are not the worker's, before or at the end of the window.
    pub(super) fn foreign(&self, device: &str) -> Option<Vec<ForeignProcess>> {
        let after = self.after.as_ref()?.devices.get(device)?.foreign.clone()?;
        let mut all = self.before.devices.get(device)?.foreign.clone()?;
        all.retain(|before| after.iter().all(|now| now.pid != before.pid));
        all.extend(after);
        Some(all)
    }

    /// Memory errors between both looks.
    pub(super) fn ecc(&self, device: &str) -> Option<EccErrors> {
        let before = self.before.devices.get(device)?.ecc?;
        let after = self.after.as_ref()?.devices.get(device)?.ecc?;
        Some(EccErrors {
            corrected: after.corrected.saturating_sub(before.corrected),
            uncorrected: after.uncorrected.saturating_sub(before.uncorrected),
        })
    }

    /// The numbers of the errors of a device up to the end of the window: what is torn down afterwards may leave others.
    /// Absent when none was heard and some may have been missed.
    pub(super) fn xids(&self, device: &str, window_end_ns: i64) -> Option<Vec<u64>> {
        let Xids { errors, deaf } = self.xids.get(device)?;
        let until_ns = window_end_ns.saturating_add(XID_LATE_NS);
        let numbers: Vec<u64> =
            errors.iter().filter(|xid| xid.t_ns <= until_ns).map(|xid| xid.number).collect();
        (deaf.is_none() || !numbers.is_empty()).then_some(numbers)
    }

    /// The share of the CPUs' time that others used in the window.
    pub(super) fn load_by_others(&self) -> Option<f64> {
        self.load.as_ref()?.as_ref().ok().copied()
    }

    /// Why that is not known.
    pub(super) fn load_unknown(&self) -> Option<String> {
        self.load.as_ref()?.as_ref().err().cloned()
    }

    /// What was swapped between both looks, in MiB.
    pub(super) fn swapped_mib(&self) -> Option<f64> {
        Some((self.after.as_ref()?.swapped_mib? - self.before.swapped_mib?).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(foreign: &[u32], corrected: u64, drift: &[&str]) -> Look {
        let process = |pid: &u32| ForeignProcess { pid: *pid, utilization: None, memory_bytes: None };
        let device = DeviceLook {
            busy: None,
            foreign: Some(foreign.iter().map(process).collect()),
            ecc: Some(EccErrors { corrected, uncorrected: 0 }),
        };
        Look {
            devices: BTreeMap::from([("gpu".to_owned(), device)]),
            drift: Some(drift.iter().map(ToString::to_string).collect()),
            swapped_mib: Some(5.0),
            ..Look::default()
        }
    }

    fn around(before: Look, after: Option<Look>) -> Around {
        Around { before, after, ..Around::default() }
    }

    #[test]
    fn a_stranger_who_was_there_at_either_end_was_there() {
        let around = around(look(&[7, 8], 0, &[]), Some(look(&[8, 9], 0, &[])));
        let pids: Vec<u32> =
            around.foreign("gpu").expect("looked").iter().map(|process| process.pid).collect();
        assert_eq!(pids, [7, 8, 9]);
        assert_eq!(around.foreign("other"), None, "nobody looked at that one");
    }

    #[test]
    fn errors_are_those_between_the_looks_and_changes_are_told_once() {
        let around = around(look(&[], 3, &["driver"]), Some(look(&[], 5, &["driver", "limit"])));
        assert_eq!(around.ecc("gpu"), Some(EccErrors { corrected: 2, uncorrected: 0 }));
        assert_eq!(around.drift(), Some(vec!["driver".to_owned(), "limit".to_owned()]));
        assert_eq!(around.swapped_mib(), Some(0.0));
    }

    #[test]
    fn a_run_without_a_second_look_has_no_differences() {
        let around = around(look(&[], 3, &[]), None);
        assert_eq!((around.ecc("gpu"), around.foreign("gpu"), around.swapped_mib()), (None, None, None));
    }

    #[test]
    fn errors_count_up_to_the_end_of_the_window_and_not_knowing_is_no_pass() {
        let heard = |times_s: &[i64], deaf: bool| {
            let error = |s: &i64| lem_power::Xid { number: 31, t_ns: s * 1_000_000_000 };
            let errors = times_s.iter().map(error).collect();
            Xids { errors, deaf: deaf.then(|| "not supported".to_owned()) }
        };
        let found = |xids| {
            let xids = BTreeMap::from([("gpu".to_owned(), xids)]);
            Around { xids, ..Around::default() }.xids("gpu", 10_000_000_000)
        };
        assert_eq!(found(heard(&[2, 9, 11], false)), Some(vec![31, 31]));
        assert_eq!(found(heard(&[11], false)), Some(vec![]));
        assert_eq!(found(heard(&[11], true)), None, "others may have been missed");
        assert_eq!(found(heard(&[9], true)), Some(vec![31]), "what was heard was heard");
        assert_eq!(Around::default().xids("gpu", 0), None, "nobody listened");
    }
}
