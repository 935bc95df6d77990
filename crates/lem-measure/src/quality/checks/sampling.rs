//! The window, and how well it was sampled.

use crate::quality::catalogue as kinds;
use crate::quality::facts::{DeviceFacts, RunFacts, SamplerFacts};
use crate::quality::judge::{AtLeast, AtMost, Finding, pass_or_invalid, pass_or_warn};
use crate::quality::timing::Sampling;
use crate::quality::{Check, Verdict};

const WINDOW_S: AtLeast = AtLeast { pass: 30.0, warn: 10.0, poor: 2.0 };
const COVERAGE: AtLeast = AtLeast { pass: 95.0, warn: 75.0, poor: 75.0 };
const SAMPLES: AtLeast = AtLeast { pass: 100.0, warn: 10.0, poor: 10.0 };
const MISSED: AtMost = AtMost { pass: 5.0, warn: f64::INFINITY, poor: f64::INFINITY };

/// Gaps and intervals of up to so many nominal intervals pass.
const INTERVALS: f64 = 3.0;

/// Longer gaps are invalid, in seconds, and as a share of the window.
const GAP_S: f64 = 1.0;
const GAP_SHARE: f64 = 0.05;

/// A counter's next move after the window is seen within this, in seconds.
const TAIL_S: f64 = 0.35;

/// Averaged power describes up to a second ago, and is moved back by half of that.
const AVERAGED_TAIL_S: f64 = 1.5;

/// The sampler hands out batches of this length, so the last one may not have arrived when the run is judged.
const BATCH_S: f64 = 0.1;

pub(super) fn checks(facts: &RunFacts) -> Vec<Check> {
    let devices = || facts.devices.iter();
    let interval_s = f64::from(facts.interval_ms) * 1e-3;
    let sampled = |judge: &dyn Fn(&DeviceFacts, &Sampling) -> Finding, device: &DeviceFacts| {
        let unknown = || Finding::unknown("There is no window whose samples could be looked at.");
        device.sampling.as_ref().map_or_else(unknown, |sampling| judge(device, sampling))
    };
    let each = [
        kinds::COVERAGE.worst(devices(), |d| sampled(&coverage, d)),
        kinds::SAMPLING_GAP.worst(devices(), |d| sampled(&|d, s| gap(d, s, interval_s, facts.window_s), d)),
        kinds::SAMPLING_INTERVAL.worst(devices(), |d| sampled(&|d, s| interval(d, s, interval_s), d)),
        kinds::SAMPLES.worst(devices(), |d| sampled(&samples, d)),
        Some(kinds::MISSED_TICKS.check(missed_ticks(facts.sampler))),
        Some(kinds::READ_ERRORS.check(read_errors(facts.sampler))),
        kinds::TAIL.worst(devices(), |d| tail(d, interval_s)),
    ];
    let run = [kinds::WINDOW.check(window(facts)), kinds::WINDOW_CONTENT.check(window_content(facts))];
    run.into_iter().chain(each.into_iter().flatten()).collect()
}

/// A run without a window measured nothing, so that not knowing it is no excuse.
fn window(facts: &RunFacts) -> Finding {
    let Some(length_s) = facts.window_s.filter(|s| s.is_finite()) else {
        return Finding::bare(Verdict::Invalid, "The run has no measurement window.");
    };
    Finding::of(length_s, WINDOW_S.judge(length_s), format!("The window lasted {length_s:.1} s."))
}

fn window_content(facts: &RunFacts) -> Finding {
    match facts.window_is_inference {
        None => Finding::unknown("It is not known what the window holds."),
        Some(true) => Finding::bare(Verdict::Pass, "The window holds inference alone."),
        Some(false) => Finding::bare(Verdict::Invalid, "The window holds more than inference."),
    }
}

fn coverage(device: &DeviceFacts, sampling: &Sampling) -> Finding {
    let percent = sampling.coverage * 100.0;
    let why = format!("Readings of {} cover {percent:.1} % of the window.", device.label());
    Finding::of(percent, COVERAGE.judge(percent), why)
}

/// A gap within three intervals is what was asked for and passes, however short the window or long the interval.
fn gap(device: &DeviceFacts, sampling: &Sampling, interval_s: f64, window_s: Option<f64>) -> Finding {
    let gap_s = sampling.longest_gap_s;
    let verdict = if gap_s <= INTERVALS * interval_s {
        Verdict::Pass
    } else if gap_s > GAP_S || window_s.is_some_and(|window_s| gap_s > GAP_SHARE * window_s) {
        Verdict::Invalid
    } else {
        Verdict::Warn
    };
    let why = format!("The longest time without a reading of {} was {gap_s:.3} s.", device.label());
    Finding::of(gap_s, verdict, why)
}

fn interval(device: &DeviceFacts, sampling: &Sampling, interval_s: f64) -> Finding {
    let Some(p95_s) = sampling.interval_p95_s else {
        return Finding::unknown(format!("{} has fewer than two readings in the window.", device.label()));
    };
    let why = format!("95 % of the readings of {} came within {p95_s:.3} s.", device.label());
    Finding::of(p95_s, pass_or_warn(p95_s <= INTERVALS * interval_s), why)
}

fn samples(device: &DeviceFacts, sampling: &Sampling) -> Finding {
    let samples = f64::from(sampling.samples);
    let why = format!("{} has {samples} regular readings in the window.", device.label());
    Finding::of(samples, SAMPLES.judge(samples), why)
}

#[expect(clippy::cast_precision_loss, reason = "ticks stay far below 2^52")]
fn missed_ticks(sampler: Option<SamplerFacts>) -> Finding {
    let Some(SamplerFacts { ticks, missed_ticks, .. }) = sampler else {
        return Finding::unknown("The sampler's figures are not known.");
    };
    let due = ticks.saturating_add(missed_ticks);
    if due == 0 {
        return Finding::unknown("No tick was due.");
    }
    let percent = missed_ticks as f64 / due as f64 * 100.0;
    let why = format!("{missed_ticks} of {due} ticks came too late.");
    Finding::of(percent, MISSED.judge(percent), why)
}

#[expect(clippy::cast_precision_loss, reason = "errors stay far below 2^52")]
fn read_errors(sampler: Option<SamplerFacts>) -> Finding {
    let Some(SamplerFacts { read_errors, .. }) = sampler else {
        return Finding::unknown("The sampler's figures are not known.");
    };
    let why = match read_errors {
        0 => "Every reading succeeded.".to_owned(),
        errors => format!("{errors} readings failed."),
    };
    Finding::of(read_errors as f64, pass_or_warn(read_errors == 0), why)
}

/// The allowance is at most half of what is asked for, however long the interval.
fn tail(device: &DeviceFacts, interval_s: f64) -> Finding {
    let asked_s = if device.power_averaging_ms.is_some() { AVERAGED_TAIL_S } else { TAIL_S };
    let least_s = (asked_s - BATCH_S - interval_s).max(asked_s / 2.0);
    let Some(tail_s) = device.tail_s else {
        return Finding::bare(
            Verdict::Invalid,
            format!("{} has no readings after a window.", device.label()),
        );
    };
    let why = format!("Readings of {} go on for {tail_s:.2} s after the window.", device.label());
    Finding::of(tail_s, pass_or_invalid(tail_s >= least_s), why)
}
