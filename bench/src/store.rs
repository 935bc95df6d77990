//! A million samples into the database and a trace out of it, beside plain rows in `SQLite` and the bare disk.

mod plain;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use lem_measure::{Channel, Provenance, Sample};
use lem_store::{Experiment, NewCampaign, PlannedRun, RunOutcome, RunStart, Store, codec};
use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use crate::Outcome;
use crate::report::{Figures, Section};

const RUNS: u32 = 10;
const SAMPLES: u32 = 100_000;
const DEVICE: &str = "gpu-0";

/// What each sample holds.
const CHANNELS: [Channel; 6] = [
    Channel::Power,
    Channel::Energy,
    Channel::Temperature,
    Channel::SmClock,
    Channel::MemoryClock,
    Channel::Utilization,
];

/// What one way of storing took.
#[derive(Clone, Copy)]
struct Taken {
    in_s: f64,
    out_ms: f64,
    bytes: u64,
}

pub(crate) fn measure(repeat: u32) -> Outcome<Section> {
    let traces: Vec<Vec<Sample>> = (0..RUNS).map(|run| trace(run.into())).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // Beside the program and not where temporary files lie, which may be memory.
    let programs = std::env::current_exe()?.parent().map(Path::to_owned).unwrap_or_default();
    let mut all: [Vec<Taken>; 3] = Default::default();
    for _ in 0..repeat {
        let folder = tempfile::tempdir_in(&programs)?;
        all[0].push(runtime.block_on(ours(&folder.path().join("lem.db"), &traces))?);
        all[1].push(runtime.block_on(plain::rows(&folder.path().join("plain.db"), &traces))?);
        all[2].push(packed_file(&folder.path().join("chunks"), &traces)?);
    }
    let names =
        ["`lem-store`, chunks of 4096", "peer: rows, 1000 a statement", "limit: the same chunks in a file"];
    let aim = ["aim", "0.5", "20", "12"].map(str::to_owned).to_vec();
    Ok(Section {
        name: "store",
        title: "A million samples of six channels",
        notes: vec![
            format!("{RUNS} runs of {SAMPLES} samples at 20 Hz; median (least-most) of {repeat} rounds."),
            "In: each run begun, started, appended, compacted and finished, every step on disk before the next. The rows \
             are as durable: `WAL`, `synchronous = FULL`."
                .into(),
            "Out: one run's 100,000 samples as they are used. Bytes: of the file after a checkpoint.".into(),
            "The limit packs the same chunks into a file, synchronised once at the end, and reads the whole file.".into(),
        ],
        columns: vec!["what", "in, s", "out, ms", "bytes a sample"],
        rows: names.into_iter().zip(&all).map(|(name, taken)| cells(name, taken)).chain([aim]).collect(),
    })
}

fn cells(name: &str, taken: &[Taken]) -> Vec<String> {
    let figures = |figure: fn(&Taken) -> f64| taken.iter().map(figure).collect::<Figures>();
    vec![
        name.to_owned(),
        figures(|t| t.in_s).show(3),
        figures(|t| t.out_ms).show(1),
        figures(|t| per_sample(t.bytes)).show(2),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "a file of this size is below 2^53 bytes")]
fn per_sample(bytes: u64) -> f64 {
    bytes as f64 / f64::from(RUNS * SAMPLES)
}

async fn ours(path: &Path, traces: &[Vec<Sample>]) -> Outcome<Taken> {
    let store = Store::open(path).await?;
    store.create_campaign(&campaign()).await?;
    let begun = Instant::now();
    for (index, samples) in (0..RUNS).zip(traces) {
        let run = format!("run-{index}");
        store.begin_run(&run, "bench", index).await?;
        store.run_started(&run, &start()).await?;
        for piece in samples.chunks(codec::CHUNK_SAMPLES) {
            store.append_trace(&run, DEVICE, piece).await?;
        }
        store.compact_trace(&run).await?;
        store.finish_run(&run, &outcome()).await?;
    }
    let in_s = begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    let trace = store.trace("run-3", DEVICE).await?;
    let out_ms = begun.elapsed().as_secs_f64() * 1e3;
    store.close().await;
    same(trace.samples(), &traces[3])?;
    Ok(Taken { in_s, out_ms, bytes: fs::metadata(path)?.len() })
}

/// A figure of a store that loses something would be worth nothing.
fn same(read: &[Sample], written: &[Sample]) -> Outcome<()> {
    let close = |a: Option<f64>, b: Option<f64>| matches!((a, b), (Some(a), Some(b)) if (a - b).abs() < 1e-9);
    let equal =
        |(a, b): (&Sample, &Sample)| a.t_ns == b.t_ns && CHANNELS.iter().all(|c| close(a.get(*c), b.get(*c)));
    if read.len() == written.len() && read.iter().zip(written).all(equal) {
        return Ok(());
    }
    Err("what was read is not what was written".into())
}

