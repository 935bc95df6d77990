//! Plans of whole campaign files, and the rules that every order keeps.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use lem_spec::campaign::{Overrides, RunnerKind, read, resolve};
use lem_spec::settings::Settings;
use proptest::prelude::*;

use super::order::{order, williams_rows};
use super::*;

fn campaign_in(folder: &Path, name: &str, overrides: &Overrides) -> ResolvedCampaign {
    let text = std::fs::read_to_string(folder.join(name)).expect("the campaign is there");
    let files = |path: &str| std::fs::read_to_string(folder.join(path)).map_err(|error| error.to_string());
    let (campaign, problems) = read(name, &text, &files);
    resolve(campaign.unwrap_or_else(|| panic!("{problems:?}")), overrides, &Settings::default())
}

fn fixture(name: &str, overrides: &Overrides) -> ResolvedCampaign {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lem-spec/tests/fixtures");
    campaign_in(&folder, name, overrides)
}

fn example(name: &str) -> ResolvedCampaign {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    campaign_in(&folder, name, &Overrides::default())
}

/// A plan as a person would write it down.
fn shown(plan: &Plan) -> String {
    let mut text = String::new();
    let experiments = plan.experiments.len();
    let _ = writeln!(
        text,
        "{}: {:?}, seed {}, {experiments} x {}",
        plan.name, plan.structure, plan.seed, plan.cycles
    );
    for planned in &plan.experiments {
        let spec = &planned.spec;
        let service = planned.service.as_deref().unwrap_or("-");
        let _ = writeln!(
            text,
            "{}: {} service {service} {:?} {}",
            spec.name, spec.backend, planned.runner, spec.model
        );
        let _ = writeln!(text, "    {}", serde_json::Value::Object(spec.parameters.clone()));
    }
    for run in &plan.runs {
        let name = &plan.experiments[run.experiment].spec.name;
        let PlannedRun { index, cycle, gap_before_s, gap_source, gap_kind, .. } = run;
        let _ = writeln!(
            text,
            "{index} cycle {cycle} {name} after {gap_before_s} s, {gap_kind:?} ({gap_source})"
        );
    }
    let _ = writeln!(text, "gaps {} s", plan.total_gap_s);
    for problem in &plan.problems {
        let _ = writeln!(text, "{problem}");
    }
    text
}

#[test]
fn plans_of_the_examples() {
    for name in ["quickstart.yaml", "sweep.yaml"] {
        let plan = plan(&example(name), 7);
        assert!(plan.problems.is_empty(), "an example plans without a word: {:?}", plan.problems);
        insta::assert_snapshot!(name, shown(&plan));
    }
}

#[test]
fn plans_of_the_fixtures() {
    let names = ["grid", "axes", "configs", "experiments", "mixed", "latin", "own", "legacy"];
    for name in names {
        let campaign = fixture(&format!("{name}.yaml"), &Overrides::default());
        insta::assert_snapshot!(name, shown(&plan(&campaign, 7)));
    }
}

#[test]
fn a_plan_with_options_of_the_command() {
    let overrides = Overrides {
        cycles: Some(2),
        structure: Some(Structure::LatinSquare),
        config_gap_s: Some(0.0),
        cycle_gap_s: Some(1.5),
        warmup_prompts: Some(1),
        warmup_timeout_s: Some(9.0),
        dataset: Some("alpaca".to_owned()),
        sample_size: Some(4),
        seed: Some(3),
        model: Some("org/other".to_owned()),
        runner: Some(RunnerKind::Docker),
        ..Overrides::default()
    };
    insta::assert_snapshot!(shown(&plan(&fixture("latin.yaml", &overrides), 7)));
}

#[test]
fn a_plan_as_json_has_the_fields_that_programs_read() {
    let plan = plan(&example("quickstart.yaml"), 7);
    insta::assert_json_snapshot!(serde_json::to_value(&plan).expect("a plan is plain data"));
}

