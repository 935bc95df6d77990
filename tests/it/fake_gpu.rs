//! The NVML path through the real loader, on simulated GPUs whose true energy is known.

use lem_tests::{Project, integer, number, text};
use serde_json::{Value, json};

use crate::failure_of;

/// Quantisation of readings (1 mW, 1 mJ) and the tolerance that is asked for beyond the stated uncertainty.
const RELATIVE_TOLERANCE: f64 = 0.005;

#[track_caller]
fn agrees(what: &str, found_j: f64, uncertainty_j: f64, truth_j: f64) {
    let error_j = (found_j - truth_j).abs();
    assert!(
        error_j <= uncertainty_j + RELATIVE_TOLERANCE * truth_j,
        "{what}: {found_j} J +- {uncertainty_j} J, but the truth is {truth_j} J"
    );
}

/// The devices of a run that completed on GPUs, and the edges of its window in seconds.
#[track_caller]
fn measured(project: &Project) -> (Value, Vec<Value>, f64, f64) {
    let _ = project.run().exits(0);
    let row = project.result_of("a");
    let detail = project.detail(&row);
    let seconds = |field: &str| {
        let ns = integer(&detail, field);
        #[expect(clippy::cast_precision_loss, reason = "a machine that is up for a year is exact to 4 ns")]
        let seconds = ns as f64 / 1e9;
        seconds
    };
    let (start_s, end_s) = (seconds("window_start_ns"), seconds("window_end_ns"));
    let devices = detail["devices"].as_array().expect("devices").clone();
    (row, devices, start_s, end_s)
}

#[test]
fn a_constant_gpu_gives_power_times_time_by_counter_and_by_integral() {
    let gpu = json!([{ "name": "H100", "signal": { "shape": "constant", "watts": 200.0 } }]);
    let project = Project::new().fake_gpus(&gpu).scripted("a", "honest window_ms=1500");
    let (row, devices, start_s, end_s) = measured(&project);
    let truth_j = 200.0 * (end_s - start_s);
    agrees("the run", number(&row, "energy_j"), number(&row, "energy_uncertainty_j"), truth_j);
    let device = &devices[0];
    agrees("counter", number(device, "counter_energy_j"), number(device, "counter_uncertainty_j"), truth_j);
    agrees(
        "integral",
        number(device, "integral_energy_j"),
        number(device, "integral_uncertainty_j"),
        truth_j,
    );
    assert!((number(&row, "mean_power_w") - 200.0).abs() < 2.0, "{row:#}");
    assert!((number(&row, "window_s") - (end_s - start_s)).abs() < 1e-6, "{row:#}");
}

#[test]
fn what_a_simulated_gpu_gives_says_so_everywhere() {
    let project = Project::new().fake_gpus(&json!([{ "name": "H100" }])).scripted("a", "honest");
    let (row, devices, _, _) = measured(&project);
    assert_eq!((text(&row, "provenance"), row["measured"].as_bool()), ("simulated", Some(false)), "{row:#}");
    assert_eq!(text(&row, "energy_source"), "nvml:counter");
    assert_eq!(text(&devices[0], "name"), "LEM simulated H100");
    assert_eq!(text(&devices[0], "provenance"), "simulated");
    let csv = project.lem(&["export", "--format", "csv"]).exits(0).stdout;
    assert!(csv.contains("simulated"), "the export says so too: {csv}");
    let table = project.lem(&["results"]).exits(0).stdout;
    assert!(table.contains("simulated"), "the table says so too: {table}");
    let temperature = number(&row, "start_temperature_c");
    assert!((20.0..90.0).contains(&temperature), "{row:#}");
}

/// The energy of a square wave of period 1 s whose first half is high, from its definition.
fn square_energy_j(low_w: f64, high_w: f64, start_s: f64, end_s: f64) -> f64 {
    let until = |t_s: f64| {
        t_s.floor() * 0.5 * (low_w + high_w) + {
            let phase_s = t_s.fract();
            high_w * phase_s.min(0.5) + low_w * (phase_s - 0.5).max(0.0)
        }
    };
    until(end_s) - until(start_s)
}

#[test]
fn a_square_wave_is_cut_at_the_edges_of_the_window() {
    let signal = json!({ "shape": "square", "low_w": 80.0, "high_w": 300.0, "period_s": 1.0, "duty": 0.5 });
    let project = Project::new()
        .fake_gpus(&json!([{ "name": "H100", "signal": signal }]))
        .scripted("a", "honest window_ms=1730");
    let (row, devices, start_s, end_s) = measured(&project);
    let truth_j = square_energy_j(80.0, 300.0, start_s, end_s);
    agrees("the run", number(&row, "energy_j"), number(&row, "energy_uncertainty_j"), truth_j);
    let device = &devices[0];
    let (counter_j, integral_j) = (number(device, "counter_energy_j"), number(device, "integral_energy_j"));
    let uncertainty_j =
        number(device, "counter_uncertainty_j").hypot(number(device, "integral_uncertainty_j"));
    agrees("counter and integral", counter_j, uncertainty_j, integral_j);
}

