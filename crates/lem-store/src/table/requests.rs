//! Table `requests`: what the worker reported of each measured request.
//!
//! Inter-token latencies are a blob of 32-bit floats: seven digits, a nanosecond in ten milliseconds, finer than any
//! engine can tell.

use lem_measure::metrics::TokensInWindow;
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, QueryBuilder, Sqlite, SqliteConnection};

use super::{ROWS_PER_INSERT, finite};
use crate::blob;
use crate::trace::codec::CodecError;

/// The version of the blob that [`pack`] writes.
const VERSION: u8 = 1;

/// The most bytes that the latencies of one request may take: four million tokens.
const MAX_BYTES: usize = 16 << 20;

/// One measured request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, specta::Type)]
#[serde(rename = "StoredRequest")]
pub struct Request {
    /// Position in the workload, from 0.
    pub index: u32,
    /// Tokens of the prompt.
    pub input_tokens: u32,
    /// Tokens generated.
    pub output_tokens: u32,
    /// When the engine got it, `CLOCK_MONOTONIC` in nanoseconds.
    pub start_ns: Option<i64>,
    /// What of both latencies had passed before that, in milliseconds; missing: nothing.
    pub waited_ms: Option<f64>,
    /// Time to first token in milliseconds.
    pub ttft_ms: Option<f64>,
    /// End-to-end latency in milliseconds.
    pub latency_ms: f64,
    /// Inter-token latencies in milliseconds, exact to seven digits.
    pub itl_ms: Option<Vec<f64>>,
    /// Those of its tokens that fell into the window, for a request that began before it; missing: all of them.
    pub in_window: Option<TokensInWindow>,
}

/// A request as it lies in the table.
#[derive(FromRow)]
pub(crate) struct Row {
    #[sqlx(rename = "idx")]
    index: u32,
    input_tokens: u32,
    output_tokens: u32,
    start_ns: Option<i64>,
    waited_ms: Option<f64>,
    ttft_ms: Option<f64>,
    latency_ms: f64,
    itl_ms: Option<Vec<u8>>,
    in_window_input_tokens: Option<u32>,
    in_window_output_tokens: Option<u32>,
}

impl Row {
    /// The request; an error, with the request's index, if its latencies are damaged.
    pub(crate) fn unpack(self) -> Result<Request, (u32, CodecError)> {
        let index = self.index;
        let in_window = self.in_window_input_tokens.zip(self.in_window_output_tokens);
        Ok(Request {
            index,
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            start_ns: self.start_ns,
            waited_ms: self.waited_ms,
            ttft_ms: self.ttft_ms,
            latency_ms: self.latency_ms,
            itl_ms: self.itl_ms.as_deref().map(unpack).transpose().map_err(|error| (index, error))?,
            in_window: in_window
                .map(|(input_tokens, output_tokens)| TokensInWindow { input_tokens, output_tokens }),
        })
    }
}

/// Inserts requests of a run.
pub(crate) async fn insert(
    conn: &mut SqliteConnection,
    run_id: &str,
    requests: &[Request],
) -> sqlx::Result<()> {
    for rows in requests.chunks(ROWS_PER_INSERT) {
        let blobs = rows.iter().map(|r| r.itl_ms.as_deref().map(pack).transpose());
        let blobs: Vec<_> =
            blobs.collect::<Result<_, _>>().map_err(|error| sqlx::Error::Encode(error.into()))?;
        QueryBuilder::<Sqlite>::new(
            "INSERT INTO requests (run_id, idx, input_tokens, output_tokens, ttft_ms, latency_ms, itl_ms,
                start_ns, waited_ms, in_window_input_tokens, in_window_output_tokens) ",
        )
        .push_values(rows.iter().zip(blobs), |mut values, (request, itl_ms)| {
            values
                .push_bind(run_id)
                .push_bind(request.index)
                .push_bind(request.input_tokens)
                .push_bind(request.output_tokens)
                .push_bind(finite(request.ttft_ms))
                .push_bind(finite(Some(request.latency_ms)))
                .push_bind(itl_ms)
                .push_bind(request.start_ns)
                .push_bind(finite(request.waited_ms))
                .push_bind(request.in_window.map(|tokens| tokens.input_tokens))
                .push_bind(request.in_window.map(|tokens| tokens.output_tokens));
        })
        .build()
        .persistent(false)
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// The requests of a run, in order.
pub(crate) async fn of_run(conn: &mut SqliteConnection, run_id: &str) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as("SELECT * FROM requests WHERE run_id = ? ORDER BY idx").bind(run_id).fetch_all(conn).await
}

#[expect(clippy::cast_possible_truncation, reason = "seven digits are kept on purpose")]
fn pack(latencies: &[f64]) -> Result<Vec<u8>, CodecError> {
    let bytes: Vec<u8> = latencies.iter().flat_map(|latency| (*latency as f32).to_le_bytes()).collect();
    if bytes.len() > MAX_BYTES {
        return Err(CodecError::TooMany(latencies.len()));
    }
    blob::pack(VERSION, &bytes).map_err(CodecError::Frame)
}

fn unpack(bytes: &[u8]) -> Result<Vec<f64>, CodecError> {
    let (version, frame) = blob::split(bytes).ok_or(CodecError::Truncated)?;
    if version != VERSION {
        return Err(CodecError::UnknownVersion(version));
    }
    let bytes = blob::unpack(frame, MAX_BYTES).map_err(CodecError::Frame)?;
    let (latencies, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(CodecError::Truncated);
    }
    Ok(latencies.iter().map(|four| f64::from(f32::from_le_bytes(*four))).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn latencies_come_back_to_seven_digits(latencies in proptest::collection::vec(0.0..1e6, 0..200)) {
            let read = unpack(&pack(&latencies).unwrap()).unwrap();
            prop_assert_eq!(read.len(), latencies.len());
            for (written, read) in latencies.iter().zip(read) {
                prop_assert!((written - read).abs() <= written * 1e-7, "{} came back as {}", written, read);
            }
        }

        #[test]
        fn any_bytes_are_an_error_or_latencies(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = unpack(&bytes);
            let _ = unpack(&blob::pack(VERSION, &bytes).unwrap());
        }
    }
}
