//! Rules of framing: what a line may be, what is quoted of a bad one, and that nothing bloats or panics.

use std::io::Cursor;
use std::pin::Pin;
use std::task::{Context, Poll};

use proptest::prelude::*;
use serde_json::json;
use tokio::io::ReadBuf;

use super::*;
use crate::event::{ModelFacts, Phase, PhaseEdge, Request, WorkerErrorKind, WorkerResult};
use crate::experiment::{Convergence, Decoding, Experiment, Warmup};

const WARNING: &str = r#"{"t_ns":5,"event":"warning","message":"hot"}"#;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Everything that reading `bytes` to their end gives.
fn read_all(bytes: &[u8]) -> Vec<Result<EventLine, FramingError>> {
    block_on(async {
        let mut reader = EventReader::new(bytes);
        let mut results = Vec::new();
        while let Some(result) = reader.next().await.transpose() {
            results.push(result);
        }
        results
    })
}

fn only_error(line: &[u8]) -> FramingError {
    let mut results = read_all(line);
    assert_eq!(results.len(), 1, "one line gives one result");
    results.remove(0).expect_err("the line is bad")
}

fn experiment() -> Experiment {
    let plain = Experiment::plain("run", "candle", "synthetic/llama-15m");
    Experiment {
        warmup: Warmup {
            prompts: 2,
            convergence: Some(Convergence { cv_threshold: 0.05, window: 3, max_prompts: 9 }),
            hold: true,
            ..plain.warmup
        },
        decoding: Decoding::default(),
        seed: u64::MAX,
        idle_s: 0.5,
        context_s: 1.5,
        options: serde_json::from_value(json!({"threads": 2})).unwrap(),
        ..plain
    }
}

#[test]
fn events_are_read_line_by_line_and_blank_lines_are_passed_over() {
    let bytes = format!("\n{WARNING}\r\n  \n{WARNING}");
    let results = read_all(bytes.as_bytes());
    assert_eq!(results.len(), 2, "a last line without a newline counts");
    assert!(results.iter().all(|result| matches!(result, Ok(EventLine { t_ns: 5, .. }))));
}

