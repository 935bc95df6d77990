//! The file of an external power meter, brought beside the runs that it saw.

use std::fmt::Write as _;

use lem_tests::{Finished, Project, integer, number, text};
use serde_json::{Value, json};

const SECOND_NS: i64 = 1_000_000_000;

/// A project in which two cycles were run on a GPU that draws 200 W.
fn measured() -> Project {
    let gpus = json!([{ "name": "H100", "signal": { "shape": "constant", "watts": 200.0 } }]);
    let project =
        Project::new().fake_gpus(&gpus).scripted("a", "honest window_ms=2500").execution("cycles", 2);
    let _ = project.run().exits(0);
    project
}

/// `lem ... meter ID` with a file of the project.
fn bring(project: &Project, of: [&str; 2], file: &str, options: &[&str]) -> Finished {
    let file = project.file(file).display().to_string();
    project.lem(&[&[of[0], "meter", of[1], &file], options].concat())
}

/// What a meter at the wall writes twice a second while a machine draws 400 W: from ten seconds before the window of a run to
/// ten seconds after it.
fn log_of(detail: &Value) -> String {
    let to_wall_ns = integer(detail, "anchor_unix_ns") - integer(detail, "anchor_monotonic_ns");
    let start_ns = integer(detail, "window_start_ns") + to_wall_ns - 10 * SECOND_NS;
    let end_ns = integer(detail, "window_end_ns") + to_wall_ns + 10 * SECOND_NS;
    let mut log = "Timestamp;Energy (kWh);Power (W)\n".to_owned();
    for t_ns in (start_ns..end_ns).step_by(500_000_000) {
        let _ = writeln!(log, "{},{:09};17,25;400,0", t_ns / SECOND_NS, t_ns % SECOND_NS);
    }
    log
}

#[test]
fn the_energy_of_a_meter_stands_beside_the_devices_and_is_added_to_nothing() {
    let project = measured();
    let rows = project.results_of("a");
    let before = &rows[0];
    project.write("wall.csv", &log_of(&project.detail(before)));
    let run = text(before, "run_id");
    let told = bring(&project, ["result", run], "wall.csv", &["--accuracy", "1"]).exits(0);
    assert!(told.stdout.contains("BY THE METER"), "{}", told.stdout);
    let after = &project.results_of("a")[0];
    let truth_j = 400.0 * number(after, "window_s");
    let (energy_j, uncertainty_j) =
        (number(after, "meter_energy_j"), number(after, "meter_energy_uncertainty_j"));
    assert!((energy_j - truth_j).abs() < 0.001 * truth_j, "{energy_j} of {truth_j}");
    assert!((uncertainty_j - 0.01 * truth_j).abs() < 0.001 * truth_j, "1 % of even power: {uncertainty_j}");
    assert_eq!(text(after, "meter_name"), "wall");
    for unchanged in ["energy_j", "gpu_energy_j", "joules_per_output_token", "grade", "mean_power_w"] {
        assert_eq!(after[unchanged], before[unchanged], "{unchanged}");
    }
    let detail = project.detail(after);
    let traces = detail["traces"].as_array().expect("traces").iter();
    assert_eq!(traces.filter(|trace| trace["device_id"] == "meter").count(), 1, "one more channel");
    let shown = project.lem(&["result", "show", run]).exits(0);
    assert!(
        shown.stdout.contains("EXTERNAL METER") && shown.stdout.contains("50 % (simulated)"),
        "{}",
        shown.stdout
    );
    let csv = project.lem(&["export"]).exits(0).stdout;
    assert!(csv.lines().next().is_some_and(|header| header.contains(",meter_energy_j,")), "{csv}");
}

#[test]
fn a_campaigns_file_reaches_the_runs_that_it_covers_and_says_of_the_others_why_not() {
    let project = measured();
    let rows = project.results_of("a");
    let first = log_of(&project.detail(&rows[0]));
    let until = first.lines().count() - 17;
    let cut: String = first.lines().take(until).fold(String::new(), |log, line| log + line + "\n");
    project.write("wall.csv", &cut);
    let import = bring(&project, ["campaign", "latest"], "wall.csv", &["--json"]).exits(0).json();
    assert_eq!(import["runs"].as_array().map(Vec::len), Some(2));
    assert_eq!(text(&import["runs"][0]["meter"], "file_name"), "wall.csv");
    assert!(text(&import["runs"][1], "skipped").contains("the file covers"), "{import:#}");
    let second = bring(&project, ["campaign", "latest"], "wall.csv", &[]).exits(2);
    assert!(second.stderr.contains("has a meter already") && second.stderr.contains("nothing was changed"));
    let _ = bring(&project, ["campaign", "latest"], "wall.csv", &["--replace"]).exits(0);
    let removed = project.lem(&["campaign", "meter", "latest", "--remove", "--json"]).exits(0).json();
    assert_eq!(removed["removed"], 1);
    assert_eq!(project.results_of("a")[0]["meter_energy_j"], Value::Null);
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_its_line_and_changes_nothing() {
    let project = measured();
    let row = project.results_of("a").remove(0);
    let run = text(&row, "run_id");
    project.write("bad.csv", "time,power\n1700000000,100\n1700000001,lots\n");
    let bad = bring(&project, ["result", run], "bad.csv", &[]).exits(2);
    assert!(bad.stderr.contains("bad.csv, line 3: \"lots\" is no power"), "{}", bad.stderr);
    project.write("old.csv", "time,power\n1700000000,100\n1700000001,100\n");
    let old = bring(&project, ["result", run], "old.csv", &[]).exits(2);
    assert!(
        old.stderr.contains("nothing was imported: the file covers 2023-11-14T22:13:20Z"),
        "{}",
        old.stderr
    );
    project.write("even.csv", &log_of(&project.detail(&row)));
    let even = bring(&project, ["result", run], "even.csv", &["--align", "power"]).exits(2);
    assert!(even.stderr.contains("hardly changes"), "{}", even.stderr);
    project.write("begin.csv", "elapsed (s),power\n0,100\n1,100\n");
    let begin = bring(&project, ["result", run], "begin.csv", &[]).exits(2);
    assert!(begin.stderr.contains("tell when the log began"), "{}", begin.stderr);
    assert_eq!(project.detail(&row)["meter"], Value::Null);
}
