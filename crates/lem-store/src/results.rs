//! The rows of `lem results` and of every export: one for each attempt at a run, with what follows from it.

use chrono::{DateTime, SecondsFormat};
use lem_measure::Provenance;
use lem_measure::quality::Grade;
use lem_measure::units::seconds;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, QueryBuilder, Row, Sqlite, SqliteConnection};

use crate::table::count;
use crate::table::runs::RunStatus;
use crate::word::Word;
use crate::{Store, StoreError};

/// An attempt at a run, as it is shown and exported. A value that is missing is `None`; so is a ratio with a missing
/// or zero divisor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, specta::Type)]
pub struct ResultRow {
    /// Id of the attempt.
    pub run_id: String,
    /// Id of its campaign.
    pub campaign_id: String,
    /// Name of its campaign.
    pub campaign_name: String,
    /// Name of its experiment.
    pub experiment: String,
    /// Engine under measurement.
    pub backend: String,
    /// Compose service, where it ran in one.
    pub service: Option<String>,
    /// How the worker was started.
    pub runner: String,
    /// Model.
    pub model: String,
    /// Cycle of the campaign.
    pub cycle: u32,
    /// Position in the plan.
    pub index: u32,
    /// Number of the attempt at it, from 1.
    pub attempt: u32,
    /// How far it has come.
    pub status: RunStatus,
    /// What went wrong.
    pub error: Option<String>,
    /// A word for the kind of error.
    pub error_kind: Option<String>,
    /// When the worker was started: RFC 3339, UTC, milliseconds.
    pub started_at: Option<String>,
    /// Length of the measurement window in seconds.
    pub window_s: Option<f64>,
    /// Energy of all devices in the window, in joules.
    pub energy_j: Option<f64>,
    /// Its uncertainty in joules.
    pub energy_uncertainty_j: Option<f64>,
    /// Where the energy comes from.
    pub energy_source: Option<String>,
    /// Whether it was measured, estimated or simulated; missing before the run started.
    pub provenance: Option<Provenance>,
    /// Whether `provenance` is measured: false for an estimate and for a simulation.
    pub measured: Option<bool>,
    /// `energy_j / window_s`, in watts.
    pub mean_power_w: Option<f64>,
    /// Energy of the GPUs in joules; missing if that of any of them is.
    pub gpu_energy_j: Option<f64>,
    /// Energy of the CPU packages in joules; missing if that of any of them is.
    pub cpu_energy_j: Option<f64>,
    /// Energy of the memory of the CPUs in joules; missing if that of any of them is.
    pub dram_energy_j: Option<f64>,
    /// Requests finished in the window.
    pub requests: Option<u64>,
    /// Prompt tokens of those.
    pub input_tokens: Option<u64>,
    /// Tokens generated for those.
    pub output_tokens: Option<u64>,
    /// `output_tokens / window_s`.
    pub tokens_per_second: Option<f64>,
    /// `energy_j / output_tokens`.
    pub joules_per_output_token: Option<f64>,
    /// `energy_j / requests`.
    pub joules_per_request: Option<f64>,
    /// Median time to first token in milliseconds.
    pub ttft_ms_p50: Option<f64>,
    /// Seconds that the plan waits before it.
    pub gap_planned_s: f64,
    /// Seconds that it really waited.
    pub gap_actual_s: Option<f64>,
    /// Temperature when it began, in degrees Celsius.
    pub start_temperature_c: Option<f64>,
    /// `energy_j / (input_tokens + output_tokens)`.
    pub joules_per_token: Option<f64>,
    /// How far its figures can be trusted; missing for runs that did not complete.
    pub grade: Option<Grade>,
    /// The baseline that the campaign asked for: `bare`, `context` or `loaded`.
    pub baseline_kind: Option<String>,
    /// Its power in watts.
    pub baseline_power_w: Option<f64>,
    /// Energy of the window above that baseline, in joules; missing without one, and where it is not to be trusted.
    pub adjusted_energy_j: Option<f64>,
    /// Its uncertainty in joules.
    pub adjusted_energy_uncertainty_j: Option<f64>,
    /// The external power meter that saw the run.
    pub meter_name: Option<String>,
    /// Energy of the window by that meter, in joules. It contains that of the devices.
    pub meter_energy_j: Option<f64>,
    /// Its uncertainty in joules.
    pub meter_energy_uncertainty_j: Option<f64>,
    /// `meter_energy_j / output_tokens`.
    pub meter_joules_per_output_token: Option<f64>,
    /// `energy_j / meter_energy_j`: the share of the devices.
    pub meter_devices_share: Option<f64>,
}

