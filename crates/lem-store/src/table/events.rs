//! Table `events`: what happened in a campaign, as facts, in order.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{FromRow, SqliteConnection};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromRow)]
pub struct Event {
    /// Position within the campaign, from 0.
    pub seq: u32,
    /// When.
    pub at_unix_ns: i64,
    /// What kind of event.
    pub kind: String,
    /// The event, as the caller serialised it.
    #[sqlx(rename = "json")]
    pub data: Value,
}

/// Appends an event and returns its position.
pub(crate) async fn insert(
    conn: &mut SqliteConnection,
    campaign_id: &str,
    at_unix_ns: i64,
    kind: &str,
    data: &Value,
) -> sqlx::Result<u32> {
    sqlx::query_scalar(
        "INSERT INTO events (campaign_id, seq, at_unix_ns, kind, json)
         SELECT ?1, COALESCE(MAX(seq) + 1, 0), ?2, ?3, ?4 FROM events WHERE campaign_id = ?1
         RETURNING seq",
    )
    .bind(campaign_id)
    .bind(at_unix_ns)
    .bind(kind)
    .bind(data)
    .fetch_one(conn)
    .await
}

/// The events of a campaign from position `from` on, in order.
pub(crate) async fn of_campaign(
    conn: &mut SqliteConnection,
    campaign_id: &str,
    from: u32,
) -> sqlx::Result<Vec<Event>> {
    sqlx::query_as("SELECT * FROM events WHERE campaign_id = ? AND seq >= ? ORDER BY seq")
        .bind(campaign_id)
        .bind(from)
        .fetch_all(conn)
        .await
}
