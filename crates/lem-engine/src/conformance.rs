//! Whether a program is a worker: it is started as a campaign would start it, and each rule of the protocol that can be
//! seen from outside is tried on it.

mod dialogue;

use std::time::Duration;

use lem_backend::Exit;
use lem_protocol::{
    Event, Experiment, PROTOCOL_VERSION, Phase, PhaseEdge, Request, Warmup, WorkerErrorKind, WorkerResult,
    Workload,
};
use serde::Serialize;

use crate::Engine;
use crate::hardware::{Check, CheckStatus};
use dialogue::{Dialogue, Until};

/// What a worker is tried with.
#[derive(Debug, Clone)]
pub struct WorkerTrial {
    /// Program and arguments.
    pub command: Vec<String>,
    /// The name of its backend.
    pub backend: String,
    /// A model that it can load quickly.
    pub model: String,
    /// Requests of each trial, at least 1.
    pub requests: u32,
    /// Tokens of each answer, at least 2.
    pub output_tokens: u32,
    /// Each trial may take so long.
    pub patience: Duration,
}

/// What was found.
#[derive(Debug, Clone, Serialize)]
pub struct WorkerReport {
    /// Whether every rule was kept.
    pub conforms: bool,
    /// The rules, each with what was seen.
    pub checks: Vec<Check>,
}

impl Engine {
    /// Tries every rule on a worker. Nothing is measured and nothing is stored.
    pub async fn check_worker(&self, trial: &WorkerTrial) -> WorkerReport {
        let talk = async |experiment: &Experiment, until| {
            Dialogue::hold(&self.options.launcher, trial, experiment, until).await
        };
        let plain = experiment(trial);
        let first = talk(&plain, Until::End).await;
        let mut checks = vec![judge("a run", &first, finished), judge("time stamps", &first, stamps)];
        checks.push(judge("no process is left", &first, nothing_left));
        let again = talk(&plain, Until::End).await;
        checks.push(judge("greedy output is the same again", &again, |again| same(&first, again)));
        let streaming = Experiment { streaming: true, ..plain.clone() };
        let streamed = talk(&streaming, Until::End).await;
        checks.push(judge("times of tokens", &streamed, token_times));
        checks.push(judge("when requests began", &streamed, starts));
        let waiting = talk(&held(&plain), Until::Held(HOLD)).await;
        checks.push(judge("a warm-up that is held", &waiting, went_on_until_told));
        let unknown = with_unknown_option(&plain);
        checks.push(judge("an unknown option", &talk(&unknown, Until::End).await, |heard| {
            refused(heard, WorkerErrorKind::UnsupportedParameter, UNKNOWN)
        }));
        let absent = Experiment { model: ABSENT.into(), ..plain.clone() };
        checks.push(judge("a model that is not there", &talk(&absent, Until::End).await, |heard| {
            refused(heard, WorkerErrorKind::ModelNotFound, ABSENT)
        }));
        let later = Experiment { protocol: PROTOCOL_VERSION + 1, ..plain.clone() };
        checks.push(judge("a later protocol", &talk(&later, Until::End).await, |heard| {
            match heard.error() {
                Some(_) => Ok("refused".into()),
                None => Err("it was not refused with an error event".into()),
            }
        }));
        let long = Experiment {
            workload: Workload { sample_size: 1_000_000, ..plain.workload.clone() },
            ..plain.clone()
        };
        checks.push(judge(
            "SIGTERM while it measures",
            &talk(&long, Until::Measuring).await,
            ended_when_asked,
        ));
        WorkerReport { conforms: checks.iter().all(|check| check.status != CheckStatus::Failed), checks }
    }
}

/// A warm-up is held for so long, which is longer than its own time limit.
const HOLD: Duration = Duration::from_millis(1500);

const UNKNOWN: &str = "an_option_that_nobody_knows";
const ABSENT: &str = "/nowhere/no-such-model";

