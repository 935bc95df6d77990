//! `lem worker check`: what anyone who writes a worker can try it with.

use lem_tests::{Experiment, Project, beside_the_tests, text};
use serde_json::{Value, json};

fn check(project: &Project, model: &str, command: &[&str]) -> (i32, Vec<Value>) {
    let options = ["worker", "check", "--json", "--model", model, "--patience", "60", "--"];
    let finished = project.lem(&[&options[..], command].concat());
    let report: Value = serde_json::from_str(&finished.stdout).expect("JSON");
    (finished.code.unwrap_or(-1), report["checks"].as_array().expect("a list").clone())
}

#[track_caller]
fn found<'a>(checks: &'a [Value], name: &str) -> &'a Value {
    checks
        .iter()
        .find(|check| text(check, "name") == name)
        .unwrap_or_else(|| panic!("no check {name}: {checks:#?}"))
}

#[test]
fn the_embedded_worker_keeps_every_rule() {
    let worker = beside_the_tests("lem-worker-candle").display().to_string();
    let (code, checks) = check(&Project::new(), "synthetic/llama-15m", &[&worker]);
    assert_eq!(code, 0, "{checks:#?}");
    assert!(checks.len() >= 9 && checks.iter().all(|check| text(check, "status") == "ok"), "{checks:#?}");
}

#[test]
fn a_worker_that_knows_every_model_and_option_is_told_what_is_wrong() {
    let worker = beside_the_tests("lem-scripted-worker").display().to_string();
    let (code, checks) = check(&Project::new(), "any", &[&worker, "honest", "window_ms=50"]);
    assert_eq!(code, 1);
    assert_eq!(text(found(&checks, "a run"), "status"), "ok");
    for rule in ["an unknown option", "a model that is not there"] {
        assert_eq!(text(found(&checks, rule), "status"), "failed", "{rule}");
    }
}

#[test]
fn a_program_that_is_no_worker_fails_with_its_last_words() {
    let (code, checks) = check(&Project::new(), "any", &["sh", "-c", "echo no worker here >&2; exit 3"]);
    assert_eq!(code, 1);
    let run = found(&checks, "a run");
    assert!(text(run, "message").contains("without a hello"), "{run:#}");
    assert!(text(run, "remedy").contains("no worker here"), "{run:#}");
}

#[test]
fn a_worker_in_python_is_found_by_its_python_and_others_see_nothing_of_that() {
    let worker = beside_the_tests("lem-scripted-worker").display().to_string();
    let project = Project::new();
    project.write("workers-here/lem_worker/__init__.py", "");
    let folder = project.file("workers-here").display().to_string();
    let python = format!(
        "#!/bin/sh\n[ \"${{PYTHONPATH%%:*}}\" = '{folder}' ] && [ \"$*\" = '-m lem_worker pytorch' ] || exit 9\n\
         exec '{worker}' honest window_ms=50\n"
    );
    project.write("venv/bin/python", &python);
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(project.file("venv/bin/python"), executable).expect("it is ours");
    let in_python = Experiment::in_service("in-python")
        .with("backend", "pytorch")
        .runner(json!({ "kind": "process", "python": "venv" }));
    let other =
        Experiment::shell("other", "[ -z \"$PYTHONPATH\" ] || exit 9; exec \"$0\" honest window_ms=50");
    let project = project.variable("LEM_WORKERS", &folder).experiment(in_python).experiment(other);
    let _ = project.run().exits(0);
    for experiment in ["in-python", "other"] {
        assert_eq!(text(&project.result_of(experiment), "status"), "completed", "{experiment}");
    }
}
