//! A campaign as it was written: checked and typed, with what was not written left open.
//!
//! Nothing here has a default. [`super::resolve`] fills in what is open.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::spec::{PromptOrder, Prompts, Runner, Structure, Traffic};
use super::thermal::{Baseline, Stopping, Thermal};
use crate::diagnostic::Diagnostic;
use crate::source::Resolved;
use crate::yaml::Position;

/// A campaign file that can be run, once [`super::resolve`] has filled in what is open.
#[derive(Debug, Clone, PartialEq)]
pub struct Campaign {
    /// `campaign_name`.
    pub name: String,
    /// The experiments, in the order grid, configs, experiments; at least one.
    pub experiments: Vec<WrittenExperiment>,
    /// `model`: for experiments that name none.
    pub model: Option<Resolved<String>>,
    /// `dataset`: instead of the prompts of every experiment.
    pub dataset: Option<Resolved<Prompts>>,
    /// `num_samples`: instead of the number of prompts of every experiment.
    pub num_samples: Option<Resolved<u32>>,
    /// `execution`.
    pub execution: Execution,
    /// `measurement.devices`.
    pub devices: Option<Resolved<Devices>>,
    /// `measurement.interval_ms`.
    pub interval_ms: Option<Resolved<u32>>,
    /// `measurement.baseline`, unless it is switched off.
    pub baseline: Option<Baseline>,
    /// `thermal`.
    pub thermal: Thermal,
    /// `runner`.
    pub runners: Runners,
    /// `cold_start`: every run needs a worker that was started for it.
    pub cold_start: Option<Resolved<bool>>,
    /// `health_check`: how often a persistent container may be replaced.
    pub max_restarts: Option<Resolved<u32>>,
    /// `group_by`: parameters by which results are put together.
    pub group_by: Vec<String>,
    /// The warnings and notes of reading, the same that [`super::read`] returns.
    pub problems: Vec<Diagnostic>,
}

/// The section `execution`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Execution {
    /// How often each experiment is run, at most where `stopping` is given.
    pub cycles: Option<Resolved<u32>>,
    /// When it has been run often enough.
    pub stopping: Option<Stopping>,
    /// The order of runs.
    pub structure: Option<Resolved<Structure>>,
    /// Seed of the order.
    pub seed: Option<Resolved<u64>>,
    /// Prompts before measuring.
    pub warmup_prompts: Option<Resolved<u32>>,
    /// Longest warm-up, in seconds.
    pub warmup_timeout_s: Option<Resolved<f64>>,
    /// Pause between runs of one cycle, in seconds.
    pub config_gap_s: Option<Resolved<f64>>,
    /// Pause between cycles, in seconds.
    pub cycle_gap_s: Option<Resolved<f64>>,
    /// A run that takes longer is ended, in seconds.
    pub run_timeout_s: Option<Resolved<f64>>,
    /// A worker that says nothing for longer is ended, in seconds.
    pub silence_timeout_s: Option<Resolved<f64>>,
    /// So many failed runs in a row stop the campaign.
    pub max_consecutive_failures: Option<Resolved<u32>>,
}

/// The devices whose energy is measured.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Devices {
    /// All that the best power source has.
    #[default]
    Auto,
    /// These, by id or by index as written.
    Chosen(Vec<String>),
}

/// What runs the workers: for all backends, and for some.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Runners {
    /// For backends that have none of their own.
    pub all: Option<Resolved<Runner>>,
    /// By backend.
    pub by_backend: BTreeMap<String, Resolved<Runner>>,
}

/// An experiment as written, base files and overrides merged. `None` is what nobody wrote.
#[derive(Debug, Clone, PartialEq)]
pub struct WrittenExperiment {
    /// The file it was written in.
    pub file: String,
    /// Where in the file.
    pub at: Position,
    /// What its name is made of.
    pub naming: Naming,
    /// Backend.
    pub backend: Option<String>,
    /// Model name or path.
    pub model: Option<String>,
    /// Number format of the weights.
    pub precision: Option<String>,
    /// A low-rank adapter.
    pub adapter: Option<String>,
    /// Where prompts come from.
    pub prompts: Option<Prompts>,
    /// In which order.
    pub order: Option<PromptOrder>,
    /// When requests arrive.
    pub traffic: Option<Traffic>,
    /// Number of prompts.
    pub sample_size: Option<u32>,
    /// Longest prompt, in tokens.
    pub max_input_tokens: Option<u32>,
    /// Longest answer, in tokens.
    pub max_output_tokens: Option<u32>,
    /// Shortest answer, in tokens.
    pub min_output_tokens: Option<u32>,
    /// Requests processed together.
    pub batch_size: Option<u32>,
    /// Whether times of single tokens are wanted.
    pub streaming: Option<bool>,
    /// Seed of sampling.
    pub random_seed: Option<u64>,
    /// Seconds of idling with the model loaded.
    pub idle_s: Option<f64>,
    /// Seconds of idling with the device opened and no model.
    pub context_s: Option<f64>,
    /// The GPUs it asks for, by index.
    pub gpus: Option<Vec<u32>>,
    /// `decoder`.
    pub decoder: WrittenDecoder,
    /// `warmup`.
    pub warmup: WrittenWarmup,
    /// The section of the backend, without `batch_size`.
    pub options: Map<String, Value>,
    /// Keys that are not known, and `extra_metadata`, by dotted path.
    pub extra: Map<String, Value>,
}

/// The section `decoder`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WrittenDecoder {
    /// A named set of values; the others win over it.
    pub preset: Option<String>,
    /// Divides the logits.
    pub temperature: Option<f64>,
    /// Sample, or take the most probable token.
    pub do_sample: Option<bool>,
    /// Sample among so many tokens.
    pub top_k: Option<u32>,
    /// Sample among tokens of so much probability.
    pub top_p: Option<f64>,
    /// Penalty on tokens that occurred.
    pub repetition_penalty: Option<f64>,
}

/// The section `warmup`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WrittenWarmup {
    /// Whether to warm up at all.
    pub enabled: Option<bool>,
    /// Whether to go on until latencies are stable.
    pub convergence_detection: Option<bool>,
    /// What counts as stable.
    pub cv_threshold: Option<f64>,
    /// The most prompts.
    pub max_prompts: Option<u32>,
    /// How many latencies are looked at.
    pub window_size: Option<u32>,
    /// The fewest prompts.
    pub min_prompts: Option<u32>,
}

/// What an experiment's name is made of.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Naming {
    /// The name that was given, or the name of its file; otherwise backend, model and precision.
    pub given: Option<String>,
    /// What sets it apart from its siblings: dotted path and written value.
    pub axes: Vec<(String, Value)>,
}
