//! One file for each command, or pair of commands.

pub(crate) mod campaigns;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod exec_worker;
pub(crate) mod export;
pub(crate) mod measure;
pub(crate) mod meter;
pub(crate) mod plan;
pub(crate) mod results;
pub(crate) mod run;
pub(crate) mod trust;
pub(crate) mod worker;

use lem_engine::{Error, ErrorCode};

/// Runs the engine's asynchronous functions.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| Error::new(ErrorCode::Machine, format!("threads cannot be started: {e}")))?
        .block_on(future)
}
