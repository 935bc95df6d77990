//! Rows for what stands on the trace of a device and on its state.

use crate::quality::Verdict::{Invalid, Pass, Poor, Unknown, Warn};
use crate::quality::{EccErrors, ForeignProcess, RunFacts, ThermalMode};
use crate::{Channel, Provenance};

use super::Case;
use super::scene::Scene;

/// Removes a channel, as a driver that does not tell it.
fn without(scene: &mut Scene, channel: Channel) {
    scene.info.channels.retain(|one| *one != channel);
}

/// Makes it a board of another generation.
fn capability(scene: &mut Scene, capability: &str) {
    scene.info.facts.insert("compute_capability".into(), capability.into());
}

fn no_window(facts: &mut RunFacts) {
    facts.window_s = None;
    facts.devices.iter_mut().for_each(|d| (d.sampling, d.tail_s) = (None, None));
}

fn processes(facts: &mut RunFacts, utilization: Option<f64>) {
    let one = ForeignProcess { pid: 4711, utilization, memory_bytes: Some(1 << 30) };
    facts.devices[0].foreign_processes = Some(vec![one]);
}

/// Whether this is the reading five seconds into the window.
fn at_5(s: f64) -> bool {
    (s - 5.0).abs() < 0.01
}

pub(super) const SAMPLING: &[Case<Scene>] = &[
    ("window", Pass, |s| s.window_ms = 30_000),
    ("window", Warn, |s| s.window_ms = 29_000),
    ("window", Poor, |s| s.window_ms = 9_000),
    ("window", Invalid, |s| s.window_ms = 1_900),
    ("window", Invalid, |s| s.edit = no_window),
    ("window_content", Pass, |_| {}),
    ("window_content", Invalid, |s| s.edit = |f| f.window_is_inference = Some(false)),
    ("window_content", Unknown, |s| s.edit = |f| f.window_is_inference = None),
    ("coverage", Pass, |s| s.lost = |ms| ms % 2_000 == 0),
    ("coverage", Warn, |s| s.lost = |ms| ms % 500 == 0),
    ("coverage", Invalid, |s| s.lost = |ms| ms % 150 != 0),
    ("coverage", Unknown, |s| s.edit = no_window),
    ("sampling_gap", Pass, |s| s.lost = |ms| ms == 5_000 || ms == 5_050),
    ("sampling_gap", Warn, |s| s.lost = |ms| (5_000..5_150).contains(&ms)),
    ("sampling_gap", Invalid, |s| s.lost = |ms| (5_000..6_000).contains(&ms)),
    ("sampling_gap", Invalid, |s| {
        // Less than a second, more than 5 % of the window.
        s.window_ms = 10_000;
        s.lost = |ms| (5_000..5_500).contains(&ms);
    }),
    ("sampling_gap", Unknown, |s| s.edit = no_window),
    ("sampling_interval", Pass, |_| {}),
    ("sampling_interval", Warn, |s| s.lost = |ms| ms % 200 != 0),
    ("sampling_interval", Unknown, |s| s.lost = |ms| (0..120_000).contains(&ms)),
    ("samples", Pass, |s| s.window_ms = 5_000),
    ("samples", Warn, |s| s.window_ms = 4_000),
    ("samples", Invalid, |s| s.window_ms = 400),
    ("samples", Unknown, |s| s.edit = no_window),
    ("tail", Pass, |s| s.tail_ms = 250),
    ("tail", Pass, |s| (s.tail_ms, s.info.power_averaging_ms) = (1_500, Some(1_000))),
    ("tail", Invalid, |s| s.tail_ms = 150),
    ("tail", Invalid, |s| (s.tail_ms, s.info.power_averaging_ms) = (1_000, Some(1_000))),
    ("tail", Invalid, |s| s.edit = no_window),
];

