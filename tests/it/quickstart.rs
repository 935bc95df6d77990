//! The first thing that a newcomer runs: the example with the embedded worker, which really computes.

use std::sync::{Mutex, PoisonError};

use lem_tests::{Project, number, repository, text};
use serde_json::Value;

/// Inference keeps every core busy: one at a time.
static HEAVY: Mutex<()> = Mutex::new(());

#[track_caller]
fn quickstart(project: &Project) -> Vec<Value> {
    let _alone = HEAVY.lock().unwrap_or_else(PoisonError::into_inner);
    let file = repository().join("examples/quickstart.yaml").display().to_string();
    let short = ["--cycles", "1", "--config-gap", "0", "--cycle-gap", "0", "--sample-size", "4"];
    let _ = project.lem(&[&["run", file.as_str(), "--json"], &short[..]].concat()).exits(0);
    project.results()
}

#[track_caller]
fn same(found: f64, expected: f64, what: &str) {
    assert!((found - expected).abs() <= 1e-9 * expected.abs(), "{what}: {found}, expected {expected}");
}

/// The rules that every result follows, whatever was measured with.
#[track_caller]
fn is_a_result(row: &Value, provenance: &str) {
    assert_eq!((text(row, "status"), &row["error"]), ("completed", &Value::Null), "{row:#}");
    assert_eq!((text(row, "provenance"), row["measured"].as_bool()), (provenance, Some(false)), "{row:#}");
    assert_eq!((text(row, "backend"), text(row, "model")), ("candle", "synthetic/llama-15m"));
    let (energy_j, window_s) = (number(row, "energy_j"), number(row, "window_s"));
    assert!(energy_j > 0.0 && window_s > 0.0 && number(row, "energy_uncertainty_j") >= 0.0, "{row:#}");
    let (tokens, requests) = (number(row, "output_tokens"), number(row, "requests"));
    assert!(tokens > 0.0 && number(row, "input_tokens") > 0.0, "{row:#}");
    same(requests, 4.0, "requests");
    same(number(row, "tokens_per_second"), tokens / window_s, "tokens per second");
    same(number(row, "joules_per_output_token"), energy_j / tokens, "energy per token");
    same(number(row, "joules_per_request"), energy_j / requests, "energy per request");
    same(number(row, "mean_power_w"), energy_j / window_s, "mean power");
    assert!(number(row, "ttft_ms_p50") > 0.0, "{row:#}");
    assert!(text(row, "started_at").ends_with('Z'), "{row:#}");
}

#[test]
fn the_quickstart_measures_with_the_estimate_and_says_that_it_is_one() {
    let project = Project::new().meter("estimate");
    let rows = quickstart(&project);
    assert_eq!(rows.len(), 2, "two experiments, one cycle");
    for row in &rows {
        is_a_result(row, "estimated");
    }
    let table = project.lem(&["results"]).exits(0).stdout;
    assert!(table.contains("estimated"), "{table}");
    exports_are_the_results(&project, &rows);
}

#[test]
fn longer_answers_take_more_energy_on_a_device_of_constant_power() {
    let project = Project::new();
    let rows = quickstart(&project);
    for row in &rows {
        is_a_result(row, "simulated");
        let error_w = (number(row, "mean_power_w") - 200.0).abs();
        assert!(error_w < 4.0, "the device draws 200 W: {row:#}");
    }
    let tokens = |row: &Value| number(row, "output_tokens");
    let (shorter, longer) =
        if tokens(&rows[0]) < tokens(&rows[1]) { (&rows[0], &rows[1]) } else { (&rows[1], &rows[0]) };
    assert!(number(longer, "energy_j") > number(shorter, "energy_j"), "{rows:#?}");
    let detail = project.detail(longer);
    let phases: Vec<&str> =
        detail["phases"].as_array().expect("phases").iter().map(|p| text(p, "phase")).collect();
    assert!(phases.contains(&"load") && phases.contains(&"measure"), "{phases:?}");
    assert_eq!(detail["request_records"].as_array().map(Vec::len), Some(4), "each request is kept");
}

/// Every export holds the same rows with the same values.
#[track_caller]
fn exports_are_the_results(project: &Project, rows: &[Value]) {
    let export = |format: &str| project.lem(&["export", "--format", format]).exits(0);
    assert_eq!(export("json").json().as_array().map(Vec::as_slice), Some(rows));
    assert_eq!(export("jsonl").events(), rows);
    let text = export("csv").stdout;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headings = reader.headers().expect("a header").clone();
    let records: Vec<csv::StringRecord> = reader.records().map(|record| record.expect("CSV")).collect();
    assert_eq!(records.len(), rows.len());
    for (record, row) in records.iter().zip(rows) {
        assert_eq!(
            headings.len(),
            row.as_object().map_or(0, serde_json::Map::len),
            "as many columns as fields"
        );
        for (heading, cell) in headings.iter().zip(record) {
            is_cell_of(&row[heading], cell, heading);
        }
    }
    let file = project.file("out.csv");
    let _ = project.lem(&["export", "--output", &file.display().to_string()]).exits(0);
    assert_eq!(project.read("out.csv"), text);
}

#[track_caller]
fn is_cell_of(value: &Value, cell: &str, heading: &str) {
    match value {
        Value::Null => assert_eq!(cell, "", "{heading}: a missing value is an empty cell"),
        Value::Number(number) => assert_eq!(cell.parse().ok(), number.as_f64(), "{heading}"),
        Value::String(text) => assert_eq!(cell, text, "{heading}"),
        other => assert_eq!(cell, other.to_string(), "{heading}"),
    }
}
