//! How a report comes about: grades, order, what is left out, and several devices.

use proptest::prelude::*;

use crate::quality::{Check, DeviceFacts, Grade, Report, RunFacts, Verdict, catalogue, run_report};
use crate::{Channel, DeviceKind, PowerSource, Provenance, Sample, Trace, WindowEnergy};

use super::scene::{Scene, board, package};

fn ids(report: &Report) -> Vec<&str> {
    report.checks.iter().map(|check| check.id.as_str()).collect()
}

#[test]
fn a_good_run_passes_every_check_in_the_order_of_the_catalogue() {
    let report = run_report(&Scene::default().facts());
    let failed: Vec<&Check> = report.checks.iter().filter(|c| c.verdict != Verdict::Pass).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(ids(&report), catalogue::RUN.iter().map(|kind| kind.id).collect::<Vec<_>>());
    assert_eq!((report.grade, report.grade.name()), (Grade::A, "A"));
}

#[test]
fn the_worst_check_makes_the_grade_and_the_unknown_does_not_lower_it() {
    let grade = |verdicts: &[Verdict]| {
        let check = |verdict: &Verdict| Check {
            id: "window".into(),
            value: None,
            unit: String::new(),
            threshold: String::new(),
            verdict: *verdict,
            why: String::new(),
        };
        Grade::of(&verdicts.iter().map(check).collect::<Vec<_>>())
    };
    let (pass, unknown) = (Verdict::Pass, Verdict::Unknown);
    assert_eq!(grade(&[pass, unknown]), Grade::A);
    assert_eq!(grade(&[pass, Verdict::Warn, unknown]), Grade::B);
    assert_eq!(grade(&[Verdict::Poor, Verdict::Warn]), Grade::C);
    assert_eq!(grade(&[Verdict::Poor, Verdict::Invalid, pass]), Grade::Invalid);
    assert_eq!([Grade::B, Grade::Invalid, Grade::A].into_iter().max(), Some(Grade::Invalid), "worst is last");
}

#[test]
fn energy_that_is_not_measured_is_never_better_than_c() {
    for provenance in [Provenance::Estimated, Provenance::Simulated] {
        let mut scene = Scene::default();
        scene.info.provenance = provenance;
        assert_eq!(run_report(&scene.facts()).grade, Grade::C, "{provenance:?}");
    }
}

#[test]
fn a_run_of_which_nothing_is_known_is_invalid() {
    let report = run_report(&RunFacts::default());
    assert_eq!(report.grade, Grade::Invalid);
    assert_eq!(report.check("energy").map(|c| c.verdict), Some(Verdict::Invalid));
}

#[test]
fn a_cpu_has_no_checks_of_a_gpu() {
    let facts = Scene { info: package(), ..Scene::default() }.facts();
    let report = run_report(&facts);
    let of_gpus = [
        "sensor_coverage",
        "counter_vs_integral",
        "mean_power",
        "peak_power",
        "foreign_processes",
        "mig",
        "persistence",
        "ecc",
        "xid",
        "thermal_throttling",
        "hardware_slowdown",
        "power_cap",
        "clock_variation",
        "start_temperature",
        "temperature_slope",
        "temperature_range",
    ];
    let found = ids(&report);
    assert!(of_gpus.iter().all(|id| !found.contains(id)), "{found:?}");
    assert_eq!(found.len() + of_gpus.len(), catalogue::RUN.len());
    assert_eq!(report.grade, Grade::A);
}

#[test]
fn a_simulated_gpu_is_asked_only_for_what_it_has() {
    let mut scene = Scene::default();
    scene.info.source = PowerSource::Simulated;
    scene.info.provenance = Provenance::Simulated;
    scene.info.channels = vec![Channel::Power, Channel::Energy, Channel::Temperature];
    scene.info.facts.clear();
    let report = run_report(&scene.facts());
    let found = ids(&report);
    for absent in [
        "sensor_coverage",
        "mig",
        "persistence",
        "ecc",
        "xid",
        "clock_variation",
        "thermal_throttling",
        "mean_power",
    ] {
        assert!(!found.contains(&absent), "{absent}");
    }
    assert!(found.contains(&"temperature_range") && found.contains(&"counter_vs_integral"), "{found:?}");
    assert!(report.checks.iter().all(|c| c.verdict != Verdict::Unknown), "{report:#?}");
}

