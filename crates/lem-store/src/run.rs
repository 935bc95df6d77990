//! The life of a run: it waits, runs, and completes or fails. Each step is on disk before the next begins.

use lem_measure::quality::Report;
use lem_measure::{Provenance, WindowPart};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{FromRow, SqliteConnection};

use crate::results::{self, ResultRow};
use crate::table::diagnostics::{self, Diagnostic};
use crate::table::phases::{self, Phase, PhaseEnergy};
use crate::table::requests::{self, Request};
use crate::table::run_baselines::{self, RunBaseline};
use crate::table::run_devices::{self, RunDevice};
use crate::table::run_meters::{self, RunMeter};
use crate::table::trace_chunks::{self, TraceDevice};
use crate::table::{planned_runs, runs, window_parts};
use crate::{Store, StoreError};

/// What is known when the worker of a run is started.
#[derive(Debug, Clone, PartialEq)]
pub struct RunStart {
    /// When.
    pub started_unix_ns: i64,
    /// An instant on the monotonic clock...
    pub anchor_monotonic_ns: i64,
    /// ...and the same instant as wall time.
    pub anchor_unix_ns: i64,
    /// Temperature of the hottest device in degrees Celsius.
    pub start_temperature_c: Option<f64>,
    /// Where the energy will come from. Known before there is any, so that a run that fails is marked as well.
    pub energy_source: Option<String>,
    /// Whether it will be measured.
    pub provenance: Option<Provenance>,
}

/// How the gap before a run went.
#[derive(Debug, Clone, PartialEq)]
pub struct Gap {
    /// From the end of the last run to the end of the gap, in seconds; `None` where nothing ran before.
    pub actual_s: Option<f64>,
    /// What ended it.
    pub ended_because: String,
    /// How it was to end, and temperatures.
    pub facts: Value,
}

/// What a run that completed produced.
#[derive(Debug, Clone, PartialEq)]
pub struct RunOutcome {
    /// When it ended.
    pub ended_unix_ns: i64,
    /// The edges of the measurement window.
    pub window_ns: Option<(i64, i64)>,
    /// Energy of all devices in the window, in joules. Needs a source and a provenance, here or at the start.
    pub energy_j: Option<f64>,
    /// Its uncertainty in joules.
    pub energy_uncertainty_j: Option<f64>,
    /// Where the energy comes from; `None` keeps what was known at the start.
    pub energy_source: Option<String>,
    /// Whether it was measured; `None` keeps what was known at the start.
    pub provenance: Option<Provenance>,
    /// Requests finished in the window.
    pub requests: Option<u64>,
    /// Prompt tokens of those.
    pub input_tokens: Option<u64>,
    /// Tokens generated for those.
    pub output_tokens: Option<u64>,
    /// Median time to first token in milliseconds.
    pub ttft_ms_p50: Option<f64>,
    /// What the worker reported: totals, effective parameters, facts about the model.
    pub result: Option<Value>,
    /// The container that the worker ran in, where it ran in one.
    pub container: Option<Value>,
    /// How well the sampler kept its time.
    pub sampler: Option<Value>,
    /// Sentences that a reader of the result should know.
    pub warnings: Vec<String>,
    /// The energy of each device.
    pub devices: Vec<RunDevice>,
    /// The energy of each phase.
    pub phases: Vec<PhaseEnergy>,
    /// The window by what its requests were doing; empty where it could not be divided.
    pub window_parts: Vec<WindowPart>,
    /// Why it could not be.
    pub parts_withheld: Option<String>,
    /// What the devices draw without work.
    pub baselines: Vec<RunBaseline>,
    /// How far its figures can be trusted.
    pub quality: Option<Report>,
    /// The machine around the devices, and what changed about it.
    pub surroundings: Option<Value>,
}

