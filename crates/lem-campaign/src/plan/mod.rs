//! The plan: which experiment runs when, and how long to pause before it.
//!
//! Pure and linear in the number of runs. What is planned is stored and can be read back, so that a campaign that was
//! interrupted goes on with the plan that it began with. How long pauses really last is decided while running.

mod document;
mod order;
#[cfg(test)]
mod tests;
mod worker;

use lem_spec::campaign::{
    Baseline, ExperimentSpec, ResolvedCampaign, Runner, Stopping, Structure, Thermal, ThermalMode,
};
use lem_spec::diagnostic::Diagnostic;
use lem_spec::source::{Resolved, Source};
use serde::{Deserialize, Serialize};

pub use worker::worker_experiment;

/// A campaign's runs in order.
///
/// As JSON, each run names its experiment and tells the source of its gap in words; see the module `document`.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The campaign's name.
    pub name: String,
    /// Seed of the order, and of experiments that have none of their own.
    pub seed: u64,
    /// How runs are ordered.
    pub structure: Structure,
    /// How often each experiment is run, at most where `stopping` is given.
    pub cycles: u32,
    /// When an experiment has been run often enough.
    pub stopping: Option<Stopping>,
    /// The experiments; names are unique.
    pub experiments: Vec<PlannedExperiment>,
    /// The pauses; the longest where they wait for the devices to cool.
    pub gaps: Gaps,
    /// How pauses end.
    pub thermal: Thermal,
    /// What is taken as a baseline, if anything.
    pub baseline: Option<Baseline>,
    /// The runs, in order.
    pub runs: Vec<PlannedRun>,
    /// All pauses together, in seconds; at most, where they wait for the devices to cool.
    pub total_gap_s: f64,
    /// What was found in the campaign and in its plan; with an error among them it must not be run.
    pub problems: Vec<Diagnostic>,
}

/// An experiment and what runs it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedExperiment {
    /// The experiment.
    #[serde(flatten)]
    pub spec: ExperimentSpec,
    /// The compose service, named as the backend; `None` when no container is used.
    pub service: Option<String>,
    /// What runs the worker.
    pub runner: Runner,
}

/// One run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlannedRun {
    /// Place in the plan, from 0.
    pub index: usize,
    /// Position in [`Plan::experiments`].
    pub experiment: usize,
    /// Cycle, from 1.
    pub cycle: u32,
    /// Pause before it, in seconds; time that has passed since the last run counts, see [`remaining_gap`].
    pub gap_before_s: f64,
    /// What set the pause; built in for the first run, which has none.
    pub gap_source: Source,
    /// Which pause it is.
    pub gap_kind: GapKind,
}

/// The pauses of a campaign, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Gaps {
    /// Within a cycle.
    pub between_experiments: Resolved<f64>,
    /// Where the number of the cycle changes.
    pub between_cycles: Resolved<f64>,
}

/// Which pause precedes a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum GapKind {
    /// None: nothing ran before.
    First,
    /// The run before belongs to the same cycle.
    BetweenExperiments,
    /// The run before belongs to another cycle.
    BetweenCycles,
}

impl Gaps {
    fn of(&self, kind: GapKind) -> Resolved<f64> {
        match kind {
            GapKind::First => Resolved::built_in(0.0),
            GapKind::BetweenExperiments => self.between_experiments,
            GapKind::BetweenCycles => self.between_cycles,
        }
    }
}

/// Plans a campaign. `fresh_seed` is used when the campaign names no seed; the plan keeps whichever was used. A campaign
/// with errors gets a plan without runs.
///
/// A pause is one between cycles wherever the number of the cycle changes from one run to the next. With the structure
/// `grouped` that is before nearly every run.
pub fn plan(campaign: &ResolvedCampaign, fresh_seed: u64) -> Plan {
    let seed = campaign.seed.map_or(fresh_seed, |seed| seed.value);
    let (structure, cycles) = (campaign.structure.value, campaign.cycles.value);
    let gaps = gaps(campaign);
    let runnable = if campaign.has_errors() { 0 } else { campaign.experiments.len() };
    let runs = runs(order::order(structure, runnable, cycles, seed), &gaps);
    let mut problems = campaign.problems.clone();
    problems.extend(unbalanced(structure, campaign.experiments.len(), cycles));
    Plan {
        name: campaign.name.clone(),
        seed,
        structure,
        cycles,
        stopping: campaign.stopping,
        thermal: campaign.thermal,
        baseline: campaign.baseline,
        experiments: campaign.experiments.iter().map(|spec| planned(spec, campaign)).collect(),
        gaps,
        // Not `sum`, whose zero is -0.
        total_gap_s: runs.iter().fold(0.0, |total, run| total + run.gap_before_s),
        runs,
        problems,
    }
}

/// The pauses of a campaign: as configured, the longest that cooling may take, or none where devices are to stay hot.
fn gaps(campaign: &ResolvedCampaign) -> Gaps {
    let thermal = &campaign.thermal;
    let both = |pause| Gaps { between_experiments: pause, between_cycles: pause };
    match thermal.mode.value {
        ThermalMode::Fixed => {
            Gaps { between_experiments: campaign.config_gap_s, between_cycles: campaign.cycle_gap_s }
        }
        ThermalMode::Adaptive => both(thermal.max_s),
        ThermalMode::Hot => both(Resolved::new(0.0, thermal.mode.source)),
    }
}

/// What is left of a pause when some time has passed since the last run ended, in seconds.
pub fn remaining_gap(planned_s: f64, elapsed_since_last_run_s: f64) -> f64 {
    (planned_s - elapsed_since_last_run_s.max(0.0)).max(0.0)
}

fn planned(spec: &ExperimentSpec, campaign: &ResolvedCampaign) -> PlannedExperiment {
    let runner = campaign.runners.get(&spec.backend).map_or(Runner::Docker, |runner| runner.value.clone());
    let service = runner.needs_service().then(|| spec.backend.clone());
    PlannedExperiment { spec: spec.clone(), service, runner }
}

fn runs(order: impl Iterator<Item = (usize, u32)>, gaps: &Gaps) -> Vec<PlannedRun> {
    let mut cycle_before = None;
    order
        .enumerate()
        .map(|(index, (experiment, cycle))| {
            let gap_kind = match cycle_before.replace(cycle) {
                None => GapKind::First,
                Some(before) if before == cycle => GapKind::BetweenExperiments,
                Some(_) => GapKind::BetweenCycles,
            };
            let Resolved { value, source } = gaps.of(gap_kind);
            PlannedRun { index, experiment, cycle, gap_before_s: value, gap_source: source, gap_kind }
        })
        .collect()
}

/// A Williams design is balanced only over whole repetitions of its rows.
fn unbalanced(structure: Structure, experiments: usize, cycles: u32) -> Option<Diagnostic> {
    let rows = order::williams_rows(experiments);
    let whole = usize::try_from(cycles).is_ok_and(|cycles| cycles % rows == 0);
    (structure == Structure::LatinSquare && !whole).then(|| {
        let message = format!(
            "latin_square balances {experiments} experiments over {rows} cycles; with {cycles} the order is not balanced"
        );
        Diagnostic::warning("unbalanced", message)
            .with_hint(format!("set `execution.cycles` to a multiple of {rows}"))
            .about("execution.cycles")
    })
}
