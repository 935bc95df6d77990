//! Fills in what a campaign leaves open: command line over campaign file over settings over what is built in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::effective::Layers;
use super::findings::Findings;
use super::names;
use super::overrides::Overrides;
use super::spec::{ExperimentSpec, Runner, RunnerKind, Structure, Traffic};
use super::thermal::{Baseline, Stopping, Thermal, ThermalMode};
use super::written::{Campaign, Devices, Runners, WrittenExperiment};
use crate::diagnostic::{Diagnostic, Severity};
use crate::settings::{ContainerStrategy, Settings};
use crate::source::{Resolved, Source};

/// The backend whose worker comes with the program and needs no command.
pub const EMBEDDED_BACKEND: &str = "candle";
/// The backends whose worker in Python comes with the program.
pub const PYTHON_BACKENDS: [&str; 3] = ["pytorch", "vllm", "tensorrt"];
/// `execution.cycles` unless written.
pub(super) const CYCLES: u32 = 3;
/// `execution.warmup_prompts` unless written.
pub(super) const WARMUP_PROMPTS: u32 = 5;
/// `execution.warmup_timeout_seconds` unless written.
pub(super) const WARMUP_TIMEOUT_S: f64 = 30.0;
/// `measurement.interval_ms` unless written.
pub(super) const INTERVAL_MS: u32 = 50;
/// More runs than this are taken for a slip.
pub const MAX_RUNS: usize = 1_000_000;

/// A campaign in which nothing is open, each value with its source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResolvedCampaign {
    /// `campaign_name`.
    pub name: String,
    /// The experiments; names are unique.
    pub experiments: Vec<ExperimentSpec>,
    /// How often each experiment is run, 1 to 1000.
    pub cycles: Resolved<u32>,
    /// The order of runs.
    pub structure: Resolved<Structure>,
    /// Seed of the order, and of experiments without their own; `None` leaves it to the caller of the plan.
    pub seed: Option<Resolved<u64>>,
    /// Pause between runs of one cycle, in seconds.
    pub config_gap_s: Resolved<f64>,
    /// Pause between cycles, in seconds.
    pub cycle_gap_s: Resolved<f64>,
    /// Prompts before measuring, for experiments that do not say.
    pub warmup_prompts: Resolved<u32>,
    /// Longest warm-up, in seconds.
    pub warmup_timeout_s: Resolved<f64>,
    /// A run that takes longer is ended, in seconds; `None` for no limit.
    pub run_timeout_s: Option<Resolved<f64>>,
    /// A worker that says nothing for longer is ended, in seconds.
    pub silence_timeout_s: Resolved<f64>,
    /// So many failed runs in a row stop the campaign.
    pub max_consecutive_failures: Resolved<u32>,
    /// The devices whose energy is measured.
    pub devices: Resolved<Devices>,
    /// Milliseconds between power samples, 5 to 1000.
    pub interval_ms: Resolved<u32>,
    /// How the state of the devices is brought back before a run.
    #[serde(default)]
    pub thermal: Thermal,
    /// What the devices draw without work is taken; `None` takes nothing.
    #[serde(default)]
    pub baseline: Option<Baseline>,
    /// `cycles` is the most; an experiment that is known well enough before is not run again.
    #[serde(default)]
    pub stopping: Option<Stopping>,
    /// Whether containers outlive a run.
    pub container_strategy: Resolved<ContainerStrategy>,
    /// A persistent container is replaced so often at most.
    #[serde(default = "max_restarts")]
    pub max_restarts: Resolved<u32>,
    /// What runs the workers, for each backend of the experiments.
    pub runners: BTreeMap<String, Resolved<Runner>>,
    /// Parameters by which results are put together.
    pub group_by: Vec<String>,
    /// The findings of reading and of resolving; with an error among them the campaign must not be run.
    pub problems: Vec<Diagnostic>,
}

impl ResolvedCampaign {
    /// Whether a finding forbids to run it.
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(|problem| problem.severity == Severity::Error)
    }
}

