//! What a running campaign needs from outside.

use futures_util::future::BoxFuture;
use lem_backend::{Session, StartError};
use lem_measure::Sample;
use lem_power::Meter;
use lem_protocol::Experiment;

use super::event::CampaignEvent;
use crate::plan::PlannedRun;

/// Time. Injected so that tests of gaps do not wait for minutes.
pub trait Clock: Send + Sync {
    /// `CLOCK_MONOTONIC` in nanoseconds: the clock of samples and of workers.
    fn now_ns(&self) -> i64;

    /// Wall time in nanoseconds since 1970: for people and file names, never for energy.
    fn unix_ns(&self) -> i64;

    /// Ends at `t_ns` of [`Self::now_ns`], at once when that has passed.
    fn sleep_until(&self, t_ns: i64) -> BoxFuture<'static, ()>;
}

/// Where facts become durable. A campaign goes on only after its journal has taken the last fact.
pub trait Journal: Send + Sync {
    /// Makes one fact durable.
    fn record<'a>(&'a self, event: &'a CampaignEvent) -> BoxFuture<'a, Result<(), JournalError>>;

    /// Appends to the trace of a device in a run.
    fn samples<'a>(
        &'a self,
        run_id: &'a str,
        device_id: &'a str,
        samples: &'a [Sample],
    ) -> BoxFuture<'a, Result<(), JournalError>>;
}

/// A fact could not be made durable; the campaign ends here.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct JournalError {
    /// What happened.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// Starts workers and tells them what to do.
pub trait Workers: Send + Sync {
    /// Starts a worker for a planned run.
    fn start<'a>(
        &'a self,
        run: &'a PlannedRun,
        run_id: &'a str,
    ) -> BoxFuture<'a, Result<Session, StartError>>;

    /// The message for its standard input.
    fn message(&self, run: &PlannedRun, run_id: &str) -> Experiment;
}

/// Opens meters. Called at the start of a campaign, and again after a device was lost.
pub trait Meters: Send + Sync {
    /// Opens every meter of the campaign.
    fn open(&self) -> Result<Vec<Box<dyn Meter>>, MetersError>;
}

/// The meters cannot be opened.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct MetersError {
    /// What happened.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}
