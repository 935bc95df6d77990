//! What this machine can measure and run.

use std::collections::BTreeMap;
use std::path::Path;

use lem_measure::{Channel, DeviceInfo, Provenance};
use lem_power::{Depth, MeterChoice, OpenError, Opened};
use serde::Serialize;

use crate::Engine;
use crate::error::{Error, ErrorCode};
use crate::workers::{EMBEDDED_WORKER, embedded_worker};

/// Free space below which a long campaign is at risk, in bytes.
const LOW_SPACE_BYTES: u64 = 1 << 30;

/// A device with one reading of it.
#[derive(Debug, Clone, Serialize)]
pub struct DeviceView {
    /// The device.
    #[serde(flatten)]
    pub device: DeviceInfo,
    /// A reading of each channel, by the channel's name.
    pub reading: BTreeMap<&'static str, f64>,
    /// Why it could not be read.
    pub error: Option<String>,
}

impl DeviceView {
    /// `measured`, `ESTIMATED` or `SIMULATED`.
    pub fn provenance_word(&self) -> &'static str {
        match self.device.provenance {
            Provenance::Measured => "measured",
            Provenance::Estimated => "ESTIMATED",
            Provenance::Simulated => "SIMULATED",
        }
    }
}

/// What stands beside a number that was not measured; nothing beside one that was.
pub fn provenance_mark(provenance: Provenance) -> &'static str {
    match provenance {
        Provenance::Measured => "",
        Provenance::Estimated => " (estimated)",
        Provenance::Simulated => " (simulated)",
    }
}

/// The findings of `lem doctor`.
#[derive(Debug, Clone, Serialize, specta::Type)]
pub struct Doctor {
    /// Whether campaigns can run here.
    pub ready: bool,
    /// Each check.
    pub checks: Vec<Check>,
}

/// One finding.
#[derive(Debug, Clone, Serialize, specta::Type)]
pub struct Check {
    /// What was looked at.
    pub name: String,
    /// What came of it.
    pub status: CheckStatus,
    /// What was found.
    pub message: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    /// As it should be.
    Ok,
    /// Campaigns run without it, or it should be known.
    Note,
    /// Campaigns cannot run.
    Failed,
}

impl Check {
    pub(crate) fn new(name: &str, status: CheckStatus, message: impl Into<String>) -> Self {
        Self { name: name.into(), status, message: message.into(), remedy: None }
    }

    pub(crate) fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

/// Opens meters.
pub(crate) fn open(choice: &MeterChoice) -> Result<Opened, Error> {
    lem_power::open(choice).map_err(|error| {
        let code = match error {
            OpenError::Device(_) => ErrorCode::BadInput,
            OpenError::Source { .. } => ErrorCode::Machine,
        };
        Error::new(code, error.to_string()).with_hint(error.remedy())
    })
}

impl Engine {
    /// The devices that the engine would measure, with a reading of each.
    pub fn devices(&self) -> Result<Vec<DeviceView>, Error> {
        let opened = open(&self.options.meter)?;
        Ok(opened.meters.into_iter().flat_map(read_all).collect())
    }

    /// Checks what this machine can measure and run.
    pub async fn doctor(&self) -> Doctor {
        let mut checks = self.meter_checks();
        checks.push(self.source_check());
        checks.push(worker_check(&embedded_worker()));
        checks.extend(self.service_checks().await);
        checks.push(self.settings_check());
        checks.extend(self.results_check());
        Doctor { ready: checks.iter().all(|check| check.status != CheckStatus::Failed), checks }
    }

    fn meter_checks(&self) -> Vec<Check> {
        let probes = lem_power::probe(&self.options.meter.paths);
        let check = |probe: lem_power::ProbeResult| {
            let status = if probe.ok { CheckStatus::Ok } else { CheckStatus::Note };
            let check = Check::new(probe.source.name(), status, probe.message);
            Check { remedy: probe.remedy, ..check }
        };
        probes.into_iter().map(check).collect()
    }

