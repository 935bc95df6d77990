//! A hundred runs in a row leave nothing behind and hold no more than ten did.

use std::collections::BTreeSet;
use std::fs;

use crate::rig::docker_lines;
use crate::stage::Stage;

const RUNS: i64 = 100;

/// Growth of memory that buffers and allocators may account for; a leak of a connection or a trace a run is more.
const GROWTH_LIMIT_KIB: u64 = 16 * 1024;

/// Other programs on this engine may make a few volumes meanwhile; a leak makes one a run.
const FOREIGN_VOLUMES: usize = 20;

fn volumes() -> BTreeSet<String> {
    docker_lines(&["volume", "ls", "--quiet"]).into_iter().collect()
}

/// How many files a process has open, and its resident memory in KiB.
#[track_caller]
fn holds(process: u32) -> (usize, u64) {
    let files = fs::read_dir(format!("/proc/{process}/fd")).expect("the process runs").count();
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("the process runs");
    let line =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a running process has memory");
    let kib = line.trim().trim_end_matches("kB").trim().parse().expect("a number of kB");
    (files, kib)
}

#[test]
fn a_hundred_runs_leak_no_containers_volumes_files_or_memory() {
    let Some(stage) = Stage::new("ephemeral") else { return };
    // An anonymous volume, which is made and has to be removed with each container.
    let stage = stage
        .scripted("worker", "honest window_ms=5")
        .volume("worker", "/scratch")
        .project(|project| project.execution("cycles", RUNS));
    let before = volumes();
    let mut running = stage.start_run();
    let mut at = |index: i64| {
        running.wait_for("a run", |event| event["event"] == "run_begun" && event["index"] == index);
        holds(running.id())
    };
    let (files_early, memory_early) = at(10);
    let (files_late, memory_late) = at(RUNS - 1);
    let _ = running.finish().exits(0);
    assert!(files_late <= files_early + 5, "open files grew from {files_early} to {files_late}");
    assert!(
        memory_late <= memory_early + GROWTH_LIMIT_KIB,
        "resident memory grew from {memory_early} to {memory_late} KiB"
    );
    let new = volumes().difference(&before).count();
    assert!(new < FOREIGN_VOLUMES, "{new} volumes are left");
    stage.leaves_nothing();
    let rows = stage.project.results();
    assert!(rows.iter().all(|row| row["status"] == "completed"), "all runs were completed");
    assert_eq!(i64::try_from(rows.len()), Ok(RUNS));
}