/// Fills in what is open. A value of the command line that is out of range is an error among `problems`, as is a
/// combination that cannot be executed.
pub fn resolve(campaign: Campaign, overrides: &Overrides, settings: &Settings) -> ResolvedCampaign {
    let mut problems = Findings::default();
    campaign.problems.iter().cloned().for_each(|problem| problems.add(problem));
    let overrides = &overrides.in_range(&mut problems);
    let execution = &campaign.execution;
    let gaps = &settings.thermal_gaps;
    let warmup_prompts =
        pick(overrides.warmup_prompts, execution.warmup_prompts, Resolved::built_in(WARMUP_PROMPTS));
    let warmup_timeout_s =
        pick(overrides.warmup_timeout_s, execution.warmup_timeout_s, Resolved::built_in(WARMUP_TIMEOUT_S));
    let experiments = experiments(&campaign, overrides, settings, &mut problems);
    let runners = runners(&campaign.runners, &experiments, overrides.runner, &settings.python.value);
    let strategy = pick(overrides.container_strategy, None, settings.docker.strategy);
    let cycles = pick(overrides.cycles, execution.cycles, Resolved::built_in(CYCLES));
    let across = combinations(&campaign, &runners, strategy).into_iter();
    let traced = hot_traces(&Layers { campaign: &campaign, overrides, settings }, &runners);
    across
        .chain(traced)
        .chain(too_many_runs(experiments.len(), cycles.value))
        .for_each(|problem| problems.add(problem));
    ResolvedCampaign {
        experiments,
        cycles,
        structure: pick(overrides.structure, execution.structure, Resolved::default()),
        seed: overrides.seed.map(from_command_line).or(execution.seed),
        config_gap_s: pick(overrides.config_gap_s, execution.config_gap_s, gaps.between_experiments),
        cycle_gap_s: pick(overrides.cycle_gap_s, execution.cycle_gap_s, gaps.between_cycles),
        warmup_prompts,
        warmup_timeout_s,
        run_timeout_s: execution.run_timeout_s,
        silence_timeout_s: pick(None, execution.silence_timeout_s, Resolved::built_in(600.0)),
        max_consecutive_failures: pick(None, execution.max_consecutive_failures, Resolved::built_in(10)),
        devices: campaign.devices.unwrap_or_default(),
        interval_ms: pick(None, campaign.interval_ms, Resolved::built_in(INTERVAL_MS)),
        thermal: campaign.thermal,
        baseline: campaign.baseline,
        // A number of cycles on the command line is meant as written.
        stopping: execution.stopping.filter(|_| overrides.cycles.is_none()),
        container_strategy: strategy,
        max_restarts: pick(None, campaign.max_restarts, max_restarts()),
        runners,
        name: campaign.name,
        group_by: campaign.group_by,
        problems: problems.finish(),
    }
}

/// As earlier tools had it.
fn max_restarts() -> Resolved<u32> {
    Resolved::built_in(3)
}

fn from_command_line<T>(value: T) -> Resolved<T> {
    Resolved::new(value, Source::CommandLine)
}

fn pick<T>(command_line: Option<T>, campaign: Option<Resolved<T>>, below: Resolved<T>) -> Resolved<T> {
    command_line.map(from_command_line).or(campaign).unwrap_or(below)
}

fn experiments(
    campaign: &Campaign,
    overrides: &Overrides,
    settings: &Settings,
    problems: &mut Findings,
) -> Vec<ExperimentSpec> {
    let layers = Layers { campaign, overrides, settings };
    let mut specs: Vec<ExperimentSpec> = Vec::new();
    let mut seen = BTreeMap::new();
    for written in &campaign.experiments {
        for problem in overridden(campaign, written).into_iter().chain(unfit(&layers, written)) {
            problems.add(problem);
        }
        let Some(spec) = layers.spec(written) else {
            continue;
        };
        match seen.get(&content(&spec)) {
            Some(earlier) if overrides.model.is_some() => {
                let message =
                    format!("`--model` makes two experiments the same; `{earlier}` is planned once");
                problems.add(Diagnostic::note("same_experiment", message).about("--model"));
                continue;
            }
            Some(earlier) => {
                let message = format!("an experiment is the same as `{earlier}`; both are planned");
                problems
                    .add(Diagnostic::warning("same_experiment", message).in_file(&written.file, written.at));
            }
            None => {
                seen.insert(content(&spec), spec.name.clone());
            }
        }
        specs.push(spec);
    }
    let mut unique: Vec<String> = specs.iter().map(|spec| spec.name.clone()).collect();
    names::make_unique(&mut unique);
    for (spec, name) in specs.iter_mut().zip(unique) {
        spec.name = name;
    }
    specs
}

/// An experiment without its name, for comparison.
fn content(spec: &ExperimentSpec) -> String {
    let parameters = serde_json::Value::Object(spec.parameters.clone());
    format!("{} {} {parameters}", spec.backend, spec.model)
}

/// What the campaign file says twice, with the top winning over the experiment.
fn overridden(campaign: &Campaign, written: &WrittenExperiment) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut note = |key: &str, message: String| {
        let hint = format!("keep one of them; `{key}` at the top is for all experiments");
        let warning = Diagnostic::warning("overridden", message).with_hint(hint).about(key);
        found.push(warning.in_file(&written.file, written.at));
    };
    if let (Some(top), Some(own)) = (campaign.num_samples, written.sample_size)
        && top.value != own
    {
        note(
            "num_samples",
            format!("`num_samples` {} is used instead of the experiment's {own} prompts", top.value),
        );
    }
    if let (Some(top), Some(own)) = (&campaign.dataset, &written.prompts)
        && top.value != *own
    {
        note("dataset", "`dataset` of the campaign is used instead of the experiment's prompts".to_owned());
    }
    found
}

