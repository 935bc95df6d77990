//! Starts that fail, told apart, with nothing half-made left.

use std::net::TcpListener;
use std::time::Duration;

use lem_backend::compose::Service;
use lem_backend::docker::{ConnectError, Endpoint, Engine};
use lem_backend::{Backend, Start};

use crate::rig::{ONE_PROGRAM, Rig, TOOLS, command, read, rig, shell};

async fn refusal(rig: &Rig, service: Service, start: &Start) -> String {
    let error = rig.ephemeral_of(service).start(start).await.err().expect("refused").to_string();
    rig.assert_none_left().await;
    let folder = rig.folder.path().to_string_lossy().into_owned();
    error.replace(&folder, "FOLDER")
}

async fn refusal_of(rig: &Rig, keys: &str) -> String {
    refusal(rig, rig.service(&format!("image: {TOOLS}\n{keys}")), &shell("true")).await
}

#[tokio::test]
async fn a_missing_image_says_how_to_make_it() {
    let Some(rig) = rig().await else { return };
    let pulled = refusal(&rig, rig.service("image: lem-test-none:1"), &shell("true")).await;
    insta::assert_snapshot!(pulled);
    let built = refusal(&rig, rig.service("image: lem-test-none:1\nbuild: ."), &shell("true")).await;
    insta::assert_snapshot!(built);
}

#[tokio::test]
async fn an_engine_without_nvidias_runtime_is_said() {
    let Some(rig) = rig().await else { return };
    let keys = "deploy:\n  resources:\n    reservations:\n      devices:\n        - driver: nvidia\n          count: all\n          \
                capabilities: [gpu]";
    let mut backend = rig.ephemeral(&format!("image: {TOOLS}\n{keys}"));
    backend.gpus = Some(vec!["GPU-00000000-0000-0000-0000-000000000000".into()]);
    // On a machine that has the runtime, no GPU has that id.
    let error = backend.start(&shell("true")).await.err().expect("refused").to_string();
    assert!(error.contains("NVIDIA Container Toolkit") || error.contains("cannot be used"), "{error}");
    rig.assert_none_left().await;
}

#[tokio::test]
async fn a_port_in_use_is_said() {
    let Some(rig) = rig().await else { return };
    if !rig.engine.endpoint().is_local() {
        return;
    }
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port();
    let error = refusal_of(&rig, &format!("ports: [\"127.0.0.1:{port}:80\"]")).await;
    assert!(error.starts_with("service worker: a port that it publishes is in use"), "{error}");
    assert!(error.contains(&port.to_string()), "{error}");
}

#[tokio::test]
async fn what_cannot_be_mounted_is_said() {
    let Some(rig) = rig().await else { return };
    let long = "volumes:\n  - type: bind\n    source: ./none\n    target: /data\n    bind: {create_host_path: false}";
    insta::assert_snapshot!(refusal_of(&rig, long).await);
    let nested = "volumes:\n  - type: bind\n    source: .\n    target: /outer\n    read_only: true\n  \
                  - type: tmpfs\n    target: /outer/inner";
    let error = refusal_of(&rig, nested).await;
    assert!(
        error.starts_with("service worker: a mount needs a folder where nothing can be written"),
        "{error}"
    );
    let device = refusal_of(&rig, "devices: [/dev/lem-none]").await;
    assert!(device.starts_with("service worker: what it mounts cannot be mounted"), "{device}");
}

#[tokio::test]
async fn what_must_exist_outside_the_file_is_named_when_it_does_not() {
    let Some(rig) = rig().await else { return };
    let compose = |more: &str, top: &str| {
        rig.compose(&format!(
            "services:\n  worker:\n    image: {TOOLS}\n    {more}\n{top}: {{lem-none: {{external: true}}}}\n"
        ))
    };
    let network = refusal(&rig, compose("networks: [lem-none]", "networks"), &shell("true")).await;
    insta::assert_snapshot!(network);
    let volume = refusal(&rig, compose("volumes: [\"lem-none:/data\"]", "volumes"), &shell("true")).await;
    insta::assert_snapshot!(volume);
}

#[tokio::test]
async fn a_service_that_is_depended_on_has_to_run_already() {
    let Some(rig) = rig().await else { return };
    let text = format!(
        "services:\n  worker: {{image: {TOOLS}, depends_on: [cache]}}\n  cache: {{image: {TOOLS}}}\n"
    );
    insta::assert_snapshot!(refusal(&rig, rig.compose(&text), &shell("true")).await);
}

#[tokio::test]
async fn a_program_that_the_image_lacks_is_named() {
    let Some(rig) = rig().await else { return };
    let python = command(&["python", "-m", "lem_worker"]);
    let service = rig.service(&format!("image: {ONE_PROGRAM}\ninit: false"));
    let error = refusal(&rig, service, &python).await;
    assert!(error.starts_with("service worker: the image lem-test-one-program:1 has no program"), "{error}");
    assert!(error.contains("python"), "{error}");
    // With an init process the engine has started something, and only that can tell.
    let mut session = rig.ephemeral(&format!("image: {ONE_PROGRAM}")).start(&python).await.expect("starts");
    let said = read(session.stderr).await;
    assert!(said.contains("python"), "{said}");
    let exit = session.control.stop(Duration::from_secs(10)).await.expect("stops");
    assert_eq!(exit.to_string(), "exit code 127: a program was not found");
}

#[tokio::test]
async fn nothing_to_run_is_said() {
    let Some(rig) = rig().await else { return };
    insta::assert_snapshot!(refusal(&rig, rig.service(&format!("image: {TOOLS}")), &command(&[])).await);
}

async fn unreachable(endpoint: Endpoint) -> ConnectError {
    Engine::connect(endpoint).await.expect_err("refused")
}

#[tokio::test]
async fn why_an_engine_cannot_be_reached_is_told_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("docker.sock");
    let missing = unreachable(Endpoint::Unix(socket.clone())).await;
    assert!(matches!(missing, ConnectError::NoEngine { .. }), "{missing}");
    drop(std::os::unix::net::UnixListener::bind(&socket).expect("bound"));
    let stale = unreachable(Endpoint::Unix(socket)).await;
    assert!(stale.to_string().contains("Connection refused"), "{stale}");
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port();
    let refused = unreachable(Endpoint::Tcp { host: "127.0.0.1".into(), port: free }).await;
    assert!(matches!(refused, ConnectError::NoEngine { .. }), "{refused}");
    let unknown = unreachable(Endpoint::Tcp { host: "no-such-host.invalid".into(), port: 2375 }).await;
    assert!(matches!(unknown, ConnectError::Unreachable { .. }), "{unknown}");
    let ssh = Endpoint::parse(&format!("ssh://127.0.0.1:{free}"), "DOCKER_HOST").expect("an address");
    let ssh = unreachable(ssh).await;
    assert!(ssh.to_string().contains("works without a password"), "{ssh}");
}

#[tokio::test]
async fn something_else_that_answers_is_no_engine() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("docker.sock");
    let listener = tokio::net::UnixListener::bind(&socket).expect("bound");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let text = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, text).await;
        }
    });
    let error = unreachable(Endpoint::Unix(socket)).await;
    assert!(matches!(error, ConnectError::NotAnEngine { .. }), "{error}");
}
