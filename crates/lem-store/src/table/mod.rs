//! One file for each table, in one order: the row, then its statements as functions over a connection.
//!
//! No transaction begins here: the files beside this folder decide what is written together.

pub(crate) mod campaigns;
pub(crate) mod diagnostics;
pub(crate) mod environments;
pub(crate) mod events;
pub(crate) mod experiments;
pub(crate) mod phases;
pub(crate) mod planned_runs;
pub(crate) mod requests;
pub(crate) mod run_baselines;
pub(crate) mod run_devices;
pub(crate) mod run_meters;
pub(crate) mod runs;
pub(crate) mod trace_chunks;
pub(crate) mod window_parts;

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

/// Rows of one INSERT statement: below `SQLite`'s limit of 32,766 bound values for every table.
pub(crate) const ROWS_PER_INSERT: usize = 2000;

/// A number that is not finite is no measurement: it is stored as missing.
pub(crate) fn finite(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite())
}

/// A count as `SQLite` keeps it.
pub(crate) fn to_integer(count: Option<u64>) -> sqlx::Result<Option<i64>> {
    count.map(i64::try_from).transpose().map_err(|error| sqlx::Error::Encode(error.into()))
}

/// A count as it was given.
pub(crate) fn count(row: &SqliteRow, column: &str) -> sqlx::Result<Option<u64>> {
    let count: Option<i64> = row.try_get(column)?;
    count.map(u64::try_from).transpose().map_err(|error| sqlx::Error::Decode(error.into()))
}
