//! What a meter says about a device before the first sample.

use serde::{Deserialize, Serialize};

use crate::sample::Channel;

/// The part of the machine whose energy a device reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// A whole GPU board, as its own sensor sees it.
    Gpu,
    /// A CPU package.
    Cpu,
    /// The memory of a CPU package.
    Dram,
}

/// Where the numbers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum PowerSource {
    /// NVIDIA Management Library.
    Nvml,
    /// Intel/AMD running average power limit counters, read through powercap.
    Rapl,
    /// CPU utilization times a stated model.
    Estimate,
    /// A generated signal with known energy.
    Simulated,
}

impl PowerSource {
    /// The name used in results, exports and settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nvml => "nvml",
            Self::Rapl => "rapl",
            Self::Estimate => "estimate",
            Self::Simulated => "simulated",
        }
    }
}

/// Whether a number was read from a sensor. Everything but `Measured` must say so wherever it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// Read from a hardware sensor.
    Measured,
    /// Computed from a model.
    Estimated,
    /// Generated.
    Simulated,
}

/// A device that a meter can read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, specta::Type)]
pub struct DeviceInfo {
    /// Stable across reboots and independent of the order of indices: the GPU's UUID, `rapl:package-0`,
    /// `estimate:cpu`, `simulated:0`.
    pub id: String,
    /// What a person calls it, e.g. `NVIDIA H100 PCIe`.
    pub name: String,
    /// What its energy covers.
    pub kind: DeviceKind,
    /// Where its numbers come from.
    pub source: PowerSource,
    /// Whether they are measured.
    pub provenance: Provenance,
    /// The source's own index, where it has one.
    pub index: Option<u32>,
    /// The channels that were found to work when the device was probed.
    pub channels: Vec<Channel>,
    /// The averaging window of [`Channel::Power`] in milliseconds where the source documents one (1000 for the
    /// averaged reading of most GPUs since Ampere, nvml.h on `nvmlDeviceGetPowerUsage`).
    pub power_averaging_ms: Option<u32>,
    /// Facts that do not change during a campaign, by name: driver, limits, clocks, persistence, MIG, model of an
    /// estimate.
    pub facts: std::collections::BTreeMap<String, String>,
}

impl DeviceInfo {
    /// Whether the device reported this channel when it was probed.
    pub fn has(&self, channel: Channel) -> bool {
        self.channels.contains(&channel)
    }
}
