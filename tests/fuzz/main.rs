//! Hostile input into every reader of what others wrote: campaigns, settings, compose files, a worker's messages, traces.
//!
//! A small mutational fuzzer of our own, since the usual ones need a nightly toolchain. In `cargo test` each reader gets
//! two seconds of the same cases every time; `make fuzz` gives it ten minutes of new ones. What a case must hold is
//! stated by the module of its reader; never to panic, to hang, or to take memory without bound is stated here once.
//!
//! `LEM_FUZZ_SECONDS`: how long for each reader. `LEM_FUZZ_SEED`: a number that makes a long hunt repeatable.
//! `LEM_FUZZ_INPUT`: a file that is tried instead, such as a finding.

mod campaign;
mod compose;
mod corpus;
mod hunt;
mod mutate;
mod protocol;
mod settings;
mod trace;
mod yaml;
