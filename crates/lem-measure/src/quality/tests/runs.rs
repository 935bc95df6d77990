//! Rows for what the run tells beside the traces, and the table as a whole.

use crate::quality::Verdict::{Invalid, Pass, Poor, Unknown, Warn};
use crate::quality::{
    Batch, GapOutcome, LogSigns, Requests, SamplerFacts, Truncation, WarmUp, catalogue, run_report,
};

use super::scene::{Scene, package};
use super::{Case, assert_complete, devices};

const SAMPLER: &[Case<Scene>] = &[
    ("missed_ticks", Pass, |_| {}),
    ("missed_ticks", Warn, |s| {
        s.edit = |f| f.sampler = Some(SamplerFacts { ticks: 90, missed_ticks: 10, read_errors: 0 });
    }),
    ("missed_ticks", Unknown, |s| s.edit = |f| f.sampler = None),
    ("missed_ticks", Unknown, |s| s.edit = |f| f.sampler = Some(SamplerFacts::default())),
    ("read_errors", Pass, |_| {}),
    ("read_errors", Warn, |s| {
        s.edit = |f| f.sampler = Some(SamplerFacts { ticks: 90, missed_ticks: 0, read_errors: 1 });
    }),
    ("read_errors", Unknown, |s| s.edit = |f| f.sampler = None),
];

const BEFORE: &[Case<Scene>] = &[
    ("gap", Pass, |s| s.edit = |f| f.gap = Some(GapOutcome::Elapsed)),
    ("gap", Warn, |s| s.edit = |f| f.gap = Some(GapOutcome::Maximum)),
    ("gap", Warn, |s| s.edit = |f| f.gap = Some(GapOutcome::Skipped)),
    ("gap", Unknown, |s| s.edit = |f| f.gap = None),
    ("warm_up", Pass, |_| {}),
    ("warm_up", Warn, |s| s.edit = |f| f.warm_up = Some(WarmUp::CapHit)),
    ("warm_up", Warn, |s| s.edit = |f| f.warm_up = Some(WarmUp::Nothing)),
    ("warm_up", Unknown, |s| s.edit = |f| f.warm_up = Some(WarmUp::Fixed)),
    ("warm_up", Unknown, |s| s.edit = |f| f.warm_up = None),
    ("baseline", Pass, |_| {}),
    ("baseline", Warn, |s| s.edit = |f| baseline(f, 600.0, Some(0.08))),
    ("baseline", Warn, |s| s.edit = |f| baseline(f, 7_300.0, Some(0.01))),
    ("baseline", Warn, |s| s.edit = |f| baseline(f, 7_300.0, None)),
    ("baseline", Poor, |s| s.edit = |f| baseline(f, 600.0, Some(-0.11))),
    ("baseline", Unknown, |s| s.edit = |f| baseline(f, 600.0, None)),
];

fn baseline(facts: &mut crate::quality::RunFacts, age_s: f64, drift: Option<f64>) {
    let found = facts.baseline.expect("a good run has one");
    facts.baseline = Some(crate::quality::Baseline { age_s, drift, ..found });
}

const WORK: &[Case<Scene>] = &[
    ("joules_per_token", Pass, |s| s.edit = |f| f.output_tokens = Some(241)),
    ("joules_per_token", Invalid, |s| s.edit = |f| f.output_tokens = Some(239)),
    ("joules_per_token", Unknown, |s| s.edit = |f| f.output_tokens = Some(0)),
    ("requests", Pass, |_| {}),
    ("requests", Warn, |s| {
        s.edit = |f| f.requests = Some(Requests { ok: 95, failed: 5, expected: None });
    }),
    ("requests", Invalid, |s| {
        s.edit = |f| f.requests = Some(Requests { ok: 94, failed: 0, expected: Some(100) });
    }),
    ("requests", Invalid, |s| s.edit = |f| f.requests = Some(Requests::default())),
    ("requests", Unknown, |s| s.edit = |f| f.requests = None),
    ("truncation", Pass, |s| {
        s.edit = |f| f.truncation = Some(Truncation::of([64, 64, 64], 64, 64));
    }),
    ("truncation", Pass, |s| {
        s.edit = |f| f.truncation = Some(Truncation::of([64, 10, 63, 20], 0, 64));
    }),
    ("truncation", Warn, |s| s.edit = |f| f.truncation = Some(Truncation::of([64, 10, 63], 0, 64))),
    ("truncation", Unknown, |s| s.edit = |f| f.truncation = Some(Truncation::of([], 0, 64))),
    ("effective_batch", Pass, |_| {}),
    ("effective_batch", Warn, |s| {
        s.edit = |f| f.batch = Some(Batch { configured: 8, effective: Some(6.0), kv_cache_used: Some(0.9) });
    }),
    ("effective_batch", Unknown, |s| s.edit = |f| f.batch = None),
    ("worker_log", Pass, |_| {}),
    ("worker_log", Warn, |s| s.edit = |f| f.log = Some(LogSigns { retries: 1, ..LogSigns::default() })),
    ("worker_log", Invalid, |s| s.edit = |f| f.log = Some(LogSigns { crashes: 1, ..LogSigns::default() })),
    ("worker_log", Invalid, |s| {
        s.edit = |f| f.log = Some(LogSigns { out_of_memory: 1, ..LogSigns::default() });
    }),
    ("worker_log", Unknown, |s| s.edit = |f| f.log = None),
];

const HOST: &[Case<Scene>] = &[
    ("environment", Pass, |_| {}),
    ("environment", Invalid, |s| {
        s.edit = |f| f.environment_drift = Some(vec!["driver 570.86 instead of 565.57".into()]);
    }),
    ("environment", Unknown, |s| s.edit = |f| f.environment_drift = None),
    ("host_load", Pass, |s| s.edit = |f| f.host.load_by_others = Some(0.2)),
    ("host_load", Warn, |s| s.edit = |f| f.host.load_by_others = Some(0.21)),
    ("host_load", Unknown, |s| s.edit = |f| f.host.load_by_others = None),
    ("governor", Pass, |s| s.edit = |f| f.host.governor = Some("powersave".into())),
    ("governor", Warn, |s| {
        s.info = package();
        s.edit = |f| f.host.governor = Some("powersave".into());
    }),
    ("governor", Unknown, |s| s.edit = |f| f.host.governor = None),
    ("swap", Pass, |_| {}),
    ("swap", Warn, |s| s.edit = |f| f.host.swapped_mib = Some(1.0)),
    ("swap", Unknown, |s| s.edit = |f| f.host.swapped_mib = None),
];

#[test]
fn every_check_of_a_run_comes_to_every_verdict_that_it_can() {
    let tables =
        [devices::SAMPLING, devices::ENERGY, devices::STATE, devices::THERMAL, SAMPLER, BEFORE, WORK, HOST];
    assert_complete(&tables, catalogue::RUN, |change| {
        let mut scene = Scene::default();
        change(&mut scene);
        run_report(&scene.facts()).checks
    });
}
