//! What single keys of a campaign come to, for whoever edits the file: also while something else in it keeps it from being
//! read as a campaign.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::check::{Values, check};
use super::findings::Findings;
use super::known::{CAMPAIGN, EXPERIMENT, Known};
use super::resolve::{CYCLES, INTERVAL_MS, WARMUP_PROMPTS, WARMUP_TIMEOUT_S};
use super::spec::Structure;
use super::thermal::{self, Baseline, BaselineKind, Thermal};
use super::tree::Tree;
use crate::settings::Settings;
use crate::source::{Resolved, Source};
use crate::yaml::{Node, parse};

type Told = BTreeMap<&'static str, Resolved<Value>>;

const BASELINE: &str = "measurement.baseline";
const BASELINE_KIND: &str = "measurement.baseline.kind";
const BASELINE_S: &str = "measurement.baseline.duration_seconds";

/// What keys come to, by dotted path: as written, else by the settings, else built in.
///
/// Told are the keys of `execution`, `thermal` and `measurement` that have a default, and what experiments of the grid
/// inherit of a baseline. `execution.cycles` is told where it is a number, else its `min` and `max`;
/// `measurement.baseline` is `off` or its kind. A key whose value is not valid is not told, and nothing is of a text that
/// is not YAML.
pub fn in_force(text: &str, settings: &Settings) -> BTreeMap<&'static str, Resolved<Value>> {
    let Ok(root) = parse(text) else { return Told::new() };
    let values = checked(&root, CAMPAIGN);
    let below = built_in().into_iter().chain(gaps(settings)).chain(cycles(&values));
    let mut told: Told = below
        .filter(|(path, _)| is_sound(&root, &values, path))
        .map(|(path, below)| (path, values.written(path).unwrap_or(below)))
        .collect();
    if is_sound(&root, &values, BASELINE_KIND) {
        told.insert(BASELINE, baseline(&root, &values));
    }
    let idling = idling(&root, &told);
    told.extend(idling);
    told
}

fn checked(section: &Node, table: &'static [Known]) -> Values {
    let tree = Tree::from_node(section, &Arc::from(""), section.at);
    check(&tree, table, &mut Findings::default())
}

/// Whether a key is not written, or with a value that it can have.
fn is_sound(section: &Node, values: &Values, path: &str) -> bool {
    values.has(path) || section.path(path).is_none_or(Node::is_null)
}

fn built_in() -> Vec<(&'static str, Resolved<Value>)> {
    let (thermal, baseline) = (Thermal::default(), Baseline::default());
    let values: [(&'static str, Value); 14] = [
        ("execution.structure", Structure::default().name().into()),
        ("execution.warmup_prompts", WARMUP_PROMPTS.into()),
        ("execution.warmup_timeout_seconds", WARMUP_TIMEOUT_S.into()),
        ("thermal.mode", thermal.mode.value.name().into()),
        ("thermal.min_seconds", thermal.min_s.value.into()),
        ("thermal.max_seconds", thermal.max_s.value.into()),
        ("thermal.tolerance_c", thermal.tolerance_c.value.into()),
        ("measurement.interval_ms", INTERVAL_MS.into()),
        (BASELINE_KIND, baseline.kind.name().into()),
        (BASELINE_S, baseline.duration_s.into()),
        ("measurement.baseline.strategy", baseline.strategy.name().into()),
        ("measurement.baseline.cache_ttl_seconds", baseline.ttl_s.into()),
        ("measurement.baseline.validation_interval", baseline.validation_interval.into()),
        ("measurement.baseline.drift_threshold", baseline.drift_threshold.into()),
    ];
    values.into_iter().map(|(path, value)| (path, Resolved::built_in(value))).collect()
}

fn gaps(settings: &Settings) -> [(&'static str, Resolved<Value>); 2] {
    let gaps = &settings.thermal_gaps;
    let told = |gap: Resolved<f64>| Resolved::new(gap.value.into(), gap.source);
    [
        ("execution.config_gap_seconds", told(gaps.between_experiments)),
        ("execution.cycle_gap_seconds", told(gaps.between_cycles)),
    ]
}

fn cycles(values: &Values) -> Vec<(&'static str, Resolved<Value>)> {
    let Some(stopping) = thermal::stopping(values) else {
        return vec![("execution.cycles", Resolved::built_in(CYCLES.into()))];
    };
    let most = thermal::most_cycles(values).map(|most| Resolved::new(most.value.into(), most.source));
    let least = Resolved::built_in(stopping.min_cycles.into());
    [("execution.cycles.min", Some(least)), ("execution.cycles.max", most)]
        .into_iter()
        .filter_map(|(path, value)| Some((path, value?)))
        .collect()
}

/// Which baseline is subtracted, if any.
fn baseline(root: &Node, values: &Values) -> Resolved<Value> {
    let kind = thermal::baseline(values).map_or("off", |baseline| baseline.kind.name());
    let written = root.path(BASELINE).filter(|node| !node.is_null());
    let source = written.map_or(Source::BuiltIn, |node| Source::Campaign { line: node.at.line });
    Resolved::new(kind.into(), source)
}

/// How long the workers of the grid idle: as written there, else for the baseline that is theirs, else not at all.
fn idling(root: &Node, told: &Told) -> Told {
    let shared = root.path("grid.shared");
    let own = shared.map(|section| (section, checked(section, EXPERIMENT)));
    let kinds = [
        ("grid.shared.idle_seconds", "idle_seconds", BaselineKind::Loaded),
        ("grid.shared.context_seconds", "context_seconds", BaselineKind::Context),
    ];
    let told_of = |(path, key, kind): (&'static str, &str, BaselineKind)| {
        let is_chosen = told.get(BASELINE).is_some_and(|chosen| chosen.value == kind.name());
        let inherited =
            if is_chosen { told.get(BASELINE_S).cloned() } else { Some(Resolved::built_in(0.0.into())) };
        let value = match &own {
            Some((section, values)) if is_sound(section, values, key) => values.written(key).or(inherited),
            Some(_) => None,
            None => inherited,
        };
        Some((path, value?))
    };
    kinds.into_iter().filter_map(told_of).collect()
}
