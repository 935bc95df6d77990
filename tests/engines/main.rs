//! Whole campaigns with real engines: PyTorch on a CPU, as a process and in a container, and a real llama.cpp server.
//!
//! They need what `scripts/test-engines.sh` makes and names: `LEM_ENGINES_PYTORCH` and `LEM_ENGINES_LLAMA`, virtual
//! environments. Without them each test says that it is skipped; with `LEM_REQUIRE_ENGINES=1` that is a failure.

mod llama;
mod pytorch;

use std::path::PathBuf;

use lem_tests::{Project, number, text};
use serde_json::Value;

/// The virtual environment that a variable names.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn environment(variable: &str) -> Option<PathBuf> {
    let named =
        std::env::var_os(variable).map(PathBuf::from).filter(|folder| folder.join("bin/python").exists());
    if named.is_none() {
        let required = std::env::var("LEM_REQUIRE_ENGINES").is_ok_and(|value| value == "1");
        assert!(!required, "LEM_REQUIRE_ENGINES=1, but {variable} names no virtual environment");
        eprintln!(
            "SKIPPED, nothing was tested: {variable} names no virtual environment; run `make test-engines`"
        );
    }
    named
}

/// Every run of the project, which must have been completed with an energy, tokens and a time to first token.
#[track_caller]
fn completed(project: &Project, runs: usize) -> Vec<Value> {
    let rows = project.results();
    assert_eq!(rows.len(), runs, "{rows:#?}");
    for row in &rows {
        assert_eq!((text(row, "status"), &row["error"]), ("completed", &Value::Null), "{row:#}");
        assert!(number(row, "energy_j") > 0.0 && number(row, "output_tokens") > 0.0, "{row:#}");
        assert!(number(row, "ttft_ms_p50") > 0.0, "{row:#}");
    }
    project.leaves_no_worker();
    rows
}
