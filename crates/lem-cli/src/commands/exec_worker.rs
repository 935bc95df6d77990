//! `lem exec-worker COMMAND`: becomes a command that the kernel ends when the engine dies, however that happens, so
//! that no worker of a killed campaign is left to disturb the next one.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use rustix::process::{Signal, getppid, set_parent_process_death_signal};

use crate::output;

/// The variable in which the engine names its process to the workers that it starts.
const ENGINE_PID: &str = "LEM_ENGINE_PID";

/// Not found, as shells say it.
const NOT_FOUND: u8 = 127;

pub(crate) fn become_worker(command: &[String]) -> ExitCode {
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        output::note(&format!("lem: the worker cannot be tied to this program's life: {error}"));
    }
    // The engine may have died before the line above; then nothing would ever end this process.
    let engine = std::env::var(ENGINE_PID).ok().and_then(|pid| pid.parse().ok());
    if engine.is_some() && engine != getppid().map(|parent| parent.as_raw_nonzero().get()) {
        return ExitCode::FAILURE;
    }
    let Some((program, arguments)) = command.split_first() else { return ExitCode::from(NOT_FOUND) };
    let error = Command::new(program).args(arguments).exec();
    output::note(&format!("lem: `{program}` cannot be started: {error}"));
    ExitCode::from(NOT_FOUND)
}
