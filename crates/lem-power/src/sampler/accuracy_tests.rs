//! How true the energy of a window is, in virtual time: the sampler's schedule and bursts on simulated boards whose
//! true energy is known, cut by the arithmetic that results are made with.
//!
//! Deterministic and without waiting, so that hundreds of windows of every load on every board take seconds. What
//! real time adds (threads, pipes, the loader) is measured by `lem-bench accuracy`.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use lem_measure::energy::window_energy;
use lem_measure::{Channel, DeviceKind, EnergyEstimate, PowerSource, Provenance, Trace};
use nvidia_ml::model::Gpu;

use super::schedule::Schedule;
use super::*;
use crate::meter::ReadError;

const MS: i64 = 1_000_000;
const SECOND: i64 = 1_000_000_000;

/// Readings of a board at the virtual time, each of which takes a while as the driver's do.
struct Virtual {
    gpu: Arc<Gpu>,
    devices: Vec<DeviceInfo>,
    clock: Arc<AtomicI64>,
}

const READING_NS: i64 = 60_000;

impl Meter for Virtual {
    fn devices(&self) -> &[DeviceInfo] {
        &self.devices
    }

    fn read(&mut self, _device: usize, depth: Depth) -> Result<Sample, ReadError> {
        let t_ns = self.clock.fetch_add(READING_NS, Ordering::Relaxed) + READING_NS / 2;
        let mut sample = Sample::at(t_ns);
        let mut set = |channel, value: Option<f64>| sample.set(channel, value.unwrap_or(f64::NAN));
        let counter_j = self.gpu.counter_j(t_ns);
        set(Channel::Energy, counter_j);
        if depth > Depth::Edge || counter_j.is_none() {
            set(Channel::Power, self.gpu.power_w(t_ns));
        }
        if depth > Depth::Edge {
            set(Channel::PowerAverage, self.gpu.average_w(t_ns));
        }
        Ok(sample)
    }
}

fn describe(gpu: &Gpu) -> DeviceInfo {
    DeviceInfo {
        id: "GPU-virtual".into(),
        name: "virtual".into(),
        kind: DeviceKind::Gpu,
        source: PowerSource::Nvml,
        provenance: Provenance::Simulated,
        index: Some(0),
        channels: vec![Channel::Power, Channel::Energy],
        power_averaging_ms: gpu.power_averaging_ms(),
        facts: BTreeMap::from([("compute_capability".to_owned(), gpu.compute_capability())]),
    }
}

/// Random numbers that are the same in every run of the tests (`SplitMix64`).
struct Chance(Cell<u64>);

impl Chance {
    fn new() -> Self {
        Self(Cell::new(20_261_125))
    }

    /// Evenly between 0 and `below`.
    fn up_to(&self, below: i64) -> i64 {
        let state = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        i64::try_from((mixed ^ (mixed >> 31)) >> 2).expect("62 bits") % below.max(1)
    }

    /// How late a thread wakes up: mostly 50 to 150 us, one time in fifty up to 3 ms.
    fn lateness_ns(&self) -> i64 {
        if self.up_to(50) == 0 { self.up_to(3 * MS) } else { 50_000 + self.up_to(100_000) }
    }
}

/// A trace as the sampler's thread makes it, from `lead_ns` before the window; each edge is told to it a little late.
fn record(gpu: &Arc<Gpu>, lead_ns: i64, window: (i64, i64), tail_ns: i64, chance: &Chance) -> Trace {
    let begin_ns = window.0 - lead_ns;
    let clock = Arc::new(AtomicI64::new(begin_ns));
    let meter = Virtual { gpu: Arc::clone(gpu), devices: vec![describe(gpu)], clock: Arc::clone(&clock) };
    let mut feeds = Feeds::new(vec![Box::new(meter)]);
    let mut schedule = Schedule::new(begin_ns, 50 * MS);
    let mut told_ns = [window.0, window.1].map(|edge| edge + chance.up_to(MS)).into_iter().peekable();
    let now = || clock.load(Ordering::Relaxed);
    while now() < window.1 + tail_ns {
        if now() >= schedule.next_ns() {
            feeds.read_regular(0, Depth::Power);
            schedule.advance(now());
        }
        feeds.read_dense(0, now());
        let dense_ns = if feeds.is_refining() { now() + DENSE_NS } else { i64::MAX };
        let wake_ns = dense_ns.min(schedule.next_ns()) + chance.lateness_ns();
        match told_ns.peek() {
            Some(told) if *told <= wake_ns => {
                clock.fetch_max(*told, Ordering::Relaxed);
                told_ns.next();
                feeds.refine(now() + i64::from(REFINE_MS) * MS);
            }
            _ => drop(clock.fetch_max(wake_ns, Ordering::Relaxed)),
        }
    }
    feeds.finish();
    Trace::new(feeds.take_samples(0).unwrap_or_default())
}

