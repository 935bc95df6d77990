//! Running a plan: gaps, workers, the measurement window, and a journal that is written before anything is shown.
//!
//! The outside comes in as traits ([`Clock`], [`Journal`], [`Workers`], [`Meters`]), so that whole campaigns run in
//! tests without waiting, and so that a window and a terminal run the same code.

mod around;
pub mod attempt;
pub mod baseline;
pub mod campaign;
pub mod control;
mod enough;
pub mod event;
mod follow;
mod gap;
mod heat;
mod load;
pub mod outcome;
mod parts;
mod quality;
pub mod recording;
mod rest;
mod streams;
pub mod traits;

pub use around::{DeviceLook, Look, Owner, Surroundings};
pub use baseline::{IdlePower, RunBaseline};
pub use campaign::{Campaign, Limits, Rig, RunError, Summary, run};
pub use control::{Control, Controller};
pub use event::{CampaignEvent, CampaignStatus, CoolTarget, GapEnd};
pub use load::{ContainerTime, CpuTime, ProcessId, ProcessTime};
pub use outcome::{DeviceOutcome, Failure, FailureKind, PhaseOutcome, RunOutcome, RunStatus};
pub use traits::{Clock, Journal, JournalError, Meters, MetersError, Workers};