fn experiment(trial: &WorkerTrial) -> Experiment {
    let plain = Experiment::plain("check", &trial.backend, &trial.model);
    Experiment {
        workload: Workload {
            sample_size: trial.requests,
            max_input_tokens: 64,
            max_output_tokens: trial.output_tokens,
            ..plain.workload
        },
        warmup: Warmup { prompts: 1, timeout_s: 60.0, ..plain.warmup },
        streaming: false,
        seed: 1,
        idle_s: 0.1,
        ..plain
    }
}

/// The same with a warm-up that waits for the engine's word, and whose time limit is over before that is said.
fn held(plain: &Experiment) -> Experiment {
    let warmup = Warmup { timeout_s: 1.0, hold: true, ..plain.warmup.clone() };
    Experiment { warmup, ..plain.clone() }
}

fn with_unknown_option(plain: &Experiment) -> Experiment {
    let mut experiment = plain.clone();
    experiment.options.insert(UNKNOWN.into(), 1.into());
    experiment
}

/// What a rule says of a dialogue: what was seen, or what is wrong.
type Verdict = Result<String, String>;

fn judge(name: &str, heard: &Dialogue, rule: impl FnOnce(&Dialogue) -> Verdict) -> Check {
    let verdict = match &heard.failed {
        Some(why) => Err(why.clone()),
        None => rule(heard),
    };
    match verdict {
        Ok(seen) => Check::new(name, CheckStatus::Ok, seen),
        Err(wrong) if heard.stderr.is_empty() => Check::new(name, CheckStatus::Failed, wrong),
        Err(wrong) => {
            let said = format!("its standard error ended with: {}", heard.stderr);
            Check::new(name, CheckStatus::Failed, wrong).with_remedy(said)
        }
    }
}

fn result(heard: &Dialogue) -> Result<&WorkerResult, String> {
    match heard.last() {
        Some(Event::Result(result)) => Ok(result),
        Some(Event::Error { kind, message, .. }) => Err(format!("it ended with {}: {message}", kind.name())),
        _ => Err("it ended without a result".into()),
    }
}

fn finished(heard: &Dialogue) -> Verdict {
    let result = result(heard)?;
    if heard.exit != Exit::Code(0) {
        return Err(format!("it reported a result, then ended with {}", heard.exit));
    }
    let (requests, tokens) = (result.requests, result.output_tokens);
    Ok(format!("{requests} requests, {tokens} output tokens, {} events", heard.events.len()))
}

fn stamps(heard: &Dialogue) -> Verdict {
    let inside = |t_ns: i64| (heard.started_ns..=heard.ended_ns).contains(&t_ns);
    match heard.events.iter().find(|line| !inside(line.t_ns)) {
        Some(line) => Err(format!(
            "{} is stamped {}, outside of the run ({} to {}): stamps are CLOCK_MONOTONIC in nanoseconds",
            line.event.name(),
            line.t_ns,
            heard.started_ns,
            heard.ended_ns
        )),
        None => Ok("all on CLOCK_MONOTONIC, within the run".into()),
    }
}

fn nothing_left(heard: &Dialogue) -> Verdict {
    match heard.left.as_slice() {
        [] => Ok("its process group is empty".into()),
        left => Err(format!("{} processes of it went on: {left:?}", left.len())),
    }
}

fn same(first: &Dialogue, again: &Dialogue) -> Verdict {
    let (first, again) = (result(first)?, result(again)?);
    let hash = |result: &WorkerResult| result.effective_parameters.get("output_token_sha256").cloned();
    if (first.input_tokens, first.output_tokens) != (again.input_tokens, again.output_tokens) {
        return Err(format!(
            "{} tokens in and {} out, then {} in and {} out",
            first.input_tokens, first.output_tokens, again.input_tokens, again.output_tokens
        ));
    }
    match (hash(first), hash(again)) {
        (Some(one), Some(two)) if one != two => Err("as many tokens, but other ones".into()),
        (Some(_), Some(_)) => Ok("the same tokens".into()),
        _ => Ok("as many tokens; it reports no hash of them".into()),
    }
}