#[test]
fn the_worst_device_speaks_for_all_and_is_named() {
    let mut facts = Scene::default().facts();
    let second = Scene { clock_mhz: |t| if t < 60.0 { 1700.0 } else { 1200.0 }, ..Scene::default() };
    let device = DeviceFacts { id: "GPU-2".into(), ..second.device() };
    facts.devices.push(device);
    let report = run_report(&facts);
    let check = report.check("clock_variation").expect("GPUs have it");
    assert!(check.verdict == Verdict::Invalid && check.why.contains("GPU-2"), "{check:?}");
    assert_eq!(report.check("persistence").map(|c| c.verdict), Some(Verdict::Pass));
    let check = report.check("foreign_processes").expect("GPUs have it");
    assert_eq!(check.verdict, Verdict::Unknown, "a pass is one of every device: {check:?}");
}

#[test]
fn critical_errors_are_named_once_each_with_what_they_mean() {
    let mut facts = Scene::default().facts();
    facts.devices[0].xids = Some(vec![48, 4711, 48]);
    let report = run_report(&facts);
    let check = report.check("xid").expect("a GPU has it");
    assert_eq!((check.value, report.grade), (Some(3.0), Grade::Invalid));
    assert!(check.why.ends_with(": Xid 48 (double-bit ECC error), Xid 4711."), "{check:?}");
}

#[test]
fn a_gpu_beside_a_cpu_keeps_its_own_checks() {
    let mut facts = Scene::default().facts();
    facts.devices.push(Scene { info: package(), ..Scene::default() }.device());
    facts.planned_devices = Some(facts.devices.iter().map(|d| d.id.clone()).collect());
    let report = run_report(&facts);
    assert_eq!((report.grade, report.checks.len()), (Grade::A, catalogue::RUN.len()));
    assert_eq!(facts.devices.iter().filter(|d| d.kind == DeviceKind::Cpu).count(), 1);
}

#[test]
fn what_was_not_to_be_is_not_checked() {
    let mut facts = Scene::default().facts();
    facts.baseline = None;
    facts.gap = Some(crate::quality::GapOutcome::None);
    facts.batch = Some(crate::quality::Batch { configured: 1, effective: None, kv_cache_used: None });
    let report = run_report(&facts);
    for absent in ["baseline", "gap", "effective_batch"] {
        assert_eq!(report.check(absent), None);
    }
    assert!(!report.withholds_adjusted_energy());
}

#[test]
fn a_baseline_that_drifted_withholds_adjusted_energy_and_keeps_the_measured() {
    let mut facts = Scene::default().facts();
    facts.baseline = facts.baseline.map(|found| crate::quality::Baseline { drift: Some(0.2), ..found });
    let report = run_report(&facts);
    assert!(report.withholds_adjusted_energy() && report.grade == Grade::C);
}

#[test]
fn the_documentation_lists_every_check_with_its_limits() {
    let text = include_str!("../../../../../docs/quality.md");
    for kind in catalogue::RUN.iter().chain(catalogue::EXPERIMENT) {
        let row = text.lines().find(|line| line.starts_with(&format!("| `{}` |", kind.id)));
        let row = row.unwrap_or_else(|| panic!("docs/quality.md has no row for {}", kind.id));
        assert!(row.contains(kind.threshold), "{}: {}\n{row}", kind.id, kind.threshold);
    }
    let listed = text.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(listed, catalogue::RUN.len() + catalogue::EXPERIMENT.len(), "rows of checks that are no more");
}

fn any_sample() -> impl Strategy<Value = Sample> {
    let channel = proptest::sample::select(Channel::ALL.to_vec());
    (any::<i64>(), proptest::collection::vec((channel, any::<f64>()), 0..6)).prop_map(|(t_ns, values)| {
        values.into_iter().fold(Sample::at(t_ns), |sample, (channel, value)| sample.with(channel, value))
    })
}

proptest! {
    #[test]
    fn nothing_that_a_trace_can_hold_panics_or_gives_a_figure_that_json_cannot(
        mut samples in proptest::collection::vec(any_sample(), 0..60), window in any::<(i64, i64)>(), interval in any::<u32>()
    ) {
        samples.sort_by_key(|sample| sample.t_ns);
        let trace = Trace::new(samples);
        let device = DeviceFacts::observe(&board(), &trace, window, interval, &WindowEnergy::default());
        let facts = RunFacts { interval_ms: interval, devices: vec![device], ..Scene::default().facts() };
        let report = run_report(&facts);
        prop_assert!(report.checks.iter().all(|check| check.value.is_none_or(f64::is_finite)), "{report:?}");
    }
}
