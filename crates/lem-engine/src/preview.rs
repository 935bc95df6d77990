//! The plan of a campaign that is being written, and what helps to write it.

use std::collections::BTreeMap;
use std::path::Path;

use lem_campaign::plan::{GapKind, Plan};
use lem_measure::{Provenance, stats};
use lem_spec::campaign::{self, Baseline, Overrides, RunnerKind, Stopping, Structure, Thermal, keys};
use lem_spec::diagnostic::{Diagnostic, Severity};
use lem_spec::source::{Resolved, Source};
use serde::Serialize;
use serde_json::Value;
use specta::Type;

use crate::Engine;
use crate::error::Error;
use crate::planning::without_runs;

/// Runs of a plan that are told one by one; more would only make the page slow.
const TOLD_RUNS: usize = 5000;

/// What a campaign would do.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
pub struct PlanPreview {
    /// The campaign's name.
    pub name: String,
    /// The seed where the campaign names one; otherwise one is drawn when it begins.
    pub seed: Option<String>,
    /// The order of runs.
    pub structure: Structure,
    /// How often each experiment is run, at most where `stopping` is there.
    pub cycles: u32,
    /// When an experiment has been run often enough.
    pub stopping: Option<Stopping>,
    /// How gaps end.
    pub thermal: Thermal,
    /// What is taken as a baseline, if anything. Its time is not in the plan.
    pub baseline: Option<Baseline>,
    /// The experiments.
    pub experiments: Vec<PlanExperiment>,
    /// The runs in order, at most 5000 of them.
    pub runs: Vec<PlanRun>,
    /// How many there are.
    pub runs_total: u32,
    /// All gaps together, in seconds; at most, where they wait for the devices to cool.
    pub total_gap_s: f64,
    /// What running takes, as far as history knows.
    pub estimate: PlanEstimate,
    /// What was found; with an error among them it cannot run.
    pub problems: Vec<Diagnostic>,
    /// Whether it can be started.
    pub can_run: bool,
    /// What keys of the campaign come to, by dotted path, whatever else is wrong with it; see
    /// [`lem_spec::campaign::in_force`] for which.
    pub in_force: BTreeMap<String, ResolvedValue>,
}

/// A value, and who set it.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
pub struct ResolvedValue {
    /// The value in force.
    pub value: Value,
    /// Who set it.
    pub source: Source,
    /// The same in words.
    pub source_text: String,
}

impl From<Resolved<Value>> for ResolvedValue {
    fn from(Resolved { value, source }: Resolved<Value>) -> Self {
        Self { value, source, source_text: source.to_string() }
    }
}

/// An experiment of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
pub struct PlanExperiment {
    /// Its name.
    pub name: String,
    /// Its backend.
    pub backend: String,
    /// The service that it runs in.
    pub service: Option<String>,
    /// What runs its worker.
    pub runner: RunnerKind,
    /// Its model.
    pub model: String,
    /// Its configuration.
    pub parameters: BTreeMap<String, Value>,
}

/// A run of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
pub struct PlanRun {
    /// Position among the experiments.
    pub experiment: u32,
    /// Cycle, from 1.
    pub cycle: u32,
    /// The gap before it, in seconds.
    pub gap_before_s: f64,
    /// Which gap that is.
    pub gap_kind: GapKind,
    /// How long it took before, in seconds; `None` where it was never run.
    pub estimated_s: Option<f64>,
}

/// What running takes, from completed runs of this project with the same backend, model and parameters.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Type)]
pub struct PlanEstimate {
    /// Planned runs that have such a history.
    pub known_runs: u32,
    /// Time of all runs in seconds; `None` unless every one is known.
    pub running_s: Option<f64>,
    /// Energy of all windows in joules; `None` unless every one is known.
    pub energy_j: Option<f64>,
    /// The weakest of the runs that it rests on.
    pub provenance: Option<Provenance>,
}

/// What a campaign may say, for menus.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
pub struct CampaignKeys {
    /// The orders of runs.
    pub structures: Vec<Structure>,
    /// The known backends.
    pub backends: Vec<BackendKeys>,
    /// Keys of experiments that can be swept.
    pub shared: Vec<String>,
    /// Models of earlier runs, and of the embedded worker.
    pub models: Vec<String>,
    /// Number formats of weights.
    pub precisions: Vec<String>,
    /// Presets of the decoder.
    pub decoder_presets: Vec<String>,
    /// Known names of datasets.
    pub datasets: Vec<String>,
    /// The numbers of a campaign file, by the dotted paths of their keys.
    pub ranges: BTreeMap<String, keys::NumberRange>,
}

/// The options of a backend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
pub struct BackendKeys {
    /// Its name.
    pub name: String,
    /// The options in its section.
    pub options: Vec<String>,
}

/// What one configuration took before.
#[derive(Debug, Default)]
struct Past {
    seconds: Vec<f64>,
    joules: Vec<f64>,
    provenance: Option<Provenance>,
}

