//! Ctrl-C at any moment: the worker is gone, what was finished is kept, and a resume does exactly what is missing.

use lem_tests::{Experiment, Project, Running, integer, number, text};
use rustix::process::Signal;
use serde_json::Value;

/// Interrupts a campaign of four runs in its second run, at the moment that `moment` waits for, and resumes it.
#[track_caller]
fn interrupted_and_resumed(project: &Project, moment: impl FnOnce(&mut Running)) {
    let mut running = project.start_run();
    running.wait_for("the second run", |event| event["event"] == "run_begun" && event["index"] == 1);
    moment(&mut running);
    running.signal(Signal::INT);
    let finished = running.finish().exits(130);
    let last = finished.events().pop().expect("events");
    assert_eq!((text(&last, "event"), text(&last, "status")), ("campaign_finished", "interrupted"));
    project.leaves_no_worker();

    let before = project.results();
    assert_eq!(statuses(&before), ["completed", "interrupted"], "finished runs are kept");
    let campaign = project.campaigns().remove(0);
    assert_eq!((text(&campaign, "status"), campaign["resumable"].as_bool()), ("interrupted", Some(true)));
    assert_eq!(integer(&campaign, "remaining"), 3, "{campaign:#}");

    let id = text(&campaign, "id");
    let resumed = project.lem(&["run", "--resume", id, "--json"]).exits(0);
    let begun: Vec<i64> =
        resumed.events_called("run_begun").iter().map(|event| integer(event, "index")).collect();
    assert_eq!(begun, [1, 2, 3], "exactly the missing runs");
    let after = project.results();
    assert_eq!(after[..2], before[..], "what was there before is as it was");
    let attempts: Vec<(i64, i64, &str)> = after
        .iter()
        .map(|row| (integer(row, "index"), integer(row, "attempt"), text(row, "status")))
        .collect();
    let expected = [
        (0, 1, "completed"),
        (1, 1, "interrupted"),
        (1, 2, "completed"),
        (2, 1, "completed"),
        (3, 1, "completed"),
    ];
    assert_eq!(attempts, expected, "the interrupted run is done anew");
    assert!(after.iter().all(|row| row["campaign_id"] == id), "one campaign");
    project.leaves_no_worker();
}

fn statuses(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| text(row, "status")).collect()
}

#[test]
fn an_interrupt_in_a_gap_ends_the_gap() {
    let project =
        Project::new().execution("cycles", 4).execution("cycle_gap_seconds", 1.5).scripted("a", "honest");
    interrupted_and_resumed(&project, |running| {
        running.wait_for_event("gap_started");
    });
}

#[test]
fn an_interrupt_while_a_model_loads_ends_the_worker() {
    let project = Project::new().execution("cycles", 4).scripted("a", "honest load_ms=700 window_ms=100");
    interrupted_and_resumed(&project, |running| {
        let second = |event: &Value| event["event"] == "run_begun" && event["index"] == 1;
        let id = text(&running.wait_for("the second run", second), "run_id").to_owned();
        running
            .wait_for("its load", |event| event["event"] == "phase_begun" && event["run_id"] == id.as_str());
    });
}

#[test]
fn an_interrupt_while_measuring_ends_the_worker() {
    let project = Project::new().execution("cycles", 4).scripted("a", "honest window_ms=900");
    interrupted_and_resumed(&project, |running| {
        let second = |event: &Value| event["event"] == "run_begun" && event["index"] == 1;
        let id = text(&running.wait_for("the second run", second), "run_id").to_owned();
        let measuring = |event: &Value| event["phase"] == "measure" && event["run_id"] == id.as_str();
        running.wait_for("its window", measuring);
    });
}

#[test]
fn a_second_interrupt_ends_at_once_and_takes_the_worker_along() {
    let stubborn = "trap '' TERM; exec \"$0\" hang phase=load \"$1\"";
    let project = Project::new().experiment(Experiment::shell("stubborn", stubborn));
    let mut running = project.start_run();
    running.wait_for_phase("load");
    running.signal(Signal::INT);
    // Two signals that come together are one.
    running.wait_for_note("stopping");
    running.signal(Signal::INT);
    let _ = running.finish().exits(130);
    project.leaves_no_worker();
    let campaign = project.campaigns().remove(0);
    assert_eq!((text(&campaign, "status"), campaign["resumable"].as_bool()), ("interrupted", Some(true)));
}

#[test]
fn time_that_has_passed_since_the_last_run_counts_towards_the_gap() {
    let project =
        Project::new().execution("cycles", 3).execution("cycle_gap_seconds", 1).scripted("a", "honest");
    let _ = project.run().exits(0);
    let rows = project.results();
    assert!(rows[0]["gap_actual_s"].is_null(), "nothing before the first run: {:#}", rows[0]);
    for row in &rows[1..] {
        assert!((number(row, "gap_planned_s") - 1.0).abs() < 1e-9, "{row:#}");
        assert!((0.99..20.0).contains(&number(row, "gap_actual_s")), "the gap was waited out: {row:#}");
    }
    let mut third = project.start_run();
    third.wait_for_event("gap_started");
    third.signal(Signal::TERM);
    let _ = third.finish().exits(130);
    lem_tests::pause(1100);
    let mut resumed = project.start(&["run", "--resume", "latest", "--json"]);
    let first =
        resumed.wait_for("a run", |event| event["event"] == "gap_started" || event["event"] == "run_started");
    assert_eq!(text(&first, "event"), "run_started", "the gap passed while nothing ran: {first:#}");
    let _ = resumed.finish().exits(0);
}

#[test]
fn a_campaign_that_is_complete_cannot_be_resumed() {
    let project = Project::new().scripted("a", "honest");
    let _ = project.run().exits(0);
    assert_eq!(project.campaigns()[0]["resumable"], false);
    let _ = project.lem(&["run", "--resume", "latest"]).exits(2).says("no runs left");
    let _ = project.lem(&["run", "--resume", "ffffffff"]).exits(2).says("ffffffff");
}
