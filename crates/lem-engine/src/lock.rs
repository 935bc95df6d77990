//! One campaign for each device: two that share one would measure each other.
//!
//! A lock is a file that is held locked while the campaign runs; the kernel frees it when the holder dies, however
//! that happens. The file says who holds it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use lem_measure::{DeviceInfo, DeviceKind};

use crate::error::{Error, ErrorCode};

/// The locks of a campaign; dropping them frees the devices.
#[derive(Debug)]
pub(crate) struct DeviceLocks {
    _files: Vec<File>,
}

/// Where the locks of this machine are: `LEM_LOCK_DIR`, else a folder that every user may write to.
fn folder() -> PathBuf {
    std::env::var_os("LEM_LOCK_DIR").map_or_else(
        || {
            let shared = Path::new("/run/lock");
            let base = if shared.is_dir() { shared.to_owned() } else { std::env::temp_dir() };
            base.join("lem-desktop")
        },
        PathBuf::from,
    )
}

/// Takes the locks of all devices, or none.
pub(crate) fn acquire(devices: &[DeviceInfo], campaign_id: &str) -> Result<DeviceLocks, Error> {
    acquire_in(&folder(), devices, campaign_id)
}

/// Whether no campaign of any process holds one of these devices.
pub(crate) fn are_free(devices: &[DeviceInfo]) -> bool {
    let folder = folder();
    // A file that is not there, or that cannot be opened, is held by nobody whom we could wait for.
    let held = |device: &DeviceInfo| {
        let lock = File::open(folder.join(lock_name(device))).map(|file| file.try_lock());
        matches!(lock, Ok(Err(TryLockError::WouldBlock)))
    };
    !devices.iter().any(held)
}

fn acquire_in(folder: &Path, devices: &[DeviceInfo], campaign_id: &str) -> Result<DeviceLocks, Error> {
    if !folder.is_dir() {
        fs::create_dir_all(folder).map_err(|e| Error::file("created", folder, &e))?;
        // Other users' campaigns need the same locks. A folder that someone else made has its mode already.
        let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o1777));
    }
    let mut names: Vec<(String, &DeviceInfo)> =
        devices.iter().map(|device| (lock_name(device), device)).collect();
    names.sort_by(|a, b| a.0.cmp(&b.0));
    names.dedup_by(|a, b| a.0 == b.0);
    let files = names.iter().map(|(name, device)| acquire_one(&folder.join(name), device, campaign_id));
    Ok(DeviceLocks { _files: files.collect::<Result<_, _>>()? })
}

/// All parts of the CPU share a lock: whatever runs on one shows on the others.
fn lock_name(device: &DeviceInfo) -> String {
    let id = match device.kind {
        DeviceKind::Cpu | DeviceKind::Dram => "cpu",
        DeviceKind::Gpu => device.id.as_str(),
    };
    let safe: String =
        id.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    format!("{safe}.lock")
}

fn acquire_one(path: &Path, device: &DeviceInfo, campaign_id: &str) -> Result<File, Error> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o666)
        .custom_flags(i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0))
        .open(path)
        .map_err(|e| Error::file("opened as a lock", path, &e))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(held(&mut file, device)),
        Err(TryLockError::Error(e)) => return Err(Error::file("locked", path, &e)),
    }
    let holder = format!("pid {} campaign {campaign_id}\n", std::process::id());
    let written =
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(holder.as_bytes()));
    written.map_err(|e| Error::file("written", path, &e))?;
    Ok(file)
}

fn held(file: &mut File, device: &DeviceInfo) -> Error {
    let mut holder = String::new();
    // Without its text the lock is held all the same.
    let _ = Read::take(&mut *file, 200).read_to_string(&mut holder);
    let holder = if holder.trim().is_empty() { "an unknown process" } else { holder.trim() };
    Error::new(
        ErrorCode::Conflict,
        format!("{} ({}) is being measured by another campaign: {holder}", device.name, device.id),
    )
    .with_hint("wait for it, stop it, or give both campaigns different devices (`measurement.devices`)")
}

#[cfg(test)]
mod tests {
    use lem_measure::{PowerSource, Provenance};

    use super::*;

    fn device(id: &str, kind: DeviceKind) -> DeviceInfo {
        DeviceInfo {
            id: id.into(),
            name: format!("Device {id}"),
            kind,
            source: PowerSource::Simulated,
            provenance: Provenance::Simulated,
            index: None,
            channels: Vec::new(),
            power_averaging_ms: None,
            facts: std::collections::BTreeMap::default(),
        }
    }

    #[test]
    fn a_device_is_held_by_one_campaign_and_the_holder_is_named() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let (a, b) = (device("GPU-a", DeviceKind::Gpu), device("GPU-b", DeviceKind::Gpu));
        let first = acquire_in(folder.path(), &[a.clone(), b.clone()], "c1").expect("free");
        let error = acquire_in(folder.path(), std::slice::from_ref(&b), "c2").expect_err("held");
        assert_eq!(error.code, ErrorCode::Conflict);
        assert!(error.message.contains(&format!("pid {} campaign c1", std::process::id())), "{error}");
        drop(first);
        acquire_in(folder.path(), &[b, a], "c2").expect("free again");
    }

    #[test]
    fn disjoint_devices_do_not_exclude_each_other_but_the_parts_of_a_cpu_do() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let _first = acquire_in(folder.path(), &[device("GPU-a", DeviceKind::Gpu)], "c1").expect("free");
        let _second =
            acquire_in(folder.path(), &[device("rapl:package-0", DeviceKind::Cpu)], "c2").expect("free");
        acquire_in(folder.path(), &[device("rapl:dram-0", DeviceKind::Dram)], "c3").expect_err("same CPU");
    }
}