/// How a run failed.
#[derive(Debug, Clone, PartialEq)]
pub struct RunFailure {
    /// When it ended.
    pub ended_unix_ns: i64,
    /// A word for the kind of error.
    pub error_kind: String,
    /// What happened.
    pub error_message: String,
    /// The last lines that the worker wrote to standard error.
    pub stderr_tail: Option<String>,
    /// The container that the worker ran in, where it ran in one.
    pub container: Option<Value>,
    /// How well the sampler kept its time.
    pub sampler: Option<Value>,
    /// Sentences that a reader should know.
    pub warnings: Vec<String>,
    /// The devices that were watched.
    pub devices: Vec<RunDevice>,
}

/// What the row of a run holds beyond its [`ResultRow`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromRow, specta::Type)]
pub struct RunRecord {
    /// The last lines that the worker wrote to standard error.
    pub stderr_tail: Option<String>,
    /// When the worker was started.
    pub started_unix_ns: Option<i64>,
    /// When the run ended; missing if nobody saw it.
    pub ended_unix_ns: Option<i64>,
    /// An instant on the monotonic clock...
    pub anchor_monotonic_ns: Option<i64>,
    /// ...and the same instant as wall time.
    pub anchor_unix_ns: Option<i64>,
    /// What ended the gap before the run.
    pub gap_ended_because: Option<String>,
    /// How the gap was to end, and temperatures.
    #[sqlx(rename = "gap_json")]
    pub gap: Option<Value>,
    /// How far its figures can be trusted.
    #[sqlx(rename = "quality_json", json(nullable))]
    pub quality: Option<Report>,
    /// The machine around the devices, and what changed about it.
    #[sqlx(rename = "surroundings_json")]
    pub surroundings: Option<Value>,
    /// Begin of the measurement window.
    pub window_start_ns: Option<i64>,
    /// End of the measurement window.
    pub window_end_ns: Option<i64>,
    /// Why the window is not divided into parts; missing where it is, and for runs of earlier versions.
    pub parts_withheld: Option<String>,
    /// What the worker reported.
    #[sqlx(rename = "result_json")]
    pub result: Option<Value>,
    /// The container that the worker ran in, where it ran in one.
    #[sqlx(rename = "container_json")]
    pub container: Option<Value>,
    /// How well the sampler kept its time.
    #[sqlx(rename = "sampler_json")]
    pub sampler: Option<Value>,
    /// Sentences that a reader should know.
    #[sqlx(rename = "warnings_json", json)]
    pub warnings: Vec<String>,
    /// Every resolved parameter of its experiment.
    #[sqlx(rename = "parameters_json")]
    pub parameters: Value,
}

/// Everything about a run but its samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, specta::Type)]
pub struct RunDetail {
    /// Its row among the results.
    #[serde(flatten)]
    pub row: ResultRow,
    /// The rest of its row.
    #[serde(flatten)]
    pub record: RunRecord,
    /// What each device used.
    pub devices: Vec<RunDevice>,
    /// What the devices draw without work, and the energy above it.
    pub baselines: Vec<RunBaseline>,
    /// What an external power meter saw of it. It contains the devices and is added to nothing.
    pub meter: Option<RunMeter>,
    /// Its phases, in order.
    pub phases: Vec<Phase>,
    /// The measurement window by what its requests were doing; a part that did not occur is left out.
    pub window_parts: Vec<WindowPart>,
    /// What is known of each of its requests, in order. Not `requests`: that is how many there were, in the row.
    pub request_records: Vec<Request>,
    /// The devices that have a power trace.
    pub traces: Vec<TraceDevice>,
    /// What a reader of the result should know.
    pub diagnostics: Vec<Diagnostic>,
}

impl Store {
    /// Begins an attempt at a planned run: it waits for its gap to end. Returns the number of the attempt, from 1.
    /// Refused while another attempt is under way, and when one has completed.
    pub async fn begin_run(&self, run_id: &str, campaign_id: &str, index: u32) -> Result<u32, StoreError> {
        const DOING: &str = "beginning a run";
        let failed = self.failed(DOING);
        let mut tx = self.write(DOING).await?;
        if !planned_runs::exists(&mut tx, campaign_id, index).await.map_err(failed)? {
            let id = format!("{index} of campaign {campaign_id}");
            return Err(StoreError::NotFound {
                what: "planned run",
                id,
                hint: "`lem campaign show` lists the plan",
            });
        }
        if let Some((run, status)) = runs::standing(&mut tx, campaign_id, index).await.map_err(failed)? {
            let wanted = "failed or interrupted";
            let status = status.name().into();
            return Err(StoreError::WrongState { run, status, wanted, action: "attempted again" });
        }
        let attempt = runs::insert(&mut tx, run_id, campaign_id, index).await.map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        Ok(attempt)
    }

