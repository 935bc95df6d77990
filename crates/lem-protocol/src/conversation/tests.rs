//! One broken rule at a time; whole conversations are in `conversations/`, replayed by `tests/conversations.rs`.

use super::*;
use crate::event::{Request, TokenCounts, WorkerErrorKind};

/// A valid conversation of two requests, from which tests take away or to which they add.
fn valid() -> Vec<EventLine> {
    let begin = |phase| Event::Phase { phase, edge: PhaseEdge::Begin };
    let end = |phase| Event::Phase { phase, edge: PhaseEdge::End };
    let result = WorkerResult { requests: 2, input_tokens: 20, output_tokens: 6, ..WorkerResult::default() };
    let events = [
        hello(PROTOCOL_VERSION),
        begin(Phase::Load),
        end(Phase::Load),
        begin(Phase::Measure),
        Event::Request(request(0)),
        Event::Request(request(1)),
        end(Phase::Measure),
        begin(Phase::Unload),
        end(Phase::Unload),
        Event::Result(result),
    ];
    events
        .into_iter()
        .zip(1..)
        .map(|(event, second)| EventLine { t_ns: second * 1_000_000_000, event })
        .collect()
}

/// Where the first request stands in [`valid`].
const REQUEST: usize = 4;
/// Where the result stands in [`valid`].
const RESULT: usize = 9;

fn hello(protocol: u32) -> Event {
    Event::Hello { protocol, engine: "test".into(), versions: serde_json::Map::new() }
}

fn request(index: u32) -> Request {
    Request {
        index,
        input_tokens: 10,
        output_tokens: 3,
        start_ns: None,
        waited_ms: None,
        ttft_ms: Some(20.0),
        latency_ms: 40.0,
        itl_ms: Some(vec![10.0, 10.0]),
        in_window: None,
    }
}

fn verdict(lines: &[EventLine]) -> Result<Conversation, Violation> {
    let mut conversation = Conversation::expecting(2);
    lines.iter().try_for_each(|line| conversation.accept(line))?;
    conversation.finish()?;
    Ok(conversation)
}

/// The code of the violation after `change` has been made to a valid conversation.
fn broken_by(change: impl FnOnce(&mut Vec<EventLine>)) -> &'static str {
    let mut lines = valid();
    change(&mut lines);
    verdict(&lines).map_or_else(|violation| violation.code(), |_| "nothing")
}

fn with_request(change: impl FnOnce(&mut Request)) -> &'static str {
    broken_by(|lines| {
        let mut request = request(0);
        change(&mut request);
        lines[REQUEST].event = Event::Request(request);
    })
}

fn with_result(change: impl FnOnce(&mut WorkerResult)) -> &'static str {
    broken_by(|lines| {
        let Event::Result(result) = &mut lines[RESULT].event else { unreachable!() };
        change(result);
    })
}

#[test]
fn a_valid_conversation_has_the_window_of_its_measure_phase() {
    let conversation = verdict(&valid()).unwrap();
    assert_eq!(conversation.window(), Some((4_000_000_000, 7_000_000_000)));
    assert_eq!(conversation.open_phase(), None);
}

#[test]
fn hello_is_first_once_and_of_this_version() {
    assert_eq!(broken_by(|lines| drop(lines.remove(0))), "no_hello");
    assert_eq!(broken_by(|lines| lines.insert(1, lines[0].clone())), "second_hello");
    assert_eq!(broken_by(|lines| lines[0].event = hello(PROTOCOL_VERSION + 1)), "wrong_protocol");
}

#[test]
fn times_never_decrease_and_are_never_negative() {
    assert_eq!(broken_by(|lines| lines[2].t_ns = lines[1].t_ns), "nothing");
    assert_eq!(broken_by(|lines| lines[2].t_ns = lines[1].t_ns - 1), "time_went_back");
    assert_eq!(broken_by(|lines| lines[0].t_ns = -1), "time_went_back");
}

#[test]
fn phases_do_not_nest_repeat_or_go_back() {
    assert_eq!(broken_by(|lines| drop(lines.remove(2))), "nested_phase");
    assert_eq!(broken_by(|lines| drop(lines.remove(1))), "phase_not_open");
    assert_eq!(
        broken_by(|lines| {
            let load =
                [lines[1].clone(), lines[2].clone()].map(|line| EventLine { t_ns: 7_000_000_000, ..line });
            lines.splice(7..7, load);
        }),
        "phase_out_of_order"
    );
}

