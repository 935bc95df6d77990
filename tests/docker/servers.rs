//! Servers in compose services: started, waited for, put under load, and ended.

use lem_tests::{integer, text};
use serde_json::json;

use crate::stage::{STRATEGIES, Stage};

/// A service whose own command is a server, and an experiment that puts it under load.
fn served(strategy: &str) -> Option<Stage> {
    let stage = Stage::new(strategy)?.service("served").key("served", "network_mode", "bridge");
    let command = ["/lem-scripted-worker", "serve", "port=8000", "tokens=10", "ready_ms=300"];
    let stage = stage.key("served", "command", json!(command));
    let runner = json!({ "kind": "openai", "port": 8000, "ready_timeout_seconds": 20 });
    let experiment = lem_tests::Experiment::in_service("served").runner(runner);
    Some(stage.project(|project| project.experiment(experiment).execution("cycles", 2)))
}

#[test]
fn a_server_in_a_service_is_measured_and_gone_afterwards() {
    for strategy in STRATEGIES {
        let Some(stage) = served(strategy) else { return };
        let _ = stage.run().exits(0);
        let rows = stage.project.results();
        assert_eq!(rows.len(), 2);
        let mut containers: Vec<String> = Vec::new();
        for row in &rows {
            assert_eq!((text(row, "status"), integer(row, "output_tokens")), ("completed", 30), "{row:#}");
            assert_eq!((text(row, "service"), text(row, "runner")), ("served", "openai"));
            let detail = stage.project.detail(row);
            containers.push(text(&detail["container"], "id").to_owned());
        }
        assert_eq!(containers[0] == containers[1], strategy == "persistent", "{containers:?}");
        stage.leaves_nothing();
    }
}

#[test]
fn a_server_that_ends_by_itself_fails_the_run_with_its_last_words() {
    for strategy in STRATEGIES {
        let Some(stage) = served(strategy) else { return };
        let command = json!(["sh", "-c", "echo cannot load the weights >&2; exit 7"]);
        let stage = stage.key("served", "command", command);
        let _ = stage.run().exits(1);
        for row in stage.project.results() {
            assert_eq!(text(&row, "status"), "failed", "{row:#}");
            assert!(text(&row, "error").contains("exit code 7"), "{row:#}");
            // Whether it ended before the load began, or after.
            let detail = stage.project.detail(&row);
            let said = format!("{} {}", text(&row, "error"), detail["stderr_tail"]);
            assert!(said.contains("cannot load the weights"), "{detail:#}");
        }
        stage.leaves_nothing();
    }
}