#[test]
fn a_sensor_that_averages_over_a_second_does_not_shift_the_window() {
    let signal = json!({ "shape": "square", "low_w": 80.0, "high_w": 300.0, "period_s": 1.0, "duty": 0.5 });
    let gpu = json!([{ "name": "RTX", "architecture": "ga10x", "instant_present": false, "signal": signal }]);
    let project = Project::new().fake_gpus(&gpu).scripted("a", "honest window_ms=1730");
    let (row, devices, start_s, end_s) = measured(&project);
    let truth_j = square_energy_j(80.0, 300.0, start_s, end_s);
    agrees("the run", number(&row, "energy_j"), number(&row, "energy_uncertainty_j"), truth_j);
    assert_eq!(devices[0]["info"]["power_averaging_ms"], 1000, "{:#}", devices[0]);
}

#[test]
fn two_gpus_add_up() {
    let gpu = |watts: f64| json!({ "signal": { "shape": "constant", "watts": watts } });
    let project =
        Project::new().fake_gpus(&json!([gpu(100.0), gpu(300.0)])).scripted("a", "honest window_ms=1000");
    let (row, devices, start_s, end_s) = measured(&project);
    agrees("both", number(&row, "energy_j"), number(&row, "energy_uncertainty_j"), 400.0 * (end_s - start_s));
    let sum: f64 = devices.iter().map(|device| number(device, "energy_j")).sum();
    assert!((sum - number(&row, "energy_j")).abs() < 1e-6, "{row:#}");
    assert!((number(&row, "gpu_energy_j") - sum).abs() < 1e-6, "{row:#}");
}

#[test]
fn without_a_counter_power_is_integrated() {
    let gpu = json!([{ "counter_present": false, "signal": { "shape": "constant", "watts": 200.0 } }]);
    let project = Project::new().fake_gpus(&gpu).scripted("a", "honest window_ms=1000");
    let (row, devices, start_s, end_s) = measured(&project);
    assert_eq!(text(&row, "energy_source"), "nvml:power");
    assert!(devices[0]["counter_energy_j"].is_null(), "absent, not 0: {:#}", devices[0]);
    agrees(
        "power",
        number(&row, "energy_j"),
        number(&row, "energy_uncertainty_j"),
        200.0 * (end_s - start_s),
    );
}

#[test]
fn a_device_that_vanishes_ends_its_run_and_not_the_program() {
    let gpu = json!([{ "name": "H100", "lost_after_s": 1.2 }]);
    let project =
        Project::new().fake_gpus(&gpu).scripted("a", "honest window_ms=5000").scripted("b", "honest");
    let finished = project.run().exits(1);
    let (kind, message) = failure_of(&finished, "a");
    assert_eq!(kind, "device_lost");
    assert!(message.contains("LEM simulated H100"), "{message}");
    let row = project.result_of("a");
    assert_eq!((text(&row, "status"), text(&row, "error_kind")), ("failed", "device_lost"), "{row:#}");
    assert!(row["energy_j"].is_null(), "half a window has no energy: {row:#}");
    let detail = project.detail(&row);
    assert!(integer(&detail["traces"][0], "samples") > 5, "the trace until then is kept: {detail:#}");
    assert_eq!(text(&detail["devices"][0], "name"), "LEM simulated H100", "whose trace it is: {detail:#}");
    let last = finished.events().pop().expect("events");
    assert_eq!((text(&last, "event"), text(&last, "status")), ("campaign_finished", "completed"));
    // Once nobody has the library open, the simulated board is back for a while, as a real one is after a reset.
    let next = project.result_of("b");
    assert_eq!(text(&next, "status"), "completed", "the campaign went on: {next:#}");
    project.leaves_no_worker();
}

#[test]
fn a_counter_that_starts_again_gives_no_wrong_energy() {
    let gpu = json!([{ "reset_after_s": 1.0, "signal": { "shape": "constant", "watts": 200.0 } }]);
    let project = Project::new().fake_gpus(&gpu).scripted("a", "honest window_ms=2500");
    let (row, devices, start_s, end_s) = measured(&project);
    assert!(
        devices[0]["counter_energy_j"].is_null(),
        "a window over a reset has no counter: {:#}",
        devices[0]
    );
    agrees(
        "power",
        number(&row, "energy_j"),
        number(&row, "energy_uncertainty_j"),
        200.0 * (end_s - start_s),
    );
}

#[test]
fn a_library_without_a_driver_is_said_with_a_remedy() {
    let project =
        Project::new().fake_gpus(&json!({ "init_error": "driver_not_loaded" })).scripted("a", "honest");
    let _ = project.run().exits(2).says("hint");
    let absent = Project::new().meter("nvml").variable("LEM_NVML_LIBRARY", "/no/such/library.so");
    let _ = absent.scripted("a", "honest").run().exits(2).says("/no/such/library.so");
}
