//! Table `run_baselines`: what the devices draw without work, as it applies to a run, and the energy above it.

use serde::{Deserialize, Serialize};
use sqlx::{FromRow, SqliteConnection};

use super::finite;

/// A baseline of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromRow, specta::Type)]
pub struct RunBaseline {
    /// What ran meanwhile: `bare` nothing, `context` an opened device, `loaded` a model without requests.
    pub kind: String,
    /// Whether the campaign asked for this one; its adjusted energy stands among the results.
    pub chosen: bool,
    /// Mean power of all devices in watts.
    pub power_w: f64,
    /// Its expanded uncertainty in watts.
    pub power_uncertainty_w: f64,
    /// Standard deviation of the power readings in watts.
    pub sd_w: Option<f64>,
    /// Temperature of the hottest device at its end, in degrees Celsius.
    pub temperature_c: Option<f64>,
    /// How long it was taken for, in seconds.
    pub duration_s: f64,
    /// From its end to the begin of the window, in seconds.
    pub age_s: f64,
    /// By which share the last look at it differed.
    pub drift: Option<f64>,
    /// Energy of the window above it, in joules.
    pub adjusted_energy_j: Option<f64>,
    /// Its uncertainty in joules.
    pub adjusted_energy_uncertainty_j: Option<f64>,
    /// Why there is no adjusted energy.
    pub withheld: Option<String>,
}

/// Inserts the baselines of a run.
pub(crate) async fn insert(
    conn: &mut SqliteConnection,
    run_id: &str,
    baselines: &[RunBaseline],
) -> sqlx::Result<()> {
    for baseline in baselines {
        sqlx::query(
            "INSERT INTO run_baselines (run_id, kind, chosen, power_w, power_uncertainty_w, sd_w, temperature_c,
                duration_s, age_s, drift, adjusted_energy_j, adjusted_energy_uncertainty_j, withheld)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(run_id)
        .bind(&baseline.kind)
        .bind(baseline.chosen)
        .bind(baseline.power_w)
        .bind(baseline.power_uncertainty_w)
        .bind(finite(baseline.sd_w))
        .bind(finite(baseline.temperature_c))
        .bind(baseline.duration_s)
        .bind(baseline.age_s)
        .bind(finite(baseline.drift))
        .bind(finite(baseline.adjusted_energy_j))
        .bind(finite(baseline.adjusted_energy_uncertainty_j))
        .bind(&baseline.withheld)
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Withdraws the adjusted energy of a run that rests on its bare baseline.
pub(crate) async fn withdraw_bare(
    conn: &mut SqliteConnection,
    run_id: &str,
    reason: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE run_baselines SET adjusted_energy_j = NULL, adjusted_energy_uncertainty_j = NULL, withheld = ?
         WHERE run_id = ? AND kind = 'bare'",
    )
    .bind(reason)
    .bind(run_id)
    .execute(conn)
    .await
    .map(drop)
}

/// The baselines of a run.
pub(crate) async fn of_run(conn: &mut SqliteConnection, run_id: &str) -> sqlx::Result<Vec<RunBaseline>> {
    sqlx::query_as("SELECT * FROM run_baselines WHERE run_id = ? ORDER BY kind")
        .bind(run_id)
        .fetch_all(conn)
        .await
}
