//! NVIDIA GPUs, through the NVIDIA Management Library that the driver installs.
//!
//! The library is loaded at run time: without it this program works, and says what is missing. Readings are those of
//! the whole board; the module scope of Grace-Hopper, which includes the CPU, is deliberately not read.

mod board;
mod capabilities;
mod error;
mod facts;
mod processes;
mod watch;
mod xid;

use std::path::Path;

use lem_measure::{Channel, DeviceInfo, DeviceKind, PowerSource, Provenance, Sample};
use nvml_wrapper::Nvml;
use nvml_wrapper::error::NvmlError;

use crate::meter::{Depth, Meter, ReadError};
use board::Board;
use capabilities::Capabilities;

pub use error::OpenError;
pub use processes::{GpuProcess, ProcessKind};
pub use watch::{DeviceState, EccErrors, Watch};
pub use xid::{ASK_MS, Listening, UNKNOWN_XID, Xid, Xids};

/// How the names of simulated GPUs begin. A real board is called by its marketing name, which begins with a brand of
/// NVIDIA, so a simulated library cannot be taken for a real one, however it was loaded.
pub const SIMULATED_PREFIX: &str = "LEM simulated ";

/// The GPUs of this machine.
#[derive(Debug)]
pub struct NvmlMeter {
    nvml: Nvml,
    devices: Vec<DeviceInfo>,
    boards: Vec<Board>,
    notes: Vec<String>,
}

/// Loads NVML from `library`, or from where the driver puts it (`libnvidia-ml.so.1`), and asks every GPU once what it
/// can tell.
pub fn open(library: Option<&Path>) -> Result<NvmlMeter, OpenError> {
    let nvml = load(library)?;
    let count = nvml.device_count()?;
    if count == 0 {
        return Err(OpenError::NoDevices);
    }
    let (mut devices, mut boards, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for index in 0..count {
        match describe(&nvml, index) {
            Ok((info, can)) if info.has(Channel::Power) || info.has(Channel::Energy) => {
                notes.extend(caution(&info));
                boards.push(Board::new(&info, index, can));
                devices.push(info);
            }
            Ok((info, _)) => {
                notes.push(format!("{} ({}) tells neither power nor energy", info.name, info.id));
            }
            Err(error) => notes.push(format!("GPU {index} cannot be read: {error}")),
        }
    }
    if devices.is_empty() {
        return Err(OpenError::NoneReadable(notes.join("; ")));
    }
    Ok(NvmlMeter { nvml, devices, boards, notes })
}

impl NvmlMeter {
    /// What a person should know before trusting the readings: GPUs left out, GPUs that are shared.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

impl Meter for NvmlMeter {
    fn devices(&self) -> &[DeviceInfo] {
        &self.devices
    }

    fn read(&mut self, device: usize, depth: Depth) -> Result<Sample, ReadError> {
        let board = self.boards.get_mut(device).ok_or_else(|| no_such(device))?;
        // The handle is looked up each time because it borrows the library; NVML only indexes a table.
        let gpu = self.nvml.device_by_index(board.index).map_err(|e| board.failed(&e))?;
        board.read(&gpu, depth)
    }
}

/// Loads the library, or counts one user more of it.
fn load(library: Option<&Path>) -> Result<Nvml, NvmlError> {
    let mut builder = Nvml::builder();
    if let Some(path) = library {
        builder.lib_path(path.as_os_str());
    }
    builder.init()
}

/// Why the library could not be opened, for a record. What the loader says names the file, which may tell whose it is.
fn why_closed(error: NvmlError) -> String {
    match OpenError::from(error) {
        OpenError::NoLibrary(_) => "the NVIDIA management library could not be loaded".into(),
        other => other.to_string(),
    }
}

fn no_such(device: usize) -> ReadError {
    ReadError::Transient(format!("NVML has no device at position {device}"))
}

fn describe(nvml: &Nvml, index: u32) -> Result<(DeviceInfo, Capabilities), NvmlError> {
    let gpu = nvml.device_by_index(index)?;
    let can = Capabilities::probe(&gpu)?;
    let name = gpu.name()?;
    let simulated = name.starts_with(SIMULATED_PREFIX);
    let averaging_ms = facts::power_averaging_ms(&gpu, &can);
    let mut facts = facts::facts(nvml, &gpu).facts;
    facts.extend(facts::readings(&can));
    let info = DeviceInfo {
        id: gpu.uuid()?,
        name,
        kind: DeviceKind::Gpu,
        source: PowerSource::Nvml,
        provenance: if simulated { Provenance::Simulated } else { Provenance::Measured },
        index: Some(index),
        channels: can.channels(),
        power_averaging_ms: averaging_ms,
        facts,
    };
    Ok((info, can))
}

fn caution(info: &DeviceInfo) -> Option<String> {
    let mig = info.facts.get("mig").is_some_and(|state| state == "enabled");
    mig.then(|| {
        format!(
            "{} ({}) is split by MIG: its readings are those of the whole board, shared by all instances",
            info.name, info.id
        )
    })
}
