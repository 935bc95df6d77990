//! Power meters and the thread that samples them. A meter does not know what it measures.
//!
//! Every source has one folder with the same shape: a meter that implements [`Meter`], an error that says what to do,
//! and what the source needs besides. Nothing here knows of windows, runs or workers: a window is cut out of the
//! samples by `lem-measure`.

pub mod clock;
pub mod estimate;
pub mod meter;
pub mod nvml;
pub mod open;
pub mod rapl;
pub mod sampler;
pub mod select;
pub mod simulated;

pub use clock::now_ns;
pub use meter::{Depth, Meter, ReadError};
pub use nvml::{DeviceState, EccErrors, GpuProcess, Listening, ProcessKind, Watch, Xid, Xids};
pub use open::{Choice, MeterChoice, OpenError, Opened, Paths, ProbeResult, open, probe};
pub use sampler::{EVERY_CHANNEL_MS, Sampler, SamplerConfig, SamplerEvent, SamplerStats, StartError};
pub use select::DeviceSelection;
