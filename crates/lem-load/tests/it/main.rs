//! The load from outside: given an experiment and a server that follows a script, judged by what it says.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod counts;
mod failures;
mod hold;
mod readiness;
mod secrecy;
mod server;
mod steady_state;
mod support;
