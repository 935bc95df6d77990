//! How many threads compute.
//!
//! candle sizes its thread pools from two environment variables, and a running program cannot change its environment
//! safely. So the process replaces itself with the same program under another environment. Its process id and its output
//! stay; the experiment, already read, is handed over in memory.

use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use lem_protocol::Experiment;
use lem_protocol::framing::experiment_line;
use rustix::fs::{MemfdFlags, memfd_create};

use crate::failure::Failure;

/// The pool of dense kernels and that of quantized ones.
const VARIABLES: [&str; 2] = ["RAYON_NUM_THREADS", "CANDLE_NUM_THREADS"];

/// Returns when this process computes with `threads` threads; otherwise the program starts again and does not return.
pub(crate) fn ensure(threads: u32, experiment: &Experiment) -> Result<(), Failure> {
    let wanted = threads.to_string();
    if VARIABLES.iter().all(|name| std::env::var(name).is_ok_and(|value| value == wanted)) {
        return Ok(());
    }
    let line = experiment_line(experiment).map_err(|error| Failure::engine(error.to_string()))?;
    let failed = |error: io::Error| {
        Failure::engine(format!("the worker could not start again with {threads} threads: {error}"))
    };
    let input = in_memory(&line).map_err(failed)?;
    let mut command = Command::new("/proc/self/exe");
    command.stdin(input).envs(VARIABLES.map(|name| (name, &wanted)));
    Err(failed(command.exec()))
}

/// How many threads candle computes with.
pub(crate) fn in_force() -> usize {
    candle_core::utils::get_num_threads()
}

fn in_memory(bytes: &[u8]) -> io::Result<File> {
    let mut file = File::from(memfd_create("experiment", MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file)
}
