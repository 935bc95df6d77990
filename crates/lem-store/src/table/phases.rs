//! Table `phases`: when the worker loaded, warmed up, measured and unloaded, and what each took.

use serde::{Deserialize, Serialize};
use sqlx::{FromRow, SqliteConnection};

use super::finite;

/// A phase of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromRow, specta::Type)]
#[serde(rename = "StoredPhase")]
pub struct Phase {
    /// Position within the run, from 0.
    pub seq: u32,
    /// Its name in the protocol.
    pub phase: String,
    /// When it began.
    pub start_ns: i64,
    /// When it ended; missing if it was cut off.
    pub end_ns: Option<i64>,
    /// Its energy in joules.
    pub energy_j: Option<f64>,
    /// The uncertainty of that energy in joules.
    pub energy_uncertainty_j: Option<f64>,
}

/// The energy of a phase, known when the run is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseEnergy {
    /// Which phase of the run.
    pub seq: u32,
    /// Its energy in joules.
    pub energy_j: Option<f64>,
    /// The uncertainty of that energy in joules.
    pub energy_uncertainty_j: Option<f64>,
}

/// Inserts a phase that begins and returns its position, from 0.
pub(crate) async fn insert(
    conn: &mut SqliteConnection,
    run_id: &str,
    phase: &str,
    start_ns: i64,
) -> sqlx::Result<u32> {
    sqlx::query_scalar(
        "INSERT INTO phases (run_id, seq, phase, start_ns)
         SELECT ?1, COALESCE(MAX(seq) + 1, 0), ?2, ?3 FROM phases WHERE run_id = ?1
         RETURNING seq",
    )
    .bind(run_id)
    .bind(phase)
    .bind(start_ns)
    .fetch_one(conn)
    .await
}

/// Ends a phase; false if there is none that is open at this position.
pub(crate) async fn set_end(
    conn: &mut SqliteConnection,
    run_id: &str,
    seq: u32,
    end_ns: i64,
) -> sqlx::Result<bool> {
    let done = sqlx::query("UPDATE phases SET end_ns = ? WHERE run_id = ? AND seq = ? AND end_ns IS NULL")
        .bind(end_ns)
        .bind(run_id)
        .bind(seq)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Records the energy of a phase; false if there is no such phase.
pub(crate) async fn set_energy(
    conn: &mut SqliteConnection,
    run_id: &str,
    energy: &PhaseEnergy,
) -> sqlx::Result<bool> {
    let done =
        sqlx::query("UPDATE phases SET energy_j = ?, energy_uncertainty_j = ? WHERE run_id = ? AND seq = ?")
            .bind(finite(energy.energy_j))
            .bind(finite(energy.energy_uncertainty_j))
            .bind(run_id)
            .bind(energy.seq)
            .execute(conn)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// The phases of a run, in order.
pub(crate) async fn of_run(conn: &mut SqliteConnection, run_id: &str) -> sqlx::Result<Vec<Phase>> {
    sqlx::query_as("SELECT * FROM phases WHERE run_id = ? ORDER BY seq").bind(run_id).fetch_all(conn).await
}