/// Which rows are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResultFilter {
    /// Those of one campaign, by its full id.
    pub campaign_id: Option<String>,
    /// Those in one state.
    pub status: Option<RunStatus>,
}

impl Store {
    /// The attempts that `filter` lets through: campaigns from the oldest on, runs in the order of the plan.
    pub async fn results(&self, filter: &ResultFilter) -> Result<Vec<ResultRow>, StoreError> {
        const DOING: &str = "reading results";
        let mut query = select();
        if let Some(campaign_id) = &filter.campaign_id {
            query.push(" AND r.campaign_id = ").push_bind(campaign_id);
        }
        if let Some(status) = filter.status {
            query.push(" AND r.status = ").push_bind(status);
        }
        query.push(" ORDER BY c.created_unix_ns, c.id, r.idx, r.attempt");
        let mut tx = self.read(DOING).await?;
        query.build_query_as().fetch_all(&mut *tx).await.map_err(self.failed(DOING))
    }
}

/// The row of one run.
pub(crate) async fn row(conn: &mut SqliteConnection, run_id: &str) -> sqlx::Result<Option<ResultRow>> {
    let mut query = select();
    query.push(" AND r.id = ").push_bind(run_id);
    query.build_query_as().fetch_optional(conn).await
}

/// A sum over devices is missing when that of any device is, and when the run has no energy: a partial sum would be a
/// wrong number.
pub(crate) const SELECT: &str = "
    SELECT r.*, r.id AS run_id, c.name AS campaign_name, e.name AS experiment, e.backend, e.service, e.runner, e.model,
        p.cycle, p.gap_planned_s, b.kind AS baseline_kind, b.power_w AS baseline_power_w, b.adjusted_energy_j,
        b.adjusted_energy_uncertainty_j, m.name AS meter_name, m.energy_j AS meter_energy_j,
        m.energy_uncertainty_j AS meter_energy_uncertainty_j,
        (SELECT CASE WHEN COUNT(*) = COUNT(d.energy_j) THEN SUM(d.energy_j) END
         FROM run_devices d WHERE d.run_id = r.id AND d.kind = 'gpu' AND r.energy_j IS NOT NULL) AS gpu_energy_j,
        (SELECT CASE WHEN COUNT(*) = COUNT(d.energy_j) THEN SUM(d.energy_j) END
         FROM run_devices d WHERE d.run_id = r.id AND d.kind = 'cpu' AND r.energy_j IS NOT NULL) AS cpu_energy_j,
        (SELECT CASE WHEN COUNT(*) = COUNT(d.energy_j) THEN SUM(d.energy_j) END
         FROM run_devices d WHERE d.run_id = r.id AND d.kind = 'dram' AND r.energy_j IS NOT NULL) AS dram_energy_j ";

/// Where the columns of [`SELECT`] come from.
pub(crate) const FROM: &str = "
    FROM runs r
    JOIN campaigns c ON c.id = r.campaign_id
    JOIN planned_runs p ON p.campaign_id = r.campaign_id AND p.idx = r.idx
    JOIN experiments e ON e.campaign_id = p.campaign_id AND e.position = p.experiment
    LEFT JOIN run_baselines b ON b.run_id = r.id AND b.chosen
    LEFT JOIN run_meters m ON m.run_id = r.id";

fn select() -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(SELECT);
    query.push(FROM).push(" WHERE TRUE");
    query
}

