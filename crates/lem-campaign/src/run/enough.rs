//! When an experiment has been run often enough: sequential stopping by the width of its confidence interval.

use std::collections::{BTreeMap, BTreeSet};

use lem_measure::stats::{Decision, enough};
use lem_spec::campaign::Stopping;

use super::outcome::{RunOutcome, RunStatus};
use crate::plan::Plan;

/// What is known of each experiment of a campaign, and which planned runs are not needed any more.
pub(super) struct Known<'a> {
    plan: &'a Plan,
    /// Joules per output token of completed runs, by the position of their experiment.
    values: BTreeMap<usize, Vec<f64>>,
    not_needed: BTreeSet<usize>,
}

/// Runs that need not be done.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Spared {
    /// Their positions in the plan.
    pub(super) runs: Vec<usize>,
    /// Why.
    pub(super) reason: String,
}

impl<'a> Known<'a> {
    /// What earlier sessions found out: position of the experiment, and joules per output token.
    pub(super) fn new(plan: &'a Plan, before: &[(usize, f64)]) -> Self {
        let mut values: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        for (experiment, value) in before {
            values.entry(*experiment).or_default().push(*value);
        }
        Self { plan, values, not_needed: BTreeSet::new() }
    }

    /// Whether a planned run is still to be done.
    pub(super) fn needs(&self, position: usize) -> bool {
        !self.not_needed.contains(&position)
    }

    /// How many runs need not be done.
    pub(super) fn spared(&self) -> usize {
        self.not_needed.len()
    }

    /// Takes in a run, and says which of the later ones need not be done because of it.
    pub(super) fn add(&mut self, position: usize, outcome: &RunOutcome, todo: &[usize]) -> Option<Spared> {
        let stopping = self.plan.stopping?;
        let experiment = self.plan.runs[position].experiment;
        let values = self.values.entry(experiment).or_default();
        values.extend(joules_per_output_token(outcome));
        let Decision::Enough { relative_half_width } = enough(values, stopping.min_cycles, stopping.target)
        else {
            return None;
        };
        let cycles = values.len();
        let later = todo.iter().copied().filter(|later| *later > position && self.needs(*later));
        let runs: Vec<usize> =
            later.filter(|later| self.plan.runs[*later].experiment == experiment).collect();
        self.not_needed.extend(&runs);
        let reason = reason(cycles, relative_half_width, stopping);
        (!runs.is_empty()).then_some(Spared { runs, reason })
    }
}

fn reason(cycles: usize, half_width: f64, stopping: Stopping) -> String {
    format!(
        "after {cycles} cycles the 95 % interval is ±{:.2} % of the mean; ±{} % was asked for \
         (execution.cycles.target_ci_percent)",
        half_width * 100.0,
        stopping.target * 100.0
    )
}

#[expect(clippy::cast_precision_loss, reason = "tokens stay far below 2^53")]
fn joules_per_output_token(outcome: &RunOutcome) -> Option<f64> {
    let tokens = outcome.result.as_ref().map(|result| result.output_tokens).filter(|tokens| *tokens > 0)?;
    let completed = outcome.status == RunStatus::Completed;
    Some(outcome.energy.filter(|_| completed)?.energy.0 / tokens as f64)
}
