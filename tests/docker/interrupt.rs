//! Ctrl-C at any moment leaves no container.

use lem_tests::{Running, text};
use rustix::process::Signal;
use serde_json::json;

use crate::stage::{STRATEGIES, Stage};

/// Runs until `moment` and interrupts there.
#[track_caller]
fn interrupted(stage: &Stage, moment: impl FnOnce(&mut Running)) {
    let mut running = stage.start_run();
    moment(&mut running);
    running.signal(Signal::INT);
    let finished = running.finish().exits(130);
    let last = finished.events().pop().expect("events");
    assert_eq!((text(&last, "event"), text(&last, "status")), ("campaign_finished", "interrupted"));
    stage.leaves_nothing();
}

#[test]
fn an_interrupt_in_a_gap_leaves_nothing() {
    for strategy in STRATEGIES {
        let Some(stage) = Stage::new(strategy) else { return };
        let stage = stage
            .scripted("worker", "honest window_ms=60")
            .project(|project| project.execution("cycles", 2).execution("cycle_gap_seconds", 60));
        interrupted(&stage, |running| drop(running.wait_for_event("gap_started")));
    }
}

#[test]
fn an_interrupt_while_a_model_loads_leaves_nothing() {
    for strategy in STRATEGIES {
        let Some(stage) = Stage::new(strategy) else { return };
        let stage = stage.scripted("worker", "hang phase=load");
        interrupted(&stage, |running| drop(running.wait_for_phase("load")));
    }
}

#[test]
fn an_interrupt_while_measuring_leaves_nothing() {
    for strategy in STRATEGIES {
        let Some(stage) = Stage::new(strategy) else { return };
        let stage = stage.scripted("worker", "hang phase=measure");
        interrupted(&stage, |running| drop(running.wait_for_phase("measure")));
    }
}

#[test]
fn an_interrupt_while_a_container_is_made_leaves_nothing() {
    let Some(stage) = Stage::new("ephemeral") else { return };
    let stage = stage.scripted("worker", "hang phase=load");
    interrupted(&stage, |running| drop(running.wait_for_event("run_started")));
}

#[test]
fn an_interrupt_does_not_wait_for_a_service_to_become_healthy() {
    let Some(stage) = Stage::new("persistent") else { return };
    let check = json!({ "test": ["CMD", "false"], "interval": "60s", "retries": 100 });
    let stage = stage.scripted("worker", "honest").key("worker", "healthcheck", check);
    interrupted(&stage, |running| {
        running.wait_for_event("run_started");
        lem_tests::eventually("a container", || stage.containers().pop());
    });
}

#[test]
fn a_worker_that_ignores_the_signal_is_killed_after_its_grace() {
    std::thread::scope(|scope| {
        for strategy in STRATEGIES {
            scope.spawn(move || {
                let Some(stage) = Stage::new(strategy) else { return };
                let stage = stage.shell("worker", "trap '' TERM; exec \"$0\" hang phase=load \"$1\"");
                interrupted(&stage, |running| drop(running.wait_for_phase("load")));
            });
        }
    });
}
