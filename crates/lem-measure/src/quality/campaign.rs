//! Checks that need more than one run: an experiment over its completed runs, and experiments beside each other.
//!
//! Outliers and the effect of order are found by statistics that live elsewhere and come in as results.

use serde::{Deserialize, Serialize};

use crate::stats;

use super::checks::START_C;
use super::judge::{AtMost, Finding, pass_or_warn};
use super::{Check, Grade, Verdict, catalogue as kinds};

const TOKENS: AtMost = AtMost { pass: 0.0, warn: 1.0, poor: f64::INFINITY };
const VARIATION: AtMost = AtMost { pass: 2.0, warn: 5.0, poor: 10.0 };

/// An effect of order is seen at p values of up to this.
const P: f64 = 0.05;

/// Noise of an experiment's J/token that was run once, so that its spread is not known: the most that `repeatability`
/// calls a warning.
const NOISE_OF_ONE: f64 = 0.05;

/// Rises below this share of J/token are never told: what passes as repeatable.
const LEAST_NOISE: f64 = 0.02;

/// Coverage factor of the noise of a difference, about 95 %.
const K: f64 = 2.0;

/// The completed runs of an experiment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ExperimentRuns {
    /// Its name, unique within the campaign.
    pub experiment: String,
    /// Its completed runs, in the order in which they were made.
    pub runs: Vec<RunFigures>,
    /// Whether all runs should produce the same tokens: greedy decoding of a fixed set of requests.
    pub same_tokens: bool,
    /// The runs that were flagged as outliers, as a person calls them; absent when nobody looked.
    pub outliers: Option<Vec<String>>,
    /// Whether energy depends on the order of runs; absent when nobody looked.
    pub order: Option<OrderEffect>,
    /// What experiments share that differ in nothing but the size of the batch (a hash of the rest); absent where the
    /// campaign compares no batch sizes.
    pub sweep: Option<String>,
    /// The size of the batch.
    pub batch_size: Option<u32>,
}

/// One completed run.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RunFigures {
    /// Joules per output token.
    pub joules_per_token: Option<f64>,
    /// Output tokens.
    pub output_tokens: Option<u64>,
    /// Temperature of the hottest GPU when the worker was started, in degrees Celsius.
    pub start_temperature_c: Option<f64>,
}

/// Probabilities of an association as strong as the one found if there were none.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct OrderEffect {
    /// Between energy and the position of a run in the campaign.
    pub p_position: Option<f64>,
    /// Between energy and the temperature at the start.
    pub p_start_temperature: Option<f64>,
}

/// The quality of an experiment as far as it takes several runs to see it. The grades of the runs are their own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, specta::Type)]
#[serde(rename = "ExperimentQuality")]
pub struct ExperimentReport {
    /// The experiment.
    pub experiment: String,
    /// What follows from the checks.
    pub grade: Grade,
    /// The checks, in the order of [`super::catalogue::EXPERIMENT`].
    pub checks: Vec<Check>,
}

/// Makes every check that takes several runs. Experiments come out in the order in which they came in.
pub fn campaign_report(experiments: &[ExperimentRuns]) -> Vec<ExperimentReport> {
    experiments.iter().map(|one| report(one, experiments)).collect()
}

fn report(one: &ExperimentRuns, all: &[ExperimentRuns]) -> ExperimentReport {
    let temperatures = collect(one, |run| run.start_temperature_c);
    let checks = [
        one.same_tokens.then(|| kinds::TOKEN_COUNTS.check(token_counts(one))),
        Some(kinds::REPEATABILITY.check(repeatability(one))),
        Some(kinds::OUTLIERS.check(outliers(one.outliers.as_deref()))),
        Some(kinds::ORDER_EFFECT.check(order_effect(one.order))),
        // A machine without temperatures has none in any run.
        (!temperatures.is_empty())
            .then(|| kinds::START_TEMPERATURE_SPREAD.check(start_temperatures(&temperatures))),
        smaller_batches(one, all).map(|smaller| kinds::BATCH_SWEEP.check(batch_sweep(one, &smaller))),
    ];
    let checks: Vec<Check> = checks.into_iter().flatten().collect();
    ExperimentReport { experiment: one.experiment.clone(), grade: Grade::of(&checks), checks }
}

fn collect(one: &ExperimentRuns, figure: impl Fn(&RunFigures) -> Option<f64>) -> Vec<f64> {
    one.runs.iter().filter_map(figure).filter(|value| value.is_finite()).collect()
}

#[expect(clippy::cast_precision_loss, reason = "tokens stay far below 2^52")]
fn token_counts(one: &ExperimentRuns) -> Finding {
    let counts = collect(one, |run| run.output_tokens.map(|tokens| tokens as f64));
    if counts.len() < 2 || counts.len() < one.runs.len() {
        return Finding::unknown("It takes two runs or more, each with its tokens counted.");
    }
    let (least, most) = extremes(&counts);
    let percent = if most > 0.0 { (most - least) / most * 100.0 } else { 0.0 };
    let why = format!("Runs of the same greedy decoding produced {least} to {most} tokens.");
    Finding::of(percent, TOKENS.judge(percent), why)
}

