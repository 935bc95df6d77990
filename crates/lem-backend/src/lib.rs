//! Where a worker runs: something that is started, gives a pipe of bytes in each direction, can be stopped, and
//! exits.
//!
//! The measured does not know that it is measured: nothing here knows power, campaigns or the meaning of the bytes.

pub mod compose;
pub mod docker;
pub mod process;

use std::io;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};

/// What to start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Start {
    /// Program and arguments.
    pub command: Vec<String>,
    /// Variables added to the environment.
    pub environment: Vec<(String, String)>,
    /// The folder to run in; the backend's own default when absent.
    pub folder: Option<std::path::PathBuf>,
}

/// A place where workers can be started.
pub trait Backend: Send + Sync {
    /// Starts one worker.
    fn start<'a>(&'a self, start: &'a Start) -> BoxFuture<'a, Result<Session, StartError>>;
}

/// A worker that runs.
pub struct Session {
    /// Its standard input; dropping it closes the input.
    pub stdin: Box<dyn AsyncWrite + Send + Unpin>,
    /// Its standard output.
    pub stdout: Box<dyn AsyncRead + Send + Unpin>,
    /// Its standard error.
    pub stderr: Box<dyn AsyncRead + Send + Unpin>,
    /// Its life.
    pub control: Box<dyn Control>,
}

/// The life of a worker.
pub trait Control: Send {
    /// Process ids on this host, as the device processes of a meter name them; empty when unknown.
    fn pids(&self) -> Vec<u32>;

    /// Waits until the worker has exited. May be dropped and called again.
    fn wait(&mut self) -> BoxFuture<'_, io::Result<Exit>>;

    /// The container that it runs in, where it runs in one.
    fn container(&self) -> Option<&docker::ContainerFacts> {
        None
    }

    /// Asks the worker to end (SIGTERM), and ends it after `grace` (SIGKILL). Nothing of it is left afterwards.
    fn stop(&mut self, grace: Duration) -> BoxFuture<'_, io::Result<Exit>>;
}

/// How a worker ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// Killed because its container had reached its memory limit, or the host had no more.
    OutOfMemory,
}

impl Exit {
    /// Whether the worker ended as it should.
    pub fn is_success(self) -> bool {
        self == Self::Code(0)
    }
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // As shells and container engines use them.
            Self::Code(126) => write!(f, "exit code 126: a program could not be executed"),
            Self::Code(127) => write!(f, "exit code 127: a program was not found"),
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(9) => write!(f, "signal 9 (SIGKILL: killed, often for want of memory)"),
            Self::OutOfMemory => write!(f, "killed: out of memory"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}

/// Why a worker could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The plan holds no command.
    #[error(
        "there is no command to start; name one under `runner: {{BACKEND: {{kind: process, command: [...]}}}}`"
    )]
    NoCommand,
    /// The program does not exist.
    #[error("`{0}` was not found; give its full path, or put its folder on PATH")]
    NotFound(String),
    /// The system refused.
    #[error("`{program}` cannot be started: {source}")]
    Refused {
        /// The program.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// What is to be measured cannot be reached.
    #[error("{0}")]
    Unreachable(String),
    /// The worker's container could not be started.
    #[error(transparent)]
    Container(#[from] docker::ContainerError),
}
