//! The energy: whether there is one, where it comes from, and whether it can be.

use crate::device::{PowerSource, Provenance};
use crate::quality::catalogue as kinds;
use crate::quality::facts::{DeviceFacts, Method, RunFacts};
use crate::quality::judge::{AtMost, Finding, pass_or_invalid};
use crate::quality::{Check, Verdict};
use crate::sample::Channel;

const DIFFERENCE: AtMost = AtMost { pass: 2.0, warn: 5.0, poor: 10.0 };
const J_PER_TOKEN: f64 = 100.0;

/// Averaged power is enough alone in windows of this length or more, in seconds.
const AVERAGED_WINDOW_S: f64 = 30.0;

/// Mean power may exceed the limit by this factor, which covers the sensor's gain; momentary power by the other.
const MEAN_FACTOR: f64 = 1.1;
const PEAK_FACTOR: f64 = 1.7;

/// Mean power may lie below idle by the greater of these, in watts and as a share of idle.
const IDLE_SLACK_W: f64 = 2.0;
const IDLE_SLACK: f64 = 0.05;

pub(super) fn checks(facts: &RunFacts) -> Vec<Check> {
    let devices = || facts.devices.iter();
    let checks = [
        Some(kinds::ENERGY.check(energy(facts))),
        kinds::ENERGY_SOURCE.worst(devices(), |d| source(d, facts.window_s)),
        Some(kinds::PROVENANCE.check(provenance(facts))),
        kinds::SENSOR_COVERAGE.worst(devices().filter(|d| d.is_board()), sensor_coverage),
        kinds::COUNTER_VS_INTEGRAL.worst(devices().filter(|d| has_two_figures(d)), counter_vs_integral),
        kinds::MEAN_POWER.worst(devices().filter(|d| d.is_board()), mean_power),
        kinds::PEAK_POWER.worst(devices().filter(|d| d.is_board()), peak_power),
        Some(kinds::JOULES_PER_TOKEN.check(joules_per_token(facts))),
    ];
    checks.into_iter().flatten().collect()
}

fn is_energy(joules: f64) -> bool {
    joules.is_finite() && joules > 0.0
}

/// Energy that is missing is a failure, and so is none: nothing that works draws nothing.
fn energy(facts: &RunFacts) -> Finding {
    let without = facts.devices.iter().find(|d| !d.energy_j.is_some_and(is_energy));
    if let Some(device) = without {
        return Finding::bare(Verdict::Invalid, format!("{} has no energy in the window.", device.label()));
    }
    let Some(energy) = facts.energy.filter(|e| is_energy(e.energy.0)) else {
        return Finding::bare(Verdict::Invalid, "The window has no energy.");
    };
    let (joules, uncertainty_j) = (energy.energy.0, energy.uncertainty.0);
    Finding::of(
        joules,
        Verdict::Pass,
        format!("The window took {joules:.1} J, give or take {uncertainty_j:.1} J."),
    )
}

fn source(device: &DeviceFacts, window_s: Option<f64>) -> Finding {
    let label = device.label();
    let (Some(method), Some(reading)) = (device.method, device.reading.as_deref()) else {
        return Finding::bare(
            Verdict::Invalid,
            format!("It is not known how the energy of {label} was read."),
        );
    };
    let averaged = method == Method::Power && device.power_averaging_ms.is_some();
    let short = window_s.is_none_or(|window_s| window_s < AVERAGED_WINDOW_S);
    if averaged && short {
        let why = format!("The energy of {label} is that of averaged power alone, in a short window.");
        return Finding::bare(Verdict::Warn, why);
    }
    let taken = match method {
        Method::Counter => "energy counter",
        Method::Power => "power",
    };
    Finding::bare(Verdict::Pass, format!("The energy of {label} is that of its {taken}: {reading}."))
}

fn provenance(facts: &RunFacts) -> Finding {
    match facts.devices.iter().map(|d| d.provenance).max() {
        None => Finding::unknown("No device was measured."),
        Some(Provenance::Measured) => Finding::bare(Verdict::Pass, "All energy was measured."),
        Some(Provenance::Estimated) => {
            Finding::bare(Verdict::Poor, "Energy was estimated from utilization, not measured.")
        }
        Some(Provenance::Simulated) => Finding::bare(Verdict::Poor, "Energy was simulated, not measured."),
    }
}

