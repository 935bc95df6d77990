//! The API key is in the `Authorization` header, and nowhere in what is said.

use lem_load::{Secret, Target};
use lem_protocol::WorkerErrorKind;

use crate::server::{Fault, Script, Server};
use crate::support::{experiment, said_of, target};

const KEY: &str = "sk-local-4711-abcdef";

fn with_key(base_url: String) -> Target {
    Target { api_key: Some(Secret::new(KEY)), ..target(base_url) }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_goes_into_its_header_alone() {
    let server = Server::start(Script::default()).await;
    let target = with_key(server.base_url());
    assert!(!format!("{target:?}").contains(KEY));
    let said = said_of(target, &experiment(2)).await;
    said.result();
    assert!(!said.raw.contains(KEY));
    let headers = server.headers();
    let carried = headers.matches(&format!("authorization: Bearer {KEY}\r\n")).count();
    assert_eq!((carried, headers.matches(KEY).count()), (headers.matches(" HTTP/1.1\r\n").count(), carried));
    assert!(server.asked().iter().all(|body| !body.to_string().contains(KEY)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_repeats_the_key_is_not_quoted_with_it() {
    for status in [400, 401, 404, 500] {
        let body = format!(r#"{{"error": {{"message": "Incorrect API key for the model: {KEY}"}}}}"#);
        let fault = Some((0, Fault::Status(status, body)));
        let server = Server::start(Script { fault, ..Script::default() }).await;
        let said = said_of(with_key(server.base_url()), &experiment(1)).await;
        assert!(said.error().1.contains("Incorrect API key for the model: ***"), "{}", said.error().1);
        assert!(!said.raw.contains(KEY));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_sent_and_not_told() {
    let server = Server::start(Script::default()).await;
    let said = said_of(target(format!("{}?token={KEY}", server.base_url())), &experiment(1)).await;
    let (kind, message) = said.error();
    assert_eq!(kind, WorkerErrorKind::Engine, "this server does not know addresses with a query: {message}");
    assert!(server.headers().contains(&format!("/v1/models?token={KEY}")));
    assert!(!said.raw.contains(KEY), "{}", said.raw);
}
