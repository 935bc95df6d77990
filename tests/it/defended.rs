//! What lets a number be defended: baselines, grades, strangers on the device, and runs that are not needed.

use std::process::{Child, Command};

use lem_tests::{Project, number, text};
use serde_json::{Value, json};

fn steady_gpu() -> Value {
    json!([{ "name": "H100", "signal": { "shape": "constant", "watts": 200.0 } }])
}

/// A check of a run by its id.
#[track_caller]
fn check<'a>(detail: &'a Value, id: &str) -> &'a Value {
    let checks = detail["quality"]["checks"].as_array().expect("the run was judged");
    checks.iter().find(|check| check["id"] == id).unwrap_or_else(|| panic!("no check {id}: {checks:#?}"))
}

#[test]
fn a_bare_baseline_is_taken_before_the_run_and_what_lies_above_it_covers_the_window_alone() {
    let project = Project::new()
        .fake_gpus(&steady_gpu())
        .scripted("a", "honest window_ms=1500")
        .measurement("baseline", json!({ "duration_seconds": 5 }));
    let finished = project.run().exits(0);
    assert_eq!(finished.events_called("baseline_taken").len(), 1, "{}", finished.stdout);
    let row = project.result_of("a");
    let detail = project.detail(&row);
    let baseline = &detail["baselines"][0];
    assert_eq!((text(baseline, "kind"), baseline["chosen"].as_bool()), ("bare", Some(true)));
    let power_w = number(baseline, "power_w");
    assert!((power_w - 200.0).abs() < 2.0, "{baseline:#}");
    let above_j = number(&row, "energy_j") - power_w * number(&row, "window_s");
    match baseline["adjusted_energy_j"].as_f64() {
        Some(adjusted_j) => assert!((adjusted_j - above_j).abs() < 1e-6, "{baseline:#}"),
        // Nothing lies above it: the device draws the same with and without work.
        None => assert!(above_j < 0.0 && text(baseline, "withheld").contains("no more than"), "{baseline:#}"),
    }
    assert_eq!(text(&row, "baseline_kind"), "bare", "the row names what was subtracted");
}

#[test]
fn a_run_without_a_baseline_has_no_adjusted_energy_and_is_judged_all_the_same() {
    let project = Project::new().fake_gpus(&steady_gpu()).scripted("a", "honest window_ms=500");
    let _ = project.run().exits(0);
    let row = project.result_of("a");
    assert_eq!((&row["baseline_kind"], &row["adjusted_energy_j"]), (&Value::Null, &Value::Null));
    let detail = project.detail(&row);
    assert_eq!(text(check(&detail, "window"), "verdict"), "invalid", "half a second is no window");
    assert_eq!(text(check(&detail, "provenance"), "verdict"), "poor", "a simulation is never better than C");
    let seen = check(&detail, "sensor_coverage");
    assert_eq!(text(seen, "verdict"), "unknown", "a counter was read: {seen:#}");
    assert!(text(seen, "why").contains("sees 25 % of the time"), "as on an H100: {seen:#}");
    assert_eq!(text(&row, "grade"), "invalid");
    let table = project.lem(&["results"]).exits(0).stdout;
    assert!(table.contains("GRADE") && table.contains("invalid"), "{table}");
    let csv = project.lem(&["export", "--format", "csv"]).exits(0).stdout;
    assert!(csv.lines().next().is_some_and(|header| header.contains(",grade,")), "{csv}");
}

#[test]
fn a_stranger_on_the_gpu_is_told_and_there_is_no_bare_baseline_beside_it() {
    let gpus = json!([{ "name": "H100", "signal": { "shape": "constant", "watts": 200.0 },
        "processes": [{ "pid": 1, "memory_mib": 900, "utilization_pct": 40 }] }]);
    let project = Project::new()
        .fake_gpus(&gpus)
        .scripted("a", "honest window_ms=500")
        .measurement("baseline", json!({ "duration_seconds": 5 }));
    let finished = project.run().exits(0);
    assert!(finished.events_called("baseline_taken").is_empty());
    let warnings = finished.events_called("warning");
    assert!(
        warnings.iter().any(|event| text(event, "message").contains("no bare baseline")),
        "{warnings:#?}"
    );
    let row = project.result_of("a");
    let foreign = check(&project.detail(&row), "foreign_processes").clone();
    assert_eq!(text(&foreign, "verdict"), "invalid", "{foreign:#}");
}