/// Why an experiment cannot be run at all.
fn unfit(layers: &Layers<'_>, written: &WrittenExperiment) -> Option<Diagnostic> {
    let problem = if layers.model(written).is_none() {
        Diagnostic::error("missing_key", "an experiment names no model")
            .with_hint("add `model` to the campaign, or `--model`")
            .about("model_name")
    } else if layers.backend(written) == "tensorrt" && written.precision.as_deref() == Some("float32") {
        Diagnostic::error("contradiction", "tensorrt does not run `fp_precision: float32`")
            .with_hint("use float16 or bfloat16")
            .about("fp_precision")
    } else {
        return None;
    };
    Some(problem.in_file(&written.file, written.at))
}

fn runners(
    written: &Runners,
    experiments: &[ExperimentSpec],
    command_line: Option<RunnerKind>,
    python: &str,
) -> BTreeMap<String, Resolved<Runner>> {
    let mut runners = BTreeMap::new();
    for spec in experiments {
        runners.entry(spec.backend.clone()).or_insert_with(|| {
            let in_file = written.by_backend.get(&spec.backend).or(written.all.as_ref());
            match (command_line, in_file) {
                (Some(kind), Some(runner)) if runner.value.kind() == kind => {
                    from_command_line(runner.value.clone())
                }
                (Some(kind), _) => from_command_line(kind.plain()),
                (None, Some(runner)) => runner.clone(),
                (None, None) => Resolved::built_in(Runner::Docker),
            }
        });
    }
    for (_, runner) in runners.iter_mut().filter(|(backend, _)| PYTHON_BACKENDS.contains(&backend.as_str())) {
        if let Runner::Process { command: None, python: own @ None } = &mut runner.value {
            *own = Some(python.to_owned());
        }
    }
    runners
}

fn combinations(
    campaign: &Campaign,
    runners: &BTreeMap<String, Resolved<Runner>>,
    strategy: Resolved<ContainerStrategy>,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let containers = runners.values().any(|runner| runner.value.needs_service());
    if campaign.cold_start.is_some() && containers && strategy.value == ContainerStrategy::Persistent {
        let message = format!(
            "`cold_start` needs a fresh container for each run, but the strategy is persistent ({})",
            strategy.source
        );
        let hint = "use the strategy ephemeral, or remove `cold_start`";
        found.push(Diagnostic::error("contradiction", message).with_hint(hint).about("cold_start"));
    }
    for (backend, runner) in runners {
        let comes_along = backend == EMBEDDED_BACKEND || PYTHON_BACKENDS.contains(&backend.as_str());
        if matches!(runner.value, Runner::Process { command: None, .. }) && !comes_along {
            let message =
                format!("there is no worker command for `{backend}` as a process ({})", runner.source);
            let hint = format!(
                "add `runner: {{{backend}: {{kind: process, command: [program, argument]}}}}` to the campaign"
            );
            let field = format!("runner.{backend}");
            found.push(Diagnostic::error("missing_key", message).with_hint(hint).about(field));
        }
    }
    found
}

/// In mode `hot` a server is kept under load until the devices are hot, and a trace has no arrivals to spare for that.
fn hot_traces(layers: &Layers<'_>, runners: &BTreeMap<String, Resolved<Runner>>) -> Vec<Diagnostic> {
    let mode = layers.campaign.thermal.mode;
    if mode.value != ThermalMode::Hot {
        return Vec::new();
    }
    let refused = |written: &WrittenExperiment| {
        let backend = layers.backend(written);
        let Some(Traffic::Trace { path }) = &written.traffic else { return None };
        let Some(Runner::Openai(_)) = runners.get(backend).map(|runner| &runner.value) else { return None };
        let message = format!(
            "`traffic.type: trace` on the server `{backend}` does not go with `thermal.mode: hot` ({}): the trace {path} \
             has no arrivals beyond its own to keep the devices hot with",
            mode.source
        );
        let hint =
            "use other traffic (closed, poisson, gamma, constant), or `thermal.mode: fixed` or `adaptive`";
        let problem = Diagnostic::error("contradiction", message).with_hint(hint).about("traffic.type");
        Some(problem.in_file(&written.file, written.at))
    };
    layers.campaign.experiments.iter().filter_map(refused).collect()
}

fn too_many_runs(experiments: usize, cycles: u32) -> Option<Diagnostic> {
    let runs = experiments.saturating_mul(usize::try_from(cycles).unwrap_or(usize::MAX));
    (runs > MAX_RUNS).then(|| {
        let message = format!(
            "{experiments} experiments in {cycles} cycles are {runs} runs; at most {MAX_RUNS} are planned"
        );
        Diagnostic::error("too_many", message).with_hint("use fewer cycles, or split the campaign")
    })
}
