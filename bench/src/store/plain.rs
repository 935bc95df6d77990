//! The peer of the store: a row for each sample, as quickly as `SQLite` takes them through the same driver.

use std::fs;
use std::path::Path;
use std::time::Instant;

use lem_measure::Sample;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteRow, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, QueryBuilder, Row as _, Sqlite, SqliteConnection};

use super::{CHANNELS, Taken, same};
use crate::Outcome;

/// Rows in a statement and in a transaction.
const ROWS: usize = 1000;

const TABLE: &str =
    "CREATE TABLE samples (run INTEGER NOT NULL, t_ns INTEGER NOT NULL, power_w REAL, energy_j REAL,
    temperature_c REAL, sm_clock_mhz REAL, memory_clock_mhz REAL, utilization_pct REAL,
    PRIMARY KEY (run, t_ns)) STRICT, WITHOUT ROWID";

/// Writes all traces as rows, reads one of them, and looks at the size.
pub(super) async fn rows(path: &Path, traces: &[Vec<Sample>]) -> Outcome<Taken> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .disable_statement_logging();
    let mut connection = options.connect().await?;
    sqlx::query(TABLE).execute(&mut connection).await?;
    let begun = Instant::now();
    for (run, samples) in (0_i64..).zip(traces) {
        for piece in samples.chunks(ROWS) {
            insert(&mut connection, run, piece).await?;
        }
    }
    let in_s = begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    let read =
        sqlx::query("SELECT * FROM samples WHERE run = 3 ORDER BY t_ns").fetch_all(&mut connection).await?;
    let read = read.iter().map(sample).collect::<Result<Vec<_>, _>>()?;
    let out_ms = begun.elapsed().as_secs_f64() * 1e3;
    connection.close().await?;
    same(&read, &traces[3])?;
    Ok(Taken { in_s, out_ms, bytes: fs::metadata(path)?.len() })
}

async fn insert(connection: &mut SqliteConnection, run: i64, samples: &[Sample]) -> Outcome<()> {
    let mut transaction = connection.begin().await?;
    let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO samples ");
    query.push_values(samples, |mut row, sample| {
        row.push_bind(run).push_bind(sample.t_ns);
        for channel in CHANNELS {
            row.push_bind(sample.get(channel));
        }
    });
    query.build().execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(())
}

fn sample(row: &SqliteRow) -> sqlx::Result<Sample> {
    let mut sample = Sample::at(row.try_get(1)?);
    for (column, channel) in (2..).zip(CHANNELS) {
        if let Some(value) = row.try_get::<Option<f64>, usize>(column)? {
            sample.set(channel, value);
        }
    }
    Ok(sample)
}
