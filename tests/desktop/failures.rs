//! What goes wrong in the engine reaches the person, with what to do.

use lem_tests::desktop::{App, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn a_meter_that_is_not_there_is_said_with_its_remedy_and_nothing_starts() {
    let Some(mut stage) = Stage::new().await else { return };
    stage.set("LEM_METER", "nvml");
    stage.set("LEM_NVML_LIBRARY", "/nowhere/libnvidia-ml.so.1");
    let project = stage.folder("project");
    let app = App::open(&stage, Some(&project)).await;
    app.ready("bench").await;
    app.see("/nowhere/libnvidia-ml.so.1").await;
    app.picture("bench-without-meter");
    app.click("button", "Quick start").await;
    app.until(
        "a notice of the failure with its hint",
        std::time::Duration::from_secs(20),
        "const notice = document.querySelector('.mantine-Notification-root');
         return notice !== null && notice.innerText.includes('LEM_NVML_LIBRARY');",
    )
    .await;
    app.picture("failed-to-start");
    assert!(!project.join("results/lem.db").exists(), "nothing was begun");
    app.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_not_there_is_said_at_the_start() {
    let Some(stage) = Stage::new().await else { return };
    let app = App::open(&stage, Some(std::path::Path::new("/nowhere/at all"))).await;
    app.see("/nowhere/at all").await;
    app.picture("first-start-wrong-folder");
    app.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_breaks_down_is_a_failed_run_with_its_reason() {
    let Some(mut stage) = Stage::new().await else { return };
    stage.set("LEM_METER", "simulated:constant:watts=200");
    let project = stage.folder("project");
    let worker = lem_tests::beside_the_tests("lem-scripted-worker").display().to_string();
    let text = format!(
        "campaign_name: broken\nrunner:\n  bad: {{kind: process, command: ['{worker}', die]}}\n\
         execution: {{cycles: 1}}\nexperiments:\n  - {{config_name: bad, backend: bad, model_name: scripted}}\n"
    );
    std::fs::create_dir_all(project.join("campaigns")).expect("writes");
    std::fs::write(project.join("campaigns/broken.yaml"), text).expect("writes");
    let app = App::open(&stage, Some(&project)).await;
    app.ready("bench").await;
    app.go("Campaigns").await;
    app.click("link", "broken").await;
    app.click("button", "Start").await;
    app.see("The campaign is over: no run completed").await;
    app.see("0 runs completed, 1 failed").await;
    app.picture("live-failed");
    app.click("link", "Show the results").await;
    app.ready("results").await;
    app.click("button", "bad").await;
    app.see("error").await;
    app.picture("run-failed");
    app.kill().await;
}
