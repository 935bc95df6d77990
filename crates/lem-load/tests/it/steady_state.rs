//! The window is the steady state: when it opens and closes, and what is in it.

use std::time::Duration;

use lem_load::{Api, run};
use lem_protocol::framing::experiment_line;
use lem_protocol::{Convergence, Phase, PhaseEdge, Traffic};
use serde_json::json;
use tokio::time::Instant;

use crate::server::{Pace, Script, Server};
use crate::support::{closed, experiment, said, said_of, target};

/// What a chunk may take from the server's stamp to the client's on a machine that does other things too.
const ON_THE_WAY_NS: i64 = 30_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn one_request_at_a_time_has_a_window_from_the_first_to_the_last() {
    let server = Server::start(Script::default()).await;
    let said = said(&server, &experiment(3)).await;
    let result = said.result();
    assert_eq!(said.phases(), ["load", "measure"]);
    assert_eq!((result.requests, result.input_tokens, result.output_tokens), (3, 21, 12));
    for (request, index) in said.requests().into_iter().zip(0..) {
        assert_eq!((request.index, request.in_window), (index, None));
        let gaps = request.itl_ms.as_ref().unwrap();
        assert_eq!(gaps.len(), 3);
        let (ttft_ms, latency_ms) = (request.ttft_ms.unwrap(), request.latency_ms);
        assert!(ttft_ms >= 2.0 && ttft_ms + gaps.iter().sum::<f64>() <= latency_ms, "{request:?}");
    }
    assert!(said.warnings().is_empty(), "{:?}", said.warnings());
    assert_eq!(server.asked().len(), 4, "a probe and those that were measured");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tokens_of_the_window_are_those_that_the_server_sent_between_its_edges() {
    let script =
        Script { chunks: 20, gap: Duration::from_millis(5), pace: Pace::Uneven, ..Script::default() };
    let server = Server::start(script).await;
    let mut experiment = closed(10, 4, 3);
    experiment.workload.max_output_tokens = 20;
    let said = said(&server, &experiment).await;
    let (begin_ns, end_ns) = said.window.unwrap();
    let (counted, requests) = (said.result().output_tokens, said.requests());
    let least = server.tokens_between(begin_ns, end_ns - ON_THE_WAY_NS);
    let most = server.tokens_between(begin_ns - ON_THE_WAY_NS, end_ns);
    assert!(least <= counted && counted <= most, "{least} <= {counted} <= {most}");
    assert!(counted > 150, "most of 10 answers of 20 tokens");
    let began_before = requests.iter().filter(|request| request.in_window.is_some()).count();
    assert!(began_before >= 1, "the other slots were busy when the window opened");
    let unfinished = said.result().unfinished.unwrap();
    assert!(unfinished.output_tokens > 0, "the other slots were busy when it closed: {unfinished:?}");
    assert_eq!(said.result().effective_parameters["concurrency"]["max"], 4);
    let mean = said.result().effective_parameters["concurrency"]["mean"].as_f64().unwrap();
    assert!((3.0..=4.0).contains(&mean), "{mean}");
    assert!(said.warnings().is_empty(), "{:?}", said.warnings());
}

#[tokio::test(flavor = "multi_thread")]
async fn warmup_ends_and_the_window_opens_at_the_same_moment() {
    let server = Server::start(Script::default()).await;
    let said = said(&server, &closed(4, 2, 3)).await;
    assert_eq!(said.phases(), ["load", "warmup", "measure"]);
    let (over, open) =
        (said.edge_ns(Phase::Warmup, PhaseEdge::End), said.edge_ns(Phase::Measure, PhaseEdge::Begin));
    assert_eq!(over, open);
    let parameters = &said.result().effective_parameters;
    assert!(parameters["warmup_requests"].as_u64().unwrap() >= 3, "{parameters:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_warmup_the_window_of_several_slots_opens_when_each_has_a_token() {
    let (first, gap) = (Duration::from_millis(20), Duration::from_millis(20));
    let server = Server::start(Script { first, gap, ..Script::default() }).await;
    let said = said(&server, &closed(3, 3, 0)).await;
    assert_eq!(said.phases(), ["load", "warmup", "measure"]);
    let filling_ns = said.window.unwrap().0 - said.edge_ns(Phase::Warmup, PhaseEdge::Begin);
    assert!(filling_ns >= 20_000_000, "{filling_ns}");
    assert!(said.requests()[0].in_window.is_some(), "it was sent before");
}

#[tokio::test(flavor = "multi_thread")]
async fn open_traffic_counts_from_the_arrival_and_does_not_wait_for_answers() {
    let script = Script { first: Duration::from_millis(40), ..Script::default() };
    let server = Server::start(script).await;
    let mut experiment = experiment(12);
    experiment.workload.traffic = Some(Traffic::Poisson { requests_per_s: 100.0 });
    experiment.warmup.prompts = 4;
    let said = said(&server, &experiment).await;
    assert!(said.requests().iter().all(|request| request.ttft_ms.unwrap() >= 40.0));
    let parameters = &said.result().effective_parameters;
    assert!(parameters["concurrency"]["max"].as_u64().unwrap() > 1, "{parameters:?}");
    assert_eq!(parameters["traffic"], json!({"type": "poisson", "requests_per_s": 100.0}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_is_followed_and_repeated_until_enough_have_finished() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.txt");
    std::fs::write(&path, "0\n0.01\n0.03\n").unwrap();
    let server = Server::start(Script::default()).await;
    let mut experiment = experiment(3);
    experiment.workload.traffic = Some(Traffic::Trace { path: path.to_str().unwrap().into() });
    experiment.warmup.prompts = 2;
    let said = said(&server, &experiment).await;
    assert_eq!(said.result().requests, 3);
    assert!(said.result().effective_parameters["requests_sent"].as_u64().unwrap() >= 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn warmup_until_latencies_are_stable_repeats_the_first_prompt() {
    let server = Server::start(Script { first: Duration::from_millis(10), ..Script::default() }).await;
    let mut experiment = closed(3, 1, 2);
    experiment.warmup.convergence = Some(Convergence { cv_threshold: 5.0, window: 3, max_prompts: 9 });
    let said = said(&server, &experiment).await;
    assert_eq!(said.result().warmup_converged, Some(true));
    assert_eq!(said.result().effective_parameters["warmup_requests"], 3);
    let asked = server.asked();
    let prompts: Vec<_> = asked.iter().skip(1).map(|body| &body["messages"][0]["content"]).collect();
    assert!(prompts[0] == prompts[1] && prompts[1] == prompts[2], "{prompts:?}");
    assert!(prompts[3] == prompts[0] && prompts[4] != prompts[3], "then comes the sequence: {prompts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warmup_that_takes_too_long_ends_and_that_is_said() {
    let server = Server::start(Script { first: Duration::from_millis(150), ..Script::default() }).await;
    let mut experiment = closed(1, 1, 9);
    experiment.warmup.timeout_s = 0.2;
    let said = said(&server, &experiment).await;
    let warnings = said.warnings();
    assert!(warnings[0].starts_with("warm-up was ended by its time limit of 0.2 s after "), "{warnings:?}");
    assert_eq!(said.result().requests, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_is_idle_in_the_phase_idle() {
    let server = Server::start(Script::default()).await;
    let mut experiment = experiment(1);
    experiment.idle_s = 0.05;
    let said = said(&server, &experiment).await;
    let (begin_ns, end_ns) =
        (said.edge_ns(Phase::Idle, PhaseEdge::Begin), said.edge_ns(Phase::Idle, PhaseEdge::End));
    assert!(end_ns - begin_ns >= 50_000_000);
    assert_eq!(server.tokens_between(begin_ns, end_ns), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_in_force_is_in_the_result() {
    let server = Server::start(Script::default()).await;
    let mut experiment = experiment(2);
    experiment.workload.min_output_tokens = 4;
    experiment.options.insert("extra_body".into(), json!({"priority": 3}));
    let said =
        said_of(lem_load::Target { api: Api::Completions, ..target(server.base_url()) }, &experiment).await;
    let mut parameters = said.result().effective_parameters.clone();
    assert_eq!(parameters["base_url"], server.base_url());
    parameters["base_url"] = "http://SERVER/v1".into();
    parameters["concurrency"]["mean"] = 1.into();
    for hash in ["sha256", "file_sha256"] {
        parameters["prompts"][hash] = "HASH".into();
    }
    insta::assert_json_snapshot!(parameters);
    assert_eq!((&server.asked()[1]["priority"], &server.asked()[1]["ignore_eos"]), (&json!(3), &json!(true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_that_extra_body_changes_is_the_one_in_force() {
    let server = Server::start(Script::default()).await;
    let mut experiment = experiment(2);
    experiment.options.insert("extra_body".into(), json!({"max_tokens": 3}));
    let said = said(&server, &experiment).await;
    assert_eq!(said.result().output_tokens, 6);
    assert_eq!(said.result().effective_parameters["max_output_tokens"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_is_dropped_closes_its_connections() {
    let server = Server::start(Script { chunks: 10_000, ..Script::default() }).await;
    let mut experiment = closed(2, 3, 0);
    experiment.workload.max_output_tokens = 10_000;
    let input = experiment_line(&experiment).unwrap();
    let target = target(server.base_url());
    let load = tokio::spawn(async move { run(target, input.as_slice(), Vec::new(), Vec::new()).await });
    until_generating(&server, 3).await;
    load.abort();
    until_generating(&server, 0).await;
}

async fn until_generating(server: &Server, wanted: usize) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while server.generating() != wanted {
        assert!(Instant::now() < deadline, "{} and not {wanted} requests are under way", server.generating());
        tokio::time::sleep_until(Instant::now() + Duration::from_millis(5)).await;
    }
}
