//! Rules of campaigns: their counts, what is missing, what is interrupted, and how they are named.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::testing::{
    SECOND, campaign, empty_store, failure, outcome, start, store_with_plan, store_with_run,
};
use crate::{ResultFilter, RunStatus, Severity};

async fn missing(store: &Store) -> Vec<u32> {
    store.missing_runs("camp-1").await.unwrap().iter().map(|run| run.index).collect()
}

#[tokio::test]
async fn a_campaign_comes_back_as_it_was_given() {
    let store = store_with_plan(3).await;
    let given = campaign("camp-1", 3);
    let detail = store.campaign("camp-1").await.unwrap();
    assert_eq!(detail.campaign.seed, u64::MAX.to_string(), "all 64 bits of the seed");
    assert_eq!(detail.campaign.source_text, given.source_text);
    assert_eq!(detail.campaign.settings_text, None);
    assert_eq!(detail.campaign.plan, given.plan);
    assert_eq!(detail.environment, given.environment);
    assert_eq!(detail.experiments, given.experiments);
    assert_eq!(detail.summary.status, CampaignStatus::Running);
    assert_eq!(store.planned_runs("camp-1").await.unwrap(), given.planned_runs);
}

#[tokio::test]
async fn a_campaign_is_stored_whole_or_not_at_all() {
    let store = empty_store().await;
    let mut broken = campaign("camp-1", 3);
    broken.planned_runs[2].experiment = 7;
    let error = store.create_campaign(&broken).await.unwrap_err();
    assert!(matches!(error, StoreError::Refused { .. }), "{error}");
    assert_eq!(store.campaigns().await.unwrap(), []);
}

#[tokio::test]
async fn runs_that_are_not_needed_are_neither_missing_nor_remaining() {
    let store = store_with_plan(4).await;
    store.mark_not_needed("camp-1", &[2, 3], "known to 1.5 %").await.unwrap();
    assert_eq!(missing(&store).await, [0, 1]);
    start(&store, "run-0", 0).await;
    store.finish_run("run-0", &outcome()).await.unwrap();
    let counts = &store.campaigns().await.unwrap()[0];
    assert_eq!((counts.planned, counts.completed, counts.not_needed, counts.remaining), (4, 1, 2, 1));
}

#[tokio::test]
async fn one_environment_is_kept_once() {
    let store = empty_store().await;
    for id in ["camp-1", "camp-2"] {
        store.create_campaign(&campaign(id, 1)).await.unwrap();
    }
    let mut tx = store.read("counting").await.unwrap();
    let kept: u32 =
        sqlx::query_scalar("SELECT COUNT(*) FROM environments").fetch_one(&mut *tx).await.unwrap();
    assert_eq!(kept, 1);
}

#[tokio::test]
async fn a_plan_of_many_runs_is_kept_whole() {
    let store = store_with_plan(10_001).await;
    assert_eq!(store.planned_runs("camp-1").await.unwrap().len(), 10_001);
    assert_eq!(store.campaigns().await.unwrap()[0].remaining, 10_001);
}

#[tokio::test]
async fn missing_are_the_runs_that_neither_completed_nor_failed() {
    let store = store_with_plan(5).await;
    start(&store, "run-0", 0).await;
    store.finish_run("run-0", &outcome()).await.unwrap();
    start(&store, "run-1", 1).await;
    store.fail_run("run-1", &failure()).await.unwrap();
    start(&store, "run-2", 2).await;
    store.begin_run("run-3", "camp-1", 3).await.unwrap();
    assert_eq!(missing(&store).await, [2, 3, 4]);
}

#[tokio::test]
async fn counts_add_up_to_the_plan() {
    let store = store_with_plan(4).await;
    start(&store, "run-0", 0).await;
    store.finish_run("run-0", &outcome()).await.unwrap();
    start(&store, "run-1", 1).await;
    store.fail_run("run-1", &failure()).await.unwrap();
    start(&store, "run-1b", 1).await;
    store.fail_run("run-1b", &failure()).await.unwrap();
    let summary = store.campaigns().await.unwrap().remove(0);
    assert_eq!((summary.planned, summary.completed, summary.failed, summary.remaining), (4, 1, 1, 2));
    assert_eq!(summary.last_ended_unix_ns, Some(1_700_000_110 * SECOND));
    assert!(!summary.resumable, "it is still running");
}

#[tokio::test]
async fn a_run_that_failed_and_then_completed_counts_as_completed() {
    let store = store_with_plan(1).await;
    start(&store, "run-0", 0).await;
    store.fail_run("run-0", &failure()).await.unwrap();
    start(&store, "run-0b", 0).await;
    store.finish_run("run-0b", &outcome()).await.unwrap();
    let summary = store.campaigns().await.unwrap().remove(0);
    assert_eq!((summary.completed, summary.failed, summary.remaining), (1, 0, 0));
}

