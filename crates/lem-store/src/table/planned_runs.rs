//! Table `planned_runs`: the order of runs that was decided before the first of them.

use serde::{Deserialize, Serialize};
use sqlx::{FromRow, QueryBuilder, Sqlite, SqliteConnection};

use super::ROWS_PER_INSERT;

/// One run of the plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromRow)]
pub struct PlannedRun {
    /// Position in the order of execution.
    #[sqlx(rename = "idx")]
    pub index: u32,
    /// Position of its experiment.
    pub experiment: u32,
    /// Its cycle.
    pub cycle: u32,
    /// Seconds to wait before it.
    pub gap_planned_s: f64,
    /// What set that gap.
    pub gap_source: String,
}

/// Inserts the plan of a campaign.
pub(crate) async fn insert(
    conn: &mut SqliteConnection,
    campaign_id: &str,
    runs: &[PlannedRun],
) -> sqlx::Result<()> {
    for rows in runs.chunks(ROWS_PER_INSERT) {
        QueryBuilder::<Sqlite>::new(
            "INSERT INTO planned_runs (campaign_id, idx, experiment, cycle, gap_planned_s, gap_source) ",
        )
        .push_values(rows, |mut values, run| {
            values
                .push_bind(campaign_id)
                .push_bind(run.index)
                .push_bind(run.experiment)
                .push_bind(run.cycle)
                .push_bind(run.gap_planned_s)
                .push_bind(&run.gap_source);
        })
        .build()
        .persistent(false)
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// The plan of a campaign, in order.
pub(crate) async fn of_campaign(
    conn: &mut SqliteConnection,
    campaign_id: &str,
) -> sqlx::Result<Vec<PlannedRun>> {
    sqlx::query_as("SELECT * FROM planned_runs WHERE campaign_id = ? ORDER BY idx")
        .bind(campaign_id)
        .fetch_all(conn)
        .await
}

/// Notes why a planned run is not run.
pub(crate) async fn set_not_needed(
    conn: &mut SqliteConnection,
    campaign_id: &str,
    index: u32,
    reason: &str,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE planned_runs SET not_needed = ? WHERE campaign_id = ? AND idx = ?")
        .bind(reason)
        .bind(campaign_id)
        .bind(index)
        .execute(conn)
        .await
        .map(drop)
}

/// The planned runs that are needed and have no attempt that completed or failed, in order.
pub(crate) async fn missing(conn: &mut SqliteConnection, campaign_id: &str) -> sqlx::Result<Vec<PlannedRun>> {
    sqlx::query_as(
        "SELECT * FROM planned_runs p
         WHERE p.campaign_id = ? AND p.not_needed IS NULL AND NOT EXISTS (
            SELECT 1 FROM runs r
            WHERE r.campaign_id = p.campaign_id AND r.idx = p.idx AND r.status IN ('completed', 'failed'))
         ORDER BY p.idx",
    )
    .bind(campaign_id)
    .fetch_all(conn)
    .await
}

/// Whether the plan has this run.
pub(crate) async fn exists(conn: &mut SqliteConnection, campaign_id: &str, index: u32) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM planned_runs WHERE campaign_id = ? AND idx = ?)")
        .bind(campaign_id)
        .bind(index)
        .fetch_one(conn)
        .await
}
