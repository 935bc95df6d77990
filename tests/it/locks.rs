//! Two campaigns at once: refused on one device, welcome on two.

use lem_tests::{Project, text};
use serde_json::json;

#[test]
fn a_second_campaign_on_the_same_device_is_refused_with_the_holder() {
    let first = Project::new().scripted("a", "honest window_ms=60000");
    let mut running = first.start_run();
    running.wait_for_phase("measure");
    let locks = first.file("locks").display().to_string();
    let second = Project::new().scripted("a", "honest").variable("LEM_LOCK_DIR", &locks);
    let _ = second.run().exits(2).says(&format!("pid {}", running.id()));
    assert!(second.results().is_empty(), "a campaign that was refused leaves no runs");
    drop(running);
    first.leaves_no_worker();
    let _ = second.run().exits(0);
}

#[test]
fn a_campaign_that_runs_cannot_be_resumed_by_another_process() {
    let project = Project::new().scripted("a", "honest window_ms=60000");
    let mut running = project.start_run();
    running.wait_for_phase("measure");
    let _ = project.lem(&["run", "--resume", "latest"]).exits(2).says("run by another process");
    let campaign = project.campaigns().remove(0);
    assert_eq!((text(&campaign, "status"), campaign["resumable"].as_bool()), ("running", Some(false)));
}

#[test]
fn campaigns_on_different_devices_run_side_by_side() {
    let gpus = json!([{ "name": "one" }, { "name": "two" }]);
    let first = Project::new()
        .fake_gpus(&gpus)
        .measurement("devices", json!([0]))
        .scripted("a", "honest window_ms=60000");
    let mut running = first.start_run();
    let started = running.wait_for_event("campaign_started");
    assert_eq!(started["devices"].as_array().map(Vec::len), Some(1), "{started:#}");
    running.wait_for_phase("measure");
    let locks = first.file("locks").display().to_string();
    let second = Project::new()
        .fake_gpus(&gpus)
        .measurement("devices", json!([1]))
        .scripted("a", "honest")
        .variable("LEM_LOCK_DIR", &locks);
    let finished = second.run().exits(0);
    let devices = finished.events_called("campaign_started").remove(0);
    assert_eq!(text(&devices["devices"][0], "name"), "LEM simulated two");
    let all = Project::new().fake_gpus(&gpus).scripted("a", "honest").variable("LEM_LOCK_DIR", &locks);
    let _ = all.run().exits(2).says("LEM simulated one");
}
