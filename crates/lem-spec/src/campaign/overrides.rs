//! What the command line says about a campaign.

use serde::{Deserialize, Serialize};

use super::findings::Findings;
use super::known::{MAX_CYCLES, MAX_SECONDS};
use super::spec::{RunnerKind, Structure};
use crate::diagnostic::Diagnostic;
use crate::settings::ContainerStrategy;

/// What the command line says, where it says something.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Overrides {
    /// `--cycles`, 1 to 1000.
    pub cycles: Option<u32>,
    /// `--structure`.
    pub structure: Option<Structure>,
    /// `--config-gap`, in seconds.
    pub config_gap_s: Option<f64>,
    /// `--cycle-gap`, in seconds.
    pub cycle_gap_s: Option<f64>,
    /// `--warmup-prompts`.
    pub warmup_prompts: Option<u32>,
    /// `--warmup-timeout`, in seconds.
    pub warmup_timeout_s: Option<f64>,
    /// `--container-strategy`.
    pub container_strategy: Option<ContainerStrategy>,
    /// `--dataset`: a prompt file, relative to the working directory, or a dataset's name.
    pub dataset: Option<String>,
    /// `--sample-size`, at least 1.
    pub sample_size: Option<u32>,
    /// `--seed`.
    pub seed: Option<u64>,
    /// `--model`, for all experiments.
    pub model: Option<String>,
    /// `--runner`, for all backends; a command that the campaign gives is kept.
    pub runner: Option<RunnerKind>,
}

impl Overrides {
    /// The overrides without those that are out of range, each of which is an error.
    pub(super) fn in_range(&self, problems: &mut Findings) -> Overrides {
        let mut refuse = |option: &str, value: String, range: String| {
            let message = format!("`{option} {value}` is out of range: it must be {range}");
            problems.add(Diagnostic::error("invalid_value", message).about(option));
        };
        let mut seconds = |option: &str, value: Option<f64>| {
            let sound = |value: &f64| (0.0..=MAX_SECONDS).contains(value);
            if let Some(value) = value.filter(|value| !sound(value)) {
                refuse(option, format!("{value:?}"), format!("a number of seconds from 0 to {MAX_SECONDS}"));
            }
            value.filter(sound)
        };
        let config_gap_s = seconds("--config-gap", self.config_gap_s);
        let cycle_gap_s = seconds("--cycle-gap", self.cycle_gap_s);
        let warmup_timeout_s = seconds("--warmup-timeout", self.warmup_timeout_s);
        let mut count = |option: &str, value: Option<u32>, least: u32, most: u32| {
            let sound = |value: &u32| (least..=most).contains(value);
            if let Some(value) = value.filter(|value| !sound(value)) {
                refuse(option, value.to_string(), format!("a whole number from {least} to {most}"));
            }
            value.filter(sound)
        };
        let max_cycles = u32::try_from(MAX_CYCLES).unwrap_or(u32::MAX);
        let cycles = count("--cycles", self.cycles, 1, max_cycles);
        let sample_size = count("--sample-size", self.sample_size, 1, 1_000_000_000);
        let warmup_prompts = count("--warmup-prompts", self.warmup_prompts, 0, 1_000_000_000);
        for (option, value) in [("--model", &self.model), ("--dataset", &self.dataset)] {
            if value.as_ref().is_some_and(|value| value.trim().is_empty()) {
                refuse(option, "\"\"".to_owned(), "a name".to_owned());
            }
        }
        let named = |value: &Option<String>| value.clone().filter(|value| !value.trim().is_empty());
        Overrides {
            cycles,
            config_gap_s,
            cycle_gap_s,
            warmup_prompts,
            warmup_timeout_s,
            sample_size,
            dataset: named(&self.dataset),
            model: named(&self.model),
            structure: self.structure,
            container_strategy: self.container_strategy,
            seed: self.seed,
            runner: self.runner,
        }
    }
}
