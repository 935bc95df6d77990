//! Runs that succeed: phases, records, repeatability, threads, warm-up.

use std::io::{BufRead as _, BufReader, Write as _};

use lem_protocol::framing::{experiment_line, parse_event};
use lem_protocol::{Convergence, Decoding, Event, Experiment, Phase, PhaseEdge, WorkerResult};
use serde_json::json;

use crate::support::{experiment, requests, run, start};

fn stream_of(result: &WorkerResult) -> String {
    result.effective_parameters["output_token_sha256"].as_str().unwrap().to_owned()
}

#[test]
fn a_run_has_all_its_phases_and_a_record_for_each_request() {
    let mut experiment = Experiment { idle_s: 0.01, ..experiment() };
    experiment.warmup.prompts = 1;
    let (events, result) = run(&experiment);
    let phases: Vec<Phase> = events
        .iter()
        .filter_map(|event| match event {
            Event::Phase { phase, edge: PhaseEdge::End } => Some(*phase),
            _ => None,
        })
        .collect();
    assert_eq!(phases, [Phase::Load, Phase::Idle, Phase::Warmup, Phase::Measure, Phase::Unload]);
    for request in requests(&events) {
        assert_eq!(
            (request.input_tokens, request.output_tokens),
            (12, 4),
            "cut at the limits of the workload"
        );
        let gaps = request.itl_ms.unwrap();
        assert!(request.start_ns.is_some(), "it knows when it begins");
        let sum = request.ttft_ms.unwrap() + gaps.iter().sum::<f64>();
        assert!((sum - request.latency_ms).abs() < 1e-6, "the latency is the first token and the gaps");
    }
    assert_eq!((result.requests, result.input_tokens, result.output_tokens), (2, 24, 8));
    assert_eq!(result.warmup_converged, None, "it was not asked for");
    assert!(result.peak_memory_bytes.unwrap() > 4 * 15_191_712, "the weights alone need this much");
}

#[test]
fn the_result_says_what_was_in_force() {
    let (_, result) = run(&experiment());
    let mut effective = result.effective_parameters;
    assert_eq!(effective["output_token_sha256"].as_str().map(str::len), Some(64));
    // Rounding differs between processors and may decide between two tokens that are equally probable.
    effective["output_token_sha256"] = json!("depends on the machine");
    effective["cpu_kernels"] = json!("depend on the machine");
    insta::assert_json_snapshot!(json!({ "effective": effective, "model": result.model }));
}

#[test]
fn gaps_are_told_when_they_are_wanted() {
    let (events, _) = run(&Experiment { streaming: false, ..experiment() });
    assert!(requests(&events).iter().all(|request| request.itl_ms.is_none() && request.ttft_ms.is_some()));
}

#[test]
fn a_seed_gives_the_same_tokens_again_and_another_seed_others() {
    let sampled = |seed, do_sample| {
        let decoding = Decoding { do_sample, ..Decoding::default() };
        run(&Experiment { seed, decoding, ..experiment() }).1
    };
    let first = sampled(3, true);
    assert_eq!(stream_of(&first), stream_of(&sampled(3, true)));
    assert_eq!(first.output_tokens, sampled(3, true).output_tokens);
    assert_ne!(stream_of(&first), stream_of(&sampled(4, true)));
    assert_ne!(stream_of(&first), stream_of(&sampled(3, false)), "greedy takes other tokens");
}

#[test]
fn warm_up_does_not_change_what_is_measured() {
    let mut warmed = experiment();
    warmed.warmup.prompts = 3;
    assert_eq!(stream_of(&run(&warmed).1), stream_of(&run(&experiment()).1));
}

#[test]
fn warm_up_ends_when_latencies_are_stable() {
    let mut experiment = experiment();
    // Any latencies have a coefficient of variation below 100.
    let convergence = Convergence { cv_threshold: 100.0, window: 2, max_prompts: 50 };
    experiment.warmup.convergence = Some(convergence);
    experiment.warmup.prompts = 3;
    let (_, result) = run(&experiment);
    assert_eq!(result.warmup_converged, Some(true));
    assert_eq!(result.effective_parameters["warmup_requests"], 3, "the least number is kept");
}

#[test]
fn warm_up_that_never_becomes_stable_says_so() {
    let mut experiment = experiment();
    let convergence = Convergence { cv_threshold: 1e-12, window: 2, max_prompts: 3 };
    experiment.warmup.convergence = Some(convergence);
    let (events, result) = run(&experiment);
    assert_eq!(result.warmup_converged, Some(false));
    assert!(events.iter().any(|event| matches!(event, Event::Warning { .. })));
}

#[test]
fn warm_up_ends_at_its_time_limit_even_within_a_request() {
    let mut experiment = experiment();
    experiment.warmup.prompts = 1000;
    experiment.warmup.timeout_s = 0.0;
    let (events, result) = run(&experiment);
    assert_eq!(result.effective_parameters["warmup_requests"], 0);
    assert!(events.iter().any(|event| matches!(event, Event::Warning { .. })));
}

/// Threads of a worker that idles with its model loaded.
fn threads_of_a_worker(threads: u32) -> usize {
    let mut experiment = Experiment { idle_s: 600.0, ..experiment() };
    experiment.options.insert("threads".into(), json!(threads));
    let mut child = start();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&experiment_line(&experiment).unwrap()).unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).split(b'\n');
    let idle = Event::Phase { phase: Phase::Idle, edge: PhaseEdge::Begin };
    let begun = lines.map(|line| parse_event(&line.unwrap(), 1).unwrap()).any(|event| event.event == idle);
    assert!(begun, "the worker idles");
    let count = std::fs::read_dir(format!("/proc/{}/task", child.id())).unwrap().count();
    child.kill().unwrap();
    child.wait().unwrap();
    count
}

#[test]
fn the_number_of_threads_is_the_one_that_was_asked_for() {
    let (one, three) = (threads_of_a_worker(1), threads_of_a_worker(3));
    assert_eq!(three - one, 2, "{one} threads with 1, {three} with 3");
}

#[test]
fn the_threads_in_force_do_not_change_the_tokens() {
    let mut threaded = experiment();
    threaded.options.insert("threads".into(), json!(3));
    let (_, result) = run(&threaded);
    assert_eq!(result.effective_parameters["threads"], 3);
    assert_eq!(stream_of(&result), stream_of(&run(&experiment()).1));
}

#[test]
fn half_precision_runs() {
    for precision in ["float16", "bfloat16"] {
        let (_, result) = run(&Experiment { precision: Some(precision.into()), ..experiment() });
        assert_eq!(result.model.dtype.as_deref(), Some(precision));
    }
}