impl FromRow<'_, SqliteRow> for ResultRow {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        let window_s = window_s(row.try_get("window_start_ns")?, row.try_get("window_end_ns")?);
        let energy_j: Option<f64> = row.try_get("energy_j")?;
        let meter_energy_j: Option<f64> = row.try_get("meter_energy_j")?;
        let provenance = row.try_get::<Option<Word<Provenance>>, _>("provenance")?.map(|word| word.0);
        let (requests, output_tokens) = (count(row, "requests")?, count(row, "output_tokens")?);
        let input_tokens = count(row, "input_tokens")?;
        let tokens = input_tokens.zip(output_tokens).map(|(input, output)| real(input) + real(output));
        Ok(Self {
            run_id: row.try_get("run_id")?,
            campaign_id: row.try_get("campaign_id")?,
            campaign_name: row.try_get("campaign_name")?,
            experiment: row.try_get("experiment")?,
            backend: row.try_get("backend")?,
            service: row.try_get("service")?,
            runner: row.try_get("runner")?,
            model: row.try_get("model")?,
            cycle: row.try_get("cycle")?,
            index: row.try_get("idx")?,
            attempt: row.try_get("attempt")?,
            status: row.try_get("status")?,
            error: row.try_get("error_message")?,
            error_kind: row.try_get("error_kind")?,
            started_at: row.try_get::<Option<i64>, _>("started_unix_ns")?.map(rfc3339),
            window_s,
            energy_j,
            energy_uncertainty_j: row.try_get("energy_uncertainty_j")?,
            energy_source: row.try_get("energy_source")?,
            provenance,
            measured: provenance.map(|provenance| provenance == Provenance::Measured),
            mean_power_w: ratio(energy_j, window_s),
            gpu_energy_j: row.try_get("gpu_energy_j")?,
            cpu_energy_j: row.try_get("cpu_energy_j")?,
            dram_energy_j: row.try_get("dram_energy_j")?,
            requests,
            input_tokens,
            output_tokens,
            tokens_per_second: ratio(output_tokens.map(real), window_s),
            joules_per_output_token: ratio(energy_j, output_tokens.map(real)),
            joules_per_request: ratio(energy_j, requests.map(real)),
            ttft_ms_p50: row.try_get("ttft_ms_p50")?,
            gap_planned_s: row.try_get("gap_planned_s")?,
            gap_actual_s: row.try_get("gap_actual_s")?,
            start_temperature_c: row.try_get("start_temperature_c")?,
            joules_per_token: ratio(energy_j, tokens),
            grade: row.try_get::<Option<Word<Grade>>, _>("grade")?.map(|word| word.0),
            baseline_kind: row.try_get("baseline_kind")?,
            baseline_power_w: row.try_get("baseline_power_w")?,
            adjusted_energy_j: row.try_get("adjusted_energy_j")?,
            adjusted_energy_uncertainty_j: row.try_get("adjusted_energy_uncertainty_j")?,
            meter_name: row.try_get("meter_name")?,
            meter_energy_j,
            meter_energy_uncertainty_j: row.try_get("meter_energy_uncertainty_j")?,
            meter_joules_per_output_token: ratio(meter_energy_j, output_tokens.map(real)),
            meter_devices_share: ratio(energy_j, meter_energy_j),
        })
    }
}

fn window_s(start_ns: Option<i64>, end_ns: Option<i64>) -> Option<f64> {
    Some(seconds(end_ns?.checked_sub(start_ns?)?))
}

/// `None` when either side is missing or the divisor is zero.
fn ratio(dividend: Option<f64>, divisor: Option<f64>) -> Option<f64> {
    let divisor = divisor.filter(|divisor| *divisor > 0.0)?;
    Some(dividend? / divisor).filter(|ratio| ratio.is_finite())
}

#[expect(clippy::cast_precision_loss, reason = "counts of tokens stay far below 2^53")]
fn real(count: u64) -> f64 {
    count as f64
}

fn rfc3339(unix_ns: i64) -> String {
    DateTime::from_timestamp_nanos(unix_ns).to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
#[path = "results_tests.rs"]
mod tests;
