//! The Docker engine of this machine: whether it answers, the command `docker`, and the empty image.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// An image with nothing in it.
pub(crate) const EMPTY_IMAGE: &str = "lem-e2e-empty:1";

/// Tests share the engine, except those that look at what another test's campaign would change.
static ENGINE: RwLock<()> = RwLock::new(());

/// Keeps the engine for as long as it lives.
pub(crate) enum Lease {
    /// Other tests use it too.
    Shared(#[expect(dead_code, reason = "held, never read")] RwLockReadGuard<'static, ()>),
    /// No other test uses it.
    Alone(#[expect(dead_code, reason = "held, never read")] RwLockWriteGuard<'static, ()>),
}

impl Lease {
    /// A test that failed leaves nothing half done for the others.
    pub(crate) fn shared() -> Self {
        Self::Shared(ENGINE.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn alone() -> Self {
        Self::Alone(ENGINE.write().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether tests with containers can run. Where they cannot, the reason is printed, and they pass unless an engine is
/// required.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub(crate) fn is_ready() -> bool {
    static READY: OnceLock<Result<(), String>> = OnceLock::new();
    match READY.get_or_init(prepare) {
        Ok(()) => true,
        Err(reason) => {
            assert!(!is_required(), "LEM_REQUIRE_DOCKER=1, but {reason}");
            eprintln!("SKIPPED, nothing was tested: {reason}");
            false
        }
    }
}

/// Whether the caller's environment says that there must be an engine.
pub(crate) fn is_required() -> bool {
    std::env::var("LEM_REQUIRE_DOCKER").is_ok_and(|value| value == "1")
}

fn prepare() -> Result<(), String> {
    try_docker(&["version", "--format", "{{.Server.Version}}"], b"")
        .map_err(|reason| format!("no Docker engine answers ({reason})"))?;
    // Two blocks of zeros end an archive: this one holds nothing.
    try_docker(&["import", "-", EMPTY_IMAGE], &[0; 1024]).map(drop)
}

/// What `docker` answers.
#[track_caller]
pub(crate) fn docker(arguments: &[&str]) -> String {
    try_docker(arguments, b"").unwrap_or_else(|reason| panic!("docker {arguments:?}: {reason}"))
}

/// The same, line by line.
#[track_caller]
pub(crate) fn docker_lines(arguments: &[&str]) -> Vec<String> {
    docker(arguments).lines().map(str::to_owned).collect()
}

/// What `docker` answers to this input, or what it complains of.
pub(crate) fn try_docker(arguments: &[&str], input: &[u8]) -> Result<String, String> {
    let mut command = Command::new("docker");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("the command `docker`: {error}"))?;
    let mut stdin = child.stdin.take().expect("it was piped");
    // One that does not read has failed, and says why.
    let _ = stdin.write_all(input);
    drop(stdin);
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}
