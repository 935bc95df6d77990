//! What ends a run, and what it says then.

use std::time::Duration;

use lem_protocol::{Experiment, Traffic, WorkerErrorKind};
use serde_json::json;

use crate::server::{Fault, Script, Server};
use crate::support::{closed, experiment, said};

/// The error of a run on a server with this fault from the request of this number on, the probe being 0.
async fn error_of(from: usize, fault: Fault) -> (WorkerErrorKind, String) {
    let server = Server::start(Script { fault: Some((from, fault)), ..Script::default() }).await;
    let said = said(&server, &experiment(3)).await;
    let (kind, message) = said.error();
    (kind, message.to_owned())
}

/// The error of an experiment that is refused before the server is asked.
async fn refusal(change: impl FnOnce(&mut Experiment)) -> String {
    let server = Server::start(Script::default()).await;
    let mut experiment = experiment(1);
    change(&mut experiment);
    let said = said(&server, &experiment).await;
    assert_eq!(said.error().0, WorkerErrorKind::UnsupportedParameter);
    assert!(server.asked().is_empty() && said.phases().is_empty());
    said.error().1.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_refuses_is_told_by_kind_with_its_own_words() {
    let status = |status, body: &str| Fault::Status(status, body.to_owned());
    let refusals = [
        error_of(0, status(400, r#"{"error": {"message": "top_k is not known"}}"#)).await,
        error_of(0, status(422, r#"{"detail": [{"loc": ["body", "seed"]}]}"#)).await,
        error_of(0, status(404, r#"{"error": {"message": "The model `tiny` does not exist."}}"#)).await,
        error_of(0, status(404, r#"{"detail": "Not Found"}"#)).await,
        error_of(0, status(401, r#"{"error": "Unauthorized"}"#)).await,
        error_of(0, status(308, "")).await,
        error_of(2, status(500, r#"{"error": {"message": "CUDA out of memory. Tried to allocate"}}"#)).await,
        error_of(2, status(500, "Internal Server Error")).await,
        error_of(2, Fault::GivesUp("engine is dead")).await,
        error_of(2, Fault::DoesNotStream).await,
    ];
    let lines: Vec<String> =
        refusals.iter().map(|(kind, message)| format!("{}: {message}", kind.name())).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_off_ends_the_run_and_the_request_is_named() {
    let (kind, message) = error_of(2, Fault::BreaksOff(2)).await;
    assert_eq!(kind, WorkerErrorKind::Engine);
    assert!(
        message.starts_with("request 1 (counted from 0 as they were sent) failed in the measurement"),
        "{message}"
    );
    assert!(message.contains("broke off after 2 chunks"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_ends_in_an_error_is_not_complete_although_it_is_done() {
    for usage in [Some(7), None] {
        let fault = Some((2, Fault::GivesUpInField("no slot is left")));
        let server = Server::start(Script { usage, fault, ..Script::default() }).await;
        let said = said(&server, &experiment(3)).await;
        let message = said.error().1;
        assert!(message.contains("the server gave up within its answer: no slot is left"), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_which_nothing_was_said_is_none() {
    let (kind, message) = error_of(2, Fault::SaysNothing).await;
    assert_eq!(kind, WorkerErrorKind::Engine);
    assert!(message.contains("before there was anything in it"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn input_tokens_that_are_no_longer_reported_do_not_become_0() {
    let (_, message) = error_of(2, Fault::ForgetsInput).await;
    assert!(message.contains("two ways of counting"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn arrivals_that_fall_together_end_the_run_one_way_or_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace.txt");
    std::fs::write(&trace, "0\n".repeat(60)).unwrap();
    let server = Server::start(Script::default()).await;
    let mut experiment = experiment(30);
    experiment.warmup.prompts = 30;
    experiment.workload.traffic = Some(Traffic::Trace { path: trace.to_str().unwrap().into() });
    for _ in 0..5 {
        let said = tokio::time::timeout(Duration::from_secs(10), said(&server, &experiment)).await;
        let said = said.expect("nobody waits for arrivals that do not come");
        assert!(said.success || said.error().1.contains("the arrivals of the trace have ended"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_fails_in_warmup_ends_the_run_too() {
    let fault = Some((2, Fault::BreaksOff(0)));
    let server = Server::start(Script { fault, ..Script::default() }).await;
    let said = said(&server, &closed(3, 1, 3)).await;
    assert!(said.error().1.contains("failed in warm-up"), "{}", said.error().1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_not_served_is_not_replaced_by_one_of_several() {
    let server = Server::start(Script { models: vec!["small", "large"], ..Script::default() }).await;
    let several = said(&server, &experiment(1)).await;
    let expected = "the server does not serve tiny; name one of these as `model`: small, large";
    assert_eq!(several.error(), (WorkerErrorKind::ModelNotFound, expected));
    let server = Server::start(Script { models: vec!["small"], ..Script::default() }).await;
    let only = said(&server, &experiment(1)).await;
    assert_eq!(only.result().effective_parameters["model"], "small");
    assert!(only.warnings()[0].contains("the campaign asks for tiny"), "{:?}", only.warnings());
    assert!(server.asked().iter().all(|body| body["model"] == "small"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_experiment_that_cannot_be_carried_out_is_refused_before_anything_is_asked() {
    let unknown = refusal(|e| drop(e.options.insert("threads".into(), json!(2)))).await;
    assert!(
        unknown.starts_with(
            "the option vllm.threads is not known; known options are: extra_body, system_prompt"
        )
    );
    let batch = refusal(|e| e.batch_size = 8).await;
    assert!(batch.contains("`traffic: {type: closed, concurrency: 8}`"), "{batch}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_ends_the_requests_that_are_under_way() {
    let fault = Some((4, Fault::Status(500, "x".into())));
    let script = Script { fault, chunks: 100, gap: Duration::from_millis(10), ..Script::default() };
    let server = Server::start(script).await;
    let before = tokio::time::Instant::now();
    let said = said(&server, &closed(9, 4, 0)).await;
    assert!(said.error().1.contains("the server failed"));
    assert!(before.elapsed() < Duration::from_secs(3), "nobody waited for the others");
}