fn went_on_until_told(heard: &Dialogue) -> Verdict {
    finished(heard)?;
    let edge_ns = |edge| heard.edge_ns(Phase::Warmup, edge);
    let (Some(begun_ns), Some(over_ns)) = (edge_ns(PhaseEdge::Begin), edge_ns(PhaseEdge::End)) else {
        return Err("it had no phase warmup".into());
    };
    let Some(told_ns) = heard.told_ns.filter(|&told_ns| told_ns <= over_ns) else {
        return Err(format!(
            "its warm-up ended after {:.1} s, before it was told to go on; with warmup.hold it waits for another line on \
             standard input, and timeout_s does not end that",
            seconds(over_ns - begun_ns)
        ));
    };
    Ok(format!("it went on until it was told, and ended {:.1} s later", seconds(over_ns - told_ns)))
}

fn seconds(duration_ns: i64) -> f64 {
    Duration::from_nanos(u64::try_from(duration_ns).unwrap_or(0)).as_secs_f64()
}

fn requests(heard: &Dialogue) -> impl Iterator<Item = &Request> {
    heard.events.iter().filter_map(|line| match &line.event {
        Event::Request(request) => Some(request),
        _ => None,
    })
}

/// Moments outside of the window, and latencies that cannot have passed, are violations of the conversation. Here one
/// request at a time was asked for, so that none begins before the last one has ended.
fn starts(heard: &Dialogue) -> Verdict {
    result(heard)?;
    let mut begun: Vec<(i64, &Request)> =
        requests(heard).filter_map(|request| Some((request.start_ns?, request))).collect();
    match (requests(heard).count(), begun.len()) {
        (_, 0) => return Ok("it does not say; prefill and decode are not told apart".into()),
        (all, some) if all != some => return Err(format!("it says so of {some} of {all} requests")),
        _ => {}
    }
    begun.sort_by_key(|(start_ns, _)| *start_ns);
    for pair in begun.windows(2) {
        let [(start_ns, request), (next_ns, next)] = [pair[0], pair[1]];
        let apart_ms = seconds(next_ns - start_ns) * 1e3;
        let served_ms = request.latency_ms - request.waited_ms.unwrap_or(0.0);
        // What clocks and rounding may add, as in the rules of a conversation.
        if served_ms > apart_ms * 1.01 + 1.0 {
            return Err(format!(
                "request {} began {apart_ms:.3} ms after request {}, which took {served_ms:.3} ms, and one at a time was \
                 asked for (batch_size 1); start_ns is when a request is given to the engine",
                next.index, request.index
            ));
        }
    }
    Ok(format!("of {} requests, one after the other", begun.len()))
}

fn token_times(heard: &Dialogue) -> Verdict {
    result(heard)?;
    let timed = requests(heard).filter(|request| request.ttft_ms.is_some()).count();
    match (requests(heard).count(), timed) {
        (0, _) => Err("it reports no requests".into()),
        (_, 0) => Ok("it cannot tell when tokens come, and says nothing".into()),
        (all, timed) if all == timed => Ok(format!("{timed} requests with a time to first token")),
        (all, timed) => Err(format!("{timed} of {all} requests have a time to first token")),
    }
}

fn refused(heard: &Dialogue, wanted: WorkerErrorKind, named: &str) -> Verdict {
    let Some((kind, message)) = heard.error() else {
        return Err(format!("it should end with the error {}", wanted.name()));
    };
    if kind != wanted {
        return Err(format!("the error is {} instead of {}: {message}", kind.name(), wanted.name()));
    }
    if !message.contains(named) {
        return Err(format!("its message does not name {named}: {message}"));
    }
    Ok(message.to_owned())
}

