//! An engine that is stopped and started again while a campaign runs. Only where an engine is required, which says that
//! this machine is there for tests, and we may end it.

use std::fs;
use std::process::Command;

use lem_tests::{repository, text};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::rig::is_required;
use crate::stage::{STRATEGIES, Stage};

const PID_FILE: &str = "/var/run/docker.pid";

/// The engine's daemon on this machine, where we may end it.
fn daemon() -> Option<Pid> {
    let own = std::env::var_os("DOCKER_HOST").is_none() && rustix::process::getuid().is_root();
    let number = fs::read_to_string(PID_FILE).ok()?.trim().parse().ok()?;
    Pid::from_raw(number).filter(|_| own && is_required())
}

/// Time in which the engine comes back: it gives containers that it finds ten seconds to end.
const GAP_S: u32 = 30;

const HANG_THEN_WORK: &str =
    "[ $LEM_CYCLE = 1 ] && exec \"$0\" hang phase=load \"$1\"; exec \"$0\" honest window_ms=60 \"$1\"";

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn a_run_fails_when_the_engine_is_killed_and_the_next_one_works_when_it_is_back() {
    let Some(stages) = Stage::alone_together() else { return };
    let Some(daemon) = daemon() else {
        eprintln!("SKIPPED, nothing was tested: the engine is not ours to end (root, LEM_REQUIRE_DOCKER=1)");
        return;
    };
    let stages = stages.map(|stage| {
        stage
            .shell("worker", HANG_THEN_WORK)
            .project(|project| project.execution("cycles", 2).execution("cycle_gap_seconds", GAP_S))
    });
    let mut campaigns = stages.each_ref().map(Stage::start_run);
    for campaign in &mut campaigns {
        campaign.wait_for_phase("load");
    }
    kill_process(daemon, Signal::KILL).expect("the daemon is ours");
    // Another one refuses to start while the process of the first is still known.
    let gone = || test_kill_process(daemon).is_err().then_some(());
    lem_tests::eventually("the daemon is gone", gone);
    for campaign in &mut campaigns {
        campaign.wait_for_event("run_finished");
    }
    start_again();
    for ((campaign, stage), strategy) in campaigns.into_iter().zip(&stages).zip(STRATEGIES) {
        let _ = campaign.finish().exits(1);
        let rows = stage.project.results();
        let statuses: Vec<&str> = rows.iter().map(|row| text(row, "status")).collect();
        assert_eq!(statuses, ["failed", "completed"], "{strategy}: {rows:#?}");
        let error = text(&rows[0], "error");
        assert!(error.contains("Docker engine") && error.contains("went away"), "{strategy}: {error}");
        stage.leaves_nothing();
    }
}

fn start_again() {
    let script = repository().join("scripts/docker.sh");
    let started = Command::new(script).current_dir(repository()).output().expect("the script is ours");
    assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
}