    /// What a campaign would be measured with.
    fn source_check(&self) -> Check {
        match open(&self.options.meter) {
            Ok(opened) => {
                let devices = opened.devices();
                let names: Vec<String> =
                    devices.iter().map(|d| format!("{}{}", d.name, provenance_mark(d.provenance))).collect();
                let measured = devices.iter().all(|d| d.provenance == Provenance::Measured);
                let status = if measured { CheckStatus::Ok } else { CheckStatus::Note };
                Check::new("power", status, format!("campaigns here measure {}", names.join(", ")))
            }
            Err(error) => {
                let check = Check::new("power", CheckStatus::Failed, error.message);
                Check { remedy: error.hint, ..check }
            }
        }
    }

    fn settings_check(&self) -> Check {
        match self.settings() {
            Ok(view) if view.diagnostics.is_empty() && view.exists => {
                Check::new("settings", CheckStatus::Ok, format!("{} is valid", view.path))
            }
            Ok(view) if !view.exists => {
                Check::new("settings", CheckStatus::Ok, "no .lem-config.yaml; the defaults are in force")
            }
            Ok(view) => {
                let first = view.diagnostics.first().map_or_else(String::new, ToString::to_string);
                Check::new("settings", CheckStatus::Note, first).with_remedy("see `lem config check`")
            }
            Err(error) => {
                let check = Check::new("settings", CheckStatus::Failed, error.message);
                Check { remedy: error.hint, ..check }
            }
        }
    }

    /// Whether results can be written, and how much space there is.
    fn results_check(&self) -> Option<Check> {
        let folder = self.results_folder().ok()?;
        let existing = folder.ancestors().find(|path| path.is_dir())?;
        if rustix::fs::access(existing, rustix::fs::Access::WRITE_OK).is_err() {
            let message = format!("{} cannot be written to", existing.display());
            return Some(
                Check::new("results", CheckStatus::Failed, message)
                    .with_remedy("change its permissions, or set another `results_dir`"),
            );
        }
        let space = rustix::fs::statvfs(existing).ok()?;
        let free = space.f_bavail * space.f_frsize;
        let message = format!("{}: {:.1} GiB free", folder.display(), gib(free));
        let low = free < LOW_SPACE_BYTES;
        let check = Check::new("results", if low { CheckStatus::Note } else { CheckStatus::Ok }, message);
        Some(if low { check.with_remedy("free some space before a long campaign") } else { check })
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn gib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 30)
}

fn worker_check(path: &Path) -> Check {
    if path.is_file() {
        Check::new("worker", CheckStatus::Ok, format!("the embedded worker is {}", path.display()))
    } else {
        Check::new("worker", CheckStatus::Note, format!("{EMBEDDED_WORKER} is not beside this program"))
            .with_remedy("install both programs into one folder, or put the worker's folder on PATH")
    }
}

fn read_all(mut meter: Box<dyn lem_power::Meter>) -> Vec<DeviceView> {
    let devices = meter.devices().to_vec();
    // Sources that count energy know power from the second reading on.
    for device in 0..devices.len() {
        let _ = meter.read(device, Depth::Full);
    }
    wait_a_little();
    let view = |(position, device): (usize, DeviceInfo)| {
        let (reading, error) = match meter.read(position, Depth::Full) {
            Ok(sample) => {
                let values = Channel::ALL.into_iter().filter_map(|c| Some((c.name(), sample.get(c)?)));
                (values.collect(), None)
            }
            Err(error) => (BTreeMap::new(), Some(error.to_string())),
        };
        DeviceView { device, reading, error }
    };
    devices.into_iter().enumerate().map(view).collect()
}

#[expect(clippy::disallowed_methods, reason = "two readings of a counter need time between them")]
fn wait_a_little() {
    std::thread::sleep(std::time::Duration::from_millis(120));
}
