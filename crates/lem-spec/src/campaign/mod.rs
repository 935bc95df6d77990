//! Campaign files: what was written ([`read`]), and what can be run ([`resolve`]).
//!
//! A campaign lists experiments (as a `grid`, as `configs` files, as `experiments`, or all three), says how often and in
//! which order they run, and what they are measured with. Keys that this version does not execute are refused with a
//! reason; keys that nobody knows draw a warning. Nothing that is written is dropped without a word.
//!
//! The order of runs is not here: that is the plan, in `lem-campaign`.

mod check;
mod draft;
mod effective;
mod experiment;
mod files;
mod findings;
mod grid;
mod in_force;
pub mod keys;
mod known;
mod names;
mod options;
mod overrides;
mod read;
mod resolve;
mod runner;
mod spec;
#[cfg(test)]
mod tests;
mod thermal;
mod traffic;
mod tree;
mod written;

pub use in_force::in_force;
pub use overrides::Overrides;
pub use read::read;
pub use resolve::{EMBEDDED_BACKEND, MAX_RUNS, PYTHON_BACKENDS, ResolvedCampaign, resolve};
pub use spec::{
    Convergence, Decoding, ExperimentSpec, PromptOrder, Prompts, Runner, RunnerKind, Server, ServerApi,
    Structure, Traffic, UnknownWord, Warmup,
};
pub use thermal::{Baseline, BaselineKind, BaselineStrategy, Stopping, Thermal, ThermalMode};
pub use written::{
    Campaign, Devices, Execution, Naming, Runners, WrittenDecoder, WrittenExperiment, WrittenWarmup,
};
