//! What measures in `accuracy`: `lem measure`, whole runs, and its peers, each as programs of their own. What each of
//! them took as its window, by the one clock of all, is what its truth is computed for.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::Value;

use super::Plan;
use crate::Outcome;
use crate::python::Python;

/// What one tool told of one GPU in one window.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Told {
    /// Position of the GPU, and so of its load.
    pub(crate) gpu: usize,
    /// The window, `CLOCK_MONOTONIC` in nanoseconds.
    pub(crate) from_ns: i64,
    pub(crate) to_ns: i64,
    /// In joules.
    pub(crate) energy_j: f64,
    /// Expanded (k = 2), in joules, where a tool states one.
    #[serde(default)]
    pub(crate) uncertainty_j: Option<f64>,
    /// Which method of a program that has several.
    #[serde(default)]
    pub(crate) method: String,
}

/// `lem measure` on all GPUs, once for each window of the plan.
pub(super) fn lem_measure(programs: &Path, folder: &Path, gpus: &str, plan: Plan) -> Outcome<Vec<Told>> {
    let mut told = Vec::new();
    for seconds in plan.windows() {
        let mut command = Command::new(programs.join("lem"));
        command.arg("--project").arg(folder).args(["--meter", "nvml", "--json", "measure", "--", "sleep"]);
        command.arg(seconds.to_string());
        let found: Value = serde_json::from_slice(&answer(&mut command, programs, gpus)?)?;
        let window = (&found["start_monotonic_ns"], &found["end_monotonic_ns"]);
        told.extend(devices(&found, window, "uncertainty_j"));
    }
    Ok(told)
}

/// A campaign on all GPUs whose runs have a window of so many milliseconds.
pub(super) fn lem_run(
    programs: &Path,
    folder: &Path,
    gpus: &str,
    window_ms: u32,
    runs: u32,
) -> Outcome<Vec<Told>> {
    let worker = programs.join("lem-scripted-worker").display().to_string();
    let campaign = folder.join("accuracy.yaml");
    std::fs::write(
        &campaign,
        format!(
            "campaign_name: accuracy\nrunner:\n  still: {{kind: process, command: ['{worker}', honest, window_ms={window_ms}]}}\n\
             execution: {{cycles: {runs}, config_gap_seconds: 0, cycle_gap_seconds: 0}}\n\
             experiments:\n  - {{config_name: still, backend: still, model_name: scripted, num_input_prompts: 3, \
             warmup: {{enabled: false}}}}\n"
        ),
    )?;
    let lem = |arguments: &[&str]| {
        let mut command = Command::new(programs.join("lem"));
        command.arg("--project").arg(folder).args(["--meter", "nvml", "--quiet"]).args(arguments);
        command.env("LEM_LOCK_DIR", folder.join("locks"));
        answer(&mut command, programs, gpus)
    };
    lem(&["run", &campaign.display().to_string()])?;
    let rows: Vec<Value> = serde_json::from_slice(&lem(&["results", "--json"])?)?;
    let mut told = Vec::new();
    for row in &rows {
        let run = row["run_id"].as_str().ok_or("a run has no id")?;
        let shown: Value = serde_json::from_slice(&lem(&["result", "show", run, "--json"])?)?;
        let window = (&shown["window_start_ns"], &shown["window_end_ns"]);
        told.extend(devices(&shown, window, "energy_uncertainty_j"));
    }
    Ok(told)
}

fn devices(found: &Value, (from, to): (&Value, &Value), uncertainty: &str) -> Vec<Told> {
    let devices = found["devices"].as_array().into_iter().flatten().enumerate();
    let told = devices.filter_map(|(gpu, device)| {
        Some(Told {
            gpu,
            from_ns: from.as_i64()?,
            to_ns: to.as_i64()?,
            energy_j: device["energy_j"].as_f64()?,
            uncertainty_j: device[uncertainty].as_f64(),
            method: String::new(),
        })
    });
    told.collect()
}

/// The simplest tools: a loop that reads power, and a difference of the counter.
pub(super) fn simple(programs: &Path, gpus: &str, plan: Plan) -> Outcome<Vec<Told>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["subject", "windows"]).args(plan.windows().map(|seconds| seconds.to_string()));
    lines(&answer(&mut command, programs, gpus)?)
}

/// The peer in Python.
pub(super) fn zeus(python: &Python, programs: &Path, gpus: &str, plan: Plan) -> Outcome<Vec<Told>> {
    let mut command = python.windows();
    command.args(plan.windows().map(|seconds| seconds.to_string()));
    lines(&answer(&mut command, programs, gpus)?)
}

fn lines(answer: &[u8]) -> Outcome<Vec<Told>> {
    let lines = BufReader::new(answer).lines();
    lines.map(|line| Ok(serde_json::from_str(&line?)?)).collect()
}

/// What a program writes when it succeeds.
fn answer(command: &mut Command, programs: &Path, gpus: &str) -> Outcome<Vec<u8>> {
    command.env("LEM_NVML_LIBRARY", programs.join("libnvidia_ml.so")).env("LEM_FAKE_NVML", gpus);
    let program = command.get_program().display().to_string();
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program}: {}: {}", output.status, said.lines().next_back().unwrap_or("it said nothing"))
        .into())
}
