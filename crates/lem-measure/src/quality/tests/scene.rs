//! A good run on one GPU, made from a trace; tests spoil one thing of it.

use std::collections::BTreeMap;

use crate::quality::{
    Baseline, BaselineKind, Batch, DeviceFacts, EccErrors, GapOutcome, Host, LogSigns, Requests, RunFacts,
    SamplerFacts, ThermalMode, Truncation, WarmUp,
};
use crate::units::seconds;
use crate::{
    Channel, DeviceInfo, DeviceKind, EnergyEstimate, Joules, PowerSource, Provenance, Sample, Trace, energy,
};

pub(super) const MS: i64 = 1_000_000;

/// A device and what it does over time; times are seconds, or milliseconds, from the start of the window.
pub(super) struct Scene {
    pub(super) info: DeviceInfo,
    pub(super) interval_ms: i64,
    pub(super) window_ms: i64,
    pub(super) tail_ms: i64,
    pub(super) power_w: fn(f64) -> f64,
    pub(super) energy_j: fn(f64) -> f64,
    pub(super) temperature_c: fn(f64) -> f64,
    pub(super) clock_mhz: fn(f64) -> f64,
    pub(super) reasons: fn(f64) -> f64,
    pub(super) thermal_s: Option<fn(f64) -> f64>,
    pub(super) capped_s: Option<fn(f64) -> f64>,
    /// Readings that were not taken, by their time in milliseconds.
    pub(super) lost: fn(i64) -> bool,
    /// What does not come from the trace.
    pub(super) edit: fn(&mut RunFacts),
}

impl Default for Scene {
    fn default() -> Self {
        Self {
            info: board(),
            interval_ms: 50,
            window_ms: 120_000,
            tail_ms: 400,
            power_w: |_| 200.0,
            energy_j: |s| 200.0 * s,
            temperature_c: |_| 60.0,
            clock_mhz: |_| 1700.0,
            reasons: |_| f64::from(0x1 | 0x2),
            thermal_s: None,
            capped_s: None,
            lost: |_| false,
            edit: |_| {},
        }
    }
}

pub(super) fn board() -> DeviceInfo {
    let facts = [
        ("compute_capability", "8.9"),
        ("power_limit_default_w", "350"),
        ("power_limit_enforced_w", "300"),
        ("energy_reading", "field 83 (total energy consumption)"),
        ("power_reading", "field 186 (instant)"),
        ("persistence", "enabled"),
        ("ecc", "enabled"),
        ("mig", "disabled"),
    ];
    DeviceInfo {
        id: "GPU-1".into(),
        name: "NVIDIA L40S".into(),
        kind: DeviceKind::Gpu,
        source: PowerSource::Nvml,
        provenance: Provenance::Measured,
        index: Some(0),
        channels: Channel::ALL.to_vec(),
        power_averaging_ms: None,
        facts: BTreeMap::from(facts.map(|(key, value)| (key.to_owned(), value.to_owned()))),
    }
}

/// A CPU package as RAPL describes it.
pub(super) fn package() -> DeviceInfo {
    DeviceInfo {
        id: "rapl:package-0".into(),
        name: "CPU package 0".into(),
        kind: DeviceKind::Cpu,
        source: PowerSource::Rapl,
        channels: vec![Channel::Power, Channel::Energy],
        facts: BTreeMap::new(),
        ..board()
    }
}

impl Scene {
    /// Readings from two seconds before the window to the end of its tail; slow channels twice a second.
    fn trace(&self) -> Trace {
        let times = (-2_000 / self.interval_ms..=(self.window_ms + self.tail_ms) / self.interval_ms)
            .map(|i| i * self.interval_ms);
        Trace::new(times.filter(|ms| !(self.lost)(*ms)).map(|ms| {
            let s = seconds(ms * MS);
            let counted = seconds(ms.div_euclid(100) * 100 * MS);
            let sample = Sample::at(ms * MS)
                .with(Channel::Power, (self.power_w)(s))
                .with(Channel::Energy, 1e6 + (self.energy_j)(counted));
            if ms % 500 == 0 { self.slow(sample, s) } else { sample }
        }))
    }

    fn slow(&self, sample: Sample, s: f64) -> Sample {
        let mut sample = sample
            .with(Channel::Temperature, (self.temperature_c)(s))
            .with(Channel::SmClock, (self.clock_mhz)(s))
            .with(Channel::ThrottleReasons, (self.reasons)(s));
        for (channel, counter) in
            [(Channel::ThermalViolation, self.thermal_s), (Channel::PowerViolation, self.capped_s)]
        {
            if let Some(counter) = counter {
                sample.set(channel, counter(s));
            }
        }
        sample
    }

    /// The device in the window, with only the channels that it has.
    pub(super) fn device(&self) -> DeviceFacts {
        let has = |channel: &Channel| self.info.has(*channel);
        let kept = |sample: &Sample| {
            let read = Channel::ALL.into_iter().filter(has);
            read.fold(Sample::at(sample.t_ns), |kept, c| kept.with(c, sample.get(c).unwrap_or(f64::NAN)))
        };
        let trace = Trace::new(self.trace().samples().iter().map(kept));
        let window = (0, self.window_ms * MS);
        let found = energy::window_energy(&self.info, &trace, window.0, window.1);
        let interval_ms = u32::try_from(self.interval_ms).expect("an interval");
        DeviceFacts::observe(&self.info, &trace, window, interval_ms, &found)
    }

    /// The run, with everything that does not come from the trace as it should be.
    pub(super) fn facts(&self) -> RunFacts {
        let mut device = self.device();
        device.temperature.start_c = Some(40.0);
        device.temperature.reference_c = Some(39.0);
        device.idle_power_w = Some(70.0);
        device.foreign_processes = device.is_board().then(Vec::new);
        device.ecc_errors = Some(EccErrors::default());
        device.xids = device.is_board().then(Vec::new);
        let energy =
            device.energy_j.map(|joules| EnergyEstimate { energy: Joules(joules), uncertainty: Joules(1.0) });
        let mut facts = RunFacts {
            window_s: Some(seconds(self.window_ms * MS)),
            interval_ms: u32::try_from(self.interval_ms).expect("an interval"),
            planned_devices: Some(vec![device.id.clone()]),
            devices: vec![device],
            energy,
            ..good_run()
        };
        (self.edit)(&mut facts);
        facts
    }
}

/// What does not depend on the device.
fn good_run() -> RunFacts {
    RunFacts {
        window_is_inference: Some(true),
        output_tokens: Some(10_000),
        sampler: Some(SamplerFacts { ticks: 3_000, missed_ticks: 3, read_errors: 0 }),
        thermal_mode: Some(ThermalMode::HotSteady),
        gap: Some(GapOutcome::Settled),
        warm_up: Some(WarmUp::Converged),
        baseline: Some(Baseline { kind: BaselineKind::Loaded, age_s: 600.0, drift: Some(-0.01) }),
        requests: Some(Requests { ok: 100, failed: 0, expected: Some(100) }),
        truncation: Some(Truncation { truncated: 10, requests: 100, forced: false }),
        batch: Some(Batch { configured: 8, effective: Some(7.5), kv_cache_used: Some(0.3) }),
        log: Some(LogSigns::default()),
        environment_drift: Some(Vec::new()),
        host: Host {
            load_by_others: Some(0.03),
            load_unknown: None,
            governor: Some("performance".into()),
            swapped_mib: Some(0.0),
        },
        ..RunFacts::default()
    }
}
