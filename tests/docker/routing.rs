//! A backend runs in the service of its own name and in no other.

use lem_tests::{Experiment, Project, text};
use serde_json::{Value, json};

use crate::stage::Stage;

const BACKENDS: [&str; 5] = ["pytorch", "vllm", "tensorrt", "candle", "my-own"];

/// A project with one experiment of this backend in a container.
fn project(backend: &str) -> Project {
    let project = Project::new().experiment(Experiment::in_service(backend));
    project.write_campaign();
    project
}

/// A compose file with these services, all of one image.
fn compose(services: &[&str]) -> String {
    let services: serde_json::Map<String, Value> =
        services.iter().map(|name| ((*name).to_owned(), json!({ "image": "lab/worker:1" }))).collect();
    json!({ "services": services }).to_string()
}

#[track_caller]
fn plan(project: &Project, code: i32, arguments: &[&str]) -> Value {
    let file = project.file(lem_tests::CAMPAIGN).display().to_string();
    project.lem(&[&["plan", file.as_str(), "--json"], arguments].concat()).exits(code).json()
}

/// The sentences of the errors of a plan.
fn errors(plan: &Value) -> Vec<&str> {
    let problems = plan["problems"].as_array().map(Vec::as_slice).unwrap_or_default();
    problems.iter().filter(|p| p["severity"] == "error").map(|p| text(p, "message")).collect()
}

#[test]
fn each_backend_is_planned_in_the_service_of_its_name() {
    for backend in BACKENDS {
        let project = project(backend);
        project.write(
            "docker-compose.yml",
            &compose(&["base", "pytorch", "vllm", "tensorrt", "candle", "my-own"]),
        );
        let plan = plan(&project, 0, &[]);
        assert_eq!(text(&plan["experiments"][0], "service"), backend, "{plan:#}");
        assert!(errors(&plan).is_empty(), "{plan:#}");
    }
}

#[test]
fn a_missing_service_is_a_problem_that_lists_the_services_and_never_a_fallback() {
    for backend in BACKENDS {
        let project = project(backend);
        let others: Vec<&str> =
            ["base", "shell"].into_iter().chain(BACKENDS).filter(|name| *name != backend).collect();
        project.write("docker-compose.yml", &compose(&others));
        let plan = plan(&project, 2, &[]);
        let [error] = errors(&plan)[..] else { panic!("one error of {backend}: {plan:#}") };
        assert!(error.contains(&format!("`{backend}`")), "{error}");
        assert!(others.iter().all(|name| error.contains(name)), "{error}");
        let service = plan["experiments"][0]["service"].as_str();
        assert!(service.is_none_or(|name| name == backend), "no other service takes its place: {plan:#}");
        let file = project.file(lem_tests::CAMPAIGN).display().to_string();
        let _ = project.lem(&["run", &file]).exits(2).says(&format!("`{backend}`"));
        assert!(!project.file("results").exists(), "what cannot run leaves nothing behind");
    }
}

#[test]
fn a_backend_in_containers_without_a_compose_file_is_a_problem() {
    let project = project("vllm");
    let plan = plan(&project, 2, &[]);
    assert!(
        errors(&plan).iter().any(|error| error.contains("vllm") && error.contains("no compose file")),
        "{plan:#}"
    );
}

#[test]
fn every_usual_name_of_a_compose_file_is_found() {
    for name in ["docker-compose.yml", "docker-compose.yaml", "compose.yaml", "compose.yml"] {
        let project = project("vllm");
        project.write(name, &compose(&["vllm"]));
        assert!(errors(&plan(&project, 0, &[])).is_empty(), "{name}");
    }
}

#[test]
fn a_compose_file_that_is_named_wins_over_the_usual_one() {
    let project = project("vllm");
    project.write("docker-compose.yml", &compose(&["pytorch"]));
    project.write("lab.yml", &compose(&["vllm"]));
    let named = project.file("lab.yml").display().to_string();
    let plan_of = |code, arguments: &[&str]| plan(&project, code, arguments);
    assert!(errors(&plan_of(0, &["--compose", &named])).is_empty());
    assert!(!errors(&plan_of(2, &[])).is_empty());
    let missing = project.file("missing.yml").display().to_string();
    let plan = plan_of(2, &["--compose", &missing]);
    assert!(errors(&plan).iter().any(|error| error.contains("missing.yml")), "{plan:#}");
}

#[test]
fn the_label_says_how_the_worker_is_started() {
    // Every other test has the label; here it stands against an entry point that would fail.
    let Some(stage) = Stage::new("ephemeral") else { return };
    let stage = stage.scripted("own", "honest window_ms=50").key("own", "entrypoint", json!(["false"]));
    let _ = stage.run().exits(0);
    stage.completed("own");
    stage.leaves_nothing();
}

#[test]
fn without_the_label_python_backends_run_lem_worker_and_others_their_entry_point() {
    let Some(stage) = Stage::new("ephemeral") else { return };
    let stage = stage.project(|project| {
        ["pytorch", "own"].into_iter().fold(project, |p, name| p.experiment(Experiment::in_service(name)))
    });
    let python = "#!/bin/sh\necho \"asked: $*\" >&2\nexec /lem-scripted-worker die phase=load\n";
    stage.project.write("python", python);
    let file = stage.project.file("python");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&file, executable).expect("the file is ours");
    let stage = stage
        .service("pytorch")
        .volume("pytorch", &format!("{}:/fake/python:ro", file.display()))
        .key("pytorch", "environment", json!({ "PATH": "/fake:/usr/bin:/bin" }))
        .service("own")
        .key("own", "entrypoint", json!(["/lem-scripted-worker", "honest", "window_ms=50"]));
    let _ = stage.run().exits(1);
    let detail = stage.project.detail(&stage.project.result_of("pytorch"));
    assert!(text(&detail, "stderr_tail").contains("asked: -m lem_worker pytorch"), "{detail:#}");
    stage.completed("own");
    stage.leaves_nothing();
}
