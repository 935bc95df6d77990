//! Whether a program is a worker: it is started as a campaign would start it, and each rule of the protocol that can be
//! seen from outside is tried on it.

mod dialogue;

use std::time::Duration;

use lem_backend::Exit;
use lem_protocol::{
    Decoding, Event, Experiment, PROTOCOL_VERSION, PromptSource, Warmup, WorkerErrorKind, WorkerResult,
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
        checks.push(judge("times of tokens", &talk(&streaming, Until::End).await, token_times));
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

const UNKNOWN: &str = "an_option_that_nobody_knows";
const ABSENT: &str = "/nowhere/no-such-model";

fn experiment(trial: &WorkerTrial) -> Experiment {
    Experiment {
        protocol: PROTOCOL_VERSION,
        run_id: "check".into(),
        backend: trial.backend.clone(),
        model: trial.model.clone(),
        precision: None,
        adapter: None,
        workload: Workload {
            prompts: PromptSource::Builtin,
            sample_size: trial.requests,
            order: lem_protocol::PromptOrder::default(),
            traffic: None,
            max_input_tokens: 64,
            max_output_tokens: trial.output_tokens,
            min_output_tokens: 0,
        },
        warmup: Warmup { prompts: 1, timeout_s: 60.0, convergence: None },
        decoding: Decoding { do_sample: false, temperature: 0.0, ..Decoding::default() },
        batch_size: 1,
        streaming: false,
        seed: 1,
        idle_s: 0.1,
        options: serde_json::Map::new(),
    }
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

fn token_times(heard: &Dialogue) -> Verdict {
    result(heard)?;
    let requests = || {
        heard.events.iter().filter_map(|line| match &line.event {
            Event::Request(request) => Some(request),
            _ => None,
        })
    };
    let timed = requests().filter(|request| request.ttft_ms.is_some()).count();
    match (requests().count(), timed) {
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
