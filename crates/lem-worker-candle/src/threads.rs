//! How many threads compute.
//!
//! candle sizes its thread pools from two environment variables, and a running program cannot change its environment
//! safely. So the process replaces itself with the same program under another environment. Its process id, its input and
//! its output stay; the experiment, already read, is handed over in memory.

use std::fs::File;
use std::io::{self, BufReader, Seek as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use lem_protocol::Experiment;
use lem_protocol::framing::experiment_line;
use rustix::fs::{MemfdFlags, memfd_create};

use crate::failure::Failure;

/// The variable that names the descriptor of the experiment that was handed over.
const HANDED_OVER: &str = "LEM_WORKER_EXPERIMENT_FD";

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
    let handed_over = in_memory(&line).map_err(failed)?;
    let mut command = Command::new("/proc/self/exe");
    command.env(HANDED_OVER, handed_over.as_raw_fd().to_string());
    command.envs(VARIABLES.map(|name| (name, &wanted)));
    Err(failed(command.exec()))
}

/// The experiment that the process handed over to itself, if it did.
pub(crate) fn handed_over() -> io::Result<Option<BufReader<File>>> {
    let Some(descriptor) = std::env::var(HANDED_OVER).ok().and_then(|text| text.parse::<u32>().ok()) else {
        return Ok(None);
    };
    let file = File::open(format!("/proc/self/fd/{descriptor}"))?;
    Ok(Some(BufReader::new(file)))
}

/// How many threads candle computes with.
pub(crate) fn in_force() -> usize {
    candle_core::utils::get_num_threads()
}

fn in_memory(bytes: &[u8]) -> io::Result<File> {
    // Not closed on exec: the next program reads it.
    let mut file = File::from(memfd_create("experiment", MemfdFlags::empty())?);
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file)
}
