//! Rules of stored traces.

use crate::codec::CHUNK_SAMPLES;
use crate::table::trace_chunks;
use crate::testing::{samples, store_with_run};
use crate::{Store, StoreError};

/// Stores 100 s of samples as a run does: twenty in each call.
async fn append_slowly(store: &Store, device: &str, n: u32) {
    for first in (0..n).step_by(20) {
        store.append_trace("run-1", device, &samples(first, 20.min(n - first))).await.unwrap();
    }
}

async fn pieces(store: &Store, device: &str) -> Vec<u32> {
    let mut tx = store.read("looking").await.unwrap();
    let chunks = trace_chunks::of_device(&mut tx, "run-1", device).await.unwrap();
    chunks.iter().map(|chunk| chunk.n).collect()
}

async fn damage(store: &Store, seq: u32) {
    let mut tx = store.write("damaging").await.unwrap();
    sqlx::query("UPDATE trace_chunks SET data = x'010203' WHERE seq = ?")
        .bind(seq)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_trace_comes_back_in_the_order_of_time() {
    let store = store_with_run().await;
    append_slowly(&store, "gpu-a", 90).await;
    append_slowly(&store, "gpu-b", 10).await;
    assert_eq!(store.trace("run-1", "gpu-a").await.unwrap().samples().len(), 90);
    let devices = store.trace_devices("run-1").await.unwrap();
    let ids: Vec<_> = devices.iter().map(|d| (d.device_id.as_str(), d.samples)).collect();
    assert_eq!(ids, [("gpu-a", 90), ("gpu-b", 10)]);
    assert_eq!((devices[0].t0_ns, devices[0].t1_ns), (0, 89 * 50_000_000));
    assert_eq!((devices[0].min_power_w, devices[0].max_power_w), (Some(100.0), Some(189.0)));
}

#[tokio::test]
async fn merging_keeps_every_sample() {
    let store = store_with_run().await;
    append_slowly(&store, "gpu-a", 5000).await;
    let before = store.trace("run-1", "gpu-a").await.unwrap();
    let covered = store.trace_devices("run-1").await.unwrap();
    store.compact_trace("run-1").await.unwrap();
    assert_eq!(pieces(&store, "gpu-a").await, [4096, 904]);
    let after = store.trace("run-1", "gpu-a").await.unwrap();
    assert_eq!(format!("{before:?}"), format!("{after:?}"));
    assert_eq!(store.trace_devices("run-1").await.unwrap(), covered);
}

#[tokio::test]
async fn merging_again_changes_nothing_and_appending_goes_on() {
    let store = store_with_run().await;
    append_slowly(&store, "gpu-a", 60).await;
    store.compact_trace("run-1").await.unwrap();
    store.compact_trace("run-1").await.unwrap();
    assert_eq!(pieces(&store, "gpu-a").await, [60]);
    store.append_trace("run-1", "gpu-a", &samples(60, 5)).await.unwrap();
    assert_eq!(pieces(&store, "gpu-a").await, [60, 5]);
    assert_eq!(store.trace("run-1", "gpu-a").await.unwrap().samples().len(), 65);
}

#[tokio::test]
async fn many_samples_at_once_are_cut_into_pieces() {
    let store = store_with_run().await;
    let n = u32::try_from(2 * CHUNK_SAMPLES).unwrap() + 1;
    store.append_trace("run-1", "gpu-a", &samples(0, n)).await.unwrap();
    assert_eq!(pieces(&store, "gpu-a").await, [4096, 4096, 1]);
}

#[tokio::test]
async fn no_samples_leave_no_piece() {
    let store = store_with_run().await;
    store.append_trace("run-1", "gpu-a", &[]).await.unwrap();
    assert_eq!(store.trace_devices("run-1").await.unwrap(), []);
}

#[tokio::test]
async fn samples_need_a_run() {
    let store = store_with_run().await;
    let stray = store.append_trace("run-9", "gpu-a", &samples(0, 1)).await;
    assert!(matches!(stray, Err(StoreError::Refused { .. })));
}

#[tokio::test]
async fn a_damaged_piece_names_the_run_and_the_device() {
    let store = store_with_run().await;
    append_slowly(&store, "gpu-a", 60).await;
    damage(&store, 1).await;
    insta::assert_snapshot!(store.trace("run-1", "gpu-a").await.unwrap_err());
}

#[tokio::test]
async fn merging_a_damaged_trace_loses_nothing_more() {
    let store = store_with_run().await;
    append_slowly(&store, "gpu-a", 60).await;
    damage(&store, 1).await;
    let merged = store.compact_trace("run-1").await;
    assert!(matches!(merged, Err(StoreError::CorruptTrace { seq: 1, .. })));
    assert_eq!(pieces(&store, "gpu-a").await, [20, 20, 20]);
}

#[tokio::test]
async fn a_piece_that_lost_samples_is_damaged() {
    let store = store_with_run().await;
    append_slowly(&store, "gpu-a", 20).await;
    let mut tx = store.write("damaging").await.unwrap();
    sqlx::query("UPDATE trace_chunks SET n = 21").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    assert!(matches!(store.trace("run-1", "gpu-a").await, Err(StoreError::CorruptTrace { .. })));
}

#[tokio::test]
async fn what_has_no_trace_is_said() {
    let store = store_with_run().await;
    let messages = [
        store.trace("run-1", "gpu-z").await.unwrap_err().to_string(),
        store.trace("run-9", "gpu-a").await.unwrap_err().to_string(),
        store.trace_devices("run-9").await.unwrap_err().to_string(),
    ];
    insta::assert_snapshot!(messages.join("\n"));
}
