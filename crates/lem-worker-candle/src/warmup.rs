//! Requests before the measurement: a fixed number, or until their latencies are stable; then, where warm-up is held, the
//! same ones again until the engine says to go on.

use std::io::Write;
use std::time::{Duration, Instant};

use lem_protocol::{Event, Experiment, Phase};

use crate::clock::milliseconds;
use crate::failure::Failure;
use crate::generate::{Generation, generate};
use crate::model::Model;
use crate::proceed::Proceed;
use crate::prompts::Prompts;
use crate::report::Report;
use crate::sampling::Sampler;

/// What warm-up came to.
#[derive(Debug, Default)]
pub(crate) struct Warmed {
    /// Requests that were finished.
    pub(crate) requests: u32,
    /// Those of them that only filled the time until the engine said to go on.
    pub(crate) held: u32,
    /// Whether latencies became stable; `None` when it was not asked for.
    pub(crate) converged: Option<bool>,
}

/// Warms up as the experiment says, and no longer than `timeout`; then goes on for as long as the engine holds it.
pub(crate) fn warm_up<W: Write>(
    experiment: &Experiment,
    timeout: Duration,
    model: &mut Model,
    prompts: &Prompts,
    report: &mut Report<W>,
) -> Result<Warmed, Failure> {
    let convergence = experiment.warmup.convergence.as_ref();
    let most = convergence.map_or(experiment.warmup.prompts, |convergence| convergence.max_prompts);
    let proceed = experiment.warmup.hold.then(Proceed::listen);
    if most == 0 && proceed.is_none() {
        return Ok(Warmed::default());
    }
    let mut work = Work { experiment, model, prompts };
    report.begin(Phase::Warmup)?;
    let (requests, stable) = work.until_enough(most, timeout, report)?;
    let held = match proceed {
        Some(proceed) => work.until_said(&proceed, requests, report)?,
        None => 0,
    };
    report.end(Phase::Warmup)?;
    if requests < most && !stable {
        report
            .warn(format!("warm-up was ended by its time limit of {timeout:?} after {requests} requests"))?;
    } else if convergence.is_some() && !stable {
        report.warn(format!("latencies were not stable after {requests} warm-up requests"))?;
    }
    let converged = convergence.map(|_| stable);
    Ok(Warmed { requests: requests.saturating_add(held), held, converged })
}

/// What a warm-up is made of.
struct Work<'a> {
    experiment: &'a Experiment,
    model: &'a mut Model,
    prompts: &'a Prompts,
}

impl Work<'_> {
    /// Up to `most` requests, or until their latencies are stable; how many there were, and whether they were stable.
    fn until_enough<W: Write>(
        &mut self,
        most: u32,
        timeout: Duration,
        report: &mut Report<W>,
    ) -> Result<(u32, bool), Failure> {
        let warmup = &self.experiment.warmup;
        let start = Instant::now();
        let mut latencies = Vec::new();
        for done in 1..=most {
            let left = timeout.saturating_sub(start.elapsed());
            let Some(generation) = self.request(done - 1, Some(left))? else {
                return Ok((done - 1, false));
            };
            latencies.push(milliseconds(generation.latency()));
            report.say(Event::Progress { done, total: Some(most) })?;
            let enough = done >= warmup.prompts;
            if enough && warmup.convergence.as_ref().is_some_and(|rule| rule.is_met_by(&latencies)) {
                return Ok((done, true));
            }
        }
        Ok((most, false))
    }

    /// The requests of warm-up, of which there were `done`, again until the engine says to go on; how many that took.
    fn until_said<W: Write>(
        &mut self,
        proceed: &Proceed,
        done: u32,
        report: &mut Report<W>,
    ) -> Result<u32, Failure> {
        let mut held: u32 = 0;
        while !proceed.is_said() {
            self.request(held % done.max(1), None)?;
            held = held.saturating_add(1);
            report.say(Event::Progress { done: done.saturating_add(held), total: None })?;
        }
        Ok(held)
    }

    /// The request at `position` of the warm-up. Latencies can only become stable when the work is the same, so with
    /// convergence it is always the first one.
    fn request(&mut self, position: u32, limit: Option<Duration>) -> Result<Option<Generation>, Failure> {
        let Self { experiment, model, prompts } = self;
        let index = if experiment.warmup.convergence.is_some() { 0 } else { position };
        let prompt = prompts.get(index);
        let mut sampler = Sampler::new(&experiment.decoding, experiment.seed, index, prompt);
        generate(model, prompt, &experiment.workload, &mut sampler, limit)
    }
}