fn extremes(values: &[f64]) -> (f64, f64) {
    let fold = |start, pick: fn(f64, f64) -> f64| values.iter().copied().fold(start, pick);
    (fold(f64::INFINITY, f64::min), fold(f64::NEG_INFINITY, f64::max))
}

fn repeatability(one: &ExperimentRuns) -> Finding {
    let values = collect(one, |run| run.joules_per_token);
    let spread = stats::standard_deviation(&values).zip(stats::mean(&values).filter(|mean| *mean > 0.0));
    let Some((sd, mean)) = spread else {
        return Finding::unknown("It takes two runs or more with J/token to see how they vary.");
    };
    let percent = sd / mean * 100.0;
    let why =
        format!("J/token of {} runs varies by {percent:.1} % (standard deviation over mean).", values.len());
    Finding::of(percent, VARIATION.judge(percent), why)
}

fn outliers(flagged: Option<&[String]>) -> Finding {
    let Some(flagged) = flagged else {
        return Finding::unknown("Nobody looked for outliers.");
    };
    let why = match flagged {
        [] => "No run is an outlier.".to_owned(),
        runs => format!("Flagged, and kept: {}.", runs.join(", ")),
    };
    let count = f64::from(u32::try_from(flagged.len()).unwrap_or(u32::MAX));
    Finding::of(count, pass_or_warn(flagged.is_empty()), why)
}

fn order_effect(order: Option<OrderEffect>) -> Finding {
    let by = order.map_or([(None, ""), (None, "")], |order| {
        [
            (order.p_position, "the position in the campaign"),
            (order.p_start_temperature, "the start temperature"),
        ]
    });
    let known = by.into_iter().filter_map(|(p, what)| Some((p.filter(|p| !p.is_nan())?, what)));
    let Some((p, what)) = known.reduce(|least, next| if next.0 < least.0 { next } else { least }) else {
        return Finding::unknown("It is not known whether energy depends on the order of runs.");
    };
    let why = format!("An association of energy with {what} as strong as this has p = {p:.3} by chance.");
    Finding::of(p, pass_or_warn(p > P), why)
}

fn start_temperatures(temperatures: &[f64]) -> Finding {
    let median = stats::quantile(temperatures, 0.5).filter(|_| temperatures.len() > 1);
    let Some(median_c) = median else {
        return Finding::unknown("It takes two runs or more with start temperatures to compare them.");
    };
    let (least_c, most_c) = extremes(temperatures);
    let off_c = (most_c - median_c).max(median_c - least_c);
    let why = format!("Runs started at {least_c:.0} to {most_c:.0} °C; the median is {median_c:.0} °C.");
    Finding::of(off_c, START_C.judge(off_c), why)
}

/// The experiments that differ from this one in a smaller batch alone; `None` where it is the smallest or in no sweep.
fn smaller_batches<'a>(one: &ExperimentRuns, all: &'a [ExperimentRuns]) -> Option<Vec<&'a ExperimentRuns>> {
    let (sweep, size) = (one.sweep.as_ref()?, one.batch_size?);
    let smaller = |other: &&ExperimentRuns| {
        other.sweep.as_ref() == Some(sweep) && other.batch_size.is_some_and(|other| other < size)
    };
    Some(all.iter().filter(smaller).collect()).filter(|found: &Vec<_>| !found.is_empty())
}

/// The mean J/token of an experiment with its standard error.
#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 runs")]
fn mean_and_error(one: &ExperimentRuns) -> Option<(f64, f64)> {
    let values = collect(one, |run| run.joules_per_token);
    let mean = stats::mean(&values).filter(|mean| *mean > 0.0)?;
    let error = stats::standard_deviation(&values)
        .map_or(NOISE_OF_ONE * mean, |sd| sd / (values.len() as f64).sqrt());
    Some((mean, error))
}

/// A larger batch shares the weights' traffic among more requests, so J/token should not rise. It can where memory runs
/// out, so that it does is a hint and no more. Compared is with each smaller batch, or a slow rise would be missed.
fn batch_sweep(one: &ExperimentRuns, smaller: &[&ExperimentRuns]) -> Finding {
    let own = mean_and_error(one);
    let rises = smaller.iter().filter_map(|other| {
        let ((mean, error), (other_mean, other_error)) = (own?, mean_and_error(other)?);
        let noise = (K * error.hypot(other_error)).max(LEAST_NOISE * other_mean);
        Some(((mean - other_mean) / other_mean * 100.0, mean - other_mean > noise, &other.experiment))
    });
    // A rise beyond the noise outweighs a greater one within it.
    let worst = rises.reduce(|a, b| if (b.1, b.0) > (a.1, a.0) { b } else { a });
    let Some((percent, beyond, name)) = worst else {
        return Finding::unknown("J/token of this or of the smaller batches is not known.");
    };
    let verdict = if beyond { Verdict::Warn } else { Verdict::Pass };
    let why = format!("J/token is {percent:+.1} % against the smaller batch of {name}.");
    Finding::of(percent, verdict, why)
}
