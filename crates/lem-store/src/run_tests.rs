//! Rules of the life of a run.

use lem_measure::DeviceKind;
use lem_measure::metrics::TokensInWindow;

use super::*;
use crate::RunStatus;
use crate::testing::{device, failure, outcome, run_start, samples, start, store_with_plan, store_with_run};

fn request(index: u32, itl_ms: Option<Vec<f64>>) -> Request {
    Request {
        index,
        input_tokens: 30,
        output_tokens: 4,
        start_ns: None,
        waited_ms: None,
        ttft_ms: Some(12.5),
        latency_ms: 40.0,
        itl_ms,
        in_window: None,
    }
}

fn gap(actual_s: Option<f64>) -> Gap {
    Gap { actual_s, ended_because: "elapsed".into(), facts: serde_json::json!({ "mode": "fixed" }) }
}

fn baseline(kind: &str, adjusted_j: Option<f64>) -> RunBaseline {
    RunBaseline {
        kind: kind.into(),
        chosen: kind == "bare",
        power_w: 60.0,
        power_uncertainty_w: 0.5,
        sd_w: Some(1.5),
        temperature_c: Some(31.0),
        duration_s: 30.0,
        age_s: 90.0,
        drift: None,
        adjusted_energy_j: adjusted_j,
        adjusted_energy_uncertainty_j: adjusted_j.map(|_| 13.0),
        withheld: adjusted_j.is_none().then(|| "nothing to see".into()),
    }
}

#[tokio::test]
async fn an_adjusted_energy_stands_among_the_results_until_its_baseline_is_found_not_to_hold() {
    let store = store_with_run().await;
    let baselines = vec![baseline("bare", Some(360.0)), baseline("loaded", Some(100.0))];
    store.finish_run("run-1", &RunOutcome { baselines, ..outcome() }).await.unwrap();
    let row = store.run("run-1").await.unwrap().row;
    assert_eq!((row.baseline_kind.as_deref(), row.adjusted_energy_j), (Some("bare"), Some(360.0)));
    store.withdraw_adjusted(&["run-1".into()], "the baseline drifted by 12 %").await.unwrap();
    let run = store.run("run-1").await.unwrap();
    assert_eq!((run.row.baseline_power_w, run.row.adjusted_energy_j), (Some(60.0), None));
    assert_eq!(run.row.energy_j, Some(600.0), "what was measured stays");
    let bare = &run.baselines[0];
    assert_eq!(bare.withheld.as_deref(), Some("the baseline drifted by 12 %"));
    assert_eq!(run.baselines[1].adjusted_energy_j, Some(100.0), "the worker's own baseline is another");
}

#[tokio::test]
async fn the_parts_of_a_window_come_back_in_order_and_one_without_energy_says_why() {
    let store = store_with_run().await;
    let mut told = outcome();
    told.window_parts.reverse();
    store.finish_run("run-1", &told).await.unwrap();
    assert_eq!(store.run("run-1").await.unwrap().window_parts, outcome().window_parts);
}

#[tokio::test]
async fn a_part_without_energy_and_without_a_reason_is_refused() {
    let store = store_with_run().await;
    let mut told = outcome();
    told.window_parts[2].withheld = None;
    let error = store.finish_run("run-1", &told).await.unwrap_err();
    assert!(error.to_string().contains("a part has an energy or it says why not"), "{error}");
}

#[tokio::test]
async fn a_window_that_was_not_divided_says_why() {
    let store = store_with_run().await;
    let why = Some("the worker does not say when requests began".to_owned());
    let told = RunOutcome { window_parts: vec![], parts_withheld: why.clone(), ..outcome() };
    store.finish_run("run-1", &told).await.unwrap();
    let run = store.run("run-1").await.unwrap();
    assert_eq!((run.window_parts, run.record.parts_withheld), (vec![], why));
}

#[tokio::test]
async fn the_checks_behind_a_grade_come_back_as_they_were() {
    let store = store_with_run().await;
    let quality = lem_measure::quality::run_report(&lem_measure::quality::RunFacts::default());
    let told = RunOutcome { quality: Some(quality.clone()), ..outcome() };
    store.finish_run("run-1", &told).await.unwrap();
    let run = store.run("run-1").await.unwrap();
    assert_eq!(run.row.grade, Some(quality.grade));
    assert_eq!(run.record.quality, Some(quality));
}