#[tokio::test]
async fn after_a_crash_what_was_under_way_is_interrupted_and_can_be_resumed() {
    let store = store_with_plan(4).await;
    start(&store, "run-0", 0).await;
    store.finish_run("run-0", &outcome()).await.unwrap();
    start(&store, "run-1", 1).await;
    let marked = store.mark_interrupted("camp-1", None, "the process ended without a word").await.unwrap();
    assert_eq!(marked, 1);
    let summary = store.campaigns().await.unwrap().remove(0);
    assert_eq!((summary.status, summary.resumable), (CampaignStatus::Interrupted, true));
    assert_eq!((summary.holder_pid, summary.finished_unix_ns), (None, None));
    let rows = store.results(&ResultFilter::default()).await.unwrap();
    let states: Vec<_> = rows.iter().map(|row| row.status).collect();
    assert_eq!(states, [RunStatus::Completed, RunStatus::Interrupted], "a finished run stays finished");
    assert_eq!(missing(&store).await, [1, 2, 3]);
    store.resume_campaign("camp-1", 99).await.unwrap();
    assert_eq!(store.begin_run("run-1b", "camp-1", 1).await.unwrap(), 2, "the second attempt");
}

#[tokio::test]
async fn a_campaign_that_is_over_does_not_become_interrupted() {
    let store = store_with_plan(1).await;
    store.set_campaign_status("camp-1", CampaignStatus::Completed, Some(7), None).await.unwrap();
    assert_eq!(store.mark_interrupted("camp-1", None, "late").await.unwrap(), 0);
    let summary = store.campaigns().await.unwrap().remove(0);
    assert_eq!((summary.status, summary.finished_unix_ns), (CampaignStatus::Completed, Some(7)));
}

#[tokio::test]
async fn the_newest_campaign_comes_first_and_is_the_latest() {
    let store = empty_store().await;
    let error = store.resolve_campaign("latest").await.unwrap_err();
    insta::assert_snapshot!(error, @"there is no campaign latest: `lem campaigns` lists them");
    for (id, created) in [("aaaa-old", 1), ("bbbb-new", 3), ("cccc-mid", 2)] {
        let mut new = campaign(id, 1);
        new.created_unix_ns = created;
        store.create_campaign(&new).await.unwrap();
    }
    let ids: Vec<_> = store.campaigns().await.unwrap().into_iter().map(|c| c.id).collect();
    assert_eq!(ids, ["bbbb-new", "cccc-mid", "aaaa-old"]);
    assert_eq!(store.resolve_campaign("latest").await.unwrap(), "bbbb-new");
}

#[tokio::test]
async fn an_id_may_be_cut_to_four_characters_if_it_stays_unique() {
    let store = empty_store().await;
    for id in ["0198abcd", "0198abce", "0198ffff", "0198"] {
        store.create_campaign(&campaign(id, 1)).await.unwrap();
    }
    assert_eq!(store.resolve_campaign("0198f").await.unwrap(), "0198ffff");
    assert_eq!(store.resolve_campaign("0198").await.unwrap(), "0198", "a whole id wins over longer ones");
    let mut messages = vec![];
    for wrong in ["0198abc", "019", "", "0198%", "9999", "lates"] {
        messages.push(store.resolve_campaign(wrong).await.unwrap_err().to_string());
    }
    insta::assert_snapshot!(messages.join("\n"));
}

#[tokio::test]
async fn a_run_is_named_by_the_beginning_of_its_id() {
    let store = store_with_run().await;
    assert_eq!(store.resolve_run("run-").await.unwrap(), "run-1");
    let error = store.resolve_run("run-2").await.unwrap_err();
    insta::assert_snapshot!(error, @"there is no run run-2: `lem results` lists them");
}

#[tokio::test]
async fn changing_a_campaign_that_does_not_exist_is_an_error() {
    let store = empty_store().await;
    let moved = store.set_campaign_status("nope", CampaignStatus::Failed, None, None).await;
    assert!(matches!(moved, Err(StoreError::NotFound { .. })));
    assert!(matches!(store.mark_interrupted("nope", None, "").await, Err(StoreError::NotFound { .. })));
    assert!(matches!(store.campaign("nope").await, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn diagnostics_belong_to_a_campaign_and_perhaps_to_a_run() {
    let store = store_with_run().await;
    let diagnostic = |run_id: Option<&str>| Diagnostic {
        campaign_id: "camp-1".into(),
        run_id: run_id.map(Into::into),
        severity: Severity::Warning,
        code: "window_too_short".into(),
        message: "the window is shorter than the sensor can resolve".into(),
        hint: Some("raise sample_size".into()),
        at_unix_ns: 5,
    };
    let both = [diagnostic(None), diagnostic(Some("run-1"))];
    store.add_diagnostics(&both).await.unwrap();
    assert_eq!(store.campaign("camp-1").await.unwrap().diagnostics, both);
    assert_eq!(store.run("run-1").await.unwrap().diagnostics, both[1..]);
    let stray = store.add_diagnostics(&[diagnostic(Some("nope"))]).await;
    assert!(matches!(stray, Err(StoreError::Refused { .. })), "references are checked");
}

#[tokio::test]
async fn events_are_numbered_within_their_campaign() {
    let store = store_with_plan(1).await;
    for (i, kind) in ["campaign_started", "gap", "run_started"].into_iter().enumerate() {
        let seq = store.add_event("camp-1", 10, kind, &json!({"n": i})).await.unwrap();
        assert_eq!(seq as usize, i);
    }
    let later = store.events("camp-1", 1).await.unwrap();
    let kinds: Vec<_> = later.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["gap", "run_started"]);
    assert_eq!(later[1].data, json!({"n": 2}));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn any_text_can_be_looked_for(text in "\\PC{0,12}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = store_with_plan(1).await;
            let found = store.resolve_campaign(&text).await;
            prop_assert!(found.is_err() || "camp-1".starts_with(&text) || text == "latest");
            Ok(())
        })?;
    }
}