#[test]
fn an_experiment_that_is_known_well_enough_is_not_run_again() {
    let project = Project::new()
        .fake_gpus(&steady_gpu())
        .scripted("a", "honest window_ms=600")
        .execution("cycles", json!({ "min": 3, "max": 8, "target_ci_percent": 60 }));
    let finished = project.run().exits(0);
    let spared = finished.events_called("not_needed");
    assert_eq!(spared.len(), 1, "{}", finished.stdout);
    let left = 8 - project.results_of("a").len();
    assert_eq!(spared[0]["runs"].as_array().map(Vec::len), Some(left));
    let campaign = &project.campaigns()[0];
    assert_eq!(campaign["not_needed"], left, "{campaign:#}");
    assert_eq!((&campaign["remaining"], &campaign["resumable"]), (&json!(0), &json!(false)), "{campaign:#}");
    assert_eq!(text(campaign, "status"), "completed");
    let report = project.lem(&["--json", "campaign", "report", "latest"]).exits(0).json();
    let statistic = &report["experiments"][0]["joules_per_output_token"];
    assert!(statistic["ci_low"].is_f64() && statistic["outliers"].is_array(), "{report:#}");
}

#[test]
fn a_campaign_keeps_what_the_machine_was_and_its_runs_say_that_nothing_changed() {
    let project = Project::new().fake_gpus(&steady_gpu()).scripted("a", "honest window_ms=500");
    let _ = project.run().exits(0);
    let row = project.result_of("a");
    let detail = project.detail(&row);
    assert_eq!(detail["surroundings"]["drift"], json!([]), "{:#}", detail["surroundings"]);
    assert_eq!(text(check(&detail, "environment"), "verdict"), "pass");
    let campaign = project.lem(&["--json", "campaign", "show", "latest"]).exits(0).json();
    let gpu = campaign["environment"]["devices"][0]["facts"].clone();
    assert!(gpu["driver_version"].is_string() && gpu["power_limit_w"].is_string(), "{gpu:#}");
}

#[test]
fn a_run_in_which_the_driver_reported_a_critical_error_is_invalid_and_the_campaign_goes_on() {
    // One every quarter of a second, so that some are in the run however long its start takes.
    let errors: Value =
        (0..400).map(|quarter| json!({ "after_s": f64::from(quarter) / 4.0, "xid": 48 })).collect();
    let gpus = json!([{ "name": "H100", "signal": { "shape": "constant", "watts": 200.0 }, "xids": errors }]);
    let project =
        Project::new().fake_gpus(&gpus).scripted("a", "honest window_ms=600").execution("cycles", 2);
    let finished = project.run().exits(0);
    let rows = project.results_of("a");
    assert_eq!(rows.len(), 2, "the first error did not end the campaign");
    for row in &rows {
        let detail = project.detail(row);
        let xid = check(&detail, "xid");
        assert_eq!(text(xid, "verdict"), "invalid", "{xid:#}");
        assert!(text(xid, "why").contains("Xid 48 (double-bit ECC error)"), "{xid:#}");
        let heard = detail["surroundings"]["xids"].as_object().expect("each GPU");
        assert!(heard.values().all(|xids| xids["errors"][0]["t_ns"].is_i64()), "{heard:#?}");
    }
    let warnings = finished.events_called("warning");
    assert!(warnings.iter().any(|event| text(event, "message").contains("reported Xid 48")), "{warnings:#?}");
}

#[test]
fn a_gpu_that_tells_no_critical_errors_leaves_the_check_open() {
    let gpus = json!([{ "name": "H100", "unsupported": ["events"] }]);
    let project = Project::new().fake_gpus(&gpus).scripted("a", "honest window_ms=500");
    let _ = project.run().exits(0);
    let detail = project.detail(&project.result_of("a"));
    assert_eq!(text(check(&detail, "xid"), "verdict"), "unknown");
    let plain = Project::new().fake_gpus(&steady_gpu()).scripted("a", "honest window_ms=500");
    let _ = plain.run().exits(0);
    let detail = plain.detail(&plain.result_of("a"));
    assert_eq!(text(check(&detail, "xid"), "verdict"), "pass");
}

/// Keeps the CPUs busy that nobody else wants, for as long as it lives.
struct Neighbour(Vec<Child>);

impl Neighbour {
    fn on_every_cpu() -> Self {
        let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let idle_away = || Command::new("nice").args(["-n", "19", "sh", "-c", "while :; do :; done"]).spawn();
        Self((0..cpus).map(|_| idle_away().expect("nice and sh exist")).collect())
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = (child.kill(), child.wait());
        }
    }
}

#[test]
fn others_on_the_cpus_are_told_and_the_worker_is_not_one_of_them() {
    let project = Project::new().fake_gpus(&steady_gpu()).scripted("a", "honest window_ms=1000");
    let neighbour = Neighbour::on_every_cpu();
    let _ = project.run().exits(0);
    drop(neighbour);
    let detail = project.detail(&project.result_of("a"));
    let load = check(&detail, "host_load");
    assert_eq!(text(load, "verdict"), "warn", "{load:#}");
    assert!((20.0..=100.0).contains(&number(load, "value")), "{load:#}");
    let share = number(&detail["surroundings"], "load_by_others");
    assert!((share * 100.0 - number(load, "value")).abs() < 1e-9, "{:#}", detail["surroundings"]);
}
