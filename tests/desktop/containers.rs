//! A campaign on two services of a compose file, built by clicking, on a real Docker engine: run, stopped, and gone on
//! with after a restart of the app.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use lem_tests::beside_the_tests;
use lem_tests::desktop::{App, Stage};
use serde_json::{Value, json};

const IMAGE: &str = "lem-desktop-empty:1";

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_on_two_services_is_clicked_together_run_stopped_and_resumed_after_a_restart() {
    let Some(mut stage) = Stage::new().await else { return };
    if !docker_is_ready() {
        return;
    }
    stage.set("LEM_METER", "simulated:constant:watts=200");
    let project = stage.folder("project");
    write_services(&project);
    let app = App::open(&stage, Some(&project)).await;
    app.ready("bench").await;
    app.see("the compose file has no service `tensorrt`").await;
    build(&app).await;

    app.click("button", "Save and start").await;
    app.ready("live").await;
    app.until("the second run", Duration::from_mins(1), &cells("running", 1)).await;
    app.until("a first result", Duration::from_mins(1), &cells("completed", 1)).await;
    app.picture("live-containers");
    app.click("button", "Stop").await;
    app.click("button", "Stop now").await;
    app.see("The campaign was stopped").await;
    app.picture("live-stopped");
    app.kill().await;

    let app = App::open(&stage, Some(&project)).await;
    app.ready("bench").await;
    app.see("Resume, ").await;
    app.picture("bench-resume");
    app.click("button", "Resume two engines").await;
    app.ready("live").await;
    app.see_within("The campaign is complete", Duration::from_mins(2)).await;
    let rows: Vec<Value> =
        serde_json::from_slice(&stage.lem(&project, &["results", "--json"])).expect("JSON");
    let mut completed: Vec<(&str, u64)> = rows
        .iter()
        .filter(|row| row["status"] == "completed")
        .map(|row| (row["service"].as_str().expect("a service"), row["cycle"].as_u64().expect("a number")))
        .collect();
    completed.sort_unstable();
    let planned = [("pytorch", 1), ("pytorch", 2), ("vllm", 1), ("vllm", 2)];
    assert_eq!(completed, planned, "each planned run once, in the service of its backend");
    app.kill().await;
}

/// Clicks the campaign together. The service that is missing cannot be chosen.
async fn build(app: &App) {
    app.go("Campaigns").await;
    app.click("button", "New campaign").await;
    app.ready("new campaign").await;
    app.fill("Name", "two engines").await;
    app.click("label", "In containers (docker)").await;
    assert!(!app.is_enabled("checkbox", "tensorrt").await, "a missing service cannot be chosen");
    app.click("checkbox", "pytorch").await;
    app.click("checkbox", "vllm").await;
    app.click("checkbox", "candle").await;
    app.fill("Cycles", "2").await;
    app.fill("Between experiments of a cycle", "0.5").await;
    app.fill("Where the cycle changes", "0.5").await;
    app.see("500 ms in force").await;
    app.picture("builder-containers");
}

/// A script: whether so many runs are in this state.
fn cells(status: &str, count: u32) -> String {
    format!("return document.querySelectorAll('[aria-label*=\", {status}\"]').length >= {count}")
}

/// `pytorch` and `vllm` with scripted workers, in an image that holds nothing: this machine's programs are mounted.
fn write_services(project: &Path) {
    let worker = beside_the_tests("lem-scripted-worker").display().to_string();
    let service = || {
        let programs = ["/usr", "/bin", "/lib", "/lib64"].into_iter().filter(|path| Path::new(path).exists());
        let mut volumes: Vec<String> = programs.map(|path| format!("{path}:{path}:ro")).collect();
        volumes.push(format!("{worker}:/worker:ro"));
        json!({
            "image": IMAGE,
            "network_mode": "none",
            "volumes": volumes,
            "labels": { "lem.worker.command": "/worker honest window_ms=3000" },
        })
    };
    let compose = json!({ "services": { "pytorch": service(), "vllm": service() } });
    // JSON is YAML too.
    std::fs::write(project.join("docker-compose.yml"), format!("{compose:#}\n")).expect("writes");
}

/// Whether an engine answers; makes the image. With `LEM_REQUIRE_DOCKER=1` one must.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn docker_is_ready() -> bool {
    let import = Command::new("docker").args(["import", "-", IMAGE]).stdin(Stdio::piped()).spawn();
    let made = import.is_ok_and(|mut import| {
        // Two blocks of zeros end an archive: this one holds nothing.
        let _ = import.stdin.take().expect("it was piped").write_all(&[0; 1024]);
        import.wait().is_ok_and(|status| status.success())
    });
    let required = std::env::var("LEM_REQUIRE_DOCKER").is_ok_and(|value| value == "1");
    assert!(made || !required, "LEM_REQUIRE_DOCKER=1, but no Docker engine answers");
    if !made {
        eprintln!("SKIPPED, nothing was tested: no Docker engine answers");
    }
    made
}
