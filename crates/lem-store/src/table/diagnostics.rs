//! Table `diagnostics`: what a reader of the results should know.

use serde::{Deserialize, Serialize};
use sqlx::{FromRow, SqliteConnection};

/// How much a diagnostic matters.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type, specta::Type,
)]
#[serde(rename = "StoredSeverity")]
#[serde(rename_all = "snake_case")]
#[sqlx(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Note,
    /// The results may mean less than they seem to.
    Warning,
    /// Something was not done.
    Error,
}

/// Something about a campaign, or one of its runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromRow, specta::Type)]
#[serde(rename = "StoredDiagnostic")]
pub struct Diagnostic {
    /// The campaign.
    pub campaign_id: String,
    /// The run, unless it is about the whole campaign.
    pub run_id: Option<String>,
    /// How much it matters.
    pub severity: Severity,
    /// A word for programs.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// When.
    pub at_unix_ns: i64,
}

/// Inserts diagnostics.
pub(crate) async fn insert(conn: &mut SqliteConnection, diagnostics: &[Diagnostic]) -> sqlx::Result<()> {
    for diagnostic in diagnostics {
        sqlx::query(
            "INSERT INTO diagnostics (campaign_id, run_id, severity, code, message, hint, at_unix_ns)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&diagnostic.campaign_id)
        .bind(&diagnostic.run_id)
        .bind(diagnostic.severity)
        .bind(&diagnostic.code)
        .bind(&diagnostic.message)
        .bind(&diagnostic.hint)
        .bind(diagnostic.at_unix_ns)
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// The diagnostics of a campaign and all its runs, in the order in which they were stored.
pub(crate) async fn of_campaign(
    conn: &mut SqliteConnection,
    campaign_id: &str,
) -> sqlx::Result<Vec<Diagnostic>> {
    sqlx::query_as("SELECT * FROM diagnostics WHERE campaign_id = ? ORDER BY id")
        .bind(campaign_id)
        .fetch_all(conn)
        .await
}

/// The diagnostics of a run, in the order in which they were stored.
pub(crate) async fn of_run(conn: &mut SqliteConnection, run_id: &str) -> sqlx::Result<Vec<Diagnostic>> {
    sqlx::query_as("SELECT * FROM diagnostics WHERE run_id = ? ORDER BY id")
        .bind(run_id)
        .fetch_all(conn)
        .await
}
