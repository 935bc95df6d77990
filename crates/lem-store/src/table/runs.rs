//! Table `runs`: the attempts at each planned run.

use serde::{Deserialize, Serialize};
use sqlx::SqliteConnection;

use super::{finite, to_integer};
use crate::run::{Gap, RunFailure, RunOutcome, RunStart};
use crate::word::Word;

/// How far an attempt at a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, specta::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(rename_all = "snake_case")]
pub enum RunStatus {
    /// It waits for its gap to end.
    Waiting,
    /// Its worker was started.
    Running,
    /// It has results.
    Completed,
    /// It ended with an error.
    Failed,
    /// It was cut off, and counts as not done.
    Interrupted,
}

impl RunStatus {
    /// The name used in results and exports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Inserts the next attempt at a planned run and returns its number, from 1.
pub(crate) async fn insert(
    conn: &mut SqliteConnection,
    id: &str,
    campaign_id: &str,
    index: u32,
) -> sqlx::Result<u32> {
    sqlx::query_scalar(
        "INSERT INTO runs (id, campaign_id, idx, attempt, status)
         SELECT ?1, ?2, ?3, COALESCE(MAX(attempt), 0) + 1, 'waiting' FROM runs WHERE campaign_id = ?2 AND idx = ?3
         RETURNING attempt",
    )
    .bind(id)
    .bind(campaign_id)
    .bind(index)
    .fetch_one(conn)
    .await
}

/// The id and state of an attempt at this planned run that is under way or completed.
pub(crate) async fn standing(
    conn: &mut SqliteConnection,
    campaign_id: &str,
    index: u32,
) -> sqlx::Result<Option<(String, RunStatus)>> {
    sqlx::query_as(
        "SELECT id, status FROM runs
         WHERE campaign_id = ? AND idx = ? AND status IN ('waiting', 'running', 'completed')",
    )
    .bind(campaign_id)
    .bind(index)
    .fetch_optional(conn)
    .await
}

/// The state of a run.
pub(crate) async fn status(conn: &mut SqliteConnection, id: &str) -> sqlx::Result<Option<RunStatus>> {
    sqlx::query_scalar("SELECT status FROM runs WHERE id = ?").bind(id).fetch_optional(conn).await
}

/// Up to `limit` ids that begin with `prefix`, in order.
pub(crate) async fn with_prefix(
    conn: &mut SqliteConnection,
    prefix: &str,
    limit: u32,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "SELECT id FROM runs WHERE id >= ?1 AND substr(id, 1, length(?1)) = ?1 ORDER BY id LIMIT ?2",
    )
    .bind(prefix)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// Records the gap of a run that waits; false if there is no such run.
pub(crate) async fn set_gap(conn: &mut SqliteConnection, id: &str, gap: &Gap) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE runs SET gap_actual_s = ?, gap_ended_because = ?, gap_json = ? WHERE id = ? AND status = 'waiting'",
    )
    .bind(finite(gap.actual_s))
    .bind(&gap.ended_because)
    .bind(&gap.facts)
    .bind(id)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Moves a run from waiting to running; false if no run with this id waits.
pub(crate) async fn set_running(
    conn: &mut SqliteConnection,
    id: &str,
    start: &RunStart,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE runs SET status = 'running', started_unix_ns = ?, anchor_monotonic_ns = ?, anchor_unix_ns = ?,
            start_temperature_c = ?, energy_source = ?, provenance = ?
         WHERE id = ? AND status = 'waiting'",
    )
    .bind(start.started_unix_ns)
    .bind(start.anchor_monotonic_ns)
    .bind(start.anchor_unix_ns)
    .bind(finite(start.start_temperature_c))
    .bind(&start.energy_source)
    .bind(start.provenance.map(Word))
    .bind(id)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Moves a run from running to completed; false if no run with this id is running.
pub(crate) async fn set_completed(
    conn: &mut SqliteConnection,
    id: &str,
    outcome: &RunOutcome,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE runs SET status = 'completed', ended_unix_ns = ?, window_start_ns = ?, window_end_ns = ?,
            energy_j = ?, energy_uncertainty_j = ?,
            energy_source = COALESCE(?, energy_source), provenance = COALESCE(?, provenance),
            requests = ?, input_tokens = ?, output_tokens = ?, ttft_ms_p50 = ?,
            result_json = ?, container_json = ?, sampler_json = ?, warnings_json = ?,
            grade = ?, quality_json = ?, surroundings_json = ?, parts_withheld = ?
         WHERE id = ? AND status = 'running'",
    )
    .bind(outcome.ended_unix_ns)
    .bind(outcome.window_ns.map(|(start, _)| start))
    .bind(outcome.window_ns.map(|(_, end)| end))
    .bind(finite(outcome.energy_j))
    .bind(finite(outcome.energy_uncertainty_j))
    .bind(&outcome.energy_source)
    .bind(outcome.provenance.map(Word))
    .bind(to_integer(outcome.requests)?)
    .bind(to_integer(outcome.input_tokens)?)
    .bind(to_integer(outcome.output_tokens)?)
    .bind(finite(outcome.ttft_ms_p50))
    .bind(&outcome.result)
    .bind(&outcome.container)
    .bind(&outcome.sampler)
    .bind(sqlx::types::Json(&outcome.warnings))
    .bind(outcome.quality.as_ref().map(|report| Word(report.grade)))
    .bind(outcome.quality.as_ref().map(sqlx::types::Json))
    .bind(&outcome.surroundings)
    .bind(&outcome.parts_withheld)
    .bind(id)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Moves a run to failed; false if no run with this id is under way.
pub(crate) async fn set_failed(
    conn: &mut SqliteConnection,
    id: &str,
    failure: &RunFailure,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE runs SET status = 'failed', ended_unix_ns = ?, error_kind = ?, error_message = ?, stderr_tail = ?,
            container_json = ?, sampler_json = ?, warnings_json = ?
         WHERE id = ? AND status IN ('waiting', 'running')",
    )
    .bind(failure.ended_unix_ns)
    .bind(&failure.error_kind)
    .bind(&failure.error_message)
    .bind(&failure.stderr_tail)
    .bind(&failure.container)
    .bind(&failure.sampler)
    .bind(sqlx::types::Json(&failure.warnings))
    .bind(id)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Marks the runs of a campaign that are under way as interrupted; returns how many.
pub(crate) async fn interrupt_open(
    conn: &mut SqliteConnection,
    campaign_id: &str,
    ended_unix_ns: Option<i64>,
) -> sqlx::Result<u64> {
    let done = sqlx::query(
        "UPDATE runs SET status = 'interrupted', ended_unix_ns = ?
         WHERE campaign_id = ? AND status IN ('waiting', 'running')",
    )
    .bind(ended_unix_ns)
    .bind(campaign_id)
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