#[tokio::test]
async fn a_run_that_completes_keeps_everything_it_was_told() {
    let store = store_with_plan(3).await;
    assert_eq!(store.begin_run("run-1", "camp-1", 1).await.unwrap(), 1);
    store.record_gap("run-1", &gap(Some(10.2))).await.unwrap();
    store.run_started("run-1", &run_start()).await.unwrap();
    let load = store.phase_begin("run-1", "load", 100).await.unwrap();
    store.phase_end("run-1", load, 200).await.unwrap();
    let measure = store.phase_begin("run-1", "measure", 300).await.unwrap();
    let in_window = Some(TokensInWindow { input_tokens: 0, output_tokens: 3 });
    let requests = [
        request(0, Some(vec![1.5, 2.25, 3.0])),
        Request { in_window, start_ns: Some(310), waited_ms: Some(0.5), ..request(1, None) },
    ];
    store.add_requests("run-1", &requests).await.unwrap();
    store.phase_end("run-1", measure, 400).await.unwrap();
    let mut told = outcome();
    told.phases = vec![PhaseEnergy { seq: measure, energy_j: Some(600.0), energy_uncertainty_j: None }];
    store.finish_run("run-1", &told).await.unwrap();
    insta::assert_json_snapshot!(store.run("run-1").await.unwrap());
}

#[tokio::test]
async fn a_run_that_fails_keeps_its_error_and_its_partial_trace() {
    let store = store_with_run().await;
    store.append_trace("run-1", "gpu-a", &samples(0, 20)).await.unwrap();
    store.phase_begin("run-1", "load", 100).await.unwrap();
    store.fail_run("run-1", &failure()).await.unwrap();
    let run = store.run("run-1").await.unwrap();
    assert_eq!(run.row.status, RunStatus::Failed);
    assert_eq!(run.row.error.as_deref(), Some("out of memory: lower batch_size"));
    assert_eq!(run.row.error_kind.as_deref(), Some("out_of_memory"));
    assert_eq!(run.row.measured, Some(false), "a failed run on the simulator says that it was simulated");
    assert_eq!(run.row.energy_j, None);
    assert_eq!(run.record.stderr_tail.as_deref(), Some("CUDA error\n"));
    assert_eq!(run.phases[0].end_ns, None, "the phase was cut off");
    assert_eq!(run.traces[0].samples, 20);
}

#[tokio::test]
async fn a_run_can_fail_while_it_waits() {
    let store = store_with_plan(1).await;
    store.begin_run("run-1", "camp-1", 0).await.unwrap();
    store.fail_run("run-1", &failure()).await.unwrap();
    assert_eq!(store.run("run-1").await.unwrap().row.started_at, None);
}

#[tokio::test]
async fn a_step_that_does_not_fit_the_state_of_a_run_is_refused() {
    let store = store_with_plan(3).await;
    store.begin_run("run-1", "camp-1", 0).await.unwrap();
    let mut messages = vec![
        store.finish_run("run-1", &outcome()).await.unwrap_err(),
        store.begin_run("run-1b", "camp-1", 0).await.unwrap_err(),
        store.begin_run("run-9", "camp-1", 99).await.unwrap_err(),
        store.begin_run("run-9", "camp-9", 0).await.unwrap_err(),
        store.run_started("run-9", &run_start()).await.unwrap_err(),
        store.phase_end("run-1", 5, 100).await.unwrap_err(),
    ];
    store.run_started("run-1", &run_start()).await.unwrap();
    messages.push(store.run_started("run-1", &run_start()).await.unwrap_err());
    messages.push(store.record_gap("run-1", &gap(Some(1.0))).await.unwrap_err());
    store.finish_run("run-1", &outcome()).await.unwrap();
    messages.push(store.finish_run("run-1", &outcome()).await.unwrap_err());
    messages.push(store.fail_run("run-1", &failure()).await.unwrap_err());
    messages.push(store.begin_run("run-1b", "camp-1", 0).await.unwrap_err());
    let messages: Vec<_> = messages.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(messages.join("\n"));
}

