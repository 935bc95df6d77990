//! Table `experiments`: the configurations that a campaign compares.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{FromRow, SqliteConnection};

/// One configuration of a campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromRow, specta::Type)]
#[serde(rename = "StoredExperiment")]
pub struct Experiment {
    /// Position within the campaign, from 0.
    pub position: u32,
    /// Name, unique within the campaign.
    pub name: String,
    /// Engine under measurement.
    pub backend: String,
    /// Compose service, where it runs in one.
    pub service: Option<String>,
    /// How the worker is started.
    pub runner: String,
    /// Model.
    pub model: String,
    /// Every resolved parameter.
    #[sqlx(rename = "parameters_json")]
    pub parameters: Value,
}

/// Inserts the experiments of a campaign.
pub(crate) async fn insert(
    conn: &mut SqliteConnection,
    campaign_id: &str,
    experiments: &[Experiment],
) -> sqlx::Result<()> {
    for experiment in experiments {
        sqlx::query(
            "INSERT INTO experiments (campaign_id, position, name, backend, service, runner, model, parameters_json)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(campaign_id)
        .bind(experiment.position)
        .bind(&experiment.name)
        .bind(&experiment.backend)
        .bind(&experiment.service)
        .bind(&experiment.runner)
        .bind(&experiment.model)
        .bind(&experiment.parameters)
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// The experiments of a campaign, in order.
pub(crate) async fn of_campaign(
    conn: &mut SqliteConnection,
    campaign_id: &str,
) -> sqlx::Result<Vec<Experiment>> {
    sqlx::query_as("SELECT * FROM experiments WHERE campaign_id = ? ORDER BY position")
        .bind(campaign_id)
        .fetch_all(conn)
        .await
}
