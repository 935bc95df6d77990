//! Containers that cannot be started: each reason is told apart and says what to do.

use lem_tests::text;
use serde_json::json;

use crate::stage::{STRATEGIES, Stage};

#[test]
fn a_missing_image_is_told_with_how_to_get_it() {
    for strategy in STRATEGIES {
        let Some(stage) = Stage::new(strategy) else { return };
        let stage = stage
            .scripted("built", "honest")
            .key("built", "image", "lem-e2e-no-such-image:1")
            .key("built", "build", ".")
            .scripted("pulled", "honest")
            .key("pulled", "image", "lem-e2e-no-such-image:1")
            .scripted("honest", "honest window_ms=60");
        let _ = stage.run().exits(1);
        stage.failed(
            "built",
            "start",
            "there is no image lem-e2e-no-such-image:1; build it: `docker compose build built`",
        );
        stage.failed("pulled", "start", "pull it: `docker pull lem-e2e-no-such-image:1`");
        stage.completed("honest");
        stage.leaves_nothing();
    }
}

#[test]
fn a_service_that_never_becomes_healthy_fails_its_run_with_what_its_check_said() {
    let Some(stage) = Stage::new("persistent") else { return };
    let check =
        json!({ "test": "echo still loading; exit 4", "interval": "100ms", "timeout": "5s", "retries": 1 });
    let stage = stage
        .scripted("sick", "honest")
        .key("sick", "healthcheck", check)
        .scripted("honest", "honest window_ms=60");
    let _ = stage.run().exits(1);
    stage.failed("sick", "start", "service sick: not healthy after");
    stage.failed("sick", "start", "still loading (exit code 4)");
    stage.completed("honest");
    stage.leaves_nothing();
}

#[test]
fn a_mount_below_a_read_only_one_is_told_apart() {
    for strategy in STRATEGIES {
        let Some(stage) = Stage::new(strategy) else { return };
        let stage = stage.scripted("worker", "honest");
        let inside = format!("{}:/usr/lem-e2e-missing", stage.project.path().display());
        let stage = stage.volume("worker", &inside);
        let _ = stage.run().exits(1);
        stage.failed("worker", "start", "a mount needs a folder where nothing can be written");
        stage.leaves_nothing();
    }
}

#[test]
fn a_worker_that_writes_to_a_read_only_volume_fails_with_its_own_words() {
    for strategy in STRATEGIES {
        let Some(stage) = Stage::new(strategy) else { return };
        let stage = stage.shell("worker", "touch /data/cache || exit 7");
        let volume = format!("{}:/data:ro", stage.project.path().display());
        let stage = stage.volume("worker", &volume);
        let _ = stage.run().exits(1);
        stage.failed("worker", "exit", "exit code 7");
        let detail = stage.project.detail(&stage.project.result_of("worker"));
        assert!(text(&detail, "stderr_tail").contains("Read-only file system"), "{detail:#}");
        stage.leaves_nothing();
    }
}

#[test]
fn a_program_that_the_image_does_not_have_is_told_apart() {
    for strategy in STRATEGIES {
        let Some(stage) = Stage::new(strategy) else { return };
        let stage = stage.running("worker", &["no-such-program"]);
        let _ = stage.run().exits(1);
        let row = stage.project.result_of("worker");
        assert!(text(&row, "error").contains("a program "), "{strategy}: {row:#}");
        stage.leaves_nothing();
    }
}
