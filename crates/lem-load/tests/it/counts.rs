//! How tokens are counted, with servers that tell much, little or something else.

use std::time::Duration;

use lem_load::{Api, Target};
use lem_protocol::{PromptSource, Traffic};

use crate::server::{Pace, Script, Server};
use crate::support::{closed, experiment, said, said_of, target};

#[tokio::test(flavor = "multi_thread")]
async fn without_usage_figures_chunks_are_counted_and_that_is_said() {
    let server = Server::start(Script { usage: None, ..Script::default() }).await;
    let said = said(&server, &experiment(2)).await;
    let result = said.result();
    assert_eq!((result.input_tokens, result.output_tokens), (0, 8));
    assert_eq!(
        said.warnings(),
        [
            "the server reports no token counts; chunks stand for tokens, in counts and in gaps, and input tokens are not \
             known and stand as 0"
        ]
    );
    let counting = &result.effective_parameters["token_counting"];
    assert_eq!((&counting["output"], &counting["input"]), (&"chunks with text".into(), &"not known".into()));
    assert_eq!(counting["output_of_unfinished"], "chunks with text", "nobody knows that each is a token");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_tokenizes_is_asked_before_the_window() {
    let server = Server::start(Script { usage: None, tokenize: Some(9), ..Script::default() }).await;
    let said = said(&server, &experiment(2)).await;
    assert_eq!(said.result().input_tokens - said.result().unfinished.unwrap().input_tokens, 18);
    assert_eq!(said.result().effective_parameters["token_counting"]["input"], "POST /tokenize");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_stream_options_is_asked_again_without_them() {
    let server = Server::start(Script { refuses_stream_options: true, ..Script::default() }).await;
    let said = said(&server, &experiment(2)).await;
    assert_eq!(said.result().output_tokens, 8);
    let asked = server.asked();
    assert!(asked[0].get("stream_options").is_some() && asked[1].get("stream_options").is_none());
    assert!(asked[2..].iter().all(|body| body.get("stream_options").is_none()), "it was asked once");
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_of_several_tokens_have_no_gaps_and_tokens_are_spread_over_them() {
    let server = Server::start(Script { chunks: 5, tokens_per_chunk: 3, ..Script::default() }).await;
    let mut experiment = closed(4, 2, 1);
    experiment.workload.max_output_tokens = 15;
    let said = said(&server, &experiment).await;
    for request in said.requests() {
        assert_eq!((request.output_tokens, &request.itl_ms), (15, &None));
        assert!(request.ttft_ms.is_some());
    }
    let warnings = said.warnings().join("\n");
    assert!(
        warnings.contains("request 0, the first of them, has 15 tokens in 5 chunks with text"),
        "{warnings}"
    );
    let estimated = said.result().unfinished.unwrap().output_tokens > 0;
    assert!(!estimated || warnings.contains("of the output tokens are estimated"), "{warnings}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_token_has_its_gap_although_it_has_no_text() {
    let server = Server::start(Script { end_token: true, ..Script::default() }).await;
    let said = said(&server, &experiment(1)).await;
    let requests = said.requests();
    assert_eq!((requests[0].output_tokens, requests[0].itl_ms.as_ref().unwrap().len()), (5, 4));
    assert!(said.warnings().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_in_small_pieces_with_comments_is_read_all_the_same() {
    let server = Server::start(Script { difficult: true, ..Script::default() }).await;
    for api in [Api::Chat, Api::Completions] {
        let said = said_of(Target { api, ..target(server.base_url()) }, &experiment(2)).await;
        assert_eq!((said.result().input_tokens, said.result().output_tokens), (14, 8), "{api:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn prompts_that_are_too_long_are_not_cut_and_that_is_said_once() {
    let server = Server::start(Script { usage: Some(65), ..Script::default() }).await;
    let said = said(&server, &experiment(3)).await;
    assert_eq!(
        said.warnings(),
        [
            "prompts are longer than max_input_tokens (64) and were not cut, because the server holds the tokenizer: request \
             0, the first of them, has 65 tokens"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_streaming_no_gaps_are_told() {
    let server = Server::start(Script::default()).await;
    let mut experiment = experiment(1);
    experiment.streaming = false;
    let said = said(&server, &experiment).await;
    assert_eq!(said.requests()[0].itl_ms, None);
    assert!(server.asked().iter().all(|body| body["stream"] == true), "first tokens are timed nevertheless");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_that_no_answer_was_finished_for_is_counted_after_the_window() {
    let folder = tempfile::tempdir().unwrap();
    let (prompts, trace) = (folder.path().join("prompts.txt"), folder.path().join("trace.txt"));
    std::fs::write(&prompts, "long\nshort\n").unwrap();
    std::fs::write(&trace, "0\n0.02\n").unwrap();
    let server = Server::start(Script {
        pace: Pace::SlowAfter("long"),
        chunks: 40,
        gap: Duration::from_millis(1),
        ..Script::default()
    })
    .await;
    let mut experiment = experiment(2);
    experiment.workload.max_output_tokens = 40;
    experiment.workload.prompts = PromptSource::File { path: prompts.to_str().unwrap().into(), column: None };
    experiment.workload.traffic = Some(Traffic::Trace { path: trace.to_str().unwrap().into() });
    let said = said(&server, &experiment).await;
    let unfinished = said.result().unfinished.unwrap();
    let long = unfinished.input_tokens;
    assert!(long > 0 && long % 7 == 0, "7 for each answer that had begun: {long}");
    assert_eq!(said.result().input_tokens, 14 + long);
    let last = server.asked().pop().unwrap();
    assert_eq!(last["messages"][0]["content"], "long");
}
