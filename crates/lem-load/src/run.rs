//! One run, phase after phase: load (the server becomes ready), idle, warm-up, measurement; then the result. There is no
//! unload: the server is not ours.

use std::convert::Infallible;
use std::time::Duration;

use lem_protocol::framing::{MAX_LINE_BYTES, read_experiment};
use lem_protocol::{Event, Experiment, ModelFacts, Phase, WorkerResult};
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};

use crate::Target;
use crate::body::Template;
use crate::clock::{monotonic_ns, nanoseconds_of, until};
use crate::counting::Counting;
use crate::effective;
use crate::failure::Failure;
use crate::hold::Hold;
use crate::load::{Load, Plan};
use crate::models::choose;
use crate::probe::probe;
use crate::proceed::{Listening, proceed};
use crate::prompts::Prompts;
use crate::ready::{Patience, models, version};
use crate::report::Report;
use crate::server::Server;
use crate::settings::Settings;
use crate::traffic::Schedule;
use crate::warmup::Warming;

/// Carries out the experiment that comes over `input`; the failure is the last thing said, if there is one.
pub(crate) async fn carry_out_or_say(
    target: &Target,
    input: impl AsyncRead + Unpin + Send,
    report: &mut Report,
) -> bool {
    match carry_out(target, input, report).await {
        Ok(()) => true,
        Err(failure) => {
            report.fail(&failure);
            false
        }
    }
}

async fn carry_out(
    target: &Target,
    input: impl AsyncRead + Unpin + Send,
    report: &mut Report,
) -> Result<(), Failure> {
    let mut input = BufReader::new(input);
    let experiment = receive(&mut input).await?;
    let settings = Settings::of(&experiment)?;
    let server = Server::new(target)?;
    let (prompts, schedule) = read_files(&experiment, &settings).await?;
    let ready = load(target, &experiment, &settings, &server, &prompts, report).await?;
    for warning in settings.warnings.iter().chain(&prompts.warning).chain(&ready.warnings) {
        report.warn(warning)?;
    }
    idle(settings.idle, report).await?;

    let plan = || Plan {
        experiment: &experiment,
        settings: &settings,
        server: &server,
        api: target.api,
        template: &ready.template,
        prompts: &prompts,
    };
    let mut counting = ready.counting;
    let (listening, proceed) = proceed();
    let hold = Hold::new(experiment.warmup.hold.then_some(proceed));
    let load = Load::new(plan(), &schedule, hold, &mut counting, report);
    let outcome = tokio::select! {
        outcome = load.carry(schedule) => outcome?,
        never = listen(&listening, &mut input), if experiment.warmup.hold => match never {},
    };
    let (totals, unfinished) = (outcome.window.totals, outcome.unfinished);
    let result = WorkerResult {
        requests: outcome.window.requests,
        input_tokens: totals.input_tokens + unfinished.input_tokens,
        output_tokens: totals.output_tokens + unfinished.output_tokens,
        unfinished: Some(unfinished),
        effective_parameters: effective::parameters(&plan(), &outcome, &counting),
        model: ModelFacts::default(),
        peak_memory_bytes: None,
        warmup_converged: outcome.converged,
    };
    report.say(monotonic_ns(), Event::Result(result)).map(drop)
}

/// Listens for the engine's word, and then for nothing any more.
async fn listen(listening: &Listening, input: &mut (impl AsyncBufRead + Unpin)) -> Infallible {
    listening.to(input).await;
    std::future::pending().await
}

/// The experiment: the first line of `input`.
async fn receive(input: &mut (impl AsyncBufRead + Unpin)) -> Result<Experiment, Failure> {
    let mut line = Vec::new();
    let limit = MAX_LINE_BYTES as u64 + 1;
    input
        .take(limit)
        .read_until(b'\n', &mut line)
        .await
        .map_err(|error| Failure::engine(format!("the experiment could not be read: {error}")))?;
    read_experiment(&mut line.as_slice()).map_err(|error| Failure::engine(error.to_string()))
}

/// What the experiment needs of files, before anybody waits for a server.
async fn read_files(experiment: &Experiment, settings: &Settings) -> Result<(Prompts, Schedule), Failure> {
    let (workload, seed) = (experiment.workload.clone(), experiment.seed);
    let traffic = settings.traffic.clone();
    let before = Warming::new(&experiment.warmup, None).most();
    let reading = tokio::task::spawn_blocking(move || {
        let prompts = Prompts::read(&workload, seed)?;
        let schedule = Schedule::new(&traffic, seed, workload.sample_size, before)?;
        Ok((prompts, schedule))
    });
    reading
        .await
        .map_err(|error| Failure::engine(format!("reading the prompts ended in a panic: {error}")))?
}

/// A server that answers, and what was learned of it.
struct Ready {
    template: Template,
    counting: Counting,
    warnings: Vec<String>,
}

async fn load(
    target: &Target,
    experiment: &Experiment,
    settings: &Settings,
    server: &Server,
    prompts: &Prompts,
    report: &mut Report,
) -> Result<Ready, Failure> {
    let since_ns = target.served_since_ns.clamp(0, monotonic_ns());
    let mut patience = Patience::new(target.ready_timeout);
    let listed = models(server, &mut patience, report).await;
    let version = if listed.is_ok() { version(server).await } else { None };
    report.hello(since_ns, version.as_deref())?;
    report.begin(since_ns, Phase::Load)?;
    let model = choose(&experiment.model, &listed?)?;
    let template = Template::new(target.api, &model.id, experiment, settings);
    let probed = probe(server, target.api, template, &mut patience, report).await?;
    let counting = Counting::new(server, target.api, &probed.template, prompts, probed.usage).await;
    report.end(monotonic_ns(), Phase::Load)?;
    let warnings = model.warning.into_iter().chain(counting.warning()).collect();
    Ok(Ready { template: probed.template, counting, warnings })
}

async fn idle(duration: Duration, report: &mut Report) -> Result<(), Failure> {
    if duration.is_zero() {
        return Ok(());
    }
    let begin_ns = report.begin(monotonic_ns(), Phase::Idle)?;
    until(begin_ns.saturating_add(nanoseconds_of(duration))).await;
    report.end(monotonic_ns(), Phase::Idle).map(drop)
}
