//! The worker from outside: the real program, given an experiment, judged by what it says.

mod errors;
mod models;
mod runs;
mod support;