/// The loads, by name, as signals.
fn loads() -> Vec<(&'static str, String)> {
    let decode = |prefill_w: u32, prefill_s: f64, tokens: usize, token_s: f64| {
        let token = format!(
            r#"{{"watts":330,"seconds":{:.4}}},{{"watts":230,"seconds":{:.4}}}"#,
            token_s * 0.65,
            token_s * 0.35
        );
        let tokens = vec![token; tokens].join(",");
        format!(r#"{{"shape":"steps","steps":[{{"watts":{prefill_w},"seconds":{prefill_s}}},{tokens}]}}"#)
    };
    let square = |low: u32, high: u32, period: f64, duty: f64| {
        format!(r#"{{"shape":"square","low_w":{low},"high_w":{high},"period_s":{period},"duty":{duty}}}"#)
    };
    let throttle = r#"{"shape":"ramps","ramps":[{"from_w":100,"to_w":390,"seconds":5},{"from_w":390,"to_w":300,"seconds":0.2},
        {"from_w":300,"to_w":380,"seconds":0.6},{"from_w":380,"to_w":300,"seconds":0.2},{"from_w":300,"to_w":370,"seconds":0.6},
        {"from_w":370,"to_w":120,"seconds":2.3}]}"#;
    vec![
        ("constant", r#"{"shape":"constant","watts":250}"#.into()),
        ("square", square(80, 320, 1.37, 0.5)),
        ("bursts", square(70, 350, 0.1037, 0.3)),
        ("decode", decode(390, 0.21, 40, 0.0273)),
        ("spikes", square(180, 600, 0.391, 0.02)),
        ("throttled", throttle.into()),
        ("run", r#"{"shape":"steps","steps":[{"watts":60,"seconds":10},{"watts":310,"seconds":40}]}"#.into()),
    ]
}

fn gpu(keys: &str, signal: &str) -> Arc<Gpu> {
    Arc::new(Gpu::from_json(&format!("[{{{keys}, \"signal\": {signal}}}]")).expect("a configuration"))
}

/// Errors of many windows.
#[derive(Default)]
struct Errors {
    relative: Vec<f64>,
    uncertainties: Vec<f64>,
    covered: u32,
    missing: u32,
}

impl Errors {
    fn add(&mut self, found: EnergyEstimate, truth_j: f64) {
        let error_j = (found.energy.0 - truth_j).abs();
        self.relative.push(error_j / truth_j);
        self.uncertainties.push(found.uncertainty.0 / truth_j);
        // Counters and powers are whole milli units.
        self.covered += u32::from(error_j <= found.uncertainty.0 + 2e-3);
    }

    fn mean_pct(&self) -> f64 {
        mean(&self.relative) * 100.0
    }

    fn worst_pct(&self) -> f64 {
        self.relative.iter().copied().fold(0.0, f64::max) * 100.0
    }

    fn stated_pct(&self) -> f64 {
        mean(&self.uncertainties) * 100.0
    }

    fn covered_pct(&self) -> f64 {
        f64::from(self.covered) / mean_of(self.relative.len()) * 100.0
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / mean_of(values.len())
}

#[expect(clippy::cast_precision_loss, reason = "hundreds")]
fn mean_of(count: usize) -> f64 {
    count as f64
}

/// What is taken from a window.
#[derive(Clone, Copy, PartialEq)]
enum By {
    Counter,
    Power,
}

/// Measures so many windows of a length, each on a trace of its own that begins a random time before.
fn windows(gpu: &Arc<Gpu>, by: By, length_ns: i64, count: u32, chance: &Chance) -> Errors {
    let mut errors = Errors::default();
    let aligned = matches!(gpu.signal(), lem_measure::signal::Signal::Steps { steps } if steps.len() == 2);
    for _ in 0..count {
        let mut start_ns = 40_000 * SECOND + chance.up_to(100 * SECOND);
        if aligned {
            // A run: the window begins with its load, which is 10 s into each 50 s.
            start_ns = start_ns / (50 * SECOND) * 50 * SECOND + 10 * SECOND + chance.up_to(2 * MS);
        }
        let window = (start_ns, start_ns + length_ns);
        let tail_ns = if gpu.power_averaging_ms().is_some() { 1_600 } else { 350 } * MS;
        let lead_ns = if chance.up_to(2) == 0 { 2 * MS } else { chance.up_to(5 * SECOND) };
        let trace = record(gpu, lead_ns, window, tail_ns, chance);
        let found = window_energy(&describe(gpu), &trace, window.0, window.1);
        let estimate = if by == By::Counter { found.counter } else { found.integral };
        match estimate {
            Some(estimate) => errors.add(estimate, gpu.signal().energy_j(window.0, window.1)),
            None => errors.missing += 1,
        }
    }
    errors
}

/// The boards: how they are measured, and their configuration.
const BOARDS: [(&str, By, &str); 11] = [
    ("V100", By::Counter, r#""model": "v100""#),
    ("A100", By::Counter, r#""model": "a100""#),
    ("H100", By::Counter, r#""model": "h100""#),
    ("RTX 3090", By::Counter, r#""model": "rtx3090""#),
    ("RTX 3090 power", By::Power, r#""model": "rtx3090", "counter_present": false"#),
    ("RTX 3090 check", By::Power, r#""model": "rtx3090""#),
    ("H100 power", By::Power, r#""model": "h100", "counter_present": false"#),
    ("P100", By::Power, r#""model": "p100""#),
    ("A100 power", By::Power, r#""model": "a100", "counter_present": false"#),
    ("A100 check", By::Power, r#""model": "a100""#),
    ("3090 averaged", By::Power, r#""model": "rtx3090", "counter_present": false, "instant_present": false"#),
];

// The bounds below keep what was reached, each with some room; they are not the aims. The uncertainty was set on these
// loads, so that its coverage here says little of others: docs/measuring.md has what loads it was not set by gave.

/// Measures 200 windows of one length of each load on a board.
fn every_load(board: &str, length_ms: i64) -> Vec<(&'static str, Errors)> {
    let (_, by, keys) = BOARDS.into_iter().find(|(name, ..)| *name == board).expect("a board");
    let measured = loads().into_iter().map(|(load, signal)| {
        let errors = windows(&gpu(keys, &signal), by, length_ms * MS, 200, &Chance::new());
        assert_eq!(errors.missing, 0, "{board}, {load}: every window has its energy");
        (load, errors)
    });
    measured.collect()
}

/// What neither a counter nor a sensor that means over whole periods can show: bursts nearly in step with it.
const HIDDEN: &str = "bursts";

#[test]
fn a_counter_gives_long_windows_to_a_hundredth_of_a_percent() {
    for board in ["V100", "A100", "RTX 3090"] {
        for (load, errors) in every_load(board, 8_000) {
            let (mean_pct, worst_pct) = match load {
                HIDDEN if board == "V100" => (0.02, 0.3),
                HIDDEN => (0.2, 0.4),
                "spikes" => (0.05, 0.2),
                _ if board == "V100" => (0.02, 0.15),
                _ => (0.02, 0.1),
            };
            let found = (errors.mean_pct(), errors.worst_pct());
            assert!(found.0 <= mean_pct && found.1 <= worst_pct, "{board}, {load}: {found:?}");
        }
    }
}

#[test]
fn a_counter_gives_a_quarter_of_a_second_to_a_percent() {
    for board in ["V100", "A100", "RTX 3090"] {
        for (load, errors) in every_load(board, 250) {
            let limit_pct = match load {
                HIDDEN if board != "V100" => 8.0,
                "spikes" => 1.5,
                _ => 1.0,
            };
            assert!(errors.mean_pct() <= limit_pct, "{board}, {load}: {}", errors.mean_pct());
        }
    }
}

#[test]
fn power_that_sees_all_does_nearly_as_well() {
    for (load, errors) in every_load("RTX 3090 power", 8_000) {
        let found = (errors.mean_pct(), errors.worst_pct());
        assert!(found.0 <= 0.17 && found.1 <= 0.6, "{load}: {found:?}");
    }
}

#[test]
fn the_uncertainty_covers_the_truth_and_is_no_excuse() {
    for board in ["V100", "A100", "RTX 3090", "RTX 3090 power", "A100 power", "P100", "3090 averaged"] {
        for length_ms in [1_000, 8_000] {
            for (load, errors) in every_load(board, length_ms) {
                let in_step = load == HIDDEN && (board.starts_with("RTX") || length_ms < 8_000);
                let case = format!("{board}, {load}, {length_ms} ms");
                assert!(
                    in_step || errors.covered_pct() >= 95.0,
                    "{case}: {} % are covered",
                    errors.covered_pct()
                );
                let counted = ["V100", "A100", "RTX 3090"].contains(&board);
                assert!(
                    !counted || errors.stated_pct() < 1.0 || length_ms < 8_000,
                    "{case}: {}",
                    errors.stated_pct()
                );
            }
        }
    }
}

/// Prints the whole table: `cargo test -p lem-power --release -- --ignored --nocapture accuracy_table`.
#[test]
#[ignore = "a table to look at while working on the arithmetic"]
#[expect(clippy::print_stdout, reason = "it is there to be read")]
fn accuracy_table() {
    let mut table = String::new();
    for (board, by, keys) in BOARDS {
        for (load, signal) in loads() {
            let chance = Chance::new();
            let _ = write!(table, "{board:15} {load:10}");
            for length_ms in [250, 1_000, 8_000, 30_000] {
                let errors = windows(&gpu(keys, &signal), by, length_ms * MS, 200, &chance);
                let _ = write!(
                    table,
                    " | {:7.3} {:7.3} {:7.3} {:4.0}{}",
                    errors.mean_pct(),
                    errors.worst_pct(),
                    errors.stated_pct(),
                    errors.covered_pct(),
                    if errors.missing > 0 { format!("!{}", errors.missing) } else { String::new() }
                );
            }
            table.push('\n');
        }
    }
    println!("{table}");
}
