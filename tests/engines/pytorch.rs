//! PyTorch with Transformers on a CPU, and a model that is made on the spot.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use lem_tests::{Experiment, Project, integer, repository, text};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{completed, environment};

/// The image is empty: what a worker needs of this machine is mounted.
const EMPTY_IMAGE: &str = "lem-engines-empty:1";

/// A Llama of three layers with random weights, and its tokenizer.
fn model(python: &Path) -> PathBuf {
    static MADE: OnceLock<TempDir> = OnceLock::new();
    let folder = MADE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let script = repository().join("workers/tests_engines/tiny_model.py");
        let made = Command::new(python.join("bin/python")).arg(script).arg(folder.path()).output();
        let made = made.expect("Python starts");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        folder
    });
    folder.path().join("model")
}

fn experiment(model: &Path, batch_size: u32) -> Experiment {
    Experiment::in_service(&format!("batch-{batch_size}"))
        .with("backend", "pytorch")
        .with("model_name", model.display().to_string())
        .with("batch_size", batch_size)
        .with("fp_precision", "float32")
        .with("num_input_prompts", 8)
        .with("max_output_tokens", 16)
        .with("streaming", true)
        .with("decoder", json!({ "preset": "deterministic" }))
}

/// What the model is, and that greedy output does not depend on how often it is asked for.
#[track_caller]
fn is_sound(project: &Project, rows: &[Value]) {
    for row in rows {
        let detail = project.detail(row);
        let result = &detail["result"]["result"];
        let parameters = &result["effective_parameters"];
        assert_eq!(text(&result["model"], "dtype"), "float32", "{result:#}");
        assert_eq!(integer(&result["model"], "layers"), 3);
        assert_eq!(text(parameters, "device"), "cpu", "{parameters:#}");
        assert_eq!(integer(row, "requests"), 8);
    }
    let hashes: Vec<Value> = rows
        .iter()
        .filter(|row| text(row, "experiment") == "batch-1")
        .map(|row| {
            project.detail(row)["result"]["result"]["effective_parameters"]["output_token_sha256"].clone()
        })
        .collect();
    assert!(hashes.iter().all(|hash| hash.is_string() && *hash == hashes[0]), "{hashes:?}");
}

#[test]
fn pytorch_runs_as_a_process_in_a_virtual_environment() {
    let Some(python) = environment("LEM_ENGINES_PYTORCH") else { return };
    let model = model(&python);
    let runner = json!({ "kind": "process", "python": python.display().to_string() });
    let project = Project::new()
        .meter("estimate")
        .variable("LEM_WORKERS", &repository().join("workers").display().to_string())
        .experiment(experiment(&model, 1).runner(runner.clone()))
        .experiment(experiment(&model, 4).runner(runner))
        .execution("cycles", 2);
    let _ = project.run().exits(0);
    let rows = completed(&project, 4);
    is_sound(&project, &rows);
}

#[test]
fn pytorch_runs_in_a_container_of_either_strategy() {
    let Some(python) = environment("LEM_ENGINES_PYTORCH") else { return };
    let model = model(&python);
    let empty = python.with_extension("empty.tar");
    // Two blocks of zeros end an archive: this one holds nothing.
    std::fs::write(&empty, [0; 1024]).expect("the cache can be written to");
    let made = Command::new("docker").arg("import").arg(&empty).arg(EMPTY_IMAGE).output().expect("docker");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    for strategy in ["ephemeral", "persistent"] {
        let project = Project::new()
            .meter("estimate")
            .experiment(experiment(&model, 1))
            .experiment(experiment(&model, 4))
            .execution("cycles", 2);
        project.write("docker-compose.yml", &compose(&python, &model).to_string());
        project.write(".lem-config.yaml", &format!("docker: {{strategy: {strategy}}}\n"));
        let _ = project.run().exits(0);
        let rows = completed(&project, 4);
        is_sound(&project, &rows);
        assert!(rows.iter().all(|row| text(row, "service") == "pytorch"), "{rows:#?}");
    }
}

fn compose(python: &Path, model: &Path) -> Value {
    let workers = repository().join("workers");
    let mounts = ["/usr", "/bin", "/lib", "/lib64", "/etc"].map(PathBuf::from).into_iter();
    // A virtual environment points to the Python that it was made from.
    let home = python.join("bin/python").canonicalize().expect("it exists");
    let home = home.parent().and_then(Path::parent).map(Path::to_path_buf);
    let mounts = mounts.chain([python.to_path_buf(), model.to_path_buf(), workers.clone()]).chain(home);
    let mut volumes: Vec<String> =
        mounts.filter(|path| path.exists()).map(|path| format!("{0}:{0}:ro", path.display())).collect();
    volumes.sort();
    volumes.dedup();
    json!({ "services": { "pytorch": {
        "image": EMPTY_IMAGE,
        "network_mode": "none",
        "tmpfs": ["/tmp"],
        "volumes": volumes,
        "environment": { "PYTHONPATH": workers, "HF_HUB_OFFLINE": "1", "HOME": "/tmp" },
        "labels": { "lem.worker.command": format!("{}/bin/python -m lem_worker pytorch", python.display()) },
    } } })
}

#[test]
fn the_worker_keeps_every_rule_of_the_protocol() {
    let Some(python) = environment("LEM_ENGINES_PYTORCH") else { return };
    let model = model(&python).display().to_string();
    let program = python.join("bin/python").display().to_string();
    let project = Project::new().variable("PYTHONPATH", &repository().join("workers").display().to_string());
    let options = ["worker", "check", "--json", "--backend", "pytorch", "--model", &model, "--", &program];
    let finished = project.lem(&[&options[..], &["-m", "lem_worker", "pytorch"]].concat());
    let report: Value = serde_json::from_str(&finished.stdout).expect("JSON");
    assert_eq!(report["conforms"], true, "{report:#}");
}
