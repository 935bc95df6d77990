//! What single keys come to while a campaign is being written.

use std::collections::BTreeMap;

use serde_json::Value;

use super::*;

/// Each key with its value and who set it: `240.0, built in`.
fn told(text: &str) -> BTreeMap<&'static str, String> {
    let (settings, _) =
        crate::settings::read(".lem-config.yaml", "thermal_gaps:\n  between_experiments: 45\n");
    let plain = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let told = in_force(text, &settings).into_iter();
    told.map(|(path, force)| (path, format!("{}, {}", plain(force.value), force.source))).collect()
}

#[test]
fn a_key_is_as_written_else_as_the_settings_say_else_built_in() {
    let told = told("campaign_name: n\nthermal: {max_seconds: 240}\n");
    assert_eq!(told["thermal.max_seconds"], "240.0, campaign file, line 2");
    assert_eq!(told["thermal.min_seconds"], "10.0, built in");
    assert_eq!(told["execution.config_gap_seconds"], "45.0, .lem-config.yaml, line 2");
    assert_eq!(told["execution.cycle_gap_seconds"], "300.0, built in");
    assert_eq!(told["execution.cycles"], "3, built in");
}

#[test]
fn an_error_elsewhere_changes_nothing_and_a_value_that_is_not_valid_is_not_in_force() {
    let told = told("grid: 7\nthermal: {mode: cold, tolerance_c: 90}\nmeasurement: {interval_ms: 20}\n");
    assert_eq!(told["measurement.interval_ms"], "20, campaign file, line 3");
    assert_eq!(told.get("thermal.mode"), None);
    assert_eq!(told.get("thermal.tolerance_c"), None);
    assert_eq!(told["thermal.min_seconds"], "10.0, built in");
    assert!(super::in_force("a: [1", &Settings::default()).is_empty());
    assert!(!super::in_force("", &Settings::default()).is_empty(), "nothing is written yet");
}

#[test]
fn a_baseline_is_off_or_its_kind_and_its_worker_idles_for_as_long() {
    let of = |baseline: &str| told(&format!("measurement: {{baseline: {baseline}}}\n"));
    let off = told("campaign_name: n\n");
    assert_eq!(off["measurement.baseline"], "off, built in");
    assert_eq!(off["grid.shared.idle_seconds"], "0.0, built in");
    assert_eq!(of("false")["measurement.baseline"], "off, campaign file, line 1");
    assert_eq!(of("true")["measurement.baseline"], "bare, campaign file, line 1");
    assert_eq!(of("{kind: warm}").get("measurement.baseline"), None);
    let loaded = of("{kind: loaded, duration_seconds: 20}");
    assert_eq!(loaded["measurement.baseline"], "loaded, campaign file, line 1");
    assert_eq!(loaded["measurement.baseline.cache_ttl_seconds"], "7200.0, built in");
    assert_eq!(loaded["grid.shared.idle_seconds"], "20.0, campaign file, line 1");
    assert_eq!(loaded["grid.shared.context_seconds"], "0.0, built in");
}

#[test]
fn what_the_grid_says_of_idling_wins_over_the_baseline_and_a_sweep_of_it_is_no_single_value() {
    let of = |idle: &str| {
        let text = format!(
            "measurement: {{baseline: {{kind: loaded}}}}\ngrid:\n  shared:\n    idle_seconds: {idle}\n"
        );
        told(&text).get("grid.shared.idle_seconds").cloned()
    };
    assert_eq!(of("8").as_deref(), Some("8.0, campaign file, line 4"));
    assert_eq!(of("[5, 10]"), None);
    assert_eq!(of("null").as_deref(), Some("30.0, built in"));
}

#[test]
fn cycles_until_an_experiment_is_known_have_bounds_in_place_of_a_number() {
    let told = told("execution: {cycles: {target_ci_percent: 2, min: 30}}\n");
    assert_eq!(told.get("execution.cycles"), None);
    assert_eq!(told["execution.cycles.min"], "30, campaign file, line 1");
    assert_eq!(told["execution.cycles.max"], "30, campaign file, line 1");
}

#[test]
fn what_is_told_is_what_a_sound_campaign_is_run_with() {
    let text = "campaign_name: n\nmodel: m\ngrid: {backends: [pytorch]}\n\
                measurement: {baseline: {kind: context, strategy: cached}}\n";
    let (force, campaign) = (in_force(text, &Settings::default()), resolved(text));
    let number = |path: &str| force.get(path).and_then(|force| force.value.as_f64()).map(|it| it.to_string());
    let baseline = campaign.baseline.expect("written");
    for (path, run_with) in [
        ("execution.cycles", f64::from(campaign.cycles.value)),
        ("execution.warmup_prompts", f64::from(campaign.warmup_prompts.value)),
        ("execution.warmup_timeout_seconds", campaign.warmup_timeout_s.value),
        ("execution.config_gap_seconds", campaign.config_gap_s.value),
        ("execution.cycle_gap_seconds", campaign.cycle_gap_s.value),
        ("measurement.interval_ms", f64::from(campaign.interval_ms.value)),
        ("measurement.baseline.duration_seconds", baseline.duration_s),
        ("measurement.baseline.cache_ttl_seconds", baseline.ttl_s),
        ("measurement.baseline.validation_interval", f64::from(baseline.validation_interval)),
        ("measurement.baseline.drift_threshold", baseline.drift_threshold),
        ("grid.shared.idle_seconds", campaign.experiments[0].idle_s),
        ("grid.shared.context_seconds", campaign.experiments[0].context_s),
    ] {
        assert_eq!(number(path), Some(run_with.to_string()), "{path}");
    }
    assert_eq!(force["measurement.baseline"].value, baseline.kind.name());
    assert_eq!(force["measurement.baseline.strategy"].value, baseline.strategy.name());
}
