//! `kill -9` at any moment: no finished run is lost or altered, at most a second of samples goes, no worker stays
//! behind, and in the end every planned run is completed once.

use std::collections::{BTreeMap, BTreeSet};

use lem_tests::{Project, integer, monotonic_ns, pause, text};
use rustix::process::Signal;
use serde_json::Value;

const ROUNDS: u64 = 20;

/// Planned runs: more than twenty rounds can finish.
const RUNS: i64 = 40;

/// The promise is one second; half a second more for a machine that is busy with other tests.
const LOSS_LIMIT_NS: i64 = 1_500_000_000;

/// Moments that look random and are the same in every run of the test.
fn moments() -> impl Iterator<Item = u64> {
    let mut state: u64 = 20_260_113;
    std::iter::repeat_with(move || {
        // Constants of Knuth's MMIX generator.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        20 + (state >> 33) % 1400
    })
}

fn completed(rows: &[Value]) -> BTreeMap<String, Value> {
    let done = rows.iter().filter(|row| row["status"] == "completed");
    done.map(|row| (text(row, "run_id").to_owned(), row.clone())).collect()
}

#[test]
fn a_campaign_that_is_killed_twenty_times_loses_no_finished_run() {
    let project = Project::new()
        .execution("cycles", RUNS / 2)
        .scripted("a", "honest load_ms=50 window_ms=100")
        .scripted("b", "honest load_ms=20 window_ms=200");
    let mut running = project.start_run();
    running.wait_for_event("campaign_started");
    let mut finished_before = BTreeMap::new();
    let mut cut_off_before = BTreeSet::new();
    for (round, moment) in (1..=ROUNDS).zip(moments()) {
        pause(moment);
        running.signal(Signal::KILL);
        let killed_ns = monotonic_ns();
        drop(running);
        project.leaves_no_worker();

        let rows = project.results();
        let finished = completed(&rows);
        for (id, row) in &finished_before {
            assert_eq!(finished.get(id), Some(row), "round {round}: a finished run was lost or altered");
        }
        finished_before = finished;
        check_cut_off(&project, &rows, &mut cut_off_before, killed_ns, round);
        running = project.start(&["run", "--resume", "latest", "--json"]);
    }
    let _ = running.finish().exits(0);
    assert!(cut_off_before.len() > 5, "most kills should hit a run: {}", cut_off_before.len());
    let rows = project.results();
    let done = completed(&rows);
    for (id, row) in &finished_before {
        assert_eq!(done.get(id), Some(row), "a finished run was lost or altered at the end");
    }
    let indices: Vec<i64> =
        done.values().map(|row| integer(row, "index")).collect::<BTreeSet<_>>().into_iter().collect();
    assert_eq!(done.len(), indices.len(), "no planned run was completed twice");
    assert_eq!(indices, (0..RUNS).collect::<Vec<_>>(), "every planned run was completed");
    assert_eq!(project.campaigns().len(), 1);
    assert_eq!(text(&project.campaigns()[0], "status"), "completed");
    project.leaves_no_worker();
}

/// A kill cuts off one run at most; what it had sampled is there but for the last second.
#[track_caller]
fn check_cut_off(
    project: &Project,
    rows: &[Value],
    before: &mut BTreeSet<String>,
    killed_ns: i64,
    round: u64,
) {
    let unfinished = rows.iter().filter(|row| row["status"] != "completed");
    let fresh: Vec<&Value> = unfinished.filter(|row| before.insert(text(row, "run_id").to_owned())).collect();
    assert!(fresh.len() <= 1, "round {round}: one run is in flight at a time: {fresh:#?}");
    let Some(row) = fresh.first() else { return };
    assert_eq!(text(row, "status"), "interrupted", "round {round}: {row:#}");
    let detail = project.detail(row);
    // A run that waits has no start yet, and its samples begin with it.
    let sampled_ns = detail["traces"][0]["t1_ns"].as_i64().or(detail["anchor_monotonic_ns"].as_i64());
    if let Some(sampled_ns) = sampled_ns {
        let gone_ns = killed_ns - sampled_ns;
        assert!(gone_ns < LOSS_LIMIT_NS, "round {round}: {gone_ns} ns of samples are lost: {detail:#}");
    }
}
