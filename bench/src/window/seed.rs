//! A project with much in it: a hundred thousand runs, and runs with a million samples and more.

use std::path::PathBuf;

use lem_measure::{Channel, DeviceKind, PowerSource, Provenance, Sample};
use lem_store::{Experiment, NewCampaign, PlannedRun, RunDevice, RunOutcome, RunStart, Store, codec};
use lem_tests::desktop::Stage;
use serde_json::json;
use sqlx::{Connection as _, SqliteConnection};

use crate::Outcome;

/// Runs in the table.
const RUNS: u32 = 100_000;

/// A run of an hour on one device.
pub(super) const SMALL: &str = "run-small";
/// A run of a million samples on one device.
pub(super) const MILLION: &str = "run-million";
/// A run of a day on eight devices.
pub(super) const DAY: &str = "run-day";

const INTERVAL_NS: i64 = 50_000_000;

/// Makes the project and its database.
pub(super) async fn project(stage: &Stage) -> Outcome<PathBuf> {
    let project = stage.folder("project");
    std::fs::create_dir_all(project.join("results"))?;
    let database = project.join("results/lem.db");
    let store = Store::open(&database).await?;
    store.create_campaign(&campaign("traces", 1, 3)).await?;
    for (index, (run, devices, samples)) in
        (0..).zip([(SMALL, 1, 72_000), (MILLION, 1, 1_000_000), (DAY, 8, 1_728_000)])
    {
        long_run(&store, index, run, devices, samples).await?;
    }
    store.create_campaign(&campaign("many", 10, RUNS)).await?;
    store.close().await;
    many_runs(&database).await?;
    Ok(project)
}

fn campaign(id: &str, experiments: u32, runs: u32) -> NewCampaign {
    let experiment = |position| Experiment {
        position,
        name: format!("pytorch-llama-1b-batch_size{}", 1 << position),
        backend: "pytorch".into(),
        service: None,
        runner: "process".into(),
        model: "llama-1b".into(),
        parameters: json!({ "batch_size": 1 << position }),
    };
    let run = |index| PlannedRun {
        index,
        experiment: index % experiments,
        cycle: index / experiments + 1,
        gap_planned_s: 60.0,
        gap_source: "built in".into(),
    };
    NewCampaign {
        id: id.into(),
        name: id.into(),
        source_file: None,
        source_text: None,
        settings_text: None,
        plan: json!({}),
        overrides: json!({}),
        seed: 1,
        created_unix_ns: 1_764_000_000_000_000_000,
        environment: json!({}),
        app_version: env!("CARGO_PKG_VERSION").into(),
        holder_pid: None,
        experiments: (0..experiments).map(experiment).collect(),
        planned_runs: (0..runs).map(run).collect(),
    }
}

async fn long_run(store: &Store, index: u32, run: &str, devices: u32, samples: i64) -> Outcome<()> {
    store.begin_run(run, "traces", index).await?;
    let start = RunStart {
        started_unix_ns: 1_764_000_000_000_000_000,
        anchor_monotonic_ns: 0,
        anchor_unix_ns: 1_764_000_000_000_000_000,
        start_temperature_c: Some(40.0),
        energy_source: Some("simulated".into()),
        provenance: Some(Provenance::Simulated),
    };
    store.run_started(run, &start).await?;
    for device in 0..devices {
        let trace: Vec<Sample> = (0..samples).map(|tick| sample(tick, device)).collect();
        for piece in trace.chunks(codec::CHUNK_SAMPLES) {
            store.append_trace(run, &format!("gpu-{device}"), piece).await?;
        }
    }
    store.compact_trace(run).await?;
    let phase = store.phase_begin(run, "measure", 0).await?;
    store.phase_end(run, phase, samples * INTERVAL_NS).await?;
    store.finish_run(run, &outcome(devices, samples * INTERVAL_NS)).await?;
    Ok(())
}

/// Noise around a level that differs by device, and a step every minute.
fn sample(tick: i64, device: u32) -> Sample {
    // A linear congruence is noise enough for a picture.
    let noise =
        tick.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(i64::from(device) << 32) >> 40 & 0xff;
    let step = if tick / 1200 % 2 == 0 { 0 } else { 80 };
    let milliwatts = 200_000 + i64::from(device) * 30_000 + step * 1000 + noise * 100;
    #[expect(clippy::cast_precision_loss, reason = "milliwatts of one board")]
    let power_w = milliwatts as f64 / 1e3;
    Sample::at(tick * INTERVAL_NS).with(Channel::Power, power_w)
}

fn outcome(devices: u32, end_ns: i64) -> RunOutcome {
    let device = |device| RunDevice {
        device_id: format!("gpu-{device}"),
        name: format!("Simulated GPU {device}"),
        kind: DeviceKind::Gpu,
        source: PowerSource::Simulated,
        provenance: Provenance::Simulated,
        counter_energy_j: None,
        counter_uncertainty_j: None,
        integral_energy_j: Some(1e6),
        integral_uncertainty_j: Some(1e3),
        energy_j: Some(1e6),
        energy_uncertainty_j: Some(1e3),
        mean_power_w: Some(250.0),
        start_temperature_c: None,
        max_temperature_c: None,
        info: json!({ "channels": ["power"] }),
    };
    RunOutcome {
        ended_unix_ns: 1_764_000_000_000_000_000 + end_ns,
        window_ns: Some((0, end_ns)),
        energy_j: Some(1e6 * f64::from(devices)),
        energy_uncertainty_j: Some(1e3),
        energy_source: Some("simulated".into()),
        provenance: Some(Provenance::Simulated),
        requests: Some(1),
        input_tokens: Some(1),
        output_tokens: Some(1_000_000),
        ttft_ms_p50: Some(20.0),
        result: None,
        sampler: None,
        container: None,
        warnings: Vec::new(),
        devices: (0..devices).map(device).collect(),
        phases: Vec::new(),
        window_parts: Vec::new(),
        parts_withheld: None,
        baselines: Vec::new(),
        quality: None,
        surroundings: None,
    }
}

/// Through SQL alone: a run at a time, each safe on disk, would take a quarter of an hour.
async fn many_runs(database: &std::path::Path) -> Outcome<()> {
    let mut conn = SqliteConnection::connect(&format!("sqlite://{}", database.display())).await?;
    for statement in [
        "INSERT INTO runs (id, campaign_id, idx, attempt, status, started_unix_ns, ended_unix_ns, anchor_monotonic_ns,
             anchor_unix_ns, window_start_ns, window_end_ns, energy_j, energy_uncertainty_j, energy_source, provenance,
             requests, input_tokens, output_tokens, ttft_ms_p50)
         SELECT printf('many-%06d', idx), 'many', idx, 1, 'completed', 1764000000000000000 + idx * 60000000000,
             1764000030000000000 + idx * 60000000000, 0, 0, 0, 20000000000, 4000.0 + idx % 997, 4.0, 'simulated',
             'simulated', 64, 4096, 8192, 18.0 + idx % 13
         FROM planned_runs WHERE campaign_id = 'many'",
        "INSERT INTO run_devices (run_id, device_id, name, kind, source, provenance, energy_j, info_json)
         SELECT id, 'gpu-0', 'Simulated GPU 0', 'gpu', 'simulated', 'simulated', energy_j, '{}'
         FROM runs WHERE campaign_id = 'many'",
    ] {
        sqlx::query(statement).execute(&mut conn).await?;
    }
    conn.close().await?;
    Ok(())
}