pub(super) const ENERGY: &[Case<Scene>] = &[
    ("energy", Pass, |_| {}),
    ("energy", Invalid, |s| (s.energy_j, s.power_w) = (|_| 0.0, |_| 0.0)),
    ("energy", Invalid, |s| s.edit = |f| f.energy = None),
    ("energy", Invalid, |s| s.edit = |f| f.devices[0].energy_j = Some(f64::NAN)),
    ("energy_source", Pass, |s| without(s, Channel::Energy)),
    ("energy_source", Warn, |s| {
        without(s, Channel::Energy);
        (s.window_ms, s.tail_ms, s.info.power_averaging_ms) = (20_000, 1_600, Some(1_000));
    }),
    ("energy_source", Invalid, |s| drop(s.info.facts.remove("energy_reading"))),
    ("energy_source", Invalid, |s| {
        without(s, Channel::Energy);
        without(s, Channel::Power);
    }),
    ("provenance", Pass, |_| {}),
    ("provenance", Poor, |s| s.info.provenance = Provenance::Estimated),
    ("provenance", Poor, |s| s.info.provenance = Provenance::Simulated),
    ("provenance", Unknown, |s| s.edit = |f| f.devices.clear()),
    ("sensor_coverage", Pass, |_| {}),
    ("sensor_coverage", Unknown, |s| capability(s, "8.0")),
    ("sensor_coverage", Unknown, |s| capability(s, "9.0")),
    ("sensor_coverage", Warn, |s| {
        capability(s, "7.0");
        without(s, Channel::Energy);
    }),
    ("sensor_coverage", Unknown, |s| capability(s, "10.0")),
    ("sensor_coverage", Unknown, |s| drop(s.info.facts.remove("compute_capability"))),
    ("counter_vs_integral", Pass, |s| s.power_w = |_| 203.0),
    ("counter_vs_integral", Warn, |s| s.power_w = |_| 207.0),
    ("counter_vs_integral", Poor, |s| s.power_w = |_| 186.0),
    ("counter_vs_integral", Invalid, |s| s.power_w = |_| 230.0),
    ("counter_vs_integral", Invalid, |s| s.energy_j = |t| if t < 5.0 { 200.0 * t } else { 0.0 }),
    ("counter_vs_integral", Unknown, |s| s.power_w = |_| f64::NAN),
    ("mean_power", Pass, |s| s.energy_j = |t| 380.0 * t),
    ("mean_power", Invalid, |s| s.energy_j = |t| 390.0 * t),
    ("mean_power", Invalid, |s| s.energy_j = |t| 60.0 * t),
    ("mean_power", Unknown, |s| s.info.facts.retain(|key, _| !key.starts_with("power_limit"))),
    ("peak_power", Pass, |s| s.power_w = |t| if at_5(t) { 590.0 } else { 200.0 }),
    ("peak_power", Invalid, |s| s.power_w = |t| if at_5(t) { 600.0 } else { 200.0 }),
    ("peak_power", Invalid, |s| {
        s.power_w = |t| if at_5(t) { 400.0 } else { 200.0 };
        s.info.power_averaging_ms = Some(1_000);
    }),
    ("peak_power", Unknown, |s| without(s, Channel::Power)),
];

pub(super) const STATE: &[Case<Scene>] = &[
    ("devices", Pass, |_| {}),
    ("devices", Invalid, |s| s.edit = |f| f.planned_devices = Some(vec!["GPU-2".into()])),
    ("devices", Invalid, |s| s.edit = |f| drop(f.devices.pop())),
    ("devices", Unknown, |s| s.edit = |f| f.planned_devices = None),
    ("foreign_processes", Pass, |_| {}),
    ("foreign_processes", Warn, |s| s.edit = |f| processes(f, Some(0.005))),
    ("foreign_processes", Warn, |s| s.edit = |f| processes(f, None)),
    ("foreign_processes", Invalid, |s| s.edit = |f| processes(f, Some(0.01))),
    ("foreign_processes", Unknown, |s| s.edit = |f| f.devices[0].foreign_processes = None),
    ("mig", Pass, |_| {}),
    ("mig", Invalid, |s| drop(s.info.facts.insert("mig".into(), "enabled".into()))),
    ("persistence", Pass, |_| {}),
    ("persistence", Warn, |s| drop(s.info.facts.insert("persistence".into(), "disabled".into()))),
    ("persistence", Unknown, |s| drop(s.info.facts.remove("persistence"))),
    ("ecc", Pass, |_| {}),
    ("ecc", Warn, |s| {
        s.edit = |f| f.devices[0].ecc_errors = Some(EccErrors { corrected: 1, uncorrected: 0 });
    }),
    ("ecc", Invalid, |s| {
        s.edit = |f| f.devices[0].ecc_errors = Some(EccErrors { corrected: 1, uncorrected: 1 });
    }),
    ("ecc", Unknown, |s| s.edit = |f| f.devices[0].ecc_errors = None),
    ("xid", Pass, |_| {}),
    ("xid", Invalid, |s| s.edit = |f| f.devices[0].xids = Some(vec![31])),
    ("xid", Unknown, |s| s.edit = |f| f.devices[0].xids = None),
];

