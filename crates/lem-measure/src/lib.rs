//! What a measurement is made of: units, devices, samples, traces, counter arithmetic, the energy of a window and of its
//! parts, and the statistics of repeated runs.
//!
//! Pure arithmetic: no I/O, no clock, no threads. Times are nanoseconds of `CLOCK_MONOTONIC` unless a name says
//! otherwise; a value that was not read is absent, never zero.

pub mod counter;
mod curve;
pub mod device;
pub mod energy;
pub mod envelope;
pub mod external;
pub mod integral;
pub mod metrics;
pub mod parts;
pub mod quality;
pub mod sample;
pub mod sensor;
pub mod signal;
pub mod stats;
pub mod ticks;
pub mod trace;
pub mod units;

pub use device::{DeviceInfo, DeviceKind, PowerSource, Provenance};
pub use energy::{DeviceEnergy, EnergyEstimate, WindowEnergy};
pub use parts::{Part, WindowPart};
pub use sample::{Channel, Sample};
pub use trace::Trace;
pub use units::{Joules, Watts};
