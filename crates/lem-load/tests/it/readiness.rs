//! Waiting for a server, and what is said of it.

use std::time::Duration;

use lem_load::Target;
use lem_protocol::{Event, Phase, PhaseEdge};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::server::{Script, Server};
use crate::support::{experiment, said, said_of, target};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_still_loading_is_waited_for() {
    let ready_after = Duration::from_millis(300);
    let server = Server::start(Script { ready_after, ..Script::default() }).await;
    let target = target(server.base_url());
    let since_ns = target.served_since_ns;
    let said = said_of(target, &experiment(1)).await;
    assert_eq!(
        said.edge_ns(Phase::Load, PhaseEdge::Begin),
        since_ns,
        "loading began with the server's start"
    );
    assert!(said.edge_ns(Phase::Load, PhaseEdge::End) - since_ns >= 300_000_000);
    assert!(said.raw.contains("waiting for the server at http://127.0.0.1"), "{}", said.raw);
    assert!(said.result().requests == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_listen_yet_is_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let start = async {
        tokio::time::sleep_until(Instant::now() + Duration::from_millis(250)).await;
        Server::on(TcpListener::bind(address).await.unwrap(), Script::default())
    };
    let experiment = experiment(1);
    let (said, server) = tokio::join!(said_of(target(format!("http://{address}/v1/")), &experiment), start);
    assert_eq!(said.result().requests, 1);
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn patience_ends_with_the_last_that_was_heard() {
    let ready_after = Duration::from_mins(1);
    let server = Server::start(Script { ready_after, ..Script::default() }).await;
    let ready_timeout = Duration::from_millis(250);
    let said = said_of(Target { ready_timeout, ..target(server.base_url()) }, &experiment(1)).await;
    let message = said.error().1;
    assert!(message.contains("was not ready after ") && message.contains("(status 503: Loading model)"));
    assert!(message.contains("ready_timeout_seconds"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_address_is_not_waited_for() {
    let server = Server::start(Script::default()).await;
    let wrong = said_of(target(format!("http://{}/api", server.address)), &experiment(1)).await;
    assert!(wrong.error().1.contains("its address ends in /v1"), "{}", wrong.error().1);
    for address in ["localhost:8000", "/v1", "http://user:hunter2@localhost/v1"] {
        let said = said_of(target(address.into()), &experiment(1)).await;
        assert!(said.error().1.starts_with("the address of the server"), "{}", said.error().1);
        assert!(!said.raw.contains("hunter2"), "{}", said.raw);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_tells_its_version() {
    let server = Server::start(Script::default()).await;
    let said = said(&server, &experiment(1)).await;
    let Event::Hello { engine, versions, .. } = &said.lines[0].event else { panic!("{:?}", said.lines[0]) };
    assert_eq!(engine, "openai");
    assert_eq!((&versions["server"], versions["lem"].is_string()), (&json!("0.99.1"), true));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_experiment_that_is_none_is_an_error_after_a_greeting() {
    let mut output = Vec::new();
    let input: &[u8] = b"{\"protocol\": 1}\n";
    let success =
        lem_load::run(target("http://127.0.0.1:1/v1".into()), input, &mut output, Vec::new()).await.unwrap();
    let text = String::from_utf8(output).unwrap();
    assert!(!success && text.starts_with("{\"t_ns\":") && text.contains("\"hello\""), "{text}");
    assert!(text.contains("the experiment is not valid"), "{text}");
}