#[test]
fn a_plan_read_back_is_the_same_plan() {
    for name in ["grid.yaml", "experiments.yaml", "own.yaml"] {
        let plan = plan(&fixture(name, &Overrides::default()), u64::MAX);
        let text = serde_json::to_string(&plan).expect("a plan is plain data");
        assert_eq!(serde_json::from_str::<Plan>(&text).expect("what was written can be read"), plan);
    }
}

#[test]
fn a_plan_with_a_run_of_an_unknown_experiment_is_refused() {
    let plan = plan(&fixture("axes.yaml", &Overrides::default()), 1);
    let mut json = serde_json::to_value(&plan).expect("a plan is plain data");
    json["runs"][1]["experiment"] = "gone".into();
    let refused = serde_json::from_value::<Plan>(json).expect_err("there is no such experiment");
    assert_eq!(refused.to_string(), "run 1 is of an unknown experiment, \"gone\"");
}

#[test]
fn a_campaign_with_errors_gets_no_runs() {
    let plan = plan(&fixture("grid.yaml", &Overrides { cycles: Some(0), ..Overrides::default() }), 1);
    assert!(plan.runs.is_empty() && !plan.problems.is_empty());
}

#[test]
fn the_seed_of_the_campaign_is_kept_even_when_0_and_a_fresh_one_otherwise() {
    assert_eq!(plan(&fixture("own.yaml", &Overrides::default()), 7).seed, 0);
    assert_eq!(plan(&fixture("grid.yaml", &Overrides::default()), 7).seed, 7);
}

#[test]
fn every_value_reaches_the_message_of_the_worker() {
    let campaign = fixture("experiments.yaml", &Overrides::default());
    let messages: Vec<_> =
        campaign.experiments.iter().map(|spec| worker_experiment(spec, "run", 5)).collect();
    insta::assert_json_snapshot!([&messages[1], &messages[3]]);
    let mut own_seed = campaign.experiments[0].clone();
    own_seed.random_seed = Some(0);
    assert_eq!(worker_experiment(&own_seed, "run", 5).seed, 0, "a seed of 0 is a seed");
}

#[test]
fn time_that_has_passed_since_the_last_run_counts() {
    for (planned, elapsed, left) in
        [(60.0, 20.0, 40.0), (60.0, 90.0, 0.0), (60.0, -5.0, 60.0), (0.0, 0.0, 0.0)]
    {
        assert_eq!(
            remaining_gap(planned, elapsed).to_bits(),
            f64::to_bits(left),
            "{planned} after {elapsed}"
        );
    }
    assert_eq!(remaining_gap(60.0, f64::NAN).to_bits(), 60.0_f64.to_bits(), "an unknown time has not passed");
}

#[test]
fn a_single_experiment_pauses_between_cycles_only() {
    let runs = [(0, 1), (0, 2), (0, 3)];
    let gaps = Gaps { between_experiments: Resolved::built_in(1.0), between_cycles: Resolved::built_in(2.0) };
    let kinds: Vec<_> = super::runs(runs.into_iter(), &gaps).iter().map(|run| run.gap_kind).collect();
    assert_eq!(kinds, [GapKind::First, GapKind::BetweenCycles, GapKind::BetweenCycles]);
}

#[test]
fn every_second_cycle_runs_backwards_when_reversed() {
    let order: Vec<_> = order(Structure::Reverse, 3, 3, 0).map(|(experiment, _)| experiment).collect();
    assert_eq!(order, [0, 1, 2, 2, 1, 0, 0, 1, 2]);
}

#[test]
fn a_seed_means_this_order_for_ever() {
    let order: Vec<_> = order(Structure::Shuffled, 8, 2, 42).map(|(experiment, _)| experiment).collect();
    insta::assert_debug_snapshot!(order);
}

#[test]
fn a_shuffle_prefers_no_order_and_no_pair_of_cycles() {
    let mut counts: HashMap<Vec<usize>, u32> = HashMap::new();
    for seed in 0..7200 {
        let both: Vec<_> = order(Structure::Shuffled, 3, 2, seed).map(|(experiment, _)| experiment).collect();
        *counts.entry(both).or_default() += 1;
    }
    assert_eq!(counts.len(), 36, "every pair of orders occurs");
    // 200 of each are expected, with a standard deviation of 14; the seeds are fixed, so this never flakes.
    assert!(counts.values().all(|count| (140..=260).contains(count)), "{counts:?}");
}

