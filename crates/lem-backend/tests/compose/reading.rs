//! What compose files resolve to.

use lem_backend::compose::{self, Compose, Environment, Mount, MountKind};
use serde_json::{Map, Value, json};

use crate::fixtures;

/// A fixture with each of its services, without what is not set; this machine's paths are taken out.
fn resolved(name: &str) -> String {
    let compose = fixtures::open(name);
    let services: Map<String, Value> = compose
        .service_names()
        .iter()
        .map(|service| {
            let resolved = match compose.service(service) {
                Ok(service) => said(serde_json::to_value(&service).expect("a service is plain data")),
                Err(error) => Value::from(error.to_string()),
            };
            (service.clone(), resolved)
        })
        .collect();
    let problems: Vec<String> = compose.problems().iter().map(ToString::to_string).collect();
    let all = json!({"project": compose.project().name, "problems": problems, "services": services});
    let text = serde_yaml::to_string(&said(all)).expect("plain data");
    text.replace(&fixtures::folder().display().to_string(), "FIXTURES")
}

/// Fields of services that are left out of snapshots when they are empty.
const COLLECTIONS: [&str; 11] = [
    "environment",
    "labels",
    "sysctls",
    "ulimits",
    "limits",
    "depends_on",
    "options",
    "driver_opts",
    "problems",
    "notes",
    "args",
];

/// Without nulls, falses and empty collections; notes as the text that users see. An empty command says something.
fn said(value: Value) -> Value {
    let is_said = |key: &str, value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(items) => !items.is_empty() || key == "command" || key == "entrypoint",
        Value::Object(fields) => !fields.is_empty() || !COLLECTIONS.contains(&key),
        _ => true,
    };
    match value {
        Value::Object(fields) if fields.contains_key("place") => {
            let text = |key: &str| fields[key].as_str().unwrap_or_default().to_owned();
            let (file, line) = (&fields["place"]["file"], &fields["place"]["line"]);
            Value::from(format!(
                "{}:{line}: {}: {}",
                file.as_str().unwrap_or_default(),
                text("field"),
                text("message")
            ))
        }
        Value::Object(fields) => fields
            .into_iter()
            .map(|(key, value)| (key, said(value)))
            .filter(|(key, value)| is_said(key, value))
            .collect(),
        Value::Array(items) => items.into_iter().map(said).collect(),
        other => other,
    }
}

#[test]
fn every_fixture_resolves_to_its_snapshot() {
    let names = fixtures::names();
    assert!(names.len() >= 15, "the fixtures went missing: {names:?}");
    for name in names {
        insta::assert_snapshot!(name.clone(), resolved(&name), &name);
    }
}

#[test]
fn a_service_is_found_whatever_its_profiles() {
    let service = fixtures::service("profiles", "vllm");
    assert_eq!(service.profiles.into_iter().collect::<Vec<_>>(), ["bench", "gpu"]);
}

#[test]
fn a_variable_that_another_service_requires_does_not_stand_in_the_way() {
    let compose = fixtures::open("interpolation_v2");
    assert!(compose.service("other").is_err(), "its own variable is missing");
    assert!(compose.service("pytorch").is_ok());
}

#[test]
fn the_users_environment_wins_over_dotenv() {
    let mut environment = fixtures::environment();
    environment.insert("TAG".to_owned(), "newer".to_owned());
    let file = fixtures::folder().join("interpolation/compose.yaml");
    let service = Compose::read(&file, &environment).and_then(|compose| compose.service("pytorch"));
    assert_eq!(service.expect("resolves").image.as_deref(), Some("nvcr.io/nvidia/pytorch:newer"));
}

#[test]
fn secrets_reach_the_container_and_nothing_that_is_shown() {
    for (fixture, name) in [("environment", "list"), ("environment", "map"), ("vllm_server", "vllm")] {
        let service = fixtures::service(fixture, name);
        let shown = format!("{service:?}{}", serde_json::to_string(&service).expect("plain data"));
        assert!(!shown.contains("hf_secret"), "{shown}");
        assert!(service.environment.variables.values().any(|value| value.contains("hf_secret")));
    }
    let Environment { variables, secrets } = fixtures::service("environment", "map").environment;
    assert_eq!(variables["DERIVED"], "token-hf_secret_of_the_user");
    assert_eq!(
        secrets.into_iter().collect::<Vec<_>>(),
        ["API_KEY", "DERIVED", "HF_TOKEN", "PUID", "http_proxy"]
    );
}

