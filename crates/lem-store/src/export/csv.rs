//! CSV, quoted where RFC 4180 needs it, lines ended by CR LF as it asks.
//!
//! Spreadsheets run a cell that begins with `=`, `+`, `-` or `@` as a formula, and text in the results comes from
//! outside: a model's name, a worker's error. Such text is written with an apostrophe before it, which spreadsheets
//! read as "this is text". Numbers are never touched. Where the exact text matters, export JSON.

use std::io::{self, Write};

use csv::{Terminator, WriterBuilder};

use crate::ResultRow;

/// The header: the names of the fields of [`ResultRow`], in its order. Written for no rows, too.
pub(super) const HEADER: [&str; 46] = [
    "run_id",
    "campaign_id",
    "campaign_name",
    "experiment",
    "backend",
    "service",
    "runner",
    "model",
    "cycle",
    "index",
    "attempt",
    "status",
    "error",
    "error_kind",
    "started_at",
    "window_s",
    "energy_j",
    "energy_uncertainty_j",
    "energy_source",
    "provenance",
    "measured",
    "mean_power_w",
    "gpu_energy_j",
    "cpu_energy_j",
    "dram_energy_j",
    "requests",
    "input_tokens",
    "output_tokens",
    "tokens_per_second",
    "joules_per_output_token",
    "joules_per_request",
    "ttft_ms_p50",
    "gap_planned_s",
    "gap_actual_s",
    "start_temperature_c",
    "joules_per_token",
    "grade",
    "baseline_kind",
    "baseline_power_w",
    "adjusted_energy_j",
    "adjusted_energy_uncertainty_j",
    "meter_name",
    "meter_energy_j",
    "meter_energy_uncertainty_j",
    "meter_joules_per_output_token",
    "meter_devices_share",
];

/// A header, then a line for each row.
pub(super) fn write(rows: &[ResultRow], out: &mut impl Write) -> io::Result<()> {
    let mut writer =
        WriterBuilder::new().has_headers(false).terminator(Terminator::CRLF).from_writer(&mut *out);
    writer.write_record(HEADER).map_err(io::Error::other)?;
    for row in rows {
        writer.serialize(neutral(row)).map_err(io::Error::other)?;
    }
    writer.flush()
}

/// The row with every text that could be a formula made plain text.
fn neutral(row: &ResultRow) -> ResultRow {
    let mut row = row.clone();
    for text in [
        &mut row.run_id,
        &mut row.campaign_id,
        &mut row.campaign_name,
        &mut row.experiment,
        &mut row.backend,
        &mut row.runner,
        &mut row.model,
    ] {
        neutralise(text);
    }
    for text in [
        &mut row.service,
        &mut row.error,
        &mut row.error_kind,
        &mut row.energy_source,
        &mut row.baseline_kind,
        &mut row.meter_name,
    ] {
        text.iter_mut().for_each(neutralise);
    }
    row
}

fn neutralise(text: &mut String) {
    // Tab and carriage return count, too: some spreadsheets skip them and then see the formula.
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        text.insert(0, '\'');
    }
}