impl Engine {
    /// Plans a campaign from its text, whether or not it is saved. `path` is where it is or will be, relative to the
    /// project: names in it are relative to that folder.
    pub async fn preview(&self, path: Option<&str>, text: &str) -> Result<PlanPreview, Error> {
        let shown = path.unwrap_or("new campaign");
        let folder = path.and_then(|path| Path::new(path).parent()).unwrap_or(Path::new(""));
        let prepared =
            self.prepare_text(shown, &self.project.join(folder), text.to_owned(), &Overrides::default())?;
        let (plan, seed) = match prepared {
            Ok(prepared) => {
                let seed = prepared.campaign.seed.map(|seed| seed.value.to_string());
                (prepared.plan, seed)
            }
            Err(problems) => (without_runs(problems), None),
        };
        let past = self.past(&plan).await?;
        let in_force = campaign::in_force(text, &self.settings()?.settings).into_iter();
        let in_force = in_force.map(|(path, value)| (path.to_owned(), value.into())).collect();
        Ok(PlanPreview { in_force, ..preview(plan, seed, &past) })
    }

    /// What helps to write a campaign.
    pub async fn campaign_keys(&self) -> Result<CampaignKeys, Error> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let mut models = words(keys::EMBEDDED_MODELS);
        models.extend(
            self.facets()
                .await?
                .models
                .into_iter()
                .filter(|model| !keys::EMBEDDED_MODELS.contains(&model.as_str())),
        );
        let backend = |name: &&str| BackendKeys {
            name: (*name).to_owned(),
            options: words(keys::backend_options(name).unwrap_or_default()),
        };
        Ok(CampaignKeys {
            structures: Structure::ALL.to_vec(),
            backends: keys::BACKENDS.iter().map(backend).collect(),
            shared: words(&keys::swept()),
            models,
            precisions: words(keys::PRECISIONS),
            decoder_presets: words(keys::DECODER_PRESETS),
            datasets: words(keys::DATASETS),
            ranges: keys::ranges(),
        })
    }

    /// The completed runs with the configuration of each experiment of the plan.
    async fn past(&self, plan: &Plan) -> Result<Vec<Past>, Error> {
        let Some(store) = self.results_if_any().await? else { return Ok(Vec::new()) };
        let mut all = Vec::new();
        for experiment in &plan.experiments {
            let parameters = Value::Object(experiment.spec.parameters.clone());
            let (backend, model) = (&experiment.spec.backend, &experiment.spec.model);
            let mut past = Past::default();
            for run in store.past_runs(backend, model, &parameters).await? {
                past.seconds.push(run.duration_s);
                past.joules.extend(run.energy_j);
                past.provenance = past.provenance.max(run.provenance);
            }
            all.push(past);
        }
        Ok(all)
    }
}

fn preview(plan: Plan, seed: Option<String>, past: &[Past]) -> PlanPreview {
    let can_run = !plan.runs.is_empty() && plan.problems.iter().all(|p| p.severity != Severity::Error);
    let number = |count| u32::try_from(count).unwrap_or(u32::MAX);
    let seconds = |experiment: usize| past.get(experiment).and_then(|past| stats::mean(&past.seconds));
    let estimate = estimate(&plan, past);
    let run = |run: &lem_campaign::plan::PlannedRun| PlanRun {
        experiment: number(run.experiment),
        cycle: run.cycle,
        gap_before_s: run.gap_before_s,
        gap_kind: run.gap_kind,
        estimated_s: seconds(run.experiment),
    };
    PlanPreview {
        seed,
        structure: plan.structure,
        cycles: plan.cycles,
        stopping: plan.stopping,
        thermal: plan.thermal,
        baseline: plan.baseline,
        runs: plan.runs.iter().take(TOLD_RUNS).map(run).collect(),
        runs_total: number(plan.runs.len()),
        total_gap_s: plan.total_gap_s,
        estimate,
        can_run,
        in_force: BTreeMap::new(),
        name: plan.name,
        problems: plan.problems,
        experiments: plan.experiments.into_iter().map(experiment).collect(),
    }
}

fn experiment(planned: lem_campaign::plan::PlannedExperiment) -> PlanExperiment {
    PlanExperiment {
        name: planned.spec.name,
        backend: planned.spec.backend,
        service: planned.service,
        runner: planned.runner.kind(),
        model: planned.spec.model,
        parameters: planned.spec.parameters.into_iter().collect(),
    }
}

fn estimate(plan: &Plan, past: &[Past]) -> PlanEstimate {
    let known = |values: fn(&Past) -> &Vec<f64>| {
        let means: Vec<Option<f64>> = past.iter().map(|past| stats::mean(values(past))).collect();
        plan.runs.iter().map(|run| means.get(run.experiment).copied().flatten()).collect::<Vec<_>>()
    };
    let (seconds, joules) = (known(|past| &past.seconds), known(|past| &past.joules));
    let all = |values: &[Option<f64>]| (!values.is_empty()).then(|| values.iter().copied().sum()).flatten();
    PlanEstimate {
        known_runs: u32::try_from(seconds.iter().flatten().count()).unwrap_or(u32::MAX),
        running_s: all(&seconds),
        energy_j: all(&joules),
        provenance: past.iter().filter_map(|past| past.provenance).max(),
    }
}
