//! Rules of the export: the same rows in each format, and nothing that a spreadsheet would run.

use super::csv::HEADER;
use super::*;
use crate::testing::{failure, outcome, start, store_with_plan};
use crate::{ResultFilter, RunStatus};

/// A run that completed and one that failed.
async fn rows() -> Vec<ResultRow> {
    let store = store_with_plan(2).await;
    start(&store, "run-0", 0).await;
    store.finish_run("run-0", &outcome()).await.unwrap();
    start(&store, "run-1", 1).await;
    store.fail_run("run-1", &failure()).await.unwrap();
    store.results(&ResultFilter::default()).await.unwrap()
}

fn text(format: Format, rows: &[ResultRow]) -> String {
    let mut out = vec![];
    export(format, rows, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[tokio::test]
async fn csv_has_a_header_and_leaves_missing_values_empty() {
    insta::assert_snapshot!(text(Format::Csv, &rows().await));
}

#[tokio::test]
async fn json_keeps_null() {
    insta::assert_snapshot!(text(Format::Json, &rows().await));
}

#[tokio::test]
async fn every_format_holds_the_same_rows() {
    let rows = rows().await;
    let json: Vec<ResultRow> = serde_json::from_str(&text(Format::Json, &rows)).unwrap();
    let lines = text(Format::Jsonl, &rows);
    let jsonl: Vec<ResultRow> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let csv_text = text(Format::Csv, &rows);
    let mut reader = ::csv::Reader::from_reader(csv_text.as_bytes());
    let csv: Vec<ResultRow> = reader.deserialize().map(Result::unwrap).collect();
    assert_eq!(json, rows);
    assert_eq!(jsonl, rows);
    assert_eq!(csv, rows);
}

#[tokio::test]
async fn the_header_is_the_fields_of_a_row_in_order() {
    let row = rows().await.remove(0);
    let mut writer = ::csv::Writer::from_writer(vec![]);
    writer.serialize(row).unwrap();
    let written = String::from_utf8(writer.into_inner().unwrap()).unwrap();
    assert_eq!(written.lines().next().unwrap(), HEADER.join(","));
}

#[test]
fn no_rows_are_still_a_file() {
    assert_eq!(text(Format::Csv, &[]), HEADER.join(",") + "\r\n");
    assert_eq!(text(Format::Json, &[]), "[]\n");
    assert_eq!(text(Format::Jsonl, &[]), "");
}

#[tokio::test]
async fn text_that_a_spreadsheet_would_run_is_made_text_and_numbers_are_not_touched() {
    let mut row = rows().await.remove(0);
    row.campaign_name = "=HYPERLINK(\"http://example.org\")".into();
    row.model = "@SUM(A1)".into();
    row.error = Some("-1, said \"the worker\"\nand died".into());
    row.service = Some("\t=1".into());
    row.start_temperature_c = Some(-4.5);
    let written = text(Format::Csv, std::slice::from_ref(&row));
    let mut reader = ::csv::Reader::from_reader(written.as_bytes());
    let read: ResultRow = reader.deserialize().next().unwrap().unwrap();
    assert_eq!(read.campaign_name, "'=HYPERLINK(\"http://example.org\")");
    assert_eq!(read.model, "'@SUM(A1)");
    assert_eq!(read.error.as_deref(), Some("'-1, said \"the worker\"\nand died"));
    assert_eq!(read.service.as_deref(), Some("'\t=1"));
    assert_eq!(read.start_temperature_c, Some(-4.5));
    let exact: Vec<ResultRow> = serde_json::from_str(&text(Format::Json, &[row.clone()])).unwrap();
    assert_eq!(exact, [row], "JSON is exact");
}

#[tokio::test]
async fn a_target_that_does_not_take_it_is_an_error() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let rows = rows().await;
    assert_eq!(rows[1].status, RunStatus::Failed);
    let messages = [Format::Csv, Format::Json, Format::Jsonl]
        .map(|format| export(format, &rows, Full).unwrap_err().to_string());
    insta::assert_snapshot!(messages.join("\n"));
}
