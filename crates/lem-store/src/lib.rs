//! The database of results: campaigns, their plans, the attempts at each run, requests, power traces, and the export.
//!
//! One `SQLite` file, opened with [`Store::open`]. Plain rows go in and come out; ids are strings that the caller makes,
//! times come from the caller (`*_unix_ns` wall time, `*_ns` the monotonic clock of the machine that measured), and a
//! measured value that is missing is `None`, never zero.
//!
//! Deliberately absent: meters, backends, the wire protocol and the rules of a campaign. The store keeps what it is
//! told and refuses what contradicts itself. Each write is one transaction that is on disk when the call returns.
//!
//! `table/` holds a file for each table (its row, its statements); the other files hold what spans several tables.

mod blob;
mod campaign;
mod delete;
mod error;
mod export;
mod id;
mod meter;
mod order;
mod page;
mod past;
mod results;
mod run;
mod store;
mod table;
#[cfg(test)]
mod testing;
mod trace;
mod word;

pub use campaign::{CampaignDetail, CampaignSummary, NewCampaign};
pub use error::StoreError;
pub use export::{ExportError, Format, export};
pub use meter::MeteredRun;
pub use page::{Facets, ResultQuery, SortColumn};
pub use past::PastRun;
pub use results::{ResultFilter, ResultRow};
pub use run::{Gap, RunDetail, RunFailure, RunOutcome, RunRecord, RunStart};
pub use store::Store;
pub use table::campaigns::{Campaign, CampaignStatus};
pub use table::diagnostics::{Diagnostic, Severity};
pub use table::environments::environment_hash;
pub use table::events::Event;
pub use table::experiments::Experiment;
pub use table::phases::{Phase, PhaseEnergy};
pub use table::planned_runs::PlannedRun;
pub use table::requests::Request;
pub use table::run_baselines::RunBaseline;
pub use table::run_devices::RunDevice;
pub use table::run_meters::{METER_DEVICE, RunMeter};
pub use table::runs::RunStatus;
pub use table::trace_chunks::TraceDevice;
pub use trace::codec;
