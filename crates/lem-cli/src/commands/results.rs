//! `lem results` and `lem result show`: what runs came to.

use lem_engine::{Engine, Error, ResultRow, RunDetail, RunMetrics, stats};

use crate::args::Global;
use crate::commands::{block_on, meter, trust};
use crate::{Ended, format, output};

pub(crate) fn results(engine: &Engine, global: &Global, campaign: Option<&str>) -> Result<Ended, Error> {
    let rows = block_on(engine.results(campaign))?;
    if global.json {
        output::json(&rows);
    } else if rows.is_empty() {
        output::line("There are no results yet; `lem run FILE` makes some.");
    } else {
        show_table(&rows);
        show_groups(&rows);
    }
    Ok(Ended::Well)
}

/// Rows as a table.
pub(crate) fn show_table(rows: &[ResultRow]) {
    let headings = [
        "RUN",
        "EXPERIMENT",
        "CYCLE",
        "STATUS",
        "GRADE",
        "ENERGY",
        "J/TOKEN",
        "TOKENS/S",
        "WINDOW",
        "TTFT p50",
    ];
    let cells = rows.iter().map(|row| {
        vec![
            short(&row.run_id),
            row.experiment.clone(),
            row.cycle.to_string(),
            status(row),
            row.grade.map_or_else(|| format::MISSING.into(), |grade| grade.name().to_owned()),
            energy(row),
            format!("{}{}", format::si(row.joules_per_output_token, "J"), mark(row)),
            format::plain(row.tokens_per_second, 1, ""),
            format::plain(row.window_s, 1, "s"),
            format::plain(row.ttft_ms_p50, 1, "ms"),
        ]
    });
    output::table(&headings, &[2, 5, 6, 7, 8, 9], cells.collect());
}

/// Energy and its uncertainty.
fn energy(row: &ResultRow) -> String {
    format!("{}{}", format::si_uncertain(row.energy_j, row.energy_uncertainty_j, "J"), mark(row))
}

/// The word that a number was not measured, where that is so.
fn mark(row: &ResultRow) -> &'static str {
    row.provenance.filter(|_| row.energy_j.is_some()).map_or("", lem_engine::provenance_mark)
}

/// The first characters of an id: enough to tell runs apart, which differ from the ninth on.
fn short(id: &str) -> String {
    id.chars().take(13).collect()
}

fn status(row: &ResultRow) -> String {
    let name = row.status.name();
    row.error_kind.as_ref().map_or_else(|| name.to_owned(), |kind| format!("{name}: {kind}"))
}

/// Where the energy comes from, with the word that it was not measured where that is so.
fn source(row: &ResultRow) -> String {
    let source = row.energy_source.as_deref().unwrap_or(format::MISSING);
    format!("{source}{}", row.provenance.map_or("", lem_engine::provenance_mark))
}

/// Means over the cycles of each experiment that completed more than once, in the order of the runs.
pub(crate) fn show_groups(rows: &[ResultRow]) {
    let mut groups: Vec<((&str, &str), Vec<f64>)> = Vec::new();
    for row in rows {
        let Some(joules) = row.joules_per_output_token else { continue };
        let key = (row.campaign_id.as_str(), row.experiment.as_str());
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, values)) => values.push(joules),
            None => groups.push((key, vec![joules])),
        }
    }
    groups.retain(|(_, values)| values.len() > 1);
    if groups.is_empty() {
        return;
    }
    let mark = rows.iter().filter_map(|row| row.provenance).max().map_or("", lem_engine::provenance_mark);
    let cells = groups.iter().map(|((_, experiment), values)| {
        let (mean, deviation) = (stats::mean(values), stats::standard_deviation(values));
        let variation = mean.zip(deviation).map(|(mean, deviation)| deviation / mean * 100.0);
        vec![
            (*experiment).to_owned(),
            values.len().to_string(),
            format!("{}{mark}", format::si(mean, "J")),
            format::si(deviation, "J"),
            format::plain(variation, 1, "%"),
        ]
    });
    output::line("");
    output::table(&["EXPERIMENT", "RUNS", "MEAN J/TOKEN", "STD", "CV"], &[1, 2, 3, 4], cells.collect());
}

pub(crate) fn show(engine: &Engine, global: &Global, run: &str) -> Result<Ended, Error> {
    let detail = block_on(engine.result(run))?;
    let metrics = block_on(engine.run_metrics(&detail.row.run_id))?;
    if global.json {
        output::json(&WithMetrics { detail: &detail, metrics: &metrics });
    } else {
        show_detail(&detail, &metrics, global.verbose);
    }
    Ok(Ended::Well)
}

/// A run with what is derived from it.
#[derive(serde::Serialize)]
struct WithMetrics<'a> {
    #[serde(flatten)]
    detail: &'a RunDetail,
    metrics: &'a RunMetrics,
}

