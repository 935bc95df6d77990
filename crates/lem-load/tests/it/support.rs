//! The vocabulary of these tests: an experiment, a run, and what was said in it, checked against the protocol.

use std::time::Duration;

use lem_load::{Api, Target, run};
use lem_protocol::framing::{PROCEED_LINE, experiment_line};
use lem_protocol::{
    Conversation, Event, EventLine, EventReader, Experiment, Phase, PhaseEdge, Request, Traffic,
    WorkerErrorKind, WorkerResult, Workload,
};
use tokio::io::{AsyncWriteExt as _, duplex, sink};

use crate::server::{Server, now_ns};

/// Requests of four tokens, one after the other.
pub(crate) fn experiment(sample_size: u32) -> Experiment {
    let plain = Experiment::plain("test", "vllm", "tiny");
    Experiment {
        workload: Workload { sample_size, max_input_tokens: 64, ..plain.workload },
        seed: 7,
        ..plain
    }
}

/// The same under closed traffic after `warmup` requests.
pub(crate) fn closed(sample_size: u32, concurrency: u32, warmup: u32) -> Experiment {
    let mut experiment = experiment(sample_size);
    experiment.workload.traffic = Some(Traffic::Closed { concurrency });
    experiment.warmup.prompts = warmup;
    experiment
}

pub(crate) fn target(base_url: String) -> Target {
    Target {
        base_url,
        api: Api::Chat,
        api_key: None,
        ready_timeout: Duration::from_secs(10),
        served_since_ns: now_ns() - 1_000_000,
    }
}

/// What was said in a run.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) success: bool,
    pub(crate) lines: Vec<EventLine>,
    /// All bytes of both streams.
    pub(crate) raw: String,
    /// The edges of the window, where there is one.
    pub(crate) window: Option<(i64, i64)>,
}

/// Carries `experiment` out on `server`.
pub(crate) async fn said(server: &Server, experiment: &Experiment) -> Said {
    said_of(target(server.base_url()), experiment).await
}

/// Carries `experiment` out; what is said keeps the rules of the protocol, or the test fails.
pub(crate) async fn said_of(target: Target, experiment: &Experiment) -> Said {
    let (mut output, mut log) = (Vec::new(), Vec::new());
    let input = experiment_line(experiment).unwrap();
    let success = run(target, input.as_slice(), &mut output, &mut log).await.unwrap();
    let mut reader = EventReader::new(output.as_slice());
    let mut conversation = Conversation::expecting(experiment.workload.sample_size);
    let mut lines = Vec::new();
    while let Some(line) = reader.next().await.unwrap() {
        conversation.accept(&line).unwrap_or_else(|violation| panic!("{violation}; after {lines:#?}"));
        lines.push(line);
    }
    conversation.finish().unwrap();
    let raw = format!("{}{}", String::from_utf8(output).unwrap(), String::from_utf8(log).unwrap());
    Said { success, lines, raw, window: conversation.window() }
}

/// How the engine tells a worker to go on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Word {
    Line,
    EndOfInput,
}

/// Carries `experiment` out on `server` and says the word with the first event that is `due`; also when that was.
pub(crate) async fn told(
    server: &Server,
    experiment: &Experiment,
    word: Word,
    mut due: impl FnMut(&EventLine) -> bool,
) -> (Said, i64) {
    let ((mut engine, input), (output, heard)) = (duplex(1 << 16), duplex(1 << 16));
    engine.write_all(&experiment_line(experiment).unwrap()).await.unwrap();
    let running = tokio::spawn(run(target(server.base_url()), input, output, sink()));
    let mut reader = EventReader::new(heard);
    let mut conversation = Conversation::expecting(experiment.workload.sample_size);
    let (mut lines, mut engine, mut told_ns) = (Vec::new(), Some(engine), None);
    while let Some(line) = reader.next().await.unwrap() {
        conversation.accept(&line).unwrap_or_else(|violation| panic!("{violation}; after {lines:#?}"));
        if told_ns.is_none() && due(&line) {
            told_ns = Some(now_ns());
            match word {
                Word::Line => engine.as_mut().unwrap().write_all(PROCEED_LINE).await.unwrap(),
                Word::EndOfInput => drop(engine.take()),
            }
        }
        lines.push(line);
    }
    conversation.finish().unwrap();
    let success = running.await.unwrap().unwrap();
    (Said { success, lines, raw: String::new(), window: conversation.window() }, told_ns.unwrap())
}

impl Said {
    pub(crate) fn result(&self) -> &WorkerResult {
        assert!(self.success);
        match &self.lines.last().unwrap().event {
            Event::Result(result) => result,
            other => panic!("{other:?} is no result"),
        }
    }

    pub(crate) fn error(&self) -> (WorkerErrorKind, &str) {
        assert!(!self.success);
        match &self.lines.last().unwrap().event {
            Event::Error { kind, message, .. } => (*kind, message),
            other => panic!("{other:?} is no error"),
        }
    }

    pub(crate) fn requests(&self) -> Vec<&Request> {
        let requests = self.lines.iter().filter_map(|line| match &line.event {
            Event::Request(request) => Some(request),
            _ => None,
        });
        requests.collect()
    }

    pub(crate) fn warnings(&self) -> Vec<&str> {
        let warnings = self.lines.iter().filter_map(|line| match &line.event {
            Event::Warning { message } => Some(message.as_str()),
            _ => None,
        });
        warnings.collect()
    }

    /// The phases that were begun.
    pub(crate) fn phases(&self) -> Vec<&'static str> {
        let begun = self.lines.iter().filter_map(|line| match line.event {
            Event::Phase { phase, edge: PhaseEdge::Begin } => Some(phase.name()),
            _ => None,
        });
        begun.collect()
    }

    /// When this edge of a phase was.
    pub(crate) fn edge_ns(&self, wanted: Phase, at: PhaseEdge) -> i64 {
        let found = self
            .lines
            .iter()
            .find(|line| matches!(line.event, Event::Phase { phase, edge } if phase == wanted && edge == at));
        found.unwrap().t_ns
    }
}