fn ended_when_asked(heard: &Dialogue) -> Verdict {
    if heard.took_to_end > Duration::from_secs(10) {
        return Err("it went on for 10 s and had to be killed".into());
    }
    nothing_left(heard)?;
    Ok(format!("ended after {:.1} s", heard.took_to_end.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lem_protocol::EventLine;

    /// A worker that warms up from second 1 to second 5 and was told to go on at this time.
    fn heard(told_ns: Option<i64>) -> Dialogue {
        let mut heard = Dialogue::not_begun();
        let phase = |phase, edge| Event::Phase { phase, edge };
        let said = [
            (1, phase(Phase::Warmup, PhaseEdge::Begin)),
            (5, phase(Phase::Warmup, PhaseEdge::End)),
            (9, Event::Result(WorkerResult::default())),
        ];
        heard.events = said.map(|(second, event)| EventLine { t_ns: second * 1_000_000_000, event }).into();
        heard.exit = Exit::Code(0);
        heard.told_ns = told_ns;
        heard
    }

    #[test]
    fn a_worker_that_is_held_goes_on_until_it_is_told() {
        let seen = went_on_until_told(&heard(Some(4_500_000_000))).unwrap();
        assert_eq!(seen, "it went on until it was told, and ended 0.5 s later");
    }

    #[test]
    fn a_worker_that_passes_over_the_hold_is_told_so() {
        for told_ns in [None, Some(6_000_000_000)] {
            let wrong = went_on_until_told(&heard(told_ns)).unwrap_err();
            assert!(
                wrong.starts_with("its warm-up ended after 4.0 s, before it was told to go on"),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_worker_without_a_warm_up_cannot_have_held_it() {
        let mut heard = heard(Some(1));
        heard.events.drain(..2);
        assert_eq!(went_on_until_told(&heard).unwrap_err(), "it had no phase warmup");
    }

    /// A worker that reports requests which began at these times and took 40 ms each.
    fn reporting(starts_ms: &[Option<i64>]) -> Dialogue {
        let mut heard = heard(None);
        let requests = starts_ms.iter().zip(0..).map(|(start_ms, index)| Request {
            index,
            input_tokens: 4,
            output_tokens: 3,
            start_ns: start_ms.map(|ms| ms * 1_000_000),
            waited_ms: None,
            ttft_ms: Some(10.0),
            latency_ms: 40.0,
            itl_ms: None,
            in_window: None,
        });
        heard.events.splice(
            2..2,
            requests.map(|request| EventLine { t_ns: 8_000_000_000, event: Event::Request(request) }),
        );
        heard
    }

    #[test]
    fn requests_that_are_served_one_at_a_time_begin_one_after_the_other() {
        let seen = starts(&reporting(&[Some(6_040), Some(6_000)])).unwrap();
        assert_eq!(seen, "of 2 requests, one after the other");
        let wrong = starts(&reporting(&[Some(6_000), Some(6_020)])).unwrap_err();
        let expected = "request 1 began 20.000 ms after request 0, which took 40.000 ms, and one at a time was asked for";
        assert!(wrong.starts_with(expected), "{wrong}");
    }

    #[test]
    fn a_worker_says_when_requests_began_of_all_or_of_none() {
        assert!(starts(&reporting(&[None, None])).unwrap().starts_with("it does not say"));
        assert_eq!(starts(&reporting(&[Some(6_000), None])).unwrap_err(), "it says so of 1 of 2 requests");
    }

    #[test]
    fn the_experiment_holds_longer_than_its_time_limit() {
        let trial = WorkerTrial {
            command: Vec::new(),
            backend: "any".into(),
            model: "any".into(),
            requests: 2,
            output_tokens: 4,
            patience: Duration::from_mins(1),
        };
        let warmup = held(&experiment(&trial)).warmup;
        assert!(warmup.hold && warmup.timeout_s < HOLD.as_secs_f64());
    }
}
