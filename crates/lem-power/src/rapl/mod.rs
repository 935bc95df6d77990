//! CPU packages and their memory, through the running average power limit counters that the kernel shows under
//! powercap (Intel since Sandy Bridge, AMD since Zen).
//!
//! Read are `package-*` and `dram`. Left out, because their energy is already in a package or covers more than one
//! device: `core`, `uncore`, `psys`, and the second way to the same package (`intel-rapl-mmio`).

mod error;
mod zone;

use std::collections::BTreeMap;
use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

use lem_measure::{Channel, DeviceInfo, DeviceKind, PowerSource, Provenance, Sample};

use crate::meter::{Depth, Meter, ReadError};
use zone::Zone;

pub use error::OpenError;

/// Where the kernel shows powercap.
pub const POWERCAP: &str = "/sys/class/powercap";

/// The packages of this machine and their memory.
#[derive(Debug)]
pub struct RaplMeter {
    devices: Vec<DeviceInfo>,
    zones: Vec<Zone>,
    notes: Vec<String>,
}

/// Opens every package under `root`, which is [`POWERCAP`] outside tests.
pub fn open(root: &Path) -> Result<RaplMeter, OpenError> {
    let packages = folders(root, "intel-rapl:").map_err(|_| OpenError::NoPowercap(root.to_owned()))?;
    let (mut devices, mut zones, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for folder in packages {
        let name = name_of(&folder)?;
        let Some(number) = name.strip_prefix("package-") else {
            continue;
        };
        let zone = Zone::open(&folder)?;
        devices.push(describe(DeviceKind::Cpu, number, &folder, &zone));
        zones.push(zone);
        for (number, folder) in memory_of(&folder, number)? {
            // A package without its memory is still worth measuring.
            match Zone::open(&folder) {
                Ok(zone) => {
                    devices.push(describe(DeviceKind::Dram, &number, &folder, &zone));
                    zones.push(zone);
                }
                Err(error) => notes.push(format!("memory of package {number} is not measured: {error}")),
            }
        }
    }
    if devices.is_empty() {
        return Err(OpenError::NoPackages(root.to_owned()));
    }
    Ok(RaplMeter { devices, zones, notes })
}

impl RaplMeter {
    /// What a person should know before trusting the readings: memory left out.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

impl Meter for RaplMeter {
    fn devices(&self) -> &[DeviceInfo] {
        &self.devices
    }

    fn read(&mut self, device: usize, depth: Depth) -> Result<Sample, ReadError> {
        let zone = self.zones.get_mut(device);
        zone.ok_or_else(|| ReadError::Transient(format!("RAPL has no device at position {device}")))?
            .read(depth)
    }
}

/// The memory zones of a package, with the number that tells them apart.
fn memory_of(package: &Path, number: &str) -> Result<Vec<(String, PathBuf)>, OpenError> {
    let prefix = package.file_name().map(|name| format!("{}:", name.to_string_lossy())).unwrap_or_default();
    let folders = folders(package, &prefix);
    let folders =
        folders.map_err(|e| OpenError::Unreadable { path: package.to_owned(), cause: e.to_string() })?;
    let mut memory = Vec::new();
    for folder in folders {
        if name_of(&folder)? == "dram" {
            memory.push((number.to_owned(), folder));
        }
    }
    Ok(memory)
}

/// The folders called `prefix` and a number, in the order of the numbers.
fn folders(root: &Path, prefix: &str) -> std::io::Result<Vec<PathBuf>> {
    let mut found: Vec<(u32, PathBuf)> = read_dir(root)?
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let number = path.file_name()?.to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((number, path))
        })
        .collect();
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

fn name_of(folder: &Path) -> Result<String, OpenError> {
    let path = folder.join("name");
    match read_to_string(&path) {
        Ok(name) => Ok(name.trim().to_owned()),
        Err(error) => Err(OpenError::Unreadable { path, cause: error.to_string() }),
    }
}

fn describe(kind: DeviceKind, number: &str, folder: &Path, zone: &Zone) -> DeviceInfo {
    let (id, name) = match kind {
        DeviceKind::Dram => (format!("rapl:dram-{number}"), format!("Memory of CPU package {number}")),
        DeviceKind::Cpu | DeviceKind::Gpu => {
            (format!("rapl:package-{number}"), format!("CPU package {number}"))
        }
    };
    DeviceInfo {
        id,
        name,
        kind,
        source: PowerSource::Rapl,
        provenance: Provenance::Measured,
        index: number.parse().ok(),
        channels: vec![Channel::Power, Channel::Energy],
        // Power is the mean since the reading before, so its window is the sampling interval, not one of the source.
        power_averaging_ms: None,
        facts: BTreeMap::from([
            ("counter".to_owned(), folder.join("energy_uj").display().to_string()),
            ("counter_range_uj".to_owned(), zone.range_uj().to_string()),
            ("power_reading".to_owned(), "mean between two readings of the energy counter".to_owned()),
        ]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{create_dir_all, write};

    fn zone(root: &Path, path: &str, name: &str, energy_uj: &str) {
        let folder = root.join(path);
        create_dir_all(&folder).expect("a folder");
        write(folder.join("name"), format!("{name}\n")).expect("written");
        write(folder.join("energy_uj"), format!("{energy_uj}\n")).expect("written");
        write(folder.join("max_energy_range_uj"), "262143328850\n").expect("written");
    }

    fn server() -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        for (path, name) in [
            ("intel-rapl:1", "package-1"),
            ("intel-rapl:0", "package-0"),
            ("intel-rapl:0/intel-rapl:0:0", "core"),
            ("intel-rapl:0/intel-rapl:0:1", "dram"),
            ("intel-rapl:0:1", "dram"),
            ("intel-rapl:2", "psys"),
            ("intel-rapl-mmio:0", "package-0"),
        ] {
            zone(root.path(), path, name, "1000000");
        }
        root
    }

    fn ids(meter: &RaplMeter) -> Vec<&str> {
        meter.devices().iter().map(|d| d.id.as_str()).collect()
    }

    #[test]
    fn packages_and_their_memory_are_counted_once() {
        let root = server();
        let meter = open(root.path()).expect("a meter");
        assert_eq!(ids(&meter), ["rapl:package-0", "rapl:dram-0", "rapl:package-1"]);
        assert_eq!(meter.devices()[1].kind, DeviceKind::Dram);
    }

    #[test]
    fn energy_is_read_from_the_file() {
        let root = server();
        let mut meter = open(root.path()).expect("a meter");
        meter.read(0, Depth::Power).expect("read");
        write(root.path().join("intel-rapl:0/energy_uj"), "3500000\n").expect("written");
        let sample = meter.read(0, Depth::Edge).expect("read");
        assert_eq!(sample.get(Channel::Energy), Some(2.5));
    }

    #[test]
    fn a_counter_that_is_not_a_number_says_where() {
        let root = tempfile::tempdir().expect("a folder");
        zone(root.path(), "intel-rapl:0", "package-0", "many");
        let error = open(root.path()).expect_err("no number").to_string();
        assert!(error.contains("intel-rapl:0/energy_uj"), "{error}");
        assert!(error.contains("\"many\" is not a number of microjoules"), "{error}");
    }

    #[test]
    fn a_machine_without_rapl_says_so() {
        let root = tempfile::tempdir().expect("a folder");
        assert_eq!(open(root.path()).expect_err("empty"), OpenError::NoPackages(root.path().to_owned()));
        let missing = root.path().join("powercap");
        assert_eq!(open(&missing).expect_err("missing"), OpenError::NoPowercap(missing.clone()));
    }

    #[test]
    fn counters_for_root_only_come_with_the_command_that_opens_them() {
        let error = OpenError::NoPermission("/sys/class/powercap/intel-rapl:0/energy_uj".into());
        insta::assert_snapshot!(format!("{error}\n{}", error.remedy()));
    }

    #[test]
    fn a_counter_that_may_not_be_read_is_told_from_one_that_is_missing() {
        use std::os::unix::fs::PermissionsExt;
        let root = server();
        let path = root.path().join("intel-rapl:0/energy_uj");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).expect("set");
        // Root reads everything; the rule can only be seen as another user.
        if std::fs::File::open(&path).is_err() {
            assert_eq!(open(root.path()).expect_err("refused"), OpenError::NoPermission(path));
        }
    }
}
