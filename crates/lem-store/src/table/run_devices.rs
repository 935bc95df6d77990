//! Table `run_devices`: what each device used in the window of a run.

use lem_measure::{DeviceKind, PowerSource, Provenance};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row, SqliteConnection};

use super::finite;
use crate::word::Word;

/// The energy of one device in the window of one run, by both methods, and the one that counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, specta::Type)]
pub struct RunDevice {
    /// Id of the device, as its meter gives it.
    pub device_id: String,
    /// What a person calls it.
    pub name: String,
    /// What its energy covers.
    pub kind: DeviceKind,
    /// Where its numbers come from.
    pub source: PowerSource,
    /// Whether they are measured.
    pub provenance: Provenance,
    /// Energy by the device's counter, in joules.
    pub counter_energy_j: Option<f64>,
    /// Its uncertainty in joules.
    pub counter_uncertainty_j: Option<f64>,
    /// Energy by integrating power, in joules.
    pub integral_energy_j: Option<f64>,
    /// Its uncertainty in joules.
    pub integral_uncertainty_j: Option<f64>,
    /// The energy that counts, in joules.
    pub energy_j: Option<f64>,
    /// Its uncertainty in joules.
    pub energy_uncertainty_j: Option<f64>,
    /// Mean power over the window, in watts.
    pub mean_power_w: Option<f64>,
    /// Temperature when the run began, in degrees Celsius.
    pub start_temperature_c: Option<f64>,
    /// The highest temperature of the run, in degrees Celsius.
    pub max_temperature_c: Option<f64>,
    /// Facts about the device, as the caller serialised them.
    pub info: Value,
}

impl FromRow<'_, SqliteRow> for RunDevice {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        let Word(kind) = row.try_get("kind")?;
        let Word(source) = row.try_get("source")?;
        let Word(provenance) = row.try_get("provenance")?;
        Ok(Self {
            device_id: row.try_get("device_id")?,
            name: row.try_get("name")?,
            kind,
            source,
            provenance,
            counter_energy_j: row.try_get("counter_energy_j")?,
            counter_uncertainty_j: row.try_get("counter_uncertainty_j")?,
            integral_energy_j: row.try_get("integral_energy_j")?,
            integral_uncertainty_j: row.try_get("integral_uncertainty_j")?,
            energy_j: row.try_get("energy_j")?,
            energy_uncertainty_j: row.try_get("energy_uncertainty_j")?,
            mean_power_w: row.try_get("mean_power_w")?,
            start_temperature_c: row.try_get("start_temperature_c")?,
            max_temperature_c: row.try_get("max_temperature_c")?,
            info: row.try_get("info_json")?,
        })
    }
}

/// Inserts the devices of a run.
pub(crate) async fn insert(
    conn: &mut SqliteConnection,
    run_id: &str,
    devices: &[RunDevice],
) -> sqlx::Result<()> {
    for device in devices {
        sqlx::query(
            "INSERT INTO run_devices (run_id, device_id, name, kind, source, provenance, counter_energy_j,
                counter_uncertainty_j, integral_energy_j, integral_uncertainty_j, energy_j, energy_uncertainty_j,
                mean_power_w, start_temperature_c, max_temperature_c, info_json)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(run_id)
        .bind(&device.device_id)
        .bind(&device.name)
        .bind(Word(device.kind))
        .bind(Word(device.source))
        .bind(Word(device.provenance))
        .bind(finite(device.counter_energy_j))
        .bind(finite(device.counter_uncertainty_j))
        .bind(finite(device.integral_energy_j))
        .bind(finite(device.integral_uncertainty_j))
        .bind(finite(device.energy_j))
        .bind(finite(device.energy_uncertainty_j))
        .bind(finite(device.mean_power_w))
        .bind(finite(device.start_temperature_c))
        .bind(finite(device.max_temperature_c))
        .bind(&device.info)
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// The devices of a run, in the order of their ids.
pub(crate) async fn of_run(conn: &mut SqliteConnection, run_id: &str) -> sqlx::Result<Vec<RunDevice>> {
    sqlx::query_as("SELECT * FROM run_devices WHERE run_id = ? ORDER BY device_id")
        .bind(run_id)
        .fetch_all(conn)
        .await
}
