//! Table `run_meters`: what an external power meter saw of a run.

use serde::{Deserialize, Serialize};
use sqlx::{FromRow, SqliteConnection};

use super::finite;

/// The device of a meter's readings among the traces of a run.
pub const METER_DEVICE: &str = "meter";

/// An external power meter beside a run. Its energy contains that of the devices, and is added to nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromRow, specta::Type)]
pub struct RunMeter {
    /// What a person calls it.
    pub name: String,
    /// The name of the file that its readings come from, without the folder.
    pub file_name: String,
    /// SHA-256 of that file in hexadecimal.
    pub file_sha256: String,
    /// When it was imported.
    pub imported_unix_ns: i64,
    /// How its clock was brought in line: `clock` by what was said of it, `power` by the offset at which its power follows
    /// that of the devices.
    pub alignment: String,
    /// What was added to its times, in seconds.
    pub offset_s: f64,
    /// Expanded uncertainty of that in seconds.
    pub offset_uncertainty_s: f64,
    /// Pearson's correlation of its power with that of the devices over the run, at that offset.
    pub correlation: Option<f64>,
    /// Its accuracy as a share of a reading, where a person stated it; it is a part of the uncertainty then.
    pub accuracy: Option<f64>,
    /// Median time between its readings in seconds.
    pub interval_s: f64,
    /// How many of its readings belong to the run.
    pub readings: u32,
    /// Energy of the window in joules.
    pub energy_j: Option<f64>,
    /// Its expanded uncertainty in joules.
    pub energy_uncertainty_j: Option<f64>,
    /// Why there is no energy.
    pub withheld: Option<String>,
    /// Sentences that a reader should know.
    #[sqlx(rename = "notes_json", json)]
    pub notes: Vec<String>,
}

/// Puts a meter beside a run, in place of the one that was there.
pub(crate) async fn put(conn: &mut SqliteConnection, run_id: &str, meter: &RunMeter) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT OR REPLACE INTO run_meters (run_id, name, file_name, file_sha256, imported_unix_ns, alignment, offset_s,
            offset_uncertainty_s, correlation, accuracy, interval_s, readings, energy_j, energy_uncertainty_j, withheld,
            notes_json)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(run_id)
    .bind(&meter.name)
    .bind(&meter.file_name)
    .bind(&meter.file_sha256)
    .bind(meter.imported_unix_ns)
    .bind(&meter.alignment)
    .bind(meter.offset_s)
    .bind(meter.offset_uncertainty_s)
    .bind(finite(meter.correlation))
    .bind(finite(meter.accuracy))
    .bind(meter.interval_s)
    .bind(meter.readings)
    .bind(finite(meter.energy_j))
    .bind(finite(meter.energy_uncertainty_j))
    .bind(&meter.withheld)
    .bind(sqlx::types::Json(&meter.notes))
    .execute(conn)
    .await
    .map(drop)
}

/// The meter beside a run.
pub(crate) async fn of_run(conn: &mut SqliteConnection, run_id: &str) -> sqlx::Result<Option<RunMeter>> {
    sqlx::query_as("SELECT * FROM run_meters WHERE run_id = ?").bind(run_id).fetch_optional(conn).await
}

/// Takes the meter of a run away; whether there was one.
pub(crate) async fn delete(conn: &mut SqliteConnection, run_id: &str) -> sqlx::Result<bool> {
    let done = sqlx::query("DELETE FROM run_meters WHERE run_id = ?").bind(run_id).execute(conn).await?;
    Ok(done.rows_affected() > 0)
}
