//! The window goes away and comes back while a campaign runs: nothing is lost, and what is shown is true.

use std::path::{Path, PathBuf};

use lem_tests::desktop::dialogs::{close_window, window_is_visible};
use lem_tests::desktop::{App, Stage};
use lem_tests::{beside_the_tests, eventually, pause};

/// Two runs of some seconds with a long gap between them.
fn campaign(stage: &Stage, gap_s: u32) -> PathBuf {
    let project = stage.folder("project");
    let worker = beside_the_tests("lem-scripted-worker").display().to_string();
    let text = format!(
        "campaign_name: patience\nrunner:\n  slow: {{kind: process, command: ['{worker}', honest, window_ms=4000]}}\n\
         execution: {{cycles: 2, config_gap_seconds: {gap_s}, cycle_gap_seconds: {gap_s}}}\n\
         experiments:\n  - {{config_name: slow, backend: slow, model_name: scripted, num_input_prompts: 3, \
         warmup: {{enabled: false}}}}\n"
    );
    std::fs::create_dir_all(project.join("campaigns")).expect("writes");
    std::fs::write(project.join("campaigns/patience.yaml"), text).expect("writes");
    project
}

async fn started(stage: &mut Stage, gap_s: u32) -> (App, PathBuf) {
    stage.set("LEM_METER", "simulated:constant:watts=200");
    let project = campaign(stage, gap_s);
    let app = App::open(stage, Some(&project)).await;
    app.ready("bench").await;
    app.go("Campaigns").await;
    app.click("link", "patience").await;
    app.click("button", "Start").await;
    app.ready("live").await;
    (app, project)
}

fn statuses(stage: &Stage, project: &Path) -> Vec<String> {
    let rows: Vec<serde_json::Value> =
        serde_json::from_slice(&stage.lem(project, &["results", "--json"])).expect("JSON");
    rows.iter().map(|row| row["status"].as_str().expect("a word").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_loaded_again_in_a_gap_shows_the_gap() {
    let Some(mut stage) = Stage::new().await else { return };
    let (app, _) = started(&mut stage, 600).await;
    app.see("run 2 of 2: thermal gap").await;
    app.picture("live-gap");
    app.reload().await;
    app.ready("live").await;
    app.see("run 2 of 2: thermal gap").await;
    app.see("simulated").await;
    app.click("button", "Skip this gap").await;
    app.see("The campaign is complete").await;
    app.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_asks_while_a_campaign_runs_and_it_can_go_on_without_the_window() {
    let Some(mut stage) = Stage::new().await else { return };
    let (app, project) = started(&mut stage, 0).await;
    close_window(&stage);
    app.see("A campaign is running").await;
    app.picture("closing");
    app.click("button", "Back").await;
    close_window(&stage);
    app.click_and_go("button", "Keep it running").await;
    eventually("a window that is put away", || (!window_is_visible(&stage)).then_some(()));
    for _ in 0..300 {
        if statuses(&stage, &project) == ["completed", "completed"] {
            break;
        }
        pause(100);
    }
    assert_eq!(statuses(&stage, &project), ["completed", "completed"]);
    // Whoever starts the app again gets the window of the one that runs.
    let status = stage.command(beside_the_tests("lem-desktop")).status().expect("starts");
    assert!(status.success(), "{status}");
    eventually("the window of the first", || window_is_visible(&stage).then_some(()));
    app.see("The campaign is complete").await;
    app.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_by_the_close_question_keeps_finished_runs_and_ends_the_app() {
    let Some(mut stage) = Stage::new().await else { return };
    let (app, project) = started(&mut stage, 600).await;
    app.see("run 2 of 2: thermal gap").await;
    close_window(&stage);
    app.click_and_go("button", "Stop it and quit").await;
    eventually("the end of the app", || (!window_is_visible(&stage)).then_some(()));
    // The second waited out its gap: it can be resumed.
    assert_eq!(statuses(&stage, &project), ["completed", "interrupted"]);
    app.kill().await;
}
