//! The worker from outside: the real program, given an experiment, judged by what it says.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod errors;
mod models;
mod runs;
mod support;
mod waiting;
