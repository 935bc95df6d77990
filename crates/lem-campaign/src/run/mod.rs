//! Running a plan: gaps, workers, the measurement window, and a journal that is written before anything is shown.
//!
//! The outside comes in as traits ([`Clock`], [`Journal`], [`Workers`], [`Meters`]), so that whole campaigns run in
//! tests without waiting, and so that a window and a terminal run the same code.

pub mod attempt;
pub mod campaign;
pub mod control;
pub mod event;
mod follow;
mod gap;
pub mod outcome;
pub mod recording;
mod streams;
pub mod traits;

pub use campaign::{Campaign, Limits, Rig, RunError, Summary, run};
pub use control::{Control, Controller};
pub use event::{CampaignEvent, CampaignStatus, GapEnd};
pub use outcome::{DeviceOutcome, Failure, FailureKind, PhaseOutcome, RunOutcome, RunStatus};
pub use traits::{Clock, Journal, JournalError, Meters, MetersError, Workers};
