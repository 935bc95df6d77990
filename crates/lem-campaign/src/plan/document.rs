//! The plan as JSON: runs name their experiment, and the source of a gap is told in words.
//!
//! Names are borrowed while writing and looked up once while reading.

use std::borrow::Cow;
use std::collections::HashMap;

use lem_spec::campaign::{Baseline, Stopping, Structure, Thermal};
use lem_spec::diagnostic::Diagnostic;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{GapKind, Gaps, Plan, PlannedExperiment, PlannedRun};

#[derive(Serialize, Deserialize)]
struct Document<'a> {
    name: Cow<'a, str>,
    seed: u64,
    structure: Structure,
    cycles: u32,
    #[serde(default)]
    stopping: Option<Stopping>,
    experiments: Cow<'a, [PlannedExperiment]>,
    gaps: Gaps,
    #[serde(default)]
    thermal: Thermal,
    #[serde(default)]
    baseline: Option<Baseline>,
    runs: Vec<Run<'a>>,
    total_gap_s: f64,
    problems: Cow<'a, [Diagnostic]>,
}

#[derive(Serialize, Deserialize)]
struct Run<'a> {
    index: usize,
    experiment: Cow<'a, str>,
    cycle: u32,
    gap_before_s: f64,
    gap_source: Cow<'a, str>,
    gap_kind: GapKind,
}

impl Serialize for Plan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let sources = [GapKind::First, GapKind::BetweenExperiments, GapKind::BetweenCycles]
            .map(|kind| (kind, self.gaps.of(kind).source.to_string()));
        let source = |wanted: GapKind| {
            let found = sources.iter().find(|(kind, _)| *kind == wanted);
            Cow::Borrowed(found.map_or("", |(_, source)| source.as_str()))
        };
        let runs = self.runs.iter().map(|run| Run {
            index: run.index,
            experiment: Cow::Borrowed(self.experiments[run.experiment].spec.name.as_str()),
            cycle: run.cycle,
            gap_before_s: run.gap_before_s,
            gap_source: source(run.gap_kind),
            gap_kind: run.gap_kind,
        });
        Document {
            name: Cow::Borrowed(&self.name),
            seed: self.seed,
            structure: self.structure,
            cycles: self.cycles,
            stopping: self.stopping,
            experiments: Cow::Borrowed(&self.experiments),
            gaps: self.gaps,
            thermal: self.thermal,
            baseline: self.baseline,
            runs: runs.collect(),
            total_gap_s: self.total_gap_s,
            problems: Cow::Borrowed(&self.problems),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Plan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document = Document::deserialize(deserializer)?;
        let experiments = document.experiments.into_owned();
        let positions: HashMap<&str, usize> =
            experiments.iter().enumerate().map(|(position, it)| (it.spec.name.as_str(), position)).collect();
        let runs = document
            .runs
            .into_iter()
            .map(|run| {
                let position = positions.get(run.experiment.as_ref()).ok_or_else(|| {
                    D::Error::custom(format!(
                        "run {} is of an unknown experiment, {:?}",
                        run.index, run.experiment
                    ))
                })?;
                Ok(PlannedRun {
                    index: run.index,
                    experiment: *position,
                    cycle: run.cycle,
                    gap_before_s: run.gap_before_s,
                    gap_source: document.gaps.of(run.gap_kind).source,
                    gap_kind: run.gap_kind,
                })
            })
            .collect::<Result<_, D::Error>>()?;
        Ok(Self {
            name: document.name.into_owned(),
            seed: document.seed,
            structure: document.structure,
            cycles: document.cycles,
            stopping: document.stopping,
            gaps: document.gaps,
            thermal: document.thermal,
            baseline: document.baseline,
            runs,
            total_gap_s: document.total_gap_s,
            problems: document.problems.into_owned(),
            experiments,
        })
    }
}
