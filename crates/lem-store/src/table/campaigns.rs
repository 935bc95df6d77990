//! Table `campaigns`: what was asked for, and how it ended.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{FromRow, SqliteConnection};

use crate::campaign::NewCampaign;

/// How far a campaign has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, specta::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(rename_all = "snake_case")]
pub enum CampaignStatus {
    /// A process works on it, or died without a word.
    Running,
    /// Every planned run was tried.
    Completed,
    /// It was given up.
    Failed,
    /// It was stopped, and can be resumed.
    Interrupted,
}

impl CampaignStatus {
    /// The name used in results and exports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// A campaign as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromRow, specta::Type)]
#[serde(rename = "StoredCampaign")]
pub struct Campaign {
    /// Id that the caller made.
    pub id: String,
    /// Name that the campaign file gives.
    pub name: String,
    /// The campaign file.
    pub source_file: Option<String>,
    /// Its text when the campaign began.
    pub source_text: Option<String>,
    /// The text of `.lem-config.yaml` then.
    pub settings_text: Option<String>,
    /// The plan, as the caller serialised it.
    #[sqlx(rename = "plan_json")]
    pub plan: Value,
    /// What the command line overrode.
    #[sqlx(rename = "overrides_json")]
    pub overrides: Value,
    /// Seed of the order of runs, in decimal: a number of 64 bits is not exact in every reader of JSON.
    pub seed: String,
    /// How far it has come.
    pub status: CampaignStatus,
    /// When it was created.
    pub created_unix_ns: i64,
    /// When it ended, where that is known.
    pub finished_unix_ns: Option<i64>,
    /// Names the environment.
    pub environment_hash: String,
    /// The version of the program that made it.
    pub app_version: String,
    /// The process that works on it.
    pub holder_pid: Option<u32>,
    /// Why it ended as it did.
    pub message: Option<String>,
}

/// Inserts a campaign that is running.
pub(crate) async fn insert(
    conn: &mut SqliteConnection,
    new: &NewCampaign,
    environment_hash: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO campaigns (id, name, source_file, source_text, settings_text, plan_json, overrides_json, seed,
            status, created_unix_ns, environment_hash, app_version, holder_pid)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&new.id)
    .bind(&new.name)
    .bind(&new.source_file)
    .bind(&new.source_text)
    .bind(&new.settings_text)
    .bind(&new.plan)
    .bind(&new.overrides)
    .bind(new.seed.to_string())
    .bind(CampaignStatus::Running)
    .bind(new.created_unix_ns)
    .bind(environment_hash)
    .bind(&new.app_version)
    .bind(new.holder_pid)
    .execute(conn)
    .await?;
    Ok(())
}

/// The campaign with this id.
pub(crate) async fn get(conn: &mut SqliteConnection, id: &str) -> sqlx::Result<Option<Campaign>> {
    sqlx::query_as("SELECT * FROM campaigns WHERE id = ?").bind(id).fetch_optional(conn).await
}

/// The campaign created last.
pub(crate) async fn latest(conn: &mut SqliteConnection) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar("SELECT id FROM campaigns ORDER BY created_unix_ns DESC, rowid DESC LIMIT 1")
        .fetch_optional(conn)
        .await
}

/// Up to `limit` ids that begin with `prefix`, in order.
pub(crate) async fn with_prefix(
    conn: &mut SqliteConnection,
    prefix: &str,
    limit: u32,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "SELECT id FROM campaigns WHERE id >= ?1 AND substr(id, 1, length(?1)) = ?1 ORDER BY id LIMIT ?2",
    )
    .bind(prefix)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// Moves a campaign to another state; false if there is no such campaign.
pub(crate) async fn set_status(
    conn: &mut SqliteConnection,
    id: &str,
    status: CampaignStatus,
    holder_pid: Option<u32>,
    finished_unix_ns: Option<i64>,
    message: Option<&str>,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE campaigns SET status = ?, holder_pid = ?, finished_unix_ns = ?, message = ? WHERE id = ?",
    )
    .bind(status)
    .bind(holder_pid)
    .bind(finished_unix_ns)
    .bind(message)
    .bind(id)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
