//! What the tests of the store set up: a database in a temporary folder, and rows with round numbers.

use lem_measure::{Channel, DeviceKind, Part, PowerSource, Provenance, Sample, WindowPart};
use serde_json::json;
use tempfile::TempDir;

use crate::{Experiment, NewCampaign, PlannedRun, RunDevice, RunFailure, RunOutcome, RunStart, Store};

/// A second, in nanoseconds.
pub(crate) const SECOND: i64 = 1_000_000_000;

/// An open store; the folder goes with it.
pub(crate) struct TestStore {
    pub(crate) store: Store,
    _folder: TempDir,
}

impl std::ops::Deref for TestStore {
    type Target = Store;
    fn deref(&self) -> &Store {
        &self.store
    }
}

pub(crate) async fn empty_store() -> TestStore {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("results/lem.db")).await.unwrap();
    TestStore { store, _folder: folder }
}

/// A store with campaign `camp-1` of two experiments and `runs` planned runs.
pub(crate) async fn store_with_plan(runs: u32) -> TestStore {
    let store = empty_store().await;
    store.create_campaign(&campaign("camp-1", runs)).await.unwrap();
    store
}

/// A store with a run `run-1` that is running.
pub(crate) async fn store_with_run() -> TestStore {
    let store = store_with_plan(3).await;
    start(&store, "run-1", 0).await;
    store
}

/// Begins and starts a run of campaign `camp-1`.
pub(crate) async fn start(store: &Store, run_id: &str, index: u32) {
    store.begin_run(run_id, "camp-1", index).await.unwrap();
    store.run_started(run_id, &run_start()).await.unwrap();
}

pub(crate) fn campaign(id: &str, runs: u32) -> NewCampaign {
    let experiment = |position, name: &str| Experiment {
        position,
        name: name.into(),
        backend: "candle".into(),
        service: None,
        runner: "process".into(),
        model: "synthetic/llama-15m".into(),
        parameters: json!({"batch_size": 1}),
    };
    let planned = |index| PlannedRun {
        index,
        experiment: index % 2,
        cycle: index / 2 + 1,
        gap_planned_s: f64::from(index) * 10.0,
        gap_source: "built in".into(),
    };
    NewCampaign {
        id: id.into(),
        name: "first light".into(),
        source_file: Some("campaign.yaml".into()),
        source_text: Some("name: first light\n".into()),
        settings_text: None,
        plan: json!({"runs": runs}),
        overrides: json!({}),
        seed: u64::MAX,
        created_unix_ns: 1_700_000_000 * SECOND,
        environment: json!({"cpu": "one", "kernel": "6.1"}),
        app_version: "0.1.0".into(),
        holder_pid: Some(4321),
        experiments: vec![experiment(0, "small"), experiment(1, "large")],
        planned_runs: (0..runs).map(planned).collect(),
    }
}

pub(crate) fn run_start() -> RunStart {
    RunStart {
        started_unix_ns: 1_700_000_100 * SECOND + 250_000_000,
        anchor_monotonic_ns: 50 * SECOND,
        anchor_unix_ns: 1_700_000_100 * SECOND,
        start_temperature_c: Some(41.5),
        energy_source: Some("simulated".into()),
        provenance: Some(Provenance::Simulated),
    }
}

/// 600 J in 4 s, for 3 requests and 200 tokens.
pub(crate) fn outcome() -> RunOutcome {
    RunOutcome {
        ended_unix_ns: 1_700_000_110 * SECOND,
        window_ns: Some((52 * SECOND, 56 * SECOND)),
        energy_j: Some(600.0),
        energy_uncertainty_j: Some(6.0),
        energy_source: Some("nvml".into()),
        provenance: Some(Provenance::Measured),
        requests: Some(3),
        input_tokens: Some(90),
        output_tokens: Some(200),
        ttft_ms_p50: Some(12.5),
        result: Some(json!({"model": {"layers": 6}})),
        container: Some(json!({ "image": { "id": "sha256:1" } })),
        sampler: Some(json!({"missed_ticks": 0})),
        warnings: vec!["warm-up did not converge".into()],
        devices: vec![
            device("gpu-a", DeviceKind::Gpu, Some(500.0)),
            device("cpu-a", DeviceKind::Cpu, Some(100.0)),
        ],
        phases: vec![],
        window_parts: vec![
            part(Part::Prefill, 1.0, Some(200.0)),
            part(Part::Decode, 2.9, Some(390.0)),
            part(Part::Between, 0.1, None),
        ],
        parts_withheld: None,
        baselines: vec![],
        quality: None,
        surroundings: None,
    }
}

pub(crate) fn part(part: Part, seconds: f64, energy_j: Option<f64>) -> WindowPart {
    WindowPart {
        part,
        seconds,
        stretches: 3,
        energy_j,
        energy_uncertainty_j: energy_j.map(|j| j / 100.0),
        withheld: energy_j.is_none().then(|| "its stretches are too short".into()),
    }
}

pub(crate) fn failure() -> RunFailure {
    RunFailure {
        ended_unix_ns: 1_700_000_105 * SECOND,
        error_kind: "out_of_memory".into(),
        error_message: "out of memory: lower batch_size".into(),
        stderr_tail: Some("CUDA error\n".into()),
        container: Some(json!({ "image": { "id": "sha256:1" } })),
        sampler: None,
        warnings: vec![],
        devices: vec![],
    }
}

pub(crate) fn device(id: &str, kind: DeviceKind, energy_j: Option<f64>) -> RunDevice {
    RunDevice {
        device_id: id.into(),
        name: format!("device {id}"),
        kind,
        source: PowerSource::Nvml,
        provenance: Provenance::Measured,
        counter_energy_j: energy_j,
        counter_uncertainty_j: Some(1.0),
        integral_energy_j: energy_j,
        integral_uncertainty_j: Some(5.0),
        energy_j,
        energy_uncertainty_j: Some(1.0),
        mean_power_w: None,
        start_temperature_c: Some(40.0),
        max_temperature_c: Some(60.0),
        info: json!({"driver": "550"}),
    }
}

/// `n` samples, 50 ms apart, from `first` on: 100 W, rising by 1 W a sample.
pub(crate) fn samples(first: u32, n: u32) -> Vec<Sample> {
    (first..first + n)
        .map(|i| {
            Sample::at(i64::from(i) * 50_000_000)
                .with(Channel::Power, 100.0 + f64::from(i))
                .with(Channel::Energy, 5.0 * f64::from(i))
        })
        .collect()
}