fn show_detail(detail: &RunDetail, metrics: &RunMetrics, verbose: bool) {
    let row = &detail.row;
    let facts = [
        ("run", row.run_id.clone()),
        ("campaign", format!("{} ({})", row.campaign_name, row.campaign_id)),
        ("experiment", format!("{}, cycle {}, attempt {}", row.experiment, row.cycle, row.attempt)),
        ("model", format!("{} on {}", row.model, row.backend)),
        ("status", status(row)),
        ("error", row.error.clone().unwrap_or_default()),
        ("started", row.started_at.clone().unwrap_or_default()),
        ("grade", trust::grade(detail)),
        ("energy", energy(row)),
        ("adjusted", trust::adjusted(detail)),
        ("source", source(row)),
        ("window", format::plain(row.window_s, 3, "s")),
        ("J/token", format!("{}{}", format::si(row.joules_per_output_token, "J"), mark(row))),
        ("J/all tokens", format!("{}{}", format::si(row.joules_per_token, "J"), mark(row))),
        ("J/request", format!("{}{}", format::si(row.joules_per_request, "J"), mark(row))),
        ("tokens", tokens(row)),
        ("cut requests", cut_requests(detail)),
        (
            "gap",
            format!(
                "{} planned, {} waited",
                format::span(row.gap_planned_s),
                format::plain(row.gap_actual_s, 1, "s")
            ),
        ),
    ];
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        output::line(&format!("{name:<14}{value}"));
    }
    show_devices(detail);
    show_phases(detail);
    show_parts(detail);
    meter::show(detail);
    trust::show_run(detail, metrics, verbose);
    for diagnostic in &detail.diagnostics {
        output::line(&format!("warning: {}", diagnostic.message));
    }
    if let Some(tail) = &detail.record.stderr_tail {
        output::line("");
        output::line("The worker's standard error ended with:");
        output::line(tail);
    }
}

fn tokens(row: &ResultRow) -> String {
    let count = |value: Option<u64>| value.map_or_else(|| format::MISSING.into(), |v| v.to_string());
    let speed = format::plain(row.tokens_per_second, 1, "tokens/s");
    format!("{} in, {} out, {speed}", count(row.input_tokens), count(row.output_tokens))
}

/// Requests that began before the window, and what of them it holds.
fn cut_requests(detail: &RunDetail) -> String {
    let cut = detail.request_records.iter().filter_map(|request| Some((request, request.in_window?)));
    let (mut count, mut inside, mut all) = (0, 0, 0);
    for (request, tokens) in cut {
        count += 1;
        inside += u64::from(tokens.input_tokens) + u64::from(tokens.output_tokens);
        all += u64::from(request.input_tokens) + u64::from(request.output_tokens);
    }
    if count == 0 {
        return String::new();
    }
    format!("{count} began before the window, which holds {inside} of their {all} tokens")
}

fn show_devices(detail: &RunDetail) {
    let cells = detail.devices.iter().map(|device| {
        let marked = |value, unit| marked(format::si(value, unit), device.provenance);
        vec![
            device.name.clone(),
            marked(device.counter_energy_j, "J"),
            marked(device.integral_energy_j, "J"),
            marked(device.mean_power_w, "W"),
            format::plain(device.start_temperature_c, 0, "°C"),
            format::plain(device.max_temperature_c, 0, "°C"),
        ]
    });
    let cells: Vec<_> = cells.collect();
    if !cells.is_empty() {
        output::line("");
        let headings = ["DEVICE", "BY COUNTER", "BY POWER", "MEAN", "START", "MAX"];
        output::table(&headings, &[1, 2, 3, 4, 5], cells);
    }
}

fn phase_energy(detail: &RunDetail, energy_j: Option<f64>) -> String {
    let shown = format::si(energy_j, "J");
    detail.row.provenance.map_or(shown.clone(), |provenance| marked(shown, provenance))
}

/// A number with the word that it was not measured, where that is so; a missing one stays a dash.
fn marked(shown: String, provenance: lem_engine::Provenance) -> String {
    if shown == format::MISSING { shown } else { shown + lem_engine::provenance_mark(provenance) }
}

fn show_phases(detail: &RunDetail) {
    let cells = detail.phases.iter().map(|phase| {
        let seconds = phase.end_ns.map(|end| lem_engine::seconds(end - phase.start_ns));
        vec![phase.phase.clone(), format::plain(seconds, 3, "s"), phase_energy(detail, phase.energy_j)]
    });
    let cells: Vec<_> = cells.collect();
    if !cells.is_empty() {
        output::line("");
        output::table(&["PHASE", "TIME", "ENERGY"], &[1, 2], cells);
    }
}

/// The measured window by what its requests were doing, or why it is not divided.
fn show_parts(detail: &RunDetail) {
    if let Some(why) = &detail.record.parts_withheld {
        output::line("");
        output::line(&format!("Prefill and decode are not told apart: {why}."));
    }
    let cells = detail.window_parts.iter().map(|part| {
        let energy = format::si_uncertain(part.energy_j, part.energy_uncertainty_j, "J");
        let mark = detail.row.provenance.map_or("", lem_engine::provenance_mark);
        vec![
            part.part.name().to_owned(),
            format::plain(Some(part.seconds), 3, "s"),
            part.stretches.to_string(),
            part.withheld
                .as_ref()
                .map_or_else(|| format!("{energy}{mark}"), |why| format!("withheld: {why}")),
        ]
    });
    let cells: Vec<_> = cells.collect();
    if !cells.is_empty() {
        output::line("");
        output::table(&["IN THE WINDOW", "TIME", "STRETCHES", "ENERGY"], &[1, 2], cells);
    }
}
