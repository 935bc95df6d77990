//! A project folder that is thrown away, its campaign, and `lem` in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::binaries::beside_the_tests;
use crate::finished::Finished;
use crate::processes;
use crate::running::Running;

/// The campaign file of every project.
pub const CAMPAIGN: &str = "campaign.yaml";

/// One experiment of a scripted worker. Each has a backend of its own, so that each has a command of its own.
#[derive(Debug, Clone)]
pub struct Experiment {
    /// The command of a local process; absent where a compose service has it.
    command: Option<Vec<String>>,
    /// What runs it, where that is neither.
    runner: Option<Value>,
    keys: Map<String, Value>,
}

impl Experiment {
    /// A scripted worker with this behaviour, e.g. `honest window_ms=300`.
    pub fn scripted(name: &str, behaviour: &str) -> Self {
        let worker = beside_the_tests("lem-scripted-worker").display().to_string();
        let words = behaviour.split_whitespace().map(ToOwned::to_owned);
        Self::command(name, std::iter::once(worker).chain(words).collect())
    }

    /// The same from a shell, in whose script `$0` is the scripted worker.
    pub fn shell(name: &str, script: &str) -> Self {
        let worker = beside_the_tests("lem-scripted-worker").display().to_string();
        Self::command(name, vec!["sh".into(), "-c".into(), script.into(), worker])
    }

    /// Any command as a worker.
    pub fn command(name: &str, command: Vec<String>) -> Self {
        Self { command: Some(command), ..Self::in_service(name) }
    }

    /// A worker in the compose service of this name.
    pub fn in_service(name: &str) -> Self {
        let keys = json!({
            "config_name": name,
            "backend": name,
            "model_name": "scripted",
            "num_input_prompts": 3,
            "warmup": { "enabled": false },
        });
        let Value::Object(keys) = keys else { unreachable!("written as an object") };
        Self { command: None, runner: None, keys }
    }

    /// The same with another runner, as the campaign file has it.
    #[must_use]
    pub fn runner(self, runner: Value) -> Self {
        Self { runner: Some(runner), ..self }
    }

    /// The same with one more key in the campaign file.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.keys.insert(key.into(), value.into());
        self
    }
}

/// A project folder with a campaign, and the machine that it is measured on.
#[derive(Debug)]
pub struct Project {
    folder: TempDir,
    meter: String,
    environment: Vec<(String, String)>,
    campaign: Value,
}

