//! Opening the database, and the two ways into it: one connection that writes, a few that only read.
//!
//! `SQLite` runs with a write-ahead log and full synchronisation: what was committed survives the death of the process
//! and of the machine, and readers never wait for the writer. Other processes may use the file at the same time.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Sqlite, SqliteConnection, Transaction};

use tokio::sync::Mutex;

use crate::StoreError;
use crate::order::Order;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// `PRAGMA application_id` of our databases; the first migration sets it.
const APPLICATION_ID: i64 = 0x4C45_4D44;

/// How long to wait for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Enough for a screen and an export at the same time.
const READERS: u32 = 4;

/// The database of results. Cheap to clone; all clones share their connections.
#[derive(Debug, Clone)]
pub struct Store {
    path: PathBuf,
    writer: SqlitePool,
    readers: SqlitePool,
    /// One connection that reads pages of results, so that `PRAGMA data_version` tells it what changed.
    pub(crate) pager: SqlitePool,
    /// What it sorted last.
    pub(crate) order: Arc<Mutex<Option<Arc<Order>>>>,
}

impl Store {
    /// Opens the database at `path`; makes the folder and the file where they are missing, and brings an older schema
    /// up to date.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        if let Some(folder) = path.parent() {
            let made = tokio::fs::create_dir_all(folder).await;
            made.map_err(|error| StoreError::from_io(path, "making its folder", &error))?;
        }
        Self::connect(path).await
    }

    /// Opens the database at `path`; an error if there is none.
    pub async fn open_existing(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        match tokio::fs::metadata(path).await {
            Ok(_) => Self::connect(path).await,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(StoreError::Absent { path: path.to_path_buf() })
            }
            Err(error) => Err(StoreError::from_io(path, "looking for it", &error)),
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Closes the connections of all clones; the last one merges the write-ahead log into the file.
    pub async fn close(&self) {
        self.pager.close().await;
        self.readers.close().await;
        self.writer.close().await;
    }

    async fn connect(path: &Path) -> Result<Self, StoreError> {
        let failed = |error| StoreError::from_driver(path, "opening it", error);
        let _turn = turn(path).await;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging();
        // A file of another program must not even be switched to our kind of log: look before touching it.
        let mut visitor = options.connect().await.map_err(failed)?;
        let schema = recognise(&mut visitor, path).await?;
        sqlx::Connection::close(visitor).await.map_err(failed)?;

        let options = options.create_if_missing(false);
        let writer = pool(1)
            .connect_with(options.clone().journal_mode(SqliteJournalMode::Wal))
            .await
            .map_err(failed)?;
        if schema != known_schema() {
            migrate(&writer, path).await?;
        }
        let reading = options.pragma("query_only", "ON");
        let pager = pool(1).connect_lazy_with(reading.clone());
        let readers = pool(READERS).connect_lazy_with(reading);
        Ok(Self { path: path.to_path_buf(), writer, readers, pager, order: Arc::default() })
    }

    /// A transaction that writes. It takes the lock at once: one that began by reading could not wait for it later.
    pub(crate) async fn write(
        &self,
        doing: &'static str,
    ) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(self.failed(doing))
    }

    /// A transaction that reads one state of the database, however many statements it takes.
    pub(crate) async fn read(&self, doing: &'static str) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.readers.begin().await.map_err(self.failed(doing))
    }

    /// Names the file and what was being done in an error of the driver.
    pub(crate) fn failed(&self, doing: &'static str) -> impl Fn(sqlx::Error) -> StoreError + Copy + '_ {
        move |error| StoreError::from_driver(&self.path, doing, error)
    }
}

/// Waits until no other process is opening a database in this folder; the turn ends when the file is dropped.
///
/// `SQLite` does not wait for locks while it switches a new file to the write-ahead log, so two processes that begin
/// at once would trip over each other. `None` where the file system has no such locks: then they may.
async fn turn(path: &Path) -> Option<std::fs::File> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder.to_path_buf(),
        _ => PathBuf::from("."),
    };
    let waiting = tokio::task::spawn_blocking(move || {
        let folder = std::fs::File::open(folder)?;
        folder.lock()?;
        Ok::<_, io::Error>(folder)
    });
    waiting.await.ok()?.ok()
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

/// The newest schema of this program.
fn known_schema() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// The schema of a database, 0 for an empty one; an error if it is not ours or newer than this program.
async fn recognise(conn: &mut SqliteConnection, path: &Path) -> Result<i64, StoreError> {
    let failed = |error| StoreError::from_driver(path, "reading its schema", error);
    let tables: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_master")
        .fetch_one(&mut *conn)
        .await
        .map_err(failed)?;
    if tables == 0 {
        return Ok(0);
    }
    let application: i64 =
        sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *conn).await.map_err(failed)?;
    if application != APPLICATION_ID {
        return Err(StoreError::Foreign { path: path.to_path_buf() });
    }
    let found: i64 = sqlx::query_scalar("SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations")
        .fetch_one(&mut *conn)
        .await
        .map_err(failed)?;
    if found > known_schema() {
        return Err(StoreError::Newer { path: path.to_path_buf(), found, known: known_schema() });
    }
    Ok(found)
}

/// Applies the migrations that are missing, all or none: two processes that open a new file at once take turns.
async fn migrate(writer: &SqlitePool, path: &Path) -> Result<(), StoreError> {
    let failed = |error| StoreError::from_driver(path, "bringing its schema up to date", error);
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    // Not `run`: its future cannot be moved between threads ("implementation of `Acquire` is not general enough").
    MIGRATIONS.run_direct(None, &mut *tx, false).await.map_err(|error| match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => failed(error),
        MigrateError::VersionMissing(found) => {
            StoreError::Newer { path: path.to_path_buf(), found, known: known_schema() }
        }
        other => failed(sqlx::Error::Migrate(Box::new(other))),
    })?;
    tx.commit().await.map_err(failed)
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