    /// Records how the gap before a waiting run went.
    pub async fn record_gap(&self, run_id: &str, gap: &Gap) -> Result<(), StoreError> {
        const DOING: &str = "storing the gap of a run";
        let mut tx = self.write(DOING).await?;
        let found = runs::set_gap(&mut tx, run_id, gap).await.map_err(self.failed(DOING))?;
        self.check(&mut tx, found, run_id, "waiting", "told how long it waited").await?;
        tx.commit().await.map_err(self.failed(DOING))
    }

    /// Records that the worker of a waiting run was started.
    pub async fn run_started(&self, run_id: &str, start: &RunStart) -> Result<(), StoreError> {
        const DOING: &str = "storing the start of a run";
        let mut tx = self.write(DOING).await?;
        let found = runs::set_running(&mut tx, run_id, start).await.map_err(self.failed(DOING))?;
        self.check(&mut tx, found, run_id, "waiting", "started").await?;
        tx.commit().await.map_err(self.failed(DOING))
    }

    /// Records that a phase begins, and returns its position in the run, from 0.
    pub async fn phase_begin(&self, run_id: &str, phase: &str, start_ns: i64) -> Result<u32, StoreError> {
        const DOING: &str = "storing a phase";
        let mut tx = self.write(DOING).await?;
        let seq = phases::insert(&mut tx, run_id, phase, start_ns).await.map_err(self.failed(DOING))?;
        tx.commit().await.map_err(self.failed(DOING))?;
        Ok(seq)
    }

    /// Records that the phase at position `seq` ends.
    pub async fn phase_end(&self, run_id: &str, seq: u32, end_ns: i64) -> Result<(), StoreError> {
        const DOING: &str = "storing a phase";
        let mut tx = self.write(DOING).await?;
        if !phases::set_end(&mut tx, run_id, seq, end_ns).await.map_err(self.failed(DOING))? {
            return Err(no_phase(run_id, seq));
        }
        tx.commit().await.map_err(self.failed(DOING))
    }

    /// Stores what the worker reported of some requests, all or none of them.
    pub async fn add_requests(&self, run_id: &str, requests: &[Request]) -> Result<(), StoreError> {
        const DOING: &str = "storing requests";
        let mut tx = self.write(DOING).await?;
        requests::insert(&mut tx, run_id, requests).await.map_err(self.failed(DOING))?;
        tx.commit().await.map_err(self.failed(DOING))
    }

    /// Records that a run completed, with its energies, all in one step.
    pub async fn finish_run(&self, run_id: &str, outcome: &RunOutcome) -> Result<(), StoreError> {
        const DOING: &str = "storing the result of a run";
        let failed = self.failed(DOING);
        let mut tx = self.write(DOING).await?;
        let found = runs::set_completed(&mut tx, run_id, outcome).await.map_err(failed)?;
        self.check(&mut tx, found, run_id, "running", "recorded as completed").await?;
        run_devices::insert(&mut tx, run_id, &outcome.devices).await.map_err(failed)?;
        run_baselines::insert(&mut tx, run_id, &outcome.baselines).await.map_err(failed)?;
        window_parts::insert(&mut tx, run_id, &outcome.window_parts).await.map_err(failed)?;
        for energy in &outcome.phases {
            if !phases::set_energy(&mut tx, run_id, energy).await.map_err(failed)? {
                return Err(no_phase(run_id, energy.seq));
            }
        }
        tx.commit().await.map_err(failed)
    }