#[test]
fn a_williams_design_balances_places_and_neighbours() {
    for experiments in 2..=9 {
        let rows = williams_rows(experiments);
        let cycles = u32::try_from(rows).expect("few");
        let mut places: HashMap<(usize, usize), usize> = HashMap::new();
        let mut neighbours: HashMap<(usize, usize), usize> = HashMap::new();
        let order: Vec<_> = order(Structure::LatinSquare, experiments, cycles, 0).map(|(it, _)| it).collect();
        for row in order.chunks(experiments) {
            for (place, experiment) in row.iter().enumerate() {
                *places.entry((*experiment, place)).or_default() += 1;
            }
            for pair in row.windows(2) {
                *neighbours.entry((pair[0], pair[1])).or_default() += 1;
            }
        }
        let each = rows / experiments;
        assert_eq!(places.len(), experiments * experiments);
        assert!(places.values().all(|count| *count == each), "{experiments} experiments: places {places:?}");
        assert_eq!(neighbours.len(), experiments * (experiments - 1), "all ordered pairs occur");
        assert!(neighbours.values().all(|count| *count == each), "{experiments} experiments: {neighbours:?}");
    }
}

#[test]
fn a_hundred_thousand_runs_are_planned_and_written() {
    let mut campaign =
        fixture("latin.yaml", &Overrides { structure: Some(Structure::Shuffled), ..Overrides::default() });
    let spec = campaign.experiments[0].clone();
    campaign.experiments =
        (0..100).map(|number| ExperimentSpec { name: format!("e{number}"), ..spec.clone() }).collect();
    campaign.cycles = Resolved::built_in(1000);
    let plan = plan(&campaign, 1);
    assert_eq!(plan.runs.len(), 100_000);
    assert!(serde_json::to_string(&plan).expect("a plan is plain data").len() > 100_000);
}

fn structures() -> impl Strategy<Value = Structure> {
    prop::sample::select(vec![
        Structure::Interleaved,
        Structure::Shuffled,
        Structure::Grouped,
        Structure::Reverse,
        Structure::LatinSquare,
    ])
}

proptest! {
    #[test]
    fn each_experiment_runs_once_in_each_cycle(structure in structures(), n in 1_usize..12, cycles in 1_u32..12, seed: u64) {
        let mut pairs: Vec<_> = order(structure, n, cycles, seed).map(|(experiment, cycle)| (cycle, experiment)).collect();
        pairs.sort_unstable();
        let all: Vec<_> = (1..=cycles).flat_map(|cycle| (0..n).map(move |experiment| (cycle, experiment))).collect();
        prop_assert_eq!(pairs, all);
    }

    #[test]
    fn one_seed_gives_one_order(structure in structures(), n in 1_usize..30, seed: u64) {
        let once: Vec<_> = order(structure, n, 3, seed).collect();
        prop_assert_eq!(once, order(structure, n, 3, seed).collect::<Vec<_>>());
    }

    #[test]
    fn pauses_add_up_and_follow_the_cycles(structure in structures(), n in 1_usize..8, cycles in 1_u32..8, a in 0_u32..99, b in 0_u32..99) {
        let gaps = Gaps {
            between_experiments: Resolved::built_in(f64::from(a)),
            between_cycles: Resolved::built_in(f64::from(b)),
        };
        let runs = runs(order(structure, n, cycles, 1), &gaps);
        let changes = runs.windows(2).filter(|pair| pair[0].cycle != pair[1].cycle).count();
        let same = runs.len() - 1 - changes;
        let total: f64 = runs.iter().map(|run| run.gap_before_s).sum();
        let expected = f64::from(a) * f64::from(u32::try_from(same).expect("few"))
            + f64::from(b) * f64::from(u32::try_from(changes).expect("few"));
        prop_assert!((total - expected).abs() < 1e-9);
        prop_assert_eq!(runs[0].gap_kind, GapKind::First);
        prop_assert!(runs.iter().enumerate().all(|(index, run)| run.index == index));
    }
}