#[test]
fn a_measurement_window_has_a_length() {
    assert_eq!(
        broken_by(|lines| {
            lines.drain(4..6);
            lines[4].t_ns = lines[3].t_ns;
        }),
        "empty_window"
    );
}

#[test]
fn progress_belongs_to_a_phase_and_does_not_pass_its_total() {
    let progress = |at: usize, done| {
        broken_by(|lines| {
            let event = Event::Progress { done, total: Some(2) };
            lines.insert(at, EventLine { t_ns: lines[at].t_ns, event });
        })
    };
    assert_eq!(progress(4, 2), "nothing");
    assert_eq!(progress(4, 3), "progress_beyond_total");
    assert_eq!(progress(3, 1), "progress_outside_phase");
}

#[test]
fn requests_belong_to_the_measure_phase_and_come_once() {
    assert_eq!(
        broken_by(|lines| lines.insert(3, EventLine { t_ns: lines[2].t_ns, event: lines[4].event.clone() })),
        "request_outside_measure"
    );
    assert_eq!(with_request(|request| request.index = 1), "repeated_request");
    assert_eq!(with_request(|request| request.index = 2), "index_beyond_workload");
}

#[test]
fn a_request_that_cannot_be_true_is_not_believed() {
    assert_eq!(with_request(|request| request.latency_ms = -1.0), "impossible_latency");
    assert_eq!(with_request(|request| request.latency_ms = f64::INFINITY), "impossible_latency");
    assert_eq!(with_request(|request| request.ttft_ms = Some(f64::NAN)), "impossible_latency");
    assert_eq!(with_request(|request| request.itl_ms = Some(vec![1.0, -0.1])), "impossible_latency");
    assert_eq!(with_request(|request| request.itl_ms = Some(vec![1.0])), "gap_count");
    assert_eq!(with_request(|request| request.ttft_ms = Some(45.0)), "first_token_after_end");
    assert_eq!(with_request(|request| request.latency_ms = 1_100.0), "longer_than_window");
    assert_eq!(with_request(|request| request.input_tokens = MAX_TOKENS + 1), "huge_request");
}

/// The first request of [`valid`] is told 5 s after the beginning, 1 s after the window opened and 2 s after loading.
const TOLD_NS: i64 = 5_000_000_000;

fn started_at(start_ns: i64) -> &'static str {
    with_request(|request| request.start_ns = Some(start_ns))
}

#[test]
fn a_request_begins_in_the_window_and_early_enough_to_have_its_latency() {
    assert_eq!(started_at(4_000_000_000), "nothing", "with the window");
    assert_eq!(started_at(3_999_999_999), "start_out_of_time", "before it");
    assert_eq!(started_at(TOLD_NS - 40_000_000), "nothing", "it took 40 ms");
    assert_eq!(started_at(TOLD_NS - 38_000_000), "start_out_of_time");
    assert_eq!(started_at(TOLD_NS + 1), "start_out_of_time", "after it was told");
    assert_eq!(started_at(i64::MIN), "start_out_of_time");
}

#[test]
fn a_request_that_began_before_the_window_began_after_the_model_was_loaded() {
    let started_at = |start_ns| {
        with_request(|request| {
            request.start_ns = Some(start_ns);
            request.in_window = Some(TokenCounts { input_tokens: 10, output_tokens: 3 });
        })
    };
    assert_eq!(started_at(3_000_000_000), "nothing", "loading ended then");
    assert_eq!(started_at(2_999_999_999), "start_out_of_time");
}

#[test]
fn time_in_a_queue_is_part_of_the_latencies_and_before_the_start() {
    let waited = |start_ns, waited_ms| {
        with_request(|request| (request.start_ns, request.waited_ms) = (Some(start_ns), Some(waited_ms)))
    };
    assert_eq!(waited(TOLD_NS - 25_000_000, 15.0), "nothing", "25 of 40 ms are left");
    assert_eq!(waited(TOLD_NS - 23_000_000, 15.0), "start_out_of_time");
    assert_eq!(waited(TOLD_NS - 40_000_000, 22.0), "waited_too_long", "the first token came after 20 ms");
    assert_eq!(waited(TOLD_NS - 40_000_000, -1.0), "impossible_latency");
}

#[test]
fn an_engine_that_cannot_tell_first_tokens_or_gaps_leaves_them_out() {
    let unknown = with_request(|request| (request.ttft_ms, request.itl_ms) = (None, None));
    assert_eq!(unknown, "nothing");
}

