//! A small vocabulary for tests of whole campaigns: a project folder that is thrown away, the command `lem` run in it
//! as a user would, and what came out. Nothing here knows the program's own types: a test sees what a user sees.
//!
//! No call waits for ever: a process that is not done after [`LIMIT`] is killed and fails the test.
#![expect(clippy::missing_panics_doc, reason = "a set-up that fails is a test that fails, and panics say so")]

mod binaries;
pub mod desktop;
mod finished;
mod json;
mod processes;
mod project;
mod running;

pub use binaries::{beside_the_tests, repository};
pub use finished::Finished;
pub use json::{integer, names, number, text};
pub use processes::naming;
pub use project::{CAMPAIGN, Experiment, Project};
pub use running::{LIMIT, Running};

use std::time::Duration;

/// `CLOCK_MONOTONIC` in nanoseconds: the clock of samples and workers.
pub fn monotonic_ns() -> i64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// Lets real processes get on.
#[expect(clippy::disallowed_methods, reason = "other processes run in real time")]
pub fn pause(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

/// Looks again and again until `found` gives something, for ten seconds at most.
#[track_caller]
pub fn eventually<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    for _ in 0..500 {
        if let Some(value) = found() {
            return value;
        }
        pause(20);
    }
    panic!("after ten seconds still not: {what}");
}
