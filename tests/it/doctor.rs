//! `lem doctor`, `lem devices`, and the manners of a command: JSON, exit codes, a reader that goes away.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use lem_tests::{Project, number, text};
use serde_json::json;

#[test]
fn the_doctor_says_what_each_check_found_and_how_to_mend_it() {
    let project = Project::new().fake_gpus(&json!([{ "name": "H100" }]));
    let finished = project.lem(&["doctor", "--json"]).exits(0);
    let report = finished.json();
    assert_eq!(report["ready"], true);
    let checks = report["checks"].as_array().expect("checks");
    for check in checks {
        assert!(["ok", "note", "failed"].contains(&text(check, "status")), "{check:#}");
        assert!(!text(check, "name").is_empty() && !text(check, "message").is_empty(), "{check:#}");
        assert!(check["remedy"].is_null() || check["remedy"].is_string(), "{check:#}");
    }
    assert!(checks.iter().any(|check| text(check, "message").contains("LEM simulated H100")), "{report:#}");

    let without = Project::new().meter("nvml").variable("LEM_NVML_LIBRARY", "/no/such/library.so");
    let report = without.lem(&["doctor", "--json"]).exits(1).json();
    assert_eq!(report["ready"], false, "what was asked for is not there: {report:#}");
    let failed =
        report["checks"].as_array().and_then(|checks| checks.iter().find(|c| c["status"] == "failed"));
    assert!(failed.is_some_and(|check| check["remedy"].is_string()), "with a remedy: {report:#}");
}

#[test]
fn devices_are_listed_with_a_reading_of_each() {
    let gpus =
        json!([{ "name": "one", "signal": { "shape": "constant", "watts": 123.0 } }, { "name": "two" }]);
    let devices = Project::new().fake_gpus(&gpus).lem(&["devices", "--json"]).exits(0).json();
    let devices = devices.as_array().expect("a list");
    assert_eq!(devices.len(), 2);
    assert!((number(&devices[0]["reading"], "power_w") - 123.0).abs() < 0.5, "{:#}", devices[0]);
    for device in devices {
        assert!(text(device, "id").starts_with("GPU-"), "{device:#}");
        assert_eq!((text(device, "source"), text(device, "provenance")), ("nvml", "simulated"));
        assert!(device["error"].is_null(), "{device:#}");
    }
}

#[test]
fn a_project_without_results_has_empty_lists() {
    let project = Project::new();
    assert!(project.results().is_empty() && project.campaigns().is_empty());
    let _ = project.lem(&["results", "--campaign", "abcd"]).exits(2);
    let _ = project.lem(&["result", "show", "abcd"]).exits(2);
    assert!(!project.file("results").exists(), "looking makes nothing");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let project = Project::new().execution("cycles", 3).scripted("a", "honest window_ms=60");
    let _ = project.run().exits(0);
    for arguments in [["results", "--json"], ["campaigns", "--json"], ["export", "--format=json"]] {
        let mut child = project
            .command(&arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("lem starts");
        // Closed before anything is read, and so before most of it is written.
        drop(child.stdout.take());
        let errors = BufReader::new(child.stderr.take().expect("it was piped")).lines().map_while(Result::ok);
        let errors: Vec<String> = errors.collect();
        let status = child.wait().expect("lem ends");
        assert_eq!((status.code(), errors.join("\n")), (Some(0), String::new()), "{arguments:?}");
    }
}

#[test]
fn errors_are_json_where_json_is_asked_for() {
    let project = Project::new();
    let finished = project.lem(&["plan", "/no/such/campaign.yaml", "--json"]).exits(2);
    let error: serde_json::Value = serde_json::from_str(&finished.stderr).expect("JSON");
    assert_eq!(text(&error["error"], "code"), "not_found");
    assert!(text(&error["error"], "message").contains("/no/such/campaign.yaml"), "{error:#}");
    let _ = project.lem(&["no-such-command"]).exits(2);
    let _ = Project::new().meter("triangle").lem(&["devices"]).exits(2).says("triangle");
}