#[test]
fn each_bad_line_has_its_error_with_its_number_and_an_excerpt() {
    let lines: [&[u8]; 8] = [
        b"Loading weights: 100%\x1b[0m",
        b"\xff\xfe\x00",
        b"[1, 2]",
        b"{\"t_ns\": 1, \"event\": \"hello\"",
        b"{\"t_ns\": 1, \"event\": \"goodbye\"}",
        b"{\"t_ns\": 1}",
        b"{\"event\": \"warning\", \"message\": \"late\"}",
        b"{\"t_ns\": 1, \"event\": \"progress\", \"done\": -3}",
    ];
    let messages: Vec<String> =
        lines.iter().map(|line| only_error(line)).map(|error| format!("{}: {error}", error.code())).collect();
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn reading_goes_on_after_a_bad_line() {
    let bytes = format!("{WARNING}\ngarbage\n{WARNING}\n");
    let results = read_all(bytes.as_bytes());
    assert!(results[0].is_ok());
    assert!(matches!(results[1], Err(FramingError::NotJson { line: 2, .. })));
    assert!(results[2].is_ok());
}

#[test]
fn a_line_of_exactly_the_limit_is_read_and_one_byte_more_is_dropped() {
    let frame = r#"{"t_ns":5,"event":"warning","message":""}"#;
    let warning = |length: usize| {
        let message = "x".repeat(length - frame.len());
        frame.replace(r#""message":"""#, &format!(r#""message":"{message}""#)) + "\n"
    };
    assert!(read_all(warning(MAX_LINE_BYTES).as_bytes())[0].is_ok());
    let bytes = warning(MAX_LINE_BYTES + 1) + WARNING;
    let results = read_all(bytes.as_bytes());
    assert!(matches!(results[0], Err(FramingError::TooLong { line: 1, .. })));
    assert!(results[1].is_ok(), "the line after it is read");
    assert_eq!(results.len(), 2);
}

/// Never ends and never has a newline.
struct Endless;

impl AsyncRead for Endless {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let length = buffer.remaining();
        buffer.put_slice(&vec![b'z'; length]);
        Poll::Ready(Ok(()))
    }
}

#[test]
fn an_endless_line_is_reported_again_and_again_and_holds_no_more_than_the_limit() {
    block_on(async {
        let mut reader = EventReader::new(Endless);
        for _ in 0..5 {
            let error = reader.next().await.unwrap_err();
            let FramingError::TooLong { line: 1, excerpt } = error else {
                panic!("{error}");
            };
            assert_eq!(excerpt.chars().count(), EXCERPT_CHARS);
            assert!(reader.line.capacity() <= 2 * MAX_LINE_BYTES);
        }
    });
}

#[test]
fn a_cancelled_read_loses_nothing() {
    block_on(async {
        use tokio::io::AsyncWriteExt as _;
        let (mut worker, engine) = tokio::io::duplex(64);
        let mut reader = EventReader::new(engine);
        let (first, second) = WARNING.split_at(20);
        worker.write_all(first.as_bytes()).await.unwrap();
        tokio::select! {
            biased;
            _ = reader.next() => panic!("half a line is no event"),
            () = tokio::task::yield_now() => {}
        }
        worker.write_all(second.as_bytes()).await.unwrap();
        worker.write_all(b"\n").await.unwrap();
        assert_eq!(reader.next().await.unwrap().unwrap().t_ns, 5);
    });
}

#[test]
fn an_experiment_arrives_as_it_was_sent() {
    let mut sent = Vec::new();
    block_on(write_experiment(&mut sent, &experiment())).unwrap();
    assert_eq!(sent.split(|&byte| byte == b'\n').count(), 2, "one line, and nothing after its newline");
    let received = read_experiment(&mut Cursor::new(sent)).unwrap();
    assert_eq!(received, experiment());
}

#[test]
fn the_word_to_go_on_is_a_line_after_the_experiment() {
    let mut input = Cursor::new([experiment_line(&experiment()).unwrap(), PROCEED_LINE.to_vec()].concat());
    assert_eq!(read_experiment(&mut input).unwrap(), experiment());
    let mut line = Vec::new();
    std::io::BufRead::read_until(&mut input, b'\n', &mut line).unwrap();
    assert_eq!(line, PROCEED_LINE);
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&line).unwrap(), json!({ "proceed": true }));
}

#[test]
fn an_experiment_that_json_cannot_carry_is_not_sent() {
    let unsendable = Experiment { idle_s: f64::NAN, ..experiment() };
    assert!(matches!(experiment_line(&unsendable), Err(ExperimentError::Invalid { .. })));
    let long = Experiment { model: "m".repeat(MAX_LINE_BYTES), ..experiment() };
    assert!(matches!(experiment_line(&long), Err(ExperimentError::TooLong)));
}

