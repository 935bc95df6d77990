//! What a source of power readings must be able to do.

use lem_measure::{DeviceInfo, Sample};

/// How much of a device is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// The energy counter alone, or power where there is none: what finding an edge needs.
    Edge,
    /// Power and energy.
    Power,
    /// Every channel that the device has.
    Full,
}

/// Why a reading failed, by what the caller does next.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ReadError {
    /// This reading is missing; the next one may work.
    #[error("{0}")]
    Transient(String),
    /// The device is gone and will not come back in this run.
    #[error("{0}")]
    DeviceLost(String),
}

/// A source of readings. Reading is synchronous and happens on the sampler's thread.
pub trait Meter: Send {
    /// The devices, found once when the meter was opened; readings name them by position.
    fn devices(&self) -> &[DeviceInfo];

    /// Reads the device at position `device`. A channel that fails alone is left out of the sample.
    fn read(&mut self, device: usize, depth: Depth) -> Result<Sample, ReadError>;
}
