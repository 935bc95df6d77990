//! `lem doctor` on services: found, image built, GPUs, whether a worker runs in them.

use lem_tests::{Project, text};
use serde_json::{Value, json};

use crate::stage::Stage;

#[track_caller]
fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let checks = report["checks"].as_array().expect("checks");
    let found = checks.iter().find(|check| check["name"] == name);
    found.unwrap_or_else(|| panic!("no check {name:?} in {report:#}"))
}

#[test]
fn the_doctor_lists_each_service_with_its_image_gpus_and_worker() {
    let Some(stage) = Stage::new("ephemeral") else { return };
    let gpus = json!({ "resources": { "reservations": { "devices": [
        { "driver": "nvidia", "count": "all", "capabilities": ["gpu"] }
    ] } } });
    let stage = stage
        .scripted("labelled", "honest")
        .service("vllm")
        .key("vllm", "image", "lem-e2e-no-such-image:1")
        .key("vllm", "build", ".")
        .key("vllm", "deploy", gpus)
        .service("database");
    stage.write();
    let report = stage.project.lem(&["doctor", "--json"]).exits(0).json();
    assert_eq!(report["ready"], true, "services are one way to run workers: {report:#}");
    let engine = crate::rig::docker(&["version", "--format", "{{.Server.Version}}"]);
    assert!(text(check(&report, "docker"), "message").contains(&engine), "{report:#}");

    let labelled = check(&report, "service labelled");
    let message = text(labelled, "message");
    assert_eq!(text(labelled, "status"), "ok");
    for words in [crate::rig::EMPTY_IMAGE, "built 20", "no GPUs", "runs a worker"] {
        assert!(message.contains(words), "{words:?} in {message}");
    }
    let vllm = check(&report, "service vllm");
    let message = text(vllm, "message");
    assert_eq!(text(vllm, "status"), "note");
    for words in ["lem-e2e-no-such-image:1 is not built", "asks for GPUs", "runs a worker"] {
        assert!(message.contains(words), "{words:?} in {message}");
    }
    assert!(text(vllm, "remedy").contains("docker compose build vllm"), "{vllm:#}");
    let database = text(check(&report, "service database"), "message");
    assert!(database.contains("not known to run a worker"), "{database}");
}

#[test]
fn an_engine_that_does_not_answer_is_a_note_for_the_doctor_and_an_error_for_a_run() {
    let project = Project::new()
        .variable("DOCKER_HOST", "unix:///no/such/docker.sock")
        .experiment(lem_tests::Experiment::in_service("worker"));
    project.write("compose.yaml", "services: {worker: {image: lab/worker:1}}\n");
    let report = project.lem(&["doctor", "--json"]).exits(0).json();
    let docker = check(&report, "docker");
    assert_eq!(text(docker, "status"), "note");
    assert!(text(docker, "message").contains("/no/such/docker.sock"), "{docker:#}");
    let _ = project.run().exits(2).says("/no/such/docker.sock");
    assert!(project.results().is_empty(), "what cannot start leaves no runs");
}