#[test]
fn a_worker_without_a_readable_experiment_is_told_why() {
    let long = vec![b'{'; MAX_LINE_BYTES + 1];
    let inputs: [&[u8]; 5] = [b"", b"\n", b"start please\n", b"{\"protocol\": 1}\n", &long];
    let messages: Vec<String> = inputs
        .iter()
        .map(|input| read_experiment(&mut Cursor::new(input)).unwrap_err().to_string())
        .collect();
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn an_event_longer_than_the_limit_is_not_written() {
    let mut written = Vec::new();
    let event = Event::Warning { message: "x".repeat(MAX_LINE_BYTES) };
    let error = EventWriter::new(&mut written).write(1, event).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert!(written.is_empty(), "not a byte of it");
}

/// A duration with the resolution of the clock: whole nanoseconds in milliseconds, up to a day.
fn milliseconds() -> impl Strategy<Value = f64> {
    #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
    (0..86_400_000_000_000_u64).prop_map(|ns| ns as f64 / 1e6)
}

fn any_request() -> impl Strategy<Value = Event> {
    let gaps = prop::option::of(prop::collection::vec(milliseconds(), 0..9));
    let ttft = prop::option::of(milliseconds());
    let start = (any::<Option<i64>>(), prop::option::of(milliseconds()));
    (any::<(u32, u32, u32)>(), start, ttft, milliseconds(), gaps).prop_map(
        |((index, input_tokens, output_tokens), (start_ns, waited_ms), ttft_ms, latency_ms, itl_ms)| {
            Event::Request(Request {
                index,
                input_tokens,
                output_tokens,
                start_ns,
                waited_ms,
                ttft_ms,
                latency_ms,
                itl_ms,
                in_window: None,
            })
        },
    )
}

fn any_result() -> impl Strategy<Value = Event> {
    let mixture = any::<(Option<bool>, Option<u64>, Option<u32>)>();
    let model = (any::<Option<u64>>(), any::<Option<u32>>(), any::<Option<String>>(), mixture).prop_map(
        |(parameters, layers, dtype, (mixture_of_experts, active, attention_width))| ModelFacts {
            parameters,
            layers,
            dtype,
            mixture_of_experts,
            active_non_embedding_parameters: active,
            attention_width,
            ..ModelFacts::default()
        },
    );
    (any::<(u32, u64, u64)>(), any::<Option<u64>>(), any::<Option<bool>>(), any::<String>(), model).prop_map(
        |((requests, input_tokens, output_tokens), peak_memory_bytes, warmup_converged, name, model)| {
            let effective_parameters = [(name, json!(1))].into_iter().collect();
            Event::Result(WorkerResult {
                requests,
                input_tokens,
                output_tokens,
                unfinished: None,
                effective_parameters,
                model,
                peak_memory_bytes,
                warmup_converged,
            })
        },
    )
}

fn any_event() -> impl Strategy<Value = Event> {
    let phase = prop::sample::select(vec![
        Phase::Context,
        Phase::Load,
        Phase::Idle,
        Phase::Warmup,
        Phase::Measure,
        Phase::Unload,
    ]);
    let edge = prop::sample::select(vec![PhaseEdge::Begin, PhaseEdge::End]);
    let kind = prop::sample::select(vec![
        WorkerErrorKind::OutOfMemory,
        WorkerErrorKind::ModelNotFound,
        WorkerErrorKind::UnsupportedParameter,
        WorkerErrorKind::Engine,
    ]);
    prop_oneof![
        any::<(u32, String)>().prop_map(|(protocol, engine)| {
            let versions = [("candle".to_owned(), json!(engine))].into_iter().collect();
            Event::Hello { protocol, engine, versions }
        }),
        (phase, edge).prop_map(|(phase, edge)| Event::Phase { phase, edge }),
        any::<(u32, Option<u32>)>().prop_map(|(done, total)| Event::Progress { done, total }),
        any_request(),
        any::<String>().prop_map(|message| Event::Warning { message }),
        any_result(),
        (kind, any::<String>(), any::<Option<u64>>()).prop_map(|(kind, message, peak_memory_bytes)| {
            Event::Error { kind, message, peak_memory_bytes }
        }),
    ]
}

proptest! {
    #[test]
    fn any_event_comes_back_as_it_was_written(t_ns in any::<i64>(), event in any_event()) {
        let mut written = Vec::new();
        EventWriter::new(&mut written).write(t_ns, event.clone()).unwrap();
        let read = read_all(&written).pop().unwrap().unwrap();
        prop_assert_eq!(read, EventLine { t_ns, event });
    }

    #[test]
    fn any_bytes_give_errors_and_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..4000)) {
        for result in read_all(&bytes) {
            let message = result.map_or_else(|error| error.to_string(), |_| String::new());
            prop_assert!(!message.chars().any(char::is_control), "{message:?}");
        }
    }

    #[test]
    fn a_damaged_event_never_panics(at in 0..WARNING.len(), byte in any::<u8>()) {
        let mut bytes = WARNING.as_bytes().to_vec();
        bytes[at] = byte;
        drop(read_all(&bytes));
    }
}
