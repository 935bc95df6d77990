//! Rows for checks that take several runs.

use crate::quality::Verdict::{Invalid, Pass, Poor, Unknown, Warn};
use crate::quality::{
    Check, ExperimentReport, ExperimentRuns, Grade, OrderEffect, RunFigures, campaign_report, catalogue,
};

use super::{Case, assert_complete};

fn runs(joules_per_token: &[f64]) -> Vec<RunFigures> {
    let run = |j: &f64| RunFigures {
        joules_per_token: Some(*j),
        output_tokens: Some(1_000),
        start_temperature_c: Some(40.0),
    };
    joules_per_token.iter().map(run).collect()
}

/// The larger of two batches, well behaved.
fn good() -> ExperimentRuns {
    ExperimentRuns {
        experiment: "batch-8".into(),
        runs: runs(&[0.50, 0.51, 0.50]),
        same_tokens: true,
        outliers: Some(Vec::new()),
        order: Some(OrderEffect { p_position: Some(0.6), p_start_temperature: Some(0.3) }),
        sweep: Some("all but the batch".into()),
        batch_size: Some(8),
    }
}

fn smaller() -> ExperimentRuns {
    ExperimentRuns {
        experiment: "batch-1".into(),
        runs: runs(&[1.00, 1.01, 0.99]),
        batch_size: Some(1),
        ..good()
    }
}

fn made(change: impl Fn(&mut ExperimentRuns)) -> ExperimentReport {
    let mut one = good();
    change(&mut one);
    campaign_report(&[smaller(), one]).remove(1)
}

const CASES: &[Case<ExperimentRuns>] = &[
    ("token_counts", Pass, |_| {}),
    ("token_counts", Warn, |e| e.runs[1].output_tokens = Some(991)),
    ("token_counts", Poor, |e| e.runs[1].output_tokens = Some(980)),
    ("token_counts", Unknown, |e| e.runs[1].output_tokens = None),
    ("token_counts", Unknown, |e| e.runs.truncate(1)),
    ("repeatability", Pass, |_| {}),
    ("repeatability", Warn, |e| e.runs = runs(&[0.50, 0.52, 0.48])),
    ("repeatability", Poor, |e| e.runs = runs(&[0.50, 0.54, 0.46])),
    ("repeatability", Invalid, |e| e.runs = runs(&[0.50, 0.60, 0.40])),
    ("repeatability", Unknown, |e| e.runs.truncate(1)),
    ("outliers", Pass, |_| {}),
    ("outliers", Warn, |e| e.outliers = Some(vec!["cycle 2".into()])),
    ("outliers", Unknown, |e| e.outliers = None),
    ("order_effect", Pass, |_| {}),
    ("order_effect", Warn, |e| {
        e.order = Some(OrderEffect { p_position: Some(0.6), p_start_temperature: Some(0.05) });
    }),
    ("order_effect", Unknown, |e| e.order = Some(OrderEffect::default())),
    ("order_effect", Unknown, |e| e.order = None),
    ("start_temperature_spread", Pass, |e| e.runs[0].start_temperature_c = Some(43.0)),
    ("start_temperature_spread", Warn, |e| e.runs[0].start_temperature_c = Some(36.0)),
    ("start_temperature_spread", Invalid, |e| e.runs[0].start_temperature_c = Some(51.0)),
    ("start_temperature_spread", Unknown, |e| e.runs.truncate(1)),
    ("batch_sweep", Pass, |_| {}),
    ("batch_sweep", Pass, |e| e.runs = runs(&[1.01, 1.02, 1.01])),
    // One run alone says little: 8 % more could be its noise.
    ("batch_sweep", Pass, |e| e.runs = runs(&[1.08])),
    ("batch_sweep", Warn, |e| e.runs = runs(&[1.05, 1.06, 1.05])),
    ("batch_sweep", Unknown, |e| e.runs.clear()),
];

#[test]
fn every_check_of_an_experiment_comes_to_every_verdict_that_it_can() {
    assert_complete(&[CASES], catalogue::EXPERIMENT, |change| made(change).checks);
}

fn ids(report: &ExperimentReport) -> Vec<&str> {
    report.checks.iter().map(|check: &Check| check.id.as_str()).collect()
}

#[test]
fn a_good_experiment_has_every_check_and_grade_a() {
    let report = made(|_| {});
    assert_eq!(ids(&report), catalogue::EXPERIMENT.iter().map(|kind| kind.id).collect::<Vec<_>>());
    assert_eq!((report.experiment.as_str(), report.grade), ("batch-8", Grade::A));
}

#[test]
fn what_an_experiment_cannot_have_is_left_out() {
    let report = made(|e| {
        e.same_tokens = false;
        e.runs.iter_mut().for_each(|run| run.start_temperature_c = None);
        e.sweep = None;
    });
    assert_eq!(ids(&report), ["repeatability", "outliers", "order_effect"]);
    let smallest = campaign_report(&[smaller(), good()]).remove(0);
    assert!(!ids(&smallest).contains(&"batch_sweep"), "nothing is smaller than the smallest");
}

#[test]
fn a_slow_rise_over_many_batches_is_seen_and_named() {
    let sized = |size: u32, j: f64| ExperimentRuns {
        experiment: format!("batch-{size}"),
        runs: runs(&[j, j * 1.002, j * 0.998]),
        batch_size: Some(size),
        ..good()
    };
    let sweep = [sized(1, 1.0), sized(2, 1.015), sized(4, 1.03)];
    let report = campaign_report(&sweep);
    let verdict = |i: usize| report[i].checks.iter().find(|c| c.id == "batch_sweep").map(|c| c.verdict);
    assert_eq!((verdict(0), verdict(1), verdict(2)), (None, Some(Pass), Some(Warn)));
    let check = report[2].checks.iter().find(|c| c.id == "batch_sweep").expect("made");
    assert!(check.why.contains("batch-1") && report[2].grade == Grade::B, "{check:?}");
}

#[test]
fn sweeps_are_kept_apart() {
    let other = ExperimentRuns { sweep: Some("another model".into()), runs: runs(&[0.1]), ..smaller() };
    let report = campaign_report(&[other, good()]).remove(1);
    assert!(!ids(&report).contains(&"batch_sweep"), "{report:?}");
}
