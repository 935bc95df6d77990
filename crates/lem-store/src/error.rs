//! What can go wrong with the database, as the caller must act on it, and the sorting of `SQLite`'s result codes.

use std::io;
use std::path::{Path, PathBuf};

use crate::trace::codec::CodecError;

/// Why the store did not do what it was asked. A write that returns an error left nothing behind.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no database to read.
    #[error("there are no results at {path}: run a campaign first, or name the project folder that has some")]
    Absent {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The file is not a database, or one of another program.
    #[error(
        "{path} is not a database of LEM Desktop: choose another results folder, or move the file away; \
         nothing was changed"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A later version of this program wrote the database.
    #[error(
        "{path} was written by a newer LEM Desktop (schema {found}, this program knows up to {known}): \
         update this program, or choose another results folder"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The schema of the file.
        found: i64,
        /// The newest schema that this program knows.
        known: i64,
    },
    /// The file or its folder cannot be made, opened or written.
    #[error(
        "cannot write {path} ({reason}): check the folder's permissions, or choose another results folder"
    )]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The disk is full.
    #[error(
        "the disk that holds {path} is full while {doing}: free space, then resume the campaign; \
         finished runs are safe"
    )]
    Full {
        /// The file.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
    },
    /// Another process kept the database locked for too long.
    #[error(
        "{path} was locked by another process for over 5 seconds while {doing}: close what uses it and try again"
    )]
    Busy {
        /// The file.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
    },
    /// The file is damaged.
    #[error(
        "{path} is damaged (found while {doing}): keep a copy, then rescue what can be read with \
         `sqlite3 lem.db .recover`, or move it away to start anew"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
    },
    /// Nothing has this id.
    #[error("there is no {what} {id}: {hint}")]
    NotFound {
        /// What was looked for.
        what: &'static str,
        /// The id, as it was given.
        id: String,
        /// How to see what there is.
        hint: &'static str,
    },
    /// The beginning of an id is too short to be trusted.
    #[error("{id:?} is too short for the id of a {what}: give at least 4 characters of it")]
    ShortId {
        /// What was looked for.
        what: &'static str,
        /// The id, as it was given.
        id: String,
    },
    /// Several things have an id that begins like this.
    #[error("{id:?} is the beginning of more than one {what}: {}; give more of it", candidates.join(", "))]
    AmbiguousId {
        /// What was looked for.
        what: &'static str,
        /// The id, as it was given.
        id: String,
        /// The first few ids that begin like this.
        candidates: Vec<String>,
    },
    /// A run is not in the state that the call needs.
    #[error("run {run} is {status}, and only a run that is {wanted} can be {action}: read the campaign anew")]
    WrongState {
        /// The run.
        run: String,
        /// Its state.
        status: String,
        /// The states that would do.
        wanted: &'static str,
        /// What was asked for.
        action: &'static str,
    },
    /// What was to be written contradicts itself or what is stored. A fault of the program, not of its user.
    #[error("refused while {doing}: {reason}; please report this as a bug")]
    Refused {
        /// What was being done.
        doing: &'static str,
        /// The rule that would be broken, in the words of the database or its driver.
        reason: String,
    },
    /// A stored piece of a trace cannot be read.
    #[error(
        "the power trace of device {device} in run {run} is damaged (piece {seq}: {source}): \
         the run's results stand, but its trace is lost; repeat the run if the trace matters"
    )]
    CorruptTrace {
        /// The run.
        run: String,
        /// The device.
        device: String,
        /// Which piece, from 0.
        seq: u32,
        /// What is wrong with it.
        source: CodecError,
    },
    /// The stored inter-token latencies of a request cannot be read.
    #[error(
        "the inter-token latencies of request {index} in run {run} are damaged ({source}): \
         the run's results stand; repeat the run if they matter"
    )]
    CorruptRequest {
        /// The run.
        run: String,
        /// The request.
        index: u32,
        /// What is wrong with them.
        source: CodecError,
    },
    /// Samples could not be packed.
    #[error(
        "cannot pack the power trace of device {device} in run {run}: {source}; please report this as a bug"
    )]
    Unpackable {
        /// The run.
        run: String,
        /// The device.
        device: String,
        /// Why.
        source: CodecError,
    },
    /// Anything else that `SQLite` or its driver reported.
    #[error("the database {path} failed while {doing}: {source}; check the disk, then try again")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// What was reported.
        source: sqlx::Error,
    },
}

impl StoreError {
    /// Sorts an error of the driver by what the caller can do about it.
    pub(crate) fn from_driver(path: &Path, doing: &'static str, source: sqlx::Error) -> Self {
        let path = path.to_path_buf();
        match &source {
            sqlx::Error::PoolTimedOut => Self::Busy { path, doing },
            sqlx::Error::Encode(error) => Self::Refused { doing, reason: error.to_string() },
            sqlx::Error::Io(error) => Self::from_io(&path, doing, error),
            sqlx::Error::Database(error) => {
                let code = error.code().and_then(|code| code.parse().ok()).unwrap_or(0);
                let reason = error.message().to_owned();
                Self::from_code(path.clone(), doing, code, reason).unwrap_or(Self::Sqlite {
                    path,
                    doing,
                    source,
                })
            }
            _ => Self::Sqlite { path, doing, source },
        }
    }

    /// Sorts an error of the file system.
    pub(crate) fn from_io(path: &Path, doing: &'static str, error: &io::Error) -> Self {
        let path = path.to_path_buf();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path, doing },
            _ => Self::Unwritable { path, reason: error.to_string() },
        }
    }

    /// Sorts an extended result code (<https://www.sqlite.org/rescode.html>): the low byte is the primary code.
    /// `None` for those that have no remedy of their own.
    fn from_code(path: PathBuf, doing: &'static str, code: i32, reason: String) -> Option<Self> {
        /// The wal-index could not be extended; `SQLite` reports a full disk this way there.
        const IOERR_SHMSIZE: i32 = 4874;
        Some(match (code & 0xff, code) {
            (13, _) | (_, IOERR_SHMSIZE) => Self::Full { path, doing },
            (5 | 6, _) => Self::Busy { path, doing },
            (3 | 8 | 14 | 23, _) => Self::Unwritable { path, reason },
            (11, _) => Self::Damaged { path, doing },
            (26, _) => Self::Foreign { path },
            (19, _) => Self::Refused { doing, reason },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(code: i32) -> String {
        StoreError::from_code("/results/lem.db".into(), "storing samples", code, "said SQLite".into())
            .map_or_else(|| "none".into(), |error| error.to_string())
    }

    #[test]
    fn each_result_code_that_has_a_remedy_names_it() {
        let messages: Vec<_> = [13, 4874, 5, 517, 3, 8, 1032, 14, 11, 267, 26, 19, 787]
            .map(|code| format!("{code}: {}", sorted(code)))
            .into();
        insta::assert_snapshot!(messages.join("\n"));
    }

    #[test]
    fn a_code_without_a_remedy_is_left_to_the_driver() {
        assert_eq!(sorted(1), "none", "SQLITE_ERROR has no remedy of its own");
        assert_eq!(sorted(10), "none", "a plain I/O error is not taken for a full disk");
    }

    #[test]
    fn a_full_disk_found_by_the_file_system_is_a_full_disk() {
        let error = io::Error::from(io::ErrorKind::StorageFull);
        let error = StoreError::from_io(Path::new("/results/lem.db"), "making the folder", &error);
        assert!(matches!(error, StoreError::Full { .. }), "{error}");
    }
}