/// A window of 120 s; 0.9 s is below 1 % of it, 3 s below 5 %, 12 s above.
pub(super) const THERMAL: &[Case<Scene>] = &[
    ("thermal_throttling", Pass, |s| s.reasons = |_| f64::from(0x1 | 0x2 | 0x4 | 0x10)),
    ("thermal_throttling", Warn, |s| s.reasons = |t| f64::from(0x20 * u8::from(at_5(t)))),
    ("thermal_throttling", Poor, |s| s.reasons = |t| f64::from(0x40 * u8::from(t < 3.0))),
    ("thermal_throttling", Invalid, |s| s.reasons = |t| f64::from(0x60 * u8::from(t < 12.0))),
    ("thermal_throttling", Unknown, |s| without(s, Channel::ThrottleReasons)),
    // The driver's counter is used where there is one, and what it counted before the window is not.
    ("thermal_throttling", Pass, |s| s.thermal_s = Some(|t| (t + 2.0).min(2.0))),
    ("thermal_throttling", Warn, |s| s.thermal_s = Some(|t| (t + 2.0).min(2.9))),
    ("thermal_throttling", Poor, |s| s.thermal_s = Some(|t| (t + 2.0).min(5.0))),
    ("thermal_throttling", Invalid, |s| s.thermal_s = Some(|t| t + 2.0)),
    ("hardware_slowdown", Pass, |s| s.reasons = |_| f64::from(0x60)),
    ("hardware_slowdown", Warn, |s| s.reasons = |t| f64::from(0x80 * u8::from(at_5(t)))),
    ("hardware_slowdown", Poor, |s| s.reasons = |t| f64::from(0x8 * u8::from(t < 3.0))),
    ("hardware_slowdown", Invalid, |s| s.reasons = |t| f64::from(0x8 * u8::from(t < 12.0))),
    ("hardware_slowdown", Unknown, |s| without(s, Channel::ThrottleReasons)),
    ("power_cap", Pass, |s| s.reasons = |t| f64::from(0x4 * u8::from(t < 58.0))),
    ("power_cap", Warn, |s| s.reasons = |t| f64::from(0x4 * u8::from(t < 62.0))),
    ("power_cap", Warn, |s| s.capped_s = Some(|t| 0.6 * (t + 2.0))),
    ("power_cap", Unknown, |s| without(s, Channel::ThrottleReasons)),
    ("clock_variation", Pass, |s| s.clock_mhz = |t| 1700.0 + 30.0 * (t - t.floor() - 0.25).signum()),
    ("clock_variation", Warn, |s| s.clock_mhz = |t| 1700.0 + 80.0 * (t - t.floor() - 0.25).signum()),
    ("clock_variation", Poor, |s| s.clock_mhz = |t| 1700.0 + 160.0 * (t - t.floor() - 0.25).signum()),
    ("clock_variation", Invalid, |s| s.clock_mhz = |t| if t < 60.0 { 1700.0 } else { 1200.0 }),
    ("clock_variation", Unknown, |s| without(s, Channel::SmClock)),
    ("start_temperature", Pass, |s| s.edit = |f| f.devices[0].temperature.start_c = Some(36.0)),
    ("start_temperature", Warn, |s| s.edit = |f| f.devices[0].temperature.start_c = Some(43.0)),
    ("start_temperature", Invalid, |s| s.edit = |f| f.devices[0].temperature.start_c = Some(50.0)),
    ("start_temperature", Unknown, |s| s.edit = |f| f.devices[0].temperature.reference_c = None),
    ("temperature_slope", Pass, |s| s.temperature_c = |t| 60.0 + (t / 60.0).floor()),
    ("temperature_slope", Pass, |s| {
        s.temperature_c = |t| 40.0 + t / 4.0;
        s.edit = |f| f.thermal_mode = Some(ThermalMode::CoolStart);
    }),
    ("temperature_slope", Warn, |s| s.temperature_c = |t| 60.0 + t / 20.0),
    ("temperature_slope", Poor, |s| s.temperature_c = |t| 60.0 - t / 12.0),
    ("temperature_slope", Unknown, |s| without(s, Channel::Temperature)),
    ("temperature_slope", Unknown, |s| s.edit = |f| f.thermal_mode = None),
    ("temperature_range", Pass, |s| s.temperature_c = |t| if t < 5.0 { 0.0 } else { 60.0 }),
    ("temperature_range", Invalid, |s| s.temperature_c = |t| if t < 7.0 { 110.0 } else { 60.0 }),
    ("temperature_range", Unknown, |s| without(s, Channel::Temperature)),
];
