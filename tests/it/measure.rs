//! `lem measure`: the energy of any command.

use lem_tests::{Project, integer, names, number, text};
use serde_json::{Value, json};

fn constant_gpu() -> Project {
    Project::new().fake_gpus(&json!([{ "signal": { "shape": "constant", "watts": 200.0 } }]))
}

/// The measurement: the last line of standard output.
#[track_caller]
fn measurement(stdout: &str) -> Value {
    let line = stdout.lines().last().expect("a line of JSON");
    serde_json::from_str(line).expect("the last line is JSON")
}

#[test]
fn a_command_is_measured_with_everything_that_is_known_of_it() {
    let finished = constant_gpu().lem(&["measure", "--json", "--", "sleep", "0.5"]).exits(0);
    let measured = measurement(&finished.stdout);
    let expected = [
        "devices",
        "duration_s",
        "end_monotonic_ns",
        "end_unix_ns",
        "energy_j",
        "energy_source",
        "interval_median_ms",
        "interval_p99_ms",
        "samples",
        "start_monotonic_ns",
        "start_unix_ns",
        "uncertainty_j",
    ];
    let found = names(&measured);
    assert!(expected.iter().all(|name| found.contains(name)), "{expected:?} should be in {found:?}");
    let duration_s = number(&measured, "duration_s");
    assert!((0.5..10.0).contains(&duration_s), "{measured:#}");
    let truth_j = 200.0 * duration_s;
    let error_j = (number(&measured, "energy_j") - truth_j).abs();
    assert!(
        error_j <= number(&measured, "uncertainty_j") + 0.005 * truth_j,
        "truth {truth_j} J: {measured:#}"
    );
    assert_eq!(text(&measured, "energy_source"), "nvml:counter");
    assert_eq!(measured["measured"], false, "the GPU is simulated: {measured:#}");
    let monotonic_ns = integer(&measured, "end_monotonic_ns") - integer(&measured, "start_monotonic_ns");
    let unix_ns = integer(&measured, "end_unix_ns") - integer(&measured, "start_unix_ns");
    assert_eq!(monotonic_ns, unix_ns, "one window on two clocks");
    assert!(integer(&measured, "samples") >= 8, "{measured:#}");
    assert!(number(&measured, "interval_median_ms") > 40.0, "{measured:#}");
    assert_eq!(measured["devices"].as_array().map(Vec::len), Some(1));
}

#[test]
fn the_output_of_the_command_is_its_own() {
    let finished = constant_gpu().lem(&["measure", "--", "sh", "-c", "echo out; echo err >&2"]).exits(0);
    assert_eq!(finished.stdout, "out\n", "the figures go to standard error");
    assert!(
        finished.stderr.contains("err\n") && finished.stderr.contains("simulated"),
        "{}",
        finished.stderr
    );
}

#[test]
fn a_command_that_fails_is_measured_and_said() {
    let finished = constant_gpu().lem(&["measure", "--json", "--", "sh", "-c", "exit 7"]).exits(1);
    let measured = measurement(&finished.stdout);
    assert_eq!(integer(&measured, "exit_code"), 7);
    assert!(number(&measured, "energy_j") >= 0.0);
    let finished = constant_gpu().lem(&["measure", "--json", "--", "sh", "-c", "kill -KILL $$"]).exits(1);
    assert_eq!(integer(&measurement(&finished.stdout), "signal"), 9);
}

#[test]
fn a_command_that_does_not_exist_is_bad_input() {
    let _ = constant_gpu().lem(&["measure", "--", "no-such-command"]).exits(2).says("no-such-command");
    let _ = constant_gpu().lem(&["measure", "--interval-ms", "4", "--", "true"]).exits(2).says("5");
    let _ = constant_gpu().lem(&["measure", "--"]).exits(2);
}

#[test]
fn a_device_that_vanishes_gives_no_energy_and_the_reason() {
    let project = Project::new().fake_gpus(&json!([{ "lost_after_s": 0.3 }]));
    let finished = project.lem(&["measure", "--json", "--", "sleep", "0.8"]);
    let measured = measurement(&finished.stdout);
    assert!(measured["energy_j"].is_null(), "missing, not 0: {measured:#}");
    assert!(text(&measured, "missing_reason").contains("lost"), "{measured:#}");
}

#[test]
fn a_single_device_can_be_chosen() {
    let gpus = json!([{ "name": "one" }, { "name": "two" }]);
    let project = Project::new().fake_gpus(&gpus);
    let finished = project.lem(&["measure", "--json", "--devices", "1", "--", "sleep", "0.2"]).exits(0);
    let devices = measurement(&finished.stdout)["devices"].clone();
    assert_eq!((devices.as_array().map(Vec::len), text(&devices[0], "name")), (Some(1), "LEM simulated two"));
}
