//! Where a worker waits: before it loads, and at the end of a warm-up until the engine says to go on.

use std::io::Write as _;

use lem_protocol::framing::{PROCEED_LINE, experiment_line, parse_event};
use lem_protocol::{Conversation, Event, EventLine, Experiment, Phase, PhaseEdge, WorkerResult};
use serde_json::json;

use crate::support::{Said, Word, experiment, run, say, start, told};

fn result_of(events: &[EventLine]) -> &WorkerResult {
    match &events.last().unwrap().event {
        Event::Result(result) => result,
        other => panic!("{other:?} is no result"),
    }
}

fn stream_of(result: &WorkerResult) -> String {
    result.effective_parameters["output_token_sha256"].as_str().unwrap().to_owned()
}

fn position(events: &[EventLine], wanted: Phase, at: PhaseEdge) -> usize {
    let is_edge = |line: &EventLine| matches!(line.event, Event::Phase { phase, edge } if phase == wanted && edge == at);
    events.iter().position(is_edge).unwrap()
}

/// Held after two requests of warm-up, in a process with so many threads.
fn held(threads: u32) -> Experiment {
    let mut experiment = experiment();
    experiment.options.insert("threads".into(), json!(threads));
    experiment.warmup.prompts = 2;
    experiment.warmup.hold = true;
    experiment
}

/// Says so with the request that finishes as the `count`th of a hold.
fn with_held(count: u32) -> impl FnMut(&EventLine) -> bool {
    let mut seen = 0;
    move |line| {
        seen += u32::from(matches!(line.event, Event::Progress { total: None, .. }));
        seen == count
    }
}

#[test]
fn the_context_is_idle_before_the_model_is_loaded() {
    let (events, result) = run(&Experiment { context_s: 0.02, idle_s: 0.01, ..experiment() });
    let begun = events.iter().filter_map(|event| match event {
        Event::Phase { phase, edge: PhaseEdge::Begin } => Some(phase.name()),
        _ => None,
    });
    assert_eq!(begun.collect::<Vec<_>>(), ["context", "load", "idle", "measure", "unload"]);
    assert_eq!(result.effective_parameters["context_s"], 0.02);
}

#[test]
fn the_context_lasts_as_long_as_was_asked_for() {
    let mut waiting = Experiment { context_s: 0.2, ..experiment() };
    waiting.warmup.hold = true;
    let (events, _) = told(&waiting, Word::Line, |_| true);
    let edge_ns = |edge| events[position(&events, Phase::Context, edge)].t_ns;
    assert!(edge_ns(PhaseEdge::End) - edge_ns(PhaseEdge::Begin) >= 200_000_000);
}

#[test]
fn a_held_warm_up_goes_on_past_its_time_limit_until_the_word_is_said_or_nobody_is_left_to_say_it() {
    for (word, threads) in [(Word::Line, 1), (Word::EndOfInput, 1), (Word::Line, 3), (Word::EndOfInput, 3)] {
        let mut experiment = held(threads);
        // So long that nothing else fits between the word and the end.
        experiment.workload.max_output_tokens = 64;
        experiment.warmup.timeout_s = 2.0;
        let limit_ns = 2_000_000_000;
        let mut begun_ns = None;
        let (events, told_with) = told(&experiment, word, |line| {
            if matches!(line.event, Event::Phase { phase: Phase::Warmup, edge: PhaseEdge::Begin }) {
                begun_ns = Some(line.t_ns);
            }
            begun_ns.is_some_and(|begun_ns| line.t_ns - begun_ns > limit_ns)
        });
        let over = position(&events, Phase::Warmup, PhaseEdge::End);
        // What was on its way when the word was said, the request that was under way, and one whose end it just missed.
        assert!((1..=3).contains(&(over - told_with)), "{word:?}: {over} after {told_with}");
        let result = result_of(&events);
        assert_eq!(result.effective_parameters["threads"], threads);
        let held = result.effective_parameters["warmup_held_requests"].as_u64().unwrap();
        assert_eq!(result.effective_parameters["warmup_requests"], held + 2);
        assert!(!events.iter().any(|line| matches!(line.event, Event::Warning { .. })));
    }
}

#[test]
fn a_hold_does_not_change_what_is_measured() {
    let (events, _) = told(&held(1), Word::Line, with_held(3));
    assert_eq!(stream_of(result_of(&events)), stream_of(&run(&experiment()).1));
}

#[test]
fn without_any_warm_up_a_hold_alone_is_one() {
    let mut experiment = held(1);
    experiment.warmup.prompts = 0;
    let (events, _) = told(&experiment, Word::Line, with_held(2));
    let requests = &result_of(&events).effective_parameters["warmup_requests"];
    assert!(requests.as_u64().unwrap() >= 2, "{requests}");
}

#[test]
fn a_word_that_was_said_in_advance_is_not_lost_when_the_process_starts_again() {
    let experiment = held(3);
    let input = [experiment_line(&experiment).unwrap(), PROCEED_LINE.to_vec()].concat();
    let (mut child, mut conversation) = (start(), Conversation::expecting(2));
    // It stays open: the word alone ends the hold.
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&input).unwrap();
    let output = child.wait_with_output().unwrap();
    let lines = output.stdout.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    for line in lines {
        conversation.accept(&parse_event(line, 1).unwrap()).unwrap();
    }
    conversation.finish().unwrap();
    assert!(output.status.success());
    drop(stdin);
}

#[test]
fn an_input_that_ends_with_the_experiment_holds_nothing() {
    let input = experiment_line(&held(1)).unwrap();
    let Said { events, exit_code } = say(&input, Conversation::expecting(2));
    assert_eq!(exit_code, Some(0));
    let Some(Event::Result(result)) = events.last() else { panic!("{events:?}") };
    assert!(result.effective_parameters["warmup_held_requests"].as_u64().unwrap() <= 1);
}
