//! A look at GPUs beside the meter: facts, errors of their memory, and who uses them.
//!
//! A look opens the library and closes it again. NVML counts those who use it, so while a meter is open this costs next
//! to nothing, and a meter that is opened again after its device was lost finds the library really closed before.
//! Driver calls of a look can hold up those of the sampler, so a look belongs before or after a window, not into it.
//!
//! Critical errors (Xid) are told only to those who listen while they occur: see [`Watch::listen`].

use std::collections::BTreeMap;
use std::path::PathBuf;

use lem_measure::{DeviceInfo, PowerSource};
use nvml_wrapper::enum_wrappers::device::{EccCounter, MemoryError};
use nvml_wrapper::{Device, Nvml};
use serde::{Deserialize, Serialize};

use super::error::reason;
use super::facts::{changing, facts};
use super::processes::{GpuProcess, processes};
use super::xid::{Listening, listen};
use crate::open::Paths;

/// The GPUs that are looked at.
#[derive(Debug)]
pub struct Watch {
    library: Option<PathBuf>,
    devices: Vec<Watched>,
}

#[derive(Debug)]
struct Watched {
    id: String,
    /// The newest sample of utilization that was seen, in microseconds of Unix time.
    seen_us: u64,
}

/// What a GPU told. Everything that it did not tell is missing, and `absent` says why, by the same name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DeviceState {
    /// The device, as [`DeviceInfo::id`].
    pub id: String,
    /// Why it told nothing at all.
    pub unreachable: Option<String>,
    /// What does not change during a campaign, by the names of [`DeviceInfo::facts`].
    pub facts: BTreeMap<String, String>,
    /// What changes with the load: clocks in MHz, generation and lanes of the link.
    pub now: BTreeMap<String, String>,
    /// Errors of its memory since the driver was loaded.
    pub ecc: EccErrors,
    /// The processes on it by ascending id; `None` where the driver does not tell.
    pub processes: Option<Vec<GpuProcess>>,
    /// Why something is missing: facts by their names, else `ecc_corrected`, `ecc_uncorrected`, `processes`,
    /// `graphics_processes`, `process_utilization`, `power_limit_bounds`.
    pub absent: BTreeMap<String, String>,
}

/// Errors of a GPU's memory since the driver was loaded; `None` where they are not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EccErrors {
    /// Those that were put right.
    pub corrected: Option<u64>,
    /// Those that were not: what was computed with them may be wrong.
    pub uncorrected: Option<u64>,
}

impl EccErrors {
    /// Those that came after `before`; `None` where one of both is not known, or a count has fallen, since it starts
    /// again with the driver.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        let more = |now: Option<u64>, before: Option<u64>| now?.checked_sub(before?);
        Self {
            corrected: more(self.corrected, before.corrected),
            uncorrected: more(self.uncorrected, before.uncorrected),
        }
    }
}

impl Watch {
    /// A watch on those of `devices` that NVML reads. Nothing is opened yet, and nothing ever where none is of NVML.
    pub fn new(paths: &Paths, devices: &[DeviceInfo]) -> Self {
        let watched = devices.iter().filter(|device| device.source == PowerSource::Nvml);
        let watched = watched.map(|device| Watched { id: device.id.clone(), seen_us: 0 });
        Self { library: paths.nvml_library.clone(), devices: watched.collect() }
    }

    /// Whether there is anything to look at.
    pub fn is_empty(&self) -> bool {
        self.devices.is_empty()
    }

    /// Begins to listen for critical errors of the devices, on a thread of its own; returns at once.
    pub fn listen(&self) -> Listening {
        let ids: Vec<&str> = self.devices.iter().map(|device| device.id.as_str()).collect();
        listen(self.library.clone(), &ids)
    }

    /// Looks at each device, in their order. Blocks for some driver calls: milliseconds where the library is open
    /// already, more where the driver has to be initialised.
    pub fn look(&mut self) -> Vec<DeviceState> {
        if self.devices.is_empty() {
            return Vec::new();
        }
        match super::load(self.library.as_deref()) {
            Ok(nvml) => self.devices.iter_mut().map(|device| device.look(&nvml)).collect(),
            Err(error) => {
                let why = super::why_closed(error);
                self.devices.iter().map(|device| unreachable(&device.id, &why)).collect()
            }
        }
    }
}

impl Watched {
    fn look(&mut self, nvml: &Nvml) -> DeviceState {
        match nvml.device_by_uuid(self.id.as_str()) {
            Ok(gpu) => self.state(nvml, &gpu),
            Err(error) => unreachable(&self.id, &reason(&error)),
        }
    }

    fn state(&mut self, nvml: &Nvml, gpu: &Device<'_>) -> DeviceState {
        let (lasting, now) = (facts(nvml, gpu), changing(gpu));
        let mut absent = lasting.absent;
        absent.extend(now.absent);
        let mut count = |name: &str, kind| match gpu.total_ecc_errors(kind, EccCounter::Volatile) {
            Ok(errors) => Some(errors),
            Err(error) => {
                absent.insert(name.to_owned(), reason(&error));
                None
            }
        };
        let ecc = EccErrors {
            corrected: count("ecc_corrected", MemoryError::Corrected),
            uncorrected: count("ecc_uncorrected", MemoryError::Uncorrected),
        };
        let processes = processes(gpu, &mut self.seen_us, &mut absent);
        let id = self.id.clone();
        DeviceState { id, unreachable: None, facts: lasting.facts, now: now.facts, ecc, processes, absent }
    }
}

fn unreachable(id: &str, why: &str) -> DeviceState {
    DeviceState { id: id.to_owned(), unreachable: Some(why.to_owned()), ..DeviceState::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_errors_that_came_since_count() {
        let before = EccErrors { corrected: Some(3), uncorrected: None };
        let now = EccErrors { corrected: Some(5), uncorrected: Some(1) };
        assert_eq!(now.since(before), EccErrors { corrected: Some(2), uncorrected: None });
        assert_eq!(before.since(now).corrected, None, "the driver was loaded again");
    }

    #[test]
    fn devices_of_other_sources_open_no_library() {
        let simulated = crate::simulated::open(&crate::simulated::Spec::default());
        let mut watch = Watch::new(&Paths::default(), crate::Meter::devices(&simulated));
        assert!(watch.is_empty() && watch.look().is_empty());
    }
}
