//! Workers in containers that end badly, or not at all: each ends its own run, and the campaign goes on.

use crate::stage::{STRATEGIES, Stage};

#[test]
fn a_worker_that_runs_out_of_memory_is_told_apart() {
    for strategy in STRATEGIES {
        let Some(stage) = Stage::new(strategy) else { return };
        let stage = stage
            .shell("greedy", "\"$0\" say-hello; exec tail /dev/zero")
            .key("greedy", "mem_limit", "48m")
            .key("greedy", "memswap_limit", "48m")
            .scripted("honest", "honest window_ms=60");
        let _ = stage.run().exits(1);
        stage.failed("greedy", "out_of_memory", "memory");
        stage.completed("honest");
        stage.leaves_nothing();
    }
}

#[test]
fn a_worker_that_kills_itself_did_not_run_out_of_memory() {
    for strategy in STRATEGIES {
        let Some(stage) = Stage::new(strategy) else { return };
        let stage = stage
            .scripted("killed", "die phase=measure signal=kill")
            .scripted("crashed", "die phase=load code=3")
            .scripted("honest", "honest window_ms=60");
        let _ = stage.run().exits(1);
        stage.failed("killed", "exit", "SIGKILL");
        stage.failed("crashed", "exit", "exit code 3");
        stage.completed("honest");
        stage.leaves_nothing();
    }
}

#[test]
fn a_worker_that_says_nothing_ends_with_its_container() {
    for strategy in STRATEGIES {
        let Some(stage) = Stage::new(strategy) else { return };
        let stage = stage
            .scripted("silent", "hang phase=measure")
            .scripted("honest", "honest window_ms=60")
            .project(|project| project.execution("silence_timeout_seconds", 2));
        let _ = stage.run().exits(1);
        stage.failed("silent", "silence_timeout", "for 2 s (execution.silence_timeout_seconds)");
        stage.completed("honest");
        stage.leaves_nothing();
    }
}

#[test]
fn a_run_that_takes_too_long_ends_with_its_container() {
    for strategy in STRATEGIES {
        let Some(stage) = Stage::new(strategy) else { return };
        let stage = stage
            .scripted("slow", "honest window_ms=600000")
            .scripted("honest", "honest window_ms=60")
            .project(|project| project.execution("run_timeout_seconds", 4));
        let _ = stage.run().exits(1);
        stage.failed("slow", "run_timeout", "longer than 4 s (execution.run_timeout_seconds)");
        stage.completed("honest");
        stage.leaves_nothing();
    }
}

#[test]
fn children_of_a_worker_do_not_outlive_its_run() {
    let Some(stage) = Stage::new("persistent") else { return };
    // The second run looks for what the first left behind.
    let script = "\"$0\" parent window_ms=60 \"$1\"";
    let stage =
        stage.shell("worker", script).project(|p| p.execution("cycles", 2).execution("cycle_gap_seconds", 3));
    let mut running = stage.start_run();
    running.wait_for_event("gap_started");
    stage.project.leaves_no_worker();
    let _ = running.finish().exits(0);
    stage.leaves_nothing();
}