impl Project {
    /// An empty campaign without gaps on a simulated device that draws 200 W.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("lem-it-").tempdir().expect("a temporary folder");
        let locks = folder.path().join("locks").display().to_string();
        Self {
            folder,
            meter: "simulated:constant:watts=200".into(),
            environment: vec![("LEM_LOCK_DIR".into(), locks)],
            campaign: json!({
                "campaign_name": "test",
                "execution": { "cycles": 1, "config_gap_seconds": 0, "cycle_gap_seconds": 0, "seed": 7 },
                "runner": {},
                "experiments": [],
            }),
        }
    }

    /// Measured with this source, as `--meter` takes it.
    #[must_use]
    pub fn meter(mut self, meter: &str) -> Self {
        self.meter = meter.into();
        self
    }

    /// Measured on the GPUs that this describes, through the NVML loader.
    #[must_use]
    pub fn fake_gpus(self, config: &Value) -> Self {
        let file = self.folder.path().join("fake-nvml.json");
        fs::write(&file, config.to_string()).expect("a temporary folder can be written to");
        let library = beside_the_tests("libnvidia_ml.so").display().to_string();
        self.meter("nvml")
            .variable("LEM_NVML_LIBRARY", &library)
            .variable("LEM_FAKE_NVML", &file.display().to_string())
    }

    /// With a variable in the environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// With one more experiment.
    #[must_use]
    pub fn experiment(mut self, experiment: Experiment) -> Self {
        let runner = match (experiment.runner, experiment.command) {
            (Some(runner), _) => runner,
            (None, Some(command)) => {
                let command: Vec<String> = command.into_iter().chain([self.mark()]).collect();
                json!({ "kind": "process", "command": command })
            }
            (None, None) => json!({ "kind": "docker" }),
        };
        let backend = crate::json::text(&Value::Object(experiment.keys.clone()), "backend").to_owned();
        self.campaign["runner"][backend] = runner;
        if let Some(experiments) = self.campaign["experiments"].as_array_mut() {
            experiments.push(Value::Object(experiment.keys));
        }
        self
    }

    /// With one more experiment of a scripted worker.
    #[must_use]
    pub fn scripted(self, name: &str, behaviour: &str) -> Self {
        self.experiment(Experiment::scripted(name, behaviour))
    }

    /// With a key of the section `execution`.
    #[must_use]
    pub fn execution(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.campaign["execution"][key] = value.into();
        self
    }

    /// With a key of the section `measurement`.
    #[must_use]
    pub fn measurement(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.campaign["measurement"][key] = value.into();
        self
    }

    /// The last word of every worker's command line, by which it is found again when it should be gone.
    pub fn mark(&self) -> String {
        format!("mark={}", self.path().display())
    }

    /// The project's folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A file of the project.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Writes a file of the project, and the folders above it.
    pub fn write(&self, name: &str, text: &str) {
        let file = self.file(name);
        let made = file.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| fs::write(&file, text)).expect("a temporary folder can be written to");
    }

    /// Reads a file of the project.
    #[track_caller]
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).expect("the file exists and is text")
    }

    /// `lem` in this project, not yet started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(beside_the_tests("lem"));
        let outer = std::env::vars().filter(|(name, _)| name.starts_with("LEM_"));
        for (name, _) in outer {
            command.env_remove(name);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.arg("--project").arg(self.path()).args(["--meter", &self.meter]).args(arguments);
        command
    }

    /// Starts `lem` in this project.
    #[track_caller]
    pub fn start(&self, arguments: &[&str]) -> Running {
        Running::start(&mut self.command(arguments))
    }

    /// Runs `lem` in this project to its end.
    #[track_caller]
    #[must_use]
    pub fn lem(&self, arguments: &[&str]) -> Finished {
        self.start(arguments).finish()
    }

    /// Writes the campaign file.
    pub fn write_campaign(&self) {
        // JSON is YAML too.
        self.write(CAMPAIGN, &format!("{:#}\n", self.campaign));
    }

    /// Starts the campaign.
    #[track_caller]
    pub fn start_run(&self) -> Running {
        self.write_campaign();
        let file = self.file(CAMPAIGN).display().to_string();
        self.start(&["run", &file, "--json"])
    }

    /// Runs the campaign to its end.
    #[track_caller]
    #[must_use]
    pub fn run(&self) -> Finished {
        self.start_run().finish()
    }

    /// The result rows of all campaigns.
    #[track_caller]
    pub fn results(&self) -> Vec<Value> {
        list(&self.lem(&["results", "--json"]).exits(0))
    }

    /// The result rows of the experiment with this name.
    #[track_caller]
    pub fn results_of(&self, experiment: &str) -> Vec<Value> {
        self.results().into_iter().filter(|row| row["experiment"] == experiment).collect()
    }

    /// The only result row of an experiment.
    #[track_caller]
    pub fn result_of(&self, experiment: &str) -> Value {
        let mut rows = self.results_of(experiment);
        assert_eq!(rows.len(), 1, "one result of {experiment} in {rows:#?}");
        rows.remove(0)
    }

    /// The campaigns of the project.
    #[track_caller]
    pub fn campaigns(&self) -> Vec<Value> {
        list(&self.lem(&["campaigns", "--json"]).exits(0))
    }

    /// Everything about a run.
    #[track_caller]
    pub fn detail(&self, row: &Value) -> Value {
        self.lem(&["result", "show", crate::json::text(row, "run_id"), "--json"]).exits(0).json()
    }

    /// Processes that were started as workers of this project and are still there.
    pub fn workers_left(&self) -> Vec<(u32, String)> {
        processes::naming(&self.mark())
    }

    /// Fails if a worker is still there. The kernel is given a moment to end what it was told to.
    #[track_caller]
    pub fn leaves_no_worker(&self) {
        for _ in 0..100 {
            if self.workers_left().is_empty() {
                return;
            }
            crate::pause(20);
        }
        panic!("workers are left: {:#?}", self.workers_left());
    }
}

impl Default for Project {
    fn default() -> Self {
        Self::new()
    }
}

#[track_caller]
fn list(finished: &Finished) -> Vec<Value> {
    let value = finished.json();
    let Value::Array(rows) = value else { panic!("{}: no list: {value:#}", finished.what) };
    rows
}
