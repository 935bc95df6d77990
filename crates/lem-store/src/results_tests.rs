//! Rules of the rows of the results.

use lem_measure::DeviceKind;
use proptest::prelude::*;

use super::*;
use crate::RunOutcome;
use crate::testing::{campaign, device, failure, outcome, start, store_with_plan, store_with_run};

/// The row of a run that completed with this outcome.
async fn row_of(outcome: RunOutcome) -> ResultRow {
    let store = store_with_run().await;
    store.finish_run("run-1", &outcome).await.unwrap();
    store.results(&ResultFilter::default()).await.unwrap().remove(0)
}

#[tokio::test]
async fn ratios_follow_from_what_was_measured() {
    let row = row_of(outcome()).await;
    assert_eq!(row.window_s, Some(4.0));
    assert_eq!(row.mean_power_w, Some(150.0));
    assert_eq!(row.tokens_per_second, Some(50.0));
    assert_eq!(row.joules_per_output_token, Some(3.0));
    assert_eq!(row.joules_per_request, Some(200.0));
    assert_eq!(row.gpu_energy_j, Some(500.0));
    assert_eq!(row.cpu_energy_j, Some(100.0));
    assert_eq!(row.dram_energy_j, None, "no device of that kind was watched");
    assert_eq!(row.started_at.as_deref(), Some("2023-11-14T22:15:00.250Z"));
}

#[tokio::test]
async fn a_ratio_with_a_missing_or_zero_divisor_is_missing() {
    let mut silent = outcome();
    silent.output_tokens = Some(0);
    silent.requests = None;
    silent.window_ns = None;
    let row = row_of(silent).await;
    assert_eq!(row.output_tokens, Some(0), "zero tokens were counted, not missed");
    assert_eq!(row.joules_per_output_token, None);
    assert_eq!(row.joules_per_request, None);
    assert_eq!((row.window_s, row.mean_power_w, row.tokens_per_second), (None, None, None));
}

#[tokio::test]
async fn missing_energy_is_missing_everywhere() {
    let mut lost = outcome();
    lost.energy_j = None;
    let row = row_of(lost).await;
    assert_eq!((row.mean_power_w, row.joules_per_request, row.joules_per_output_token), (None, None, None));
    assert_eq!(row.tokens_per_second, Some(50.0), "throughput needs no energy");
}

#[tokio::test]
async fn the_sum_of_a_kind_is_missing_when_one_of_its_devices_is() {
    let mut partial = outcome();
    partial.devices =
        vec![device("gpu-a", DeviceKind::Gpu, Some(500.0)), device("gpu-b", DeviceKind::Gpu, None)];
    assert_eq!(row_of(partial).await.gpu_energy_j, None);
}

#[tokio::test]
async fn only_a_measured_energy_is_called_measured() {
    for (provenance, measured) in
        [(Provenance::Measured, true), (Provenance::Estimated, false), (Provenance::Simulated, false)]
    {
        let mut said = outcome();
        said.provenance = Some(provenance);
        let row = row_of(said).await;
        assert_eq!((row.provenance, row.measured), (Some(provenance), Some(measured)));
    }
    let mut unsaid = outcome();
    (unsaid.provenance, unsaid.energy_source) = (None, None);
    let row = row_of(unsaid).await;
    assert_eq!(row.measured, Some(false), "what was said at the start holds");
    assert_eq!(row.energy_source.as_deref(), Some("simulated"));
}

#[tokio::test]
async fn rows_are_filtered_by_campaign_and_state() {
    let store = store_with_plan(2).await;
    start(&store, "run-0", 0).await;
    store.fail_run("run-0", &failure()).await.unwrap();
    start(&store, "run-1", 1).await;
    store.finish_run("run-1", &outcome()).await.unwrap();
    let mut earlier = campaign("camp-0", 1);
    earlier.created_unix_ns = 5;
    store.create_campaign(&earlier).await.unwrap();
    store.begin_run("run-x", "camp-0", 0).await.unwrap();
    let rows = async |campaign_id: Option<&str>, status| {
        let filter = ResultFilter { campaign_id: campaign_id.map(Into::into), status };
        let rows = store.results(&filter).await.unwrap();
        rows.into_iter().map(|row| row.run_id).collect::<Vec<_>>()
    };
    assert_eq!(rows(None, None).await, ["run-x", "run-0", "run-1"]);
    assert_eq!(rows(Some("camp-1"), None).await, ["run-0", "run-1"]);
    assert_eq!(rows(None, Some(RunStatus::Completed)).await, ["run-1"]);
    assert_eq!(rows(Some("camp-0"), Some(RunStatus::Completed)).await, [""; 0]);
}

proptest! {
    #[test]
    fn a_ratio_is_finite_or_missing(a in proptest::option::of(any::<f64>()), b in proptest::option::of(any::<f64>())) {
        prop_assert!(ratio(a, b).is_none_or(f64::is_finite));
    }

    #[test]
    fn any_time_has_a_text(unix_ns in any::<i64>()) {
        prop_assert!(rfc3339(unix_ns).ends_with('Z'));
    }
}