/// What no store of packed chunks can do without: packing, writing and one synchronisation; reading and unpacking.
fn packed_file(path: &Path, traces: &[Vec<Sample>]) -> Outcome<Taken> {
    let begun = Instant::now();
    let mut file = File::create(path)?;
    let mut ends = vec![0];
    for piece in traces.iter().flat_map(|samples| samples.chunks(codec::CHUNK_SAMPLES)) {
        let packed = codec::encode(piece)?;
        ends.push(ends.last().map_or(0, |end| end + packed.len()));
        file.write_all(&packed)?;
    }
    file.sync_data()?;
    let in_s = begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    let bytes = fs::read(path)?;
    let chunks_of_a_run = traces[0].len().div_ceil(codec::CHUNK_SAMPLES);
    let mut read = Vec::new();
    for bounds in ends[..=chunks_of_a_run].windows(2) {
        read.extend(codec::decode(&bytes[bounds[0]..bounds[1]])?);
    }
    let out_ms = begun.elapsed().as_secs_f64() * 1e3;
    same(&read, &traces[0])?;
    Ok(Taken { in_s, out_ms, bytes: fs::metadata(path)?.len() })
}

/// A run as a GPU would tell it at 20 Hz: power and clocks walk at random, the counter moves every 100 ms in
/// millijoules, times are off by some tens of microseconds. Every sample has every channel, which is the worst case.
fn trace(seed: u64) -> Vec<Sample> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut power_mw, mut energy_mj, mut seen_mj, mut clock_mhz) = (300_000.0_f64, 1e9, 1e9, 1980.0_f64);
    let mut temperature_c = 55.0;
    (0..SAMPLES)
        .map(|tick| {
            power_mw = (power_mw + random.random_range(-6_000.0..6_000.0)).clamp(70_000.0, 700_000.0).round();
            energy_mj += power_mw * 0.05;
            if tick % 2 == 0 {
                seen_mj = f64::round(energy_mj);
            }
            temperature_c += (30.0 + power_mw / 12_000.0 - temperature_c) * 0.002;
            if random.random_bool(0.1) {
                clock_mhz =
                    (clock_mhz + 15.0 * f64::from(random.random_range(-2_i32..=2))).clamp(1200.0, 1980.0);
            }
            let busy_pct = (power_mw / 7_000.0 + random.random_range(-3.0..3.0)).clamp(0.0, 100.0).round();
            Sample::at(i64::from(tick) * 50_000_000 + random.random_range(0..80_000))
                .with(Channel::Power, power_mw / 1e3)
                .with(Channel::Energy, seen_mj / 1e3)
                .with(Channel::Temperature, f64::round(temperature_c))
                .with(Channel::SmClock, clock_mhz)
                .with(Channel::MemoryClock, 2619.0)
                .with(Channel::Utilization, busy_pct)
        })
        .collect()
}

fn campaign() -> NewCampaign {
    let experiment = Experiment {
        position: 0,
        name: "one".into(),
        backend: "candle".into(),
        service: None,
        runner: "process".into(),
        model: "synthetic/llama-15m".into(),
        parameters: json!({}),
    };
    let run = |index| PlannedRun {
        index,
        experiment: 0,
        cycle: index + 1,
        gap_planned_s: 0.0,
        gap_source: "built in".into(),
    };
    NewCampaign {
        id: "bench".into(),
        name: "bench".into(),
        source_file: None,
        source_text: None,
        settings_text: None,
        plan: json!({}),
        overrides: json!({}),
        seed: 1,
        created_unix_ns: 0,
        environment: json!({}),
        app_version: env!("CARGO_PKG_VERSION").into(),
        holder_pid: None,
        experiments: vec![experiment],
        planned_runs: (0..RUNS).map(run).collect(),
    }
}

fn start() -> RunStart {
    RunStart {
        started_unix_ns: 0,
        anchor_monotonic_ns: 0,
        anchor_unix_ns: 0,
        start_temperature_c: None,
        energy_source: Some("simulated".into()),
        provenance: Some(Provenance::Simulated),
    }
}

fn outcome() -> RunOutcome {
    RunOutcome {
        ended_unix_ns: 1,
        window_ns: Some((0, 1_000_000_000)),
        energy_j: Some(1.0),
        energy_uncertainty_j: Some(0.1),
        energy_source: None,
        provenance: None,
        requests: None,
        input_tokens: None,
        output_tokens: None,
        ttft_ms_p50: None,
        result: None,
        sampler: None,
        container: None,
        warnings: Vec::new(),
        devices: Vec::new(),
        phases: Vec::new(),
        window_parts: Vec::new(),
        parts_withheld: None,
        baselines: Vec::new(),
        quality: None,
        surroundings: None,
    }
}
