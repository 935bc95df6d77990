//! `kill -9` at any moment: what is left goes when the next campaign begins.

use lem_tests::{Running, text};
use rustix::process::Signal;

use crate::stage::{STRATEGIES, Stage};

/// Runs until `moment`, kills `lem` there, and goes on with a worker that is honest. `left` says how many containers a
/// kill leaves with each strategy: a check that there was something to remove.
#[track_caller]
fn killed_and_resumed(behaviour: &str, left: [usize; 2], moment: impl Fn(&mut Running)) {
    for (strategy, left) in STRATEGIES.into_iter().zip(left) {
        // Any other campaign that began would remove the containers first.
        let Some(stage) = Stage::alone(strategy) else { return };
        let mut stage = stage
            .scripted("worker", behaviour)
            .project(|project| project.execution("cycles", 2).execution("cycle_gap_seconds", 2));
        let mut running = stage.start_run();
        moment(&mut running);
        running.signal(Signal::KILL);
        drop(running);
        assert_eq!(stage.containers().len(), left, "{strategy}");

        stage.rescript("worker", "honest window_ms=60");
        let _ = stage.resume().exits(0);
        stage.leaves_nothing();
        let rows = stage.project.results();
        let completed = rows.iter().filter(|row| text(row, "status") == "completed");
        assert_eq!(completed.count(), 2, "{strategy}: every planned run is completed once: {rows:#?}");
    }
}

#[test]
fn a_kill_in_a_gap_leaves_nothing_after_the_next_start() {
    killed_and_resumed("honest window_ms=60", [0, 1], |running| drop(running.wait_for_event("gap_started")));
}

#[test]
fn a_kill_while_a_model_loads_leaves_nothing_after_the_next_start() {
    killed_and_resumed("hang phase=load", [1, 1], |running| drop(running.wait_for_phase("load")));
}

#[test]
fn a_kill_while_measuring_leaves_nothing_after_the_next_start() {
    killed_and_resumed("hang phase=measure", [1, 1], |running| drop(running.wait_for_phase("measure")));
}

#[test]
fn a_fresh_campaign_removes_what_a_dead_one_left_too() {
    let Some(dead) = Stage::alone("persistent") else { return };
    let mut dead = dead.scripted("worker", "hang phase=measure");
    let mut running = dead.start_run();
    running.wait_for_phase("measure");
    running.signal(Signal::KILL);
    drop(running);
    assert_eq!(dead.containers().len(), 1);
    dead.rescript("worker", "honest window_ms=60");
    let _ = dead.run().exits(0);
    dead.leaves_nothing();
}