/// What a sensor does not see is in the uncertainty; that it does not is told besides. Whether the counter of such a board sees
/// more than its sensor is not published, so that is neither passed nor held against a run.
fn sensor_coverage(device: &DeviceFacts) -> Finding {
    let label = device.label();
    let Some(share) = device.sensor_share else {
        return Finding::unknown(format!(
            "It is not known what share of the time the sensor of {label} sees."
        ));
    };
    let percent = share * 100.0;
    let sees = format!("The power sensor of {label} sees {percent:.0} % of the time");
    match device.method {
        _ if share >= 1.0 => Finding::of(percent, Verdict::Pass, format!("{sees}.")),
        Some(Method::Counter) => {
            Finding::unknown(format!("{sees}; whether its energy counter counts the rest is not published."))
        }
        _ => Finding::of(percent, Verdict::Warn, format!("{sees}; what was drawn in the rest is not known.")),
    }
}

/// Power of RAPL and of the estimate is derived from the same numbers as their counter: agreement would say nothing.
fn has_two_figures(device: &DeviceFacts) -> bool {
    let independent = matches!(device.source, PowerSource::Nvml | PowerSource::Simulated);
    independent && device.has(Channel::Energy) && device.has(Channel::Power)
}

fn counter_vs_integral(device: &DeviceFacts) -> Finding {
    let label = device.label();
    if device.counter_reset {
        return Finding::bare(Verdict::Invalid, format!("The energy counter of {label} was reset."));
    }
    let figures = (device.counter_j.filter(|j| *j > 0.0), device.integral_j);
    let (Some(counter_j), Some(integral_j)) = figures else {
        return Finding::unknown(format!("{label} does not have energy by counter and by power here."));
    };
    let percent = (integral_j - counter_j).abs() / counter_j * 100.0;
    let why = format!("Integrated power of {label} differs from its energy counter by {percent:.1} %.");
    Finding::of(percent, DIFFERENCE.judge(percent), why)
}

fn mean_power(device: &DeviceFacts) -> Finding {
    let label = device.label();
    let (Some(mean_w), Some(limit_w)) = (device.mean_power_w, device.power_limit_w) else {
        return Finding::unknown(format!("Mean power or power limit of {label} is not known."));
    };
    let slack_w = |idle_w: f64| IDLE_SLACK_W.max(IDLE_SLACK * idle_w);
    let least_w = device.idle_power_w.map_or(0.0, |idle_w| idle_w - slack_w(idle_w));
    let plausible = mean_w > 0.0 && mean_w >= least_w && mean_w <= MEAN_FACTOR * limit_w;
    let idle = device.idle_power_w.map_or_else(|| "is not known".to_owned(), |w| format!("is {w:.1} W"));
    let why = format!(
        "{label} drew {mean_w:.1} W on average; its limit is {limit_w:.0} W, and its idle power {idle}."
    );
    Finding::of(mean_w, pass_or_invalid(plausible), why)
}

fn peak_power(device: &DeviceFacts) -> Finding {
    let label = device.label();
    let (Some(peak_w), Some(limit_w)) = (device.peak_power_w, device.power_limit_w) else {
        return Finding::unknown(format!("Power readings or power limit of {label} are not known."));
    };
    let factor = if device.power_averaging_ms.is_some() { MEAN_FACTOR } else { PEAK_FACTOR };
    let why = format!("The highest power of {label} was {peak_w:.1} W; its limit is {limit_w:.0} W.");
    Finding::of(peak_w, pass_or_invalid(peak_w <= factor * limit_w), why)
}

#[expect(clippy::cast_precision_loss, reason = "tokens stay far below 2^52")]
fn joules_per_token(facts: &RunFacts) -> Finding {
    let energy_j = facts.energy.map(|e| e.energy.0).filter(|j| is_energy(*j));
    let (Some(energy_j), Some(tokens)) = (energy_j, facts.output_tokens.filter(|tokens| *tokens > 0)) else {
        return Finding::unknown("Energy or output tokens are not known.");
    };
    let each_j = energy_j / tokens as f64;
    let why = format!("An output token took {each_j:.3} J.");
    Finding::of(each_j, pass_or_invalid(each_j <= J_PER_TOKEN), why)
}
