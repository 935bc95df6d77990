//! A campaign that samples eight GPUs: what its live screen costs, and whether the sampler notices that it is shown.

use std::path::Path;
use std::time::Duration;

use lem_tests::desktop::{App, Stage};
use lem_tests::{beside_the_tests, naming, pause};
use serde_json::{Value, json};

use super::Row;
use super::processes::{Family, main_thread_s};
use crate::Outcome;
use crate::report::{Figures, say};

/// Length of the window of its one run.
const WINDOW_S: u32 = 75;

pub(super) async fn rows(mut stage: Stage, repeat: u32) -> Outcome<Vec<Row>> {
    let project = stage.folder("eight gpus");
    std::fs::create_dir_all(project.join("campaigns"))?;
    std::fs::write(project.join("campaigns/eight.yaml"), campaign())?;
    let boards: Value = (0..8).map(|_| json!({"sensor_update_ms": 1})).collect();
    stage.set("LEM_METER", "nvml");
    stage.set("LEM_NVML_LIBRARY", &beside_the_tests("libnvidia_ml.so").display().to_string());
    stage.set("LEM_FAKE_NVML", &boards.to_string());
    let mut figures: [Figures; 6] = Default::default();
    for round in 1..=repeat {
        say(&format!("round {round}: a campaign with the window"));
        let [load_pct, growth_mib] = in_the_window(&stage, &project).await;
        say(&format!("round {round}: the same campaign without it"));
        let file = project.join("campaigns/eight.yaml").display().to_string();
        stage.lem(&project, &["--meter", "nvml", "--quiet", "run", &file]);
        let [without, with] = latest_two(&stage, &project)?;
        for (figure, value) in
            figures.iter_mut().zip([load_pct, growth_mib, with[0], without[0], with[1], without[1]])
        {
            figure.push(value);
        }
    }
    let [load, growth, p99_with, p99_without, max_with, max_without] = figures;
    Ok(vec![
        Row("live: load of the page's main thread, %", load, 1, "30"),
        Row("live: growth of memory over 60 s, MiB", growth, 1, "-"),
        Row("sampler with the live screen: p99 between samples, ms", p99_with, 3, "as without"),
        Row("sampler without a window: p99 between samples, ms", p99_without, 3, "-"),
        Row("sampler with the live screen: longest, ms", max_with, 3, "as without"),
        Row("sampler without a window: longest, ms", max_without, 3, "-"),
    ])
}

fn campaign() -> String {
    let worker = beside_the_tests("lem-scripted-worker").display().to_string();
    format!(
        "campaign_name: eight\nrunner:\n  still: {{kind: process, command: ['{worker}', honest, window_ms={}]}}\n\
         execution: {{cycles: 1}}\nmeasurement: {{interval_ms: 50}}\n\
         experiments:\n  - {{config_name: still, backend: still, model_name: scripted, num_input_prompts: 3, \
         warmup: {{enabled: false}}}}\n",
        WINDOW_S * 1000
    )
}

/// Load of the page's main thread in percent of one core over 10 s of the live screen, and the growth of all
/// memory over 60 s.
async fn in_the_window(stage: &Stage, project: &Path) -> [f64; 2] {
    let app = App::open(stage, Some(project)).await;
    app.ready("bench").await;
    app.go("Campaigns").await;
    app.click("link", "eight").await;
    app.click("button", "Start").await;
    app.ready("live").await;
    app.see("measuring").await;
    pause(3000);
    let root =
        naming(&project.display().to_string()).into_iter().find(|(_, line)| line.contains("lem-desktop "));
    let family = Family::of(root.map_or(0, |(id, _)| id));
    let page = family.called("WebKitWebProcess").unwrap_or(0);
    let (before_s, before_mib) = (main_thread_s(page), family.memory_mib());
    pause(10_000);
    let load_pct = (main_thread_s(page) - before_s) * 10.0;
    pause(50_000);
    let growth_mib = family.memory_mib() - before_mib;
    app.see_within("The campaign is complete", Duration::from_mins(1)).await;
    app.kill().await;
    [load_pct, growth_mib]
}

/// p99 and maximum of the time between samples, in milliseconds: of the last run, and of the one before.
fn latest_two(stage: &Stage, project: &Path) -> Outcome<[[f64; 2]; 2]> {
    let rows: Vec<Value> = serde_json::from_slice(&stage.lem(project, &["results", "--json"]))?;
    let mut latest = rows.iter().rev().map(|row| {
        let run = row["run_id"].as_str().ok_or("a run has no id")?;
        let detail: Value = serde_json::from_slice(&stage.lem(project, &["result", "show", run, "--json"]))?;
        let of = |key: &str| detail["sampler"][key].as_f64().ok_or("a run tells nothing of its sampler");
        Outcome::Ok([of("interval_p99_ms")?, of("interval_max_ms")?])
    });
    let mut next = || latest.next().ok_or("two runs were done")?;
    Ok([next()?, next()?])
}
