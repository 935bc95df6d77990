//! A gap that waits for the devices to cool, as the window shows it.

use std::time::Duration;

use lem_tests::beside_the_tests;
use lem_tests::desktop::{App, Stage};

/// Two runs of a second with a gap between them that takes 20 s at least, however cool the devices are.
fn campaign() -> String {
    let worker = beside_the_tests("lem-scripted-worker").display().to_string();
    format!(
        "campaign_name: cooling\nrunner:\n  short: {{kind: process, command: ['{worker}', honest, window_ms=1000]}}\n\
         execution: {{cycles: 2}}\nthermal: {{mode: adaptive, min_seconds: 20, max_seconds: 60}}\n\
         experiments:\n  - {{config_name: short, backend: short, model_name: scripted, num_input_prompts: 3, \
         warmup: {{enabled: false}}}}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_temperature_is_drawn_with_the_line_that_is_waited_for() {
    let Some(mut stage) = Stage::new().await else { return };
    stage.set("LEM_METER", "simulated:constant:watts=200");
    let project = stage.folder("project");
    std::fs::create_dir_all(project.join("campaigns")).expect("writes");
    std::fs::write(project.join("campaigns/cooling.yaml"), campaign()).expect("writes");
    let app = App::open(&stage, Some(&project)).await;
    app.ready("bench").await;
    app.go("Campaigns").await;
    app.click("link", "cooling").await;
    app.click("button", "Start").await;
    app.ready("live").await;
    app.see_within("run 2 of 2: cooling", Duration::from_mins(2)).await;
    let drawn = "return [...document.querySelectorAll('[role=img]')].some((chart) =>
        /^Temperature over time.* last \\d.* Line: cool at \\d+/.test(chart.getAttribute('aria-label') ?? ''))";
    app.until("the temperature with its line", Duration::from_secs(15), drawn).await;
    let marked = "return /\\d+\\s°C at its begin, now \\d+\\s°C\\s*simulated/.test(document.body.innerText)";
    app.until("the word that its temperature is simulated", Duration::from_secs(5), marked).await;
    app.picture("live-cooling");
    app.click("button", "Skip this gap").await;
    app.see("The campaign is complete").await;
    app.kill().await;
}