    /// Withdraws the adjusted energies of runs that rest on a bare baseline which turned out not to hold.
    pub async fn withdraw_adjusted(&self, runs: &[String], reason: &str) -> Result<(), StoreError> {
        const DOING: &str = "withdrawing adjusted energies";
        let mut tx = self.write(DOING).await?;
        for run in runs {
            run_baselines::withdraw_bare(&mut tx, run, reason).await.map_err(self.failed(DOING))?;
        }
        tx.commit().await.map_err(self.failed(DOING))
    }

    /// Records that a run failed. Its samples, phases and requests so far stay.
    pub async fn fail_run(&self, run_id: &str, failure: &RunFailure) -> Result<(), StoreError> {
        const DOING: &str = "storing the failure of a run";
        let failed = self.failed(DOING);
        let mut tx = self.write(DOING).await?;
        let found = runs::set_failed(&mut tx, run_id, failure).await.map_err(failed)?;
        self.check(&mut tx, found, run_id, "waiting or running", "recorded as failed").await?;
        run_devices::insert(&mut tx, run_id, &failure.devices).await.map_err(failed)?;
        tx.commit().await.map_err(failed)
    }

    /// Everything about a run but its samples.
    pub async fn run(&self, run_id: &str) -> Result<RunDetail, StoreError> {
        const DOING: &str = "reading the run";
        let failed = self.failed(DOING);
        let mut tx = self.read(DOING).await?;
        let row = results::row(&mut tx, run_id).await.map_err(failed)?;
        let row = row.ok_or_else(|| StoreError::no_run(run_id))?;
        let stored = requests::of_run(&mut tx, run_id).await.map_err(failed)?;
        let unpacked: Result<_, _> = stored.into_iter().map(requests::Row::unpack).collect();
        Ok(RunDetail {
            row,
            record: record(&mut tx, run_id).await.map_err(failed)?,
            devices: run_devices::of_run(&mut tx, run_id).await.map_err(failed)?,
            baselines: run_baselines::of_run(&mut tx, run_id).await.map_err(failed)?,
            meter: run_meters::of_run(&mut tx, run_id).await.map_err(failed)?,
            phases: phases::of_run(&mut tx, run_id).await.map_err(failed)?,
            window_parts: window_parts::of_run(&mut tx, run_id).await.map_err(failed)?,
            request_records: unpacked.map_err(|(index, source)| StoreError::CorruptRequest {
                run: run_id.into(),
                index,
                source,
            })?,
            traces: trace_chunks::devices(&mut tx, run_id).await.map_err(failed)?,
            diagnostics: diagnostics::of_run(&mut tx, run_id).await.map_err(failed)?,
        })
    }

    /// Turns an update that met no row into the reason: no such run, or one in another state.
    async fn check(
        &self,
        conn: &mut SqliteConnection,
        found: bool,
        run_id: &str,
        wanted: &'static str,
        action: &'static str,
    ) -> Result<(), StoreError> {
        if found {
            return Ok(());
        }
        let status = runs::status(conn, run_id).await.map_err(self.failed("reading the state of a run"))?;
        let status = status.ok_or_else(|| StoreError::no_run(run_id))?;
        Err(StoreError::WrongState { run: run_id.into(), status: status.name().into(), wanted, action })
    }
}

fn no_phase(run_id: &str, seq: u32) -> StoreError {
    StoreError::NotFound {
        what: "open phase",
        id: format!("{seq} of run {run_id}"),
        hint: "please report this as a bug",
    }
}

pub(crate) async fn record(conn: &mut SqliteConnection, run_id: &str) -> sqlx::Result<RunRecord> {
    sqlx::query_as(
        "SELECT r.*, e.parameters_json FROM runs r
         JOIN planned_runs p ON p.campaign_id = r.campaign_id AND p.idx = r.idx
         JOIN experiments e ON e.campaign_id = p.campaign_id AND e.position = p.experiment
         WHERE r.id = ?",
    )
    .bind(run_id)
    .fetch_one(conn)
    .await
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
