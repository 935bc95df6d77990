//! The facts of a device that its description and its trace tell. What comes from elsewhere (the temperatures of start
//! and reference, idle power, processes, memory errors, critical errors) is left absent for the caller to fill in.

use crate::device::DeviceInfo;
use crate::energy::WindowEnergy;
use crate::sample::Channel;
use crate::sensor::share_of_time;
use crate::trace::Trace;
use crate::units::{Joules, seconds};

use super::facts::{DeviceFacts, Method, Temperatures, Throttling};
use super::series::{counted_share, share, slope_per_s, variation, weighted};
use super::timing::{Sampling, tail_s};

/// `nvmlClocksEventReasonSwPowerCap` (nvml.h).
const POWER_CAP: u64 = 0x4;

/// `nvmlClocksThrottleReasonHwSlowdown` and `HwPowerBrakeSlowdown`.
const HARDWARE: u64 = 0x8 | 0x80;

/// `nvmlClocksEventReasonSwThermalSlowdown` and `HwThermalSlowdown`.
const THERMAL: u64 = 0x20 | 0x40;

/// Temperatures in degrees Celsius that a board can have under load; others are a sensor's error.
const PLAUSIBLE_C: std::ops::RangeInclusive<f64> = 20.0..=95.0;

impl DeviceFacts {
    /// What the trace of a device says about the window `(start, end)` in nanoseconds, at a nominal interval. `energy` is
    /// the device's in this window.
    pub fn observe(
        info: &DeviceInfo,
        trace: &Trace,
        window_ns: (i64, i64),
        interval_ms: u32,
        energy: &WindowEnergy,
    ) -> Self {
        let sampling = Sampling::of(trace, window_ns, interval_ms);
        let described = Self { sampling, ..Self::described(info) }.with_energy(info, energy);
        if sampling.is_none() {
            return described;
        }
        let length_s = seconds(window_ns.1 - window_ns.0);
        let power = trace.between(window_ns.0, window_ns.1).iter().filter_map(|s| s.get(Channel::Power));
        let clock = weighted(trace, Channel::SmClock, window_ns);
        Self {
            tail_s: Some(tail_s(trace, window_ns.1)),
            counter_reset: counter_fell(trace),
            mean_power_w: described.energy_j.and_then(|j| Joules(j).mean_power(length_s)).map(|w| w.0),
            peak_power_w: power.reduce(f64::max),
            clock_variation: clock.and_then(|readings| variation(&readings)),
            throttling: throttling(trace, window_ns),
            temperature: temperatures(trace, window_ns),
            ..described
        }
    }

    /// What the description of a device says by itself.
    pub fn described(info: &DeviceInfo) -> Self {
        Self {
            id: info.id.clone(),
            name: info.name.clone(),
            kind: info.kind,
            source: info.source,
            provenance: info.provenance,
            channels: info.channels.clone(),
            power_averaging_ms: info.power_averaging_ms,
            sensor_share: share_of_time(info),
            sampling: None,
            tail_s: None,
            energy_j: None,
            method: None,
            reading: None,
            counter_j: None,
            integral_j: None,
            counter_reset: false,
            mean_power_w: None,
            peak_power_w: None,
            power_limit_w: power_limit_w(info),
            idle_power_w: None,
            clock_variation: None,
            throttling: Throttling::default(),
            temperature: Temperatures::default(),
            foreign_processes: None,
            mig: enabled(info, "mig"),
            persistence: enabled(info, "persistence"),
            ecc: enabled(info, "ecc"),
            ecc_errors: None,
            xids: None,
        }
    }

    fn with_energy(self, info: &DeviceInfo, energy: &WindowEnergy) -> Self {
        let method = match energy {
            WindowEnergy { counter: Some(_), .. } => Some(Method::Counter),
            WindowEnergy { integral: Some(_), .. } => Some(Method::Power),
            WindowEnergy { counter: None, integral: None } => None,
        };
        Self {
            energy_j: energy.best().map(|e| e.energy.0),
            method,
            reading: method.and_then(|method| reading(info, method)),
            counter_j: energy.counter.map(|e| e.energy.0),
            integral_j: energy.integral.map(|e| e.energy.0),
            ..self
        }
    }
}

/// How the figure is read. Only NVML has more than one way; elsewhere the source says it all.
fn reading(info: &DeviceInfo, method: Method) -> Option<String> {
    let key = match method {
        Method::Counter => "energy_reading",
        Method::Power => "power_reading",
    };
    match info.source {
        crate::PowerSource::Nvml => info.facts.get(key).cloned(),
        other => Some(info.facts.get(key).cloned().unwrap_or_else(|| other.name().to_owned())),
    }
}

fn enabled(info: &DeviceInfo, fact: &str) -> Option<bool> {
    match info.facts.get(fact)?.as_str() {
        "enabled" => Some(true),
        "disabled" => Some(false),
        _ => None,
    }
}

/// The greater of default and enforced limit: a board may be allowed more than its default, and one that is held below
/// it may exceed that for moments.
fn power_limit_w(info: &DeviceInfo) -> Option<f64> {
    let keys = ["power_limit_default_w", "power_limit_enforced_w", "power_limit_w"];
    let watts = keys.iter().filter_map(|key| info.facts.get(*key)?.parse::<f64>().ok());
    watts.filter(|watts| watts.is_finite() && *watts > 0.0).reduce(f64::max)
}

fn counter_fell(trace: &Trace) -> bool {
    let mut last = f64::NEG_INFINITY;
    trace.channel(Channel::Energy).any(|(_, energy_j)| std::mem::replace(&mut last, energy_j) > energy_j)
}

/// The driver's own counters of time where they are, because they miss nothing between two readings; else the share of
/// readings with a bit set. Bits of idling (0x1), set clocks (0x2), sync boost and display are no throttling.
fn throttling(trace: &Trace, window_ns: (i64, i64)) -> Throttling {
    let reasons = weighted(trace, Channel::ThrottleReasons, window_ns);
    let with = |mask| reasons.as_deref().and_then(|readings| share(readings, |bits| has_bit(bits, mask)));
    Throttling {
        thermal: counted_share(trace, Channel::ThermalViolation, window_ns).or_else(|| with(THERMAL)),
        power_cap: counted_share(trace, Channel::PowerViolation, window_ns).or_else(|| with(POWER_CAP)),
        hardware: with(HARDWARE),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bits are an integer below 2^53; anything else has none"
)]
fn has_bit(bits: f64, mask: u64) -> bool {
    bits as u64 & mask != 0
}

fn temperatures(trace: &Trace, window_ns: (i64, i64)) -> Temperatures {
    let readings = weighted(trace, Channel::Temperature, window_ns);
    Temperatures {
        slope_c_per_min: slope_per_s(trace, Channel::Temperature, window_ns).map(|slope| slope * 60.0),
        outside: readings.and_then(|readings| share(&readings, |c| !PLAUSIBLE_C.contains(&c))),
        ..Temperatures::default()
    }
}
