//! Table `trace_chunks`: the samples of each device in each run, packed in pieces.

use lem_measure::{Channel, Sample};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, SqliteConnection};

use crate::trace::codec::{self, CodecError};

/// A device with a trace, and what that covers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromRow, specta::Type)]
pub struct TraceDevice {
    /// Id of the device.
    pub device_id: String,
    /// How many samples there are.
    #[sqlx(rename = "n")]
    pub samples: u32,
    /// The first sample.
    pub t0_ns: i64,
    /// The last sample.
    pub t1_ns: i64,
    /// The lowest power in watts.
    pub min_power_w: Option<f64>,
    /// The highest power in watts.
    pub max_power_w: Option<f64>,
}

/// A packed piece of a trace as it lies in the table.
#[derive(FromRow)]
pub(crate) struct Chunk {
    pub(crate) seq: u32,
    pub(crate) n: u32,
    data: Vec<u8>,
}

impl Chunk {
    /// The samples of this piece.
    pub(crate) fn unpack(&self) -> Result<Vec<Sample>, CodecError> {
        let samples = codec::decode(&self.data)?;
        if samples.len() != self.n as usize {
            return Err(CodecError::Malformed("it has another number of samples than its row says"));
        }
        Ok(samples)
    }
}

/// Samples packed and described, ready to be inserted.
pub(crate) struct PackedChunk {
    n: i64,
    t0_ns: i64,
    t1_ns: i64,
    min_power_w: Option<f64>,
    max_power_w: Option<f64>,
    data: Vec<u8>,
}

impl PackedChunk {
    /// Packs samples in the order of time, at least one.
    pub(crate) fn new(samples: &[Sample]) -> Result<Self, CodecError> {
        let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
            return Err(CodecError::Malformed("a piece of a trace has at least one sample"));
        };
        let powers = || samples.iter().filter_map(|sample| sample.get(Channel::Power));
        Ok(Self {
            n: i64::try_from(samples.len()).map_err(|_| CodecError::TooMany(samples.len()))?,
            t0_ns: first.t_ns,
            t1_ns: last.t_ns,
            min_power_w: powers().reduce(f64::min),
            max_power_w: powers().reduce(f64::max),
            data: codec::encode(samples)?,
        })
    }
}

/// Appends a piece to the trace of a device.
pub(crate) async fn insert(
    conn: &mut SqliteConnection,
    run_id: &str,
    device_id: &str,
    chunk: &PackedChunk,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO trace_chunks (run_id, device_id, seq, n, t0_ns, t1_ns, min_power_w, max_power_w, encoding, data)
         SELECT ?1, ?2, COALESCE(MAX(seq) + 1, 0), ?3, ?4, ?5, ?6, ?7, ?8, ?9
         FROM trace_chunks WHERE run_id = ?1 AND device_id = ?2",
    )
    .bind(run_id)
    .bind(device_id)
    .bind(chunk.n)
    .bind(chunk.t0_ns)
    .bind(chunk.t1_ns)
    .bind(chunk.min_power_w)
    .bind(chunk.max_power_w)
    .bind(codec::VERSION)
    .bind(&chunk.data)
    .execute(conn)
    .await?;
    Ok(())
}

/// The pieces of a trace, in order.
pub(crate) async fn of_device(
    conn: &mut SqliteConnection,
    run_id: &str,
    device_id: &str,
) -> sqlx::Result<Vec<Chunk>> {
    sqlx::query_as("SELECT seq, n, data FROM trace_chunks WHERE run_id = ? AND device_id = ? ORDER BY seq")
        .bind(run_id)
        .bind(device_id)
        .fetch_all(conn)
        .await
}

/// Removes the trace of a device.
pub(crate) async fn delete(conn: &mut SqliteConnection, run_id: &str, device_id: &str) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM trace_chunks WHERE run_id = ? AND device_id = ?")
        .bind(run_id)
        .bind(device_id)
        .execute(conn)
        .await?;
    Ok(())
}

/// The devices that have a trace in a run, in the order of their ids.
pub(crate) async fn devices(conn: &mut SqliteConnection, run_id: &str) -> sqlx::Result<Vec<TraceDevice>> {
    sqlx::query_as(
        "SELECT device_id, SUM(n) AS n, MIN(t0_ns) AS t0_ns, MAX(t1_ns) AS t1_ns,
            MIN(min_power_w) AS min_power_w, MAX(max_power_w) AS max_power_w
         FROM trace_chunks WHERE run_id = ? GROUP BY device_id ORDER BY device_id",
    )
    .bind(run_id)
    .fetch_all(conn)
    .await
}