#[tokio::test]
async fn a_run_that_was_interrupted_cannot_complete_afterwards() {
    let store = store_with_run().await;
    store.mark_interrupted("camp-1", None, "taken for dead").await.unwrap();
    let late = store.finish_run("run-1", &outcome()).await;
    assert!(matches!(late, Err(StoreError::WrongState { .. })));
}

#[tokio::test]
async fn a_result_is_stored_whole_or_not_at_all() {
    let store = store_with_run().await;
    let mut twice = outcome();
    twice.devices = vec![device("gpu-a", DeviceKind::Gpu, None), device("gpu-a", DeviceKind::Gpu, None)];
    let mut unknown_phase = outcome();
    unknown_phase.phases = vec![PhaseEnergy { seq: 3, energy_j: None, energy_uncertainty_j: None }];
    for broken in [twice, unknown_phase] {
        store.finish_run("run-1", &broken).await.unwrap_err();
        let run = store.run("run-1").await.unwrap();
        assert_eq!((run.row.status, run.devices.len()), (RunStatus::Running, 0));
    }
}

#[tokio::test]
async fn an_outcome_that_contradicts_itself_is_refused() {
    let store = store_with_plan(2).await;
    start(&store, "run-1", 0).await;
    let mut backwards = outcome();
    backwards.window_ns = Some((20, 10));
    let mut endless = outcome();
    endless.output_tokens = Some(u64::MAX);
    store.begin_run("run-2", "camp-1", 1).await.unwrap();
    let mut unmarked = run_start();
    unmarked.provenance = None;
    store.run_started("run-2", &unmarked).await.unwrap();
    let mut unsaid = outcome();
    unsaid.provenance = None;
    let errors = [
        store.finish_run("run-1", &backwards).await.unwrap_err(),
        store.finish_run("run-1", &endless).await.unwrap_err(),
        store.finish_run("run-2", &unsaid).await.unwrap_err(),
        store.add_requests("run-1", &[request(0, None), request(0, None)]).await.unwrap_err(),
        store.add_requests("run-7", &[request(0, None)]).await.unwrap_err(),
    ];
    let path = store.path().to_str().unwrap();
    let messages: Vec<_> = errors.iter().map(|error| error.to_string().replace(path, "lem.db")).collect();
    insta::assert_snapshot!(messages.join("\n"));
    assert_eq!(store.run("run-1").await.unwrap().request_records, []);
}

#[tokio::test]
async fn a_number_that_is_not_finite_is_missing() {
    let store = store_with_run().await;
    let mut strange = outcome();
    strange.energy_j = Some(f64::NAN);
    strange.energy_uncertainty_j = Some(f64::INFINITY);
    strange.devices[0].energy_j = Some(f64::NEG_INFINITY);
    store.finish_run("run-1", &strange).await.unwrap();
    let run = store.run("run-1").await.unwrap();
    assert_eq!((run.row.energy_j, run.row.energy_uncertainty_j, run.row.gpu_energy_j), (None, None, None));
}

#[tokio::test]
async fn many_requests_are_kept_in_order() {
    let store = store_with_run().await;
    let requests: Vec<_> = (0..5000).map(|index| request(index, Some(vec![f64::from(index)]))).collect();
    store.add_requests("run-1", &requests).await.unwrap();
    assert_eq!(store.run("run-1").await.unwrap().request_records, requests);
}

#[tokio::test]
async fn damaged_latencies_name_the_run_and_the_request() {
    let store = store_with_run().await;
    store.add_requests("run-1", &[request(0, None), request(1, Some(vec![1.0]))]).await.unwrap();
    let mut tx = store.write("damaging").await.unwrap();
    sqlx::query("UPDATE requests SET itl_ms = x'0102' WHERE idx = 1").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    insta::assert_snapshot!(store.run("run-1").await.unwrap_err());
}

#[test]
fn the_store_can_be_used_from_any_thread() {
    fn assert_send<T: Send>(_: &T) {}
    let work = async {
        let store = store_with_run().await;
        store.append_trace("run-1", "gpu-a", &samples(0, 1)).await.unwrap();
        store.compact_trace("run-1").await.unwrap();
        store.finish_run("run-1", &outcome()).await.unwrap();
        store.run("run-1").await.unwrap();
    };
    assert_send(&work);
}
