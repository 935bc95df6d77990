//! One run, phase after phase: load, idle, warm-up, measurement, unload; then the result.

use std::io::Write;
use std::time::Duration;

use lem_protocol::{Event, Experiment, Phase, WorkerResult};
use sha2::{Digest as _, Sha256};

use crate::effective::{self, hex};
use crate::failure::Failure;
use crate::generate::generate;
use crate::model::Model;
use crate::process::peak_memory_bytes;
use crate::prompts::Prompts;
use crate::report::Report;
use crate::sampling::Sampler;
use crate::settings::Settings;
use crate::warmup::warm_up;

/// Totals of the measurement.
#[derive(Debug, Default)]
struct Measured {
    input_tokens: u64,
    output_tokens: u64,
    /// SHA-256 of all generated token ids.
    output_sha256: String,
}

/// Carries out `experiment`; the result is the last thing said.
pub(crate) fn run<W: Write>(
    experiment: &Experiment,
    settings: &Settings,
    report: &mut Report<W>,
) -> Result<(), Failure> {
    wait(Phase::Context, settings.context, report)?;
    report.begin(Phase::Load)?;
    let mut model = Model::load(&experiment.model, settings.precision)?;
    let prompts = Prompts::prepare(experiment, &model)?;
    report.end(Phase::Load)?;
    for warning in &model.warnings {
        report.warn(warning)?;
    }

    wait(Phase::Idle, settings.idle, report)?;
    let warmed = warm_up(experiment, settings.warmup_timeout, &mut model, &prompts, report)?;
    let measured = measure(experiment, &mut model, &prompts, report)?;

    let mut effective_parameters = effective::parameters(experiment, &model, &prompts, &warmed);
    effective_parameters.insert("output_token_sha256".into(), measured.output_sha256.into());
    let facts = model.facts.clone();
    report.begin(Phase::Unload)?;
    drop(model);
    report.end(Phase::Unload)?;
    report.say(Event::Result(WorkerResult {
        requests: experiment.workload.sample_size,
        input_tokens: measured.input_tokens,
        output_tokens: measured.output_tokens,
        unfinished: None,
        effective_parameters,
        model: facts,
        peak_memory_bytes: peak_memory_bytes(),
        warmup_converged: warmed.converged,
    }))
}

/// A phase in which nothing is done.
fn wait<W: Write>(phase: Phase, duration: Duration, report: &mut Report<W>) -> Result<(), Failure> {
    if duration.is_zero() {
        return Ok(());
    }
    report.begin(phase)?;
    #[expect(clippy::disallowed_methods, reason = "the process is to be idle; waiting is the work")]
    std::thread::sleep(duration);
    report.end(phase)
}

/// The measurement window. A request is reported when it is over, outside its own time.
fn measure<W: Write>(
    experiment: &Experiment,
    model: &mut Model,
    prompts: &Prompts,
    report: &mut Report<W>,
) -> Result<Measured, Failure> {
    let total = experiment.workload.sample_size;
    let mut measured = Measured::default();
    let mut hash = Sha256::new();
    report.begin(Phase::Measure)?;
    for index in 0..total {
        let prompt = prompts.get(index);
        let mut sampler = Sampler::new(&experiment.decoding, experiment.seed, index, prompt);
        let generation = generate(model, prompt, &experiment.workload, &mut sampler, None)?
            .ok_or_else(|| Failure::engine("a measured request was cut short"))?;
        let input_tokens = u32::try_from(prompt.len()).map_err(|_| {
            Failure::unsupported(format!("the prompt of request {index} is too long to count"))
        })?;
        let request = generation.record(index, input_tokens, experiment.streaming)?;
        measured.input_tokens += u64::from(request.input_tokens);
        measured.output_tokens += u64::from(request.output_tokens);
        effective::update(&mut hash, &generation.tokens);
        report.say(Event::Request(request))?;
        report.say(Event::Progress { done: index + 1, total: Some(total) })?;
    }
    report.end(Phase::Measure)?;
    measured.output_sha256 = hex(&hash.finalize());
    Ok(measured)
}