#[test]
fn the_result_follows_the_measurement_and_every_phase() {
    assert_eq!(broken_by(|lines| drop(lines.drain(3..7))), "result_without_measure");
    assert_eq!(broken_by(|lines| drop(lines.remove(8))), "result_inside_phase");
    assert_eq!(broken_by(|lines| drop(lines.drain(7..9))), "nothing");
}

#[test]
fn totals_are_the_sums_of_the_requests() {
    assert_eq!(with_result(|result| result.input_tokens += 1), "totals_differ");
    assert_eq!(with_result(|result| result.output_tokens -= 1), "totals_differ");
    assert_eq!(with_result(|result| result.requests = 1), "requests_missing");
    assert_eq!(with_result(|result| result.requests = 0), "nothing_measured");
    assert_eq!(with_result(|result| result.output_tokens = u64::MAX), "huge_total");
    assert_eq!(broken_by(|lines| drop(lines.remove(REQUEST))), "totals_differ");
    let without_requests = broken_by(|lines| drop(lines.drain(REQUEST..REQUEST + 2)));
    assert_eq!(without_requests, "nothing", "a worker that reports no requests is believed on its totals");
}

#[test]
fn nothing_follows_a_result_or_an_error() {
    let error = Event::Error { kind: WorkerErrorKind::Engine, message: "x".into(), peak_memory_bytes: None };
    assert_eq!(broken_by(|lines| lines.push(lines[RESULT].clone())), "after_the_end");
    assert_eq!(broken_by(|lines| lines[RESULT].event = error.clone()), "nothing");
    assert_eq!(
        broken_by(|lines| lines.insert(4, EventLine { t_ns: lines[3].t_ns, event: error })),
        "after_the_end"
    );
}

#[test]
fn output_that_ends_early_is_a_violation() {
    assert_eq!(broken_by(Vec::clear), "ended_without_hello");
    assert_eq!(broken_by(|lines| lines.truncate(5)), "ended_without_result");
}

#[test]
fn a_violation_leaves_the_conversation_as_it_was() {
    let mut conversation = Conversation::new();
    let lines = valid();
    lines[..4].iter().try_for_each(|line| conversation.accept(line)).unwrap();
    let lie =
        EventLine { t_ns: 5_000_000_000, event: Event::Request(Request { latency_ms: -1.0, ..request(0) }) };
    assert!(conversation.accept(&lie).is_err());
    lines[4..].iter().try_for_each(|line| conversation.accept(line)).unwrap();
    conversation.finish().unwrap();
}

#[test]
fn every_violation_is_a_sentence() {
    let violations = [
        Violation::NoHello { event: "phase" },
        Violation::WrongProtocol { protocol: 7 },
        Violation::TimeWentBack { event: "request", t_ns: 4, last_t_ns: 5 },
        Violation::NestedPhase { phase: "measure", open: "warmup" },
        Violation::PhaseOutOfOrder { phase: "load", last: "measure" },
        Violation::PhaseNotOpen { phase: "load", open: "none" },
        Violation::EmptyWindow { t_ns: 5 },
        Violation::RequestOutsideMeasure { index: 3, open: "warmup" },
        Violation::IndexBeyondWorkload { index: 8, limit: 8 },
        Violation::HugeRequest { index: 0, field: "input_tokens", tokens: u32::MAX },
        Violation::ImpossibleLatency { index: 0, field: "latency_ms", value_ms: -4.5 },
        Violation::GapCount { index: 0, gaps: 4, output_tokens: 4 },
        Violation::FirstTokenAfterEnd { index: 0, ttft_ms: 9.0, latency_ms: 5.0 },
        Violation::LongerThanWindow { index: 0, latency_ms: 900.0, elapsed_ms: 40.5 },
        Violation::WaitedTooLong { index: 0, waited_ms: 30.0, within_ms: 20.5 },
        Violation::StartOutOfTime { index: 0, start_ns: 4, earliest_ns: 5, latest_ns: 9 },
        Violation::MoreInWindow { index: 0, field: "output_tokens", part: 11, whole: 10 },
        Violation::ResultInsidePhase { open: "measure" },
        Violation::RequestsMissing { requests: 3, expected: 8 },
        Violation::TotalsDiffer { field: "output_tokens", total: 90, sum: 80 },
        Violation::AfterTheEnd { event: "warning", last: "result" },
        Violation::EndedWithoutResult { open: Some("measure") },
        Violation::EndedWithoutResult { open: None },
    ];
    let sentences: Vec<String> = violations.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(sentences.join("\n"));
}
