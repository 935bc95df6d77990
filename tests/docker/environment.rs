//! What a worker in a container is told, and secrets, which go to it and nowhere else.

use std::fs;
use std::path::Path;

use lem_tests::text;
use serde_json::json;

use crate::stage::{STRATEGIES, Stage};

const SECRET: &str = "hf_e2e_5ZkQx0v7T1mB";

/// Says what it was told, refuses to go on without the secret, and fails, so that its words are kept.
const TELLING: &str = r#"
    case "$HF_TOKEN" in hf_e2e_*) echo "token is there" >&2 ;; esac
    echo "run $LEM_RUN_ID campaign $LEM_CAMPAIGN_ID $LEM_CAMPAIGN_NAME cycle $LEM_CYCLE of $LEM_TOTAL_CYCLES own $OWN" >&2
    exec "$0" die phase=load "$1"
"#;

fn telling(strategy: &str) -> Option<Stage> {
    let stage = Stage::new(strategy)?.project(|project| project.variable("HF_TOKEN", SECRET));
    Some(stage.shell("worker", TELLING).key("worker", "environment", json!(["HF_TOKEN", "OWN=value"])))
}

#[test]
fn a_worker_is_told_its_run_and_what_its_service_says() {
    for strategy in STRATEGIES {
        let Some(stage) = telling(strategy) else { return };
        let _ = stage.run().exits(1);
        let row = stage.project.result_of("worker");
        let (run, campaign) = (text(&row, "run_id"), text(&row, "campaign_id"));
        let expected = format!("run {run} campaign {campaign} test cycle 1 of 1 own value");
        let detail = stage.project.detail(&row);
        assert!(text(&detail, "stderr_tail").contains(&expected), "{strategy}: {detail:#}");
        stage.leaves_nothing();
    }
}

#[test]
fn a_secret_reaches_the_worker_and_is_written_nowhere() {
    for strategy in STRATEGIES {
        let Some(stage) = telling(strategy) else { return };
        let stage = stage.scripted("honest", "honest").key("honest", "environment", json!(["HF_TOKEN"]));
        stage.write();
        let file = stage.project.file(lem_tests::CAMPAIGN).display().to_string();
        let mut said = Vec::new();
        for arguments in [
            &["--verbose", "run", &file, "--json"][..],
            &["plan", &file, "--json"],
            &["doctor", "--json"],
            &["export", "--format", "csv"],
            &["export", "--format", "json"],
        ] {
            let finished = stage.project.lem(arguments);
            assert!(finished.code.is_some_and(|code| code < 2), "{arguments:?}: {}", finished.stderr);
            said.extend([finished.stdout, finished.stderr]);
        }
        let detail = stage.project.detail(&stage.project.result_of("worker"));
        assert!(text(&detail, "stderr_tail").contains("token is there"), "{strategy}: {detail:#}");
        said.push(detail.to_string());
        assert!(!said.iter().any(|text| text.contains(SECRET)), "{strategy}: said");
        assert!(stage.project.file("results/lem.db").exists(), "there is a database to search");
        not_written_below(stage.project.path());
        stage.leaves_nothing();
    }
}

#[track_caller]
fn not_written_below(folder: &Path) {
    for entry in fs::read_dir(folder).expect("a folder of the project").flatten() {
        let path = entry.path();
        if path.is_dir() {
            not_written_below(&path);
        } else if let Ok(bytes) = fs::read(&path) {
            let found = bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
            assert!(!found, "the secret is in {}", path.display());
        }
    }
}
