//! Whether the device could work as it would: throttling, clocks and temperatures.

use crate::quality::catalogue as kinds;
use crate::quality::facts::{DeviceFacts, RunFacts, ThermalMode};
use crate::quality::judge::{AtMost, Finding, pass_or_invalid};
use crate::quality::{Check, Verdict};
use crate::sample::Channel;

const THROTTLING: AtMost = AtMost { pass: 0.0, warn: 1.0, poor: 5.0 };
const POWER_CAP: AtMost = AtMost { pass: 50.0, warn: f64::INFINITY, poor: f64::INFINITY };
const CLOCK: AtMost = AtMost { pass: 2.0, warn: 5.0, poor: 10.0 };
const SLOPE: AtMost = AtMost { pass: 1.0, warn: 3.0, poor: f64::INFINITY };

/// How far a start may be from its reference, or from those of other runs, in degrees.
pub(in crate::quality) const START_C: AtMost = AtMost { pass: 3.0, warn: 10.0, poor: 10.0 };

/// A temperature out of range for this share of a window or more is the sensor's error.
const OUTSIDE: f64 = 0.05;

/// NVML reports whole degrees. One step in the middle of a window of `s` seconds has a least-squares slope of `90 / s`
/// degrees per minute (1.5 / s degrees per second).
const STEP_SLOPE: f64 = 90.0;

pub(super) fn checks(facts: &RunFacts) -> Vec<Check> {
    let throttles = |d: &&DeviceFacts| d.is_board() || d.has(Channel::ThrottleReasons);
    let clocked = |d: &&DeviceFacts| d.is_board() || d.has(Channel::SmClock);
    let warms = |d: &&DeviceFacts| d.is_board() || d.has(Channel::Temperature);
    let devices = || facts.devices.iter();
    let checks = [
        kinds::THERMAL_THROTTLING.worst(devices().filter(throttles), |d| {
            held_down(d, d.throttling.thermal, "by temperature", THROTTLING)
        }),
        kinds::HARDWARE_SLOWDOWN.worst(devices().filter(throttles), |d| {
            held_down(d, d.throttling.hardware, "by its hardware or the power brake", THROTTLING)
        }),
        kinds::POWER_CAP.worst(devices().filter(throttles), |d| {
            held_down(d, d.throttling.power_cap, "by its power limit", POWER_CAP)
        }),
        kinds::CLOCK_VARIATION.worst(devices().filter(clocked), clock_variation),
        kinds::START_TEMPERATURE.worst(devices().filter(warms), start_temperature),
        kinds::TEMPERATURE_SLOPE
            .worst(devices().filter(warms), |d| temperature_slope(d, facts.thermal_mode, facts.window_s)),
        kinds::TEMPERATURE_RANGE.worst(devices().filter(warms), temperature_range),
    ];
    checks.into_iter().flatten().collect()
}

fn held_down(device: &DeviceFacts, share: Option<f64>, by: &str, limits: AtMost) -> Finding {
    let label = device.label();
    let Some(share) = share else {
        return Finding::unknown(format!("It is not known whether {label} was held down {by}."));
    };
    let percent = share * 100.0;
    let why = format!("{label} was held down {by} for {percent:.1} % of the window.");
    Finding::of(percent, limits.judge(percent), why)
}

fn clock_variation(device: &DeviceFacts) -> Finding {
    let label = device.label();
    let Some(variation) = device.clock_variation else {
        return Finding::unknown(format!("The clock of {label} was not read often enough in the window."));
    };
    let percent = variation * 100.0;
    let why = format!("The SM clock of {label} varied by {percent:.1} % (standard deviation over mean).");
    Finding::of(percent, CLOCK.judge(percent), why)
}

fn start_temperature(device: &DeviceFacts) -> Finding {
    let label = device.label();
    let (Some(start_c), Some(reference_c)) = (device.temperature.start_c, device.temperature.reference_c)
    else {
        return Finding::unknown(format!("Start or reference temperature of {label} is not known."));
    };
    let off_c = (start_c - reference_c).abs();
    let why = format!("{label} was at {start_c:.0} °C at the start; the reference is {reference_c:.0} °C.");
    Finding::of(off_c, START_C.judge(off_c), why)
}

/// A device that starts cool warms up, which is no fault; then the slope is told and not judged. Otherwise what one
/// step of the sensor would show is taken off before judging, or a short window could not pass.
fn temperature_slope(device: &DeviceFacts, mode: Option<ThermalMode>, window_s: Option<f64>) -> Finding {
    let label = device.label();
    let Some(slope) = device.temperature.slope_c_per_min else {
        return Finding::unknown(format!(
            "The temperature of {label} was not read often enough in the window."
        ));
    };
    let told = format!("The temperature of {label} changed by {slope:.1} °C/min");
    let step = match (mode, window_s.filter(|s| *s > 0.0)) {
        (Some(ThermalMode::CoolStart), _) => {
            return Finding::of(
                slope,
                Verdict::Pass,
                format!("{told}, as it may in a run that starts cool."),
            );
        }
        (None, _) | (_, None) => {
            let why = format!("{told}; whether it should have been steady is not known.");
            return Finding::unknown(why).with_value(slope);
        }
        (Some(ThermalMode::HotSteady), Some(window_s)) => STEP_SLOPE / window_s,
    };
    let beyond = (slope.abs() - step).max(0.0);
    let why = format!("{told}, of which one step of its sensor explains {step:.1}.");
    Finding::of(slope, SLOPE.judge(beyond), why)
}

fn temperature_range(device: &DeviceFacts) -> Finding {
    let label = device.label();
    let Some(outside) = device.temperature.outside else {
        return Finding::unknown(format!(
            "The temperature of {label} was not read often enough in the window."
        ));
    };
    let percent = outside * 100.0;
    let why = format!("The temperature of {label} was out of range for {percent:.1} % of the window.");
    Finding::of(percent, pass_or_invalid(outside < OUTSIDE), why)
}
