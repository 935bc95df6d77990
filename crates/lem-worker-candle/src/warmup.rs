//! Requests before the measurement: a fixed number, or until their latencies are stable.

use std::io::Write;
use std::time::{Duration, Instant};

use lem_protocol::{Convergence, Event, Experiment, Phase};

use crate::clock::milliseconds;
use crate::failure::Failure;
use crate::generate::generate;
use crate::model::Model;
use crate::prompts::Prompts;
use crate::report::Report;
use crate::sampling::Sampler;

/// What warm-up came to.
#[derive(Debug, Default)]
pub(crate) struct Warmed {
    /// Requests that were finished.
    pub(crate) requests: u32,
    /// Whether latencies became stable; `None` when it was not asked for.
    pub(crate) converged: Option<bool>,
}

/// Warms up as the experiment says, and no longer than `timeout`.
///
/// Latencies can only become stable when the work is the same, so with convergence the first prompt is repeated.
pub(crate) fn warm_up<W: Write>(
    experiment: &Experiment,
    timeout: Duration,
    model: &mut Model,
    prompts: &Prompts,
    report: &mut Report<W>,
) -> Result<Warmed, Failure> {
    let convergence = experiment.warmup.convergence.as_ref();
    let most = convergence.map_or(experiment.warmup.prompts, |convergence| convergence.max_prompts);
    if most == 0 {
        return Ok(Warmed::default());
    }
    report.begin(Phase::Warmup)?;
    let start = Instant::now();
    let mut latencies = Vec::new();
    let mut stable = false;
    for done in 1..=most {
        let index = if convergence.is_some() { 0 } else { done - 1 };
        let prompt = prompts.get(index);
        let mut sampler = Sampler::new(&experiment.decoding, experiment.seed, index, prompt);
        let left = timeout.saturating_sub(start.elapsed());
        let Some(generation) = generate(model, prompt, &experiment.workload, &mut sampler, Some(left))?
        else {
            break;
        };
        latencies.push(milliseconds(generation.latency()));
        report.say(Event::Progress { done, total: Some(most) })?;
        stable = done >= experiment.warmup.prompts && convergence.is_some_and(|c| is_stable(&latencies, c));
        if stable {
            break;
        }
    }
    report.end(Phase::Warmup)?;
    let requests = u32::try_from(latencies.len()).unwrap_or(most);
    if requests < most && !stable {
        report
            .warn(format!("warm-up was ended by its time limit of {timeout:?} after {requests} requests"))?;
    } else if convergence.is_some() && !stable {
        report.warn(format!("latencies were not stable after {requests} warm-up requests"))?;
    }
    Ok(Warmed { requests, converged: convergence.map(|_| stable) })
}

/// Whether the coefficient of variation (sample standard deviation over mean) of the last latencies is small enough.
fn is_stable(latencies: &[f64], convergence: &Convergence) -> bool {
    let window = convergence.window as usize;
    let Some(last) = latencies.len().checked_sub(window).map(|from| &latencies[from..]) else {
        return false;
    };
    let count = f64::from(convergence.window);
    let mean = last.iter().sum::<f64>() / count;
    let variance = last.iter().map(|latency| (latency - mean).powi(2)).sum::<f64>() / (count - 1.0);
    mean > 0.0 && variance.sqrt() / mean <= convergence.cv_threshold
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(cv_threshold: f64) -> Convergence {
        Convergence { cv_threshold, window: 3, max_prompts: 9 }
    }

    #[test]
    fn equal_latencies_are_stable_once_the_window_is_full() {
        assert!(!is_stable(&[5.0, 5.0], &rule(0.05)));
        assert!(is_stable(&[5.0, 5.0, 5.0], &rule(0.05)));
    }

    #[test]
    fn only_the_latest_latencies_count() {
        assert!(is_stable(&[900.0, 5.0, 5.0, 5.0], &rule(0.05)));
        assert!(!is_stable(&[5.0, 5.0, 900.0], &rule(0.05)));
    }

    #[test]
    fn the_threshold_is_a_coefficient_of_variation_of_the_sample() {
        // Mean 10, sample standard deviation 1.
        assert!(is_stable(&[9.0, 10.0, 11.0], &rule(0.1)));
        assert!(!is_stable(&[9.0, 10.0, 11.0], &rule(0.0999)));
    }
}