#[test]
fn debug_output_of_a_compose_file_holds_no_values_of_the_environment() {
    assert!(!format!("{:?}", fixtures::open("environment")).contains("hf_secret"));
}

#[test]
fn a_path_of_an_extended_file_starts_at_that_file() {
    let service = fixtures::service("extends_file", "vllm");
    let source = |target: &str| {
        let mount = service.volumes.iter().find(|mount| mount.target == target).expect("it is mounted");
        match &mount.kind {
            MountKind::Bind { source, .. } => source.clone(),
            other => panic!("{target} is {other:?}"),
        }
    };
    let folder = fixtures::folder().join("extends_file");
    assert_eq!(source("/scripts"), folder.join("common/scripts"));
    assert_eq!(source("/models"), folder.join("models"));
    assert_eq!(service.environment.variables["MODE"], "vllm", "the extending service's file comes last");
}

#[test]
fn an_extending_service_replaces_a_volume_by_its_target() {
    let service = fixtures::service("extends", "pytorch");
    let targets: Vec<&str> = service.volumes.iter().map(|mount| mount.target.as_str()).collect();
    assert_eq!(targets, ["/data", "/cache"]);
    let Mount { read_only, .. } = service.volumes[0];
    assert!(!read_only, "the mode goes with the volume that is replaced");
}

#[test]
fn the_label_gives_the_workers_command_line() {
    let command = fixtures::service("measurement", "tensorrt").worker_command;
    let words = ["python3", "-m", "lem_worker", "tensorrt", "--engine-dir", "/workspace/engines"];
    assert_eq!(command, Some(words.map(str::to_owned).into()));
    assert_eq!(fixtures::service("measurement", "vllm").worker_command, None);
}

#[test]
fn an_empty_entrypoint_is_not_the_images_own() {
    assert_eq!(fixtures::service("extends", "pytorch-dev").entrypoint, Some(Vec::new()));
    assert_eq!(fixtures::service("extends", "pytorch").entrypoint, None);
}

#[test]
fn a_service_that_is_only_built_has_the_image_names_of_both_composes() {
    assert_eq!(fixtures::service("built", "candle").images(), ["built-candle", "built_candle"]);
    assert_eq!(fixtures::service("minimal", "candle").images(), ["lem-worker-candle:latest"]);
}

#[test]
fn gpus_are_wanted_by_reservation_or_by_runtime() {
    for (fixture, name, wanted) in [
        ("gpus", "all", true),
        ("gpus", "none", false),
        ("gpus_short", "runtime", true),
        ("minimal", "candle", false),
    ] {
        assert_eq!(fixtures::service(fixture, name).wants_gpus(), wanted, "{name}");
    }
}

#[test]
fn the_compose_file_is_found_in_the_order_of_its_names() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(compose::find(folder.path()), None);
    for name in compose::FILE_NAMES.iter().rev() {
        let file = folder.path().join(name);
        std::fs::write(&file, "services: {}\n").expect("written");
        assert_eq!(compose::find(folder.path()), Some(file), "{name} is preferred to those after it");
    }
}

#[test]
fn what_stands_beside_the_compose_file_and_is_not_read_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["docker-compose.yml", "compose.yaml", "docker-compose.override.yml"] {
        std::fs::write(folder.path().join(name), "services: {}\n").expect("written");
    }
    let mut environment = fixtures::environment();
    environment.insert("COMPOSE_FILE".to_owned(), "a.yml:b.yml".to_owned());
    let compose = Compose::read(&folder.path().join("docker-compose.yml"), &environment).expect("it is read");
    let notes: Vec<String> = compose.problems().iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(notes.join("\n").replace(&folder.path().display().to_string(), "PROJECT"));
}
