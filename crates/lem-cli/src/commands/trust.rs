//! What lets a number be defended: the grade of a run and the checks behind it, its baselines, what is derived from it,
//! and what the runs of a campaign say together.

use lem_engine::{
    CampaignReport, Derived, Engine, Error, ExperimentSummary, QualityCheck, RunDetail, RunMetrics, Verdict,
};

use crate::args::Global;
use crate::commands::block_on;
use crate::{Ended, format, output};

/// The grade with what keeps it from a better one.
pub(crate) fn grade(detail: &RunDetail) -> String {
    let Some(report) = &detail.record.quality else { return String::new() };
    let of = |verdict| report.checks.iter().filter(|check| check.verdict == verdict).count();
    let counts: Vec<String> = [Verdict::Invalid, Verdict::Poor, Verdict::Warn, Verdict::Unknown]
        .into_iter()
        .filter(|verdict| of(*verdict) > 0)
        .map(|verdict| format!("{} {}", of(verdict), verdict.name()))
        .collect();
    let rest = if counts.is_empty() { "every check passed".to_owned() } else { counts.join(", ") };
    format!("{} ({rest}, of {} checks)", report.grade.name(), report.checks.len())
}

/// Energy above the baseline that the campaign asked for.
pub(crate) fn adjusted(detail: &RunDetail) -> String {
    let row = &detail.row;
    match (&row.baseline_kind, row.adjusted_energy_j) {
        (Some(kind), Some(_)) => {
            let shown = format::si_uncertain(row.adjusted_energy_j, row.adjusted_energy_uncertainty_j, "J");
            let mark = row.provenance.map_or("", lem_engine::provenance_mark);
            format!("{shown}{mark} above the {kind} baseline")
        }
        (Some(kind), None) => format!("withheld: see the {kind} baseline"),
        (None, _) => String::new(),
    }
}

/// Checks, baselines and derived values, each as a table where there is any.
pub(crate) fn show_run(detail: &RunDetail, metrics: &RunMetrics, verbose: bool) {
    if let Some(report) = &detail.record.quality {
        show_checks(report.checks.iter().filter(|check| verbose || check.verdict != Verdict::Pass));
    }
    show_baselines(detail);
    let mark = detail.row.provenance.map_or("", lem_engine::provenance_mark);
    show_metrics(metrics, mark, verbose);
}

fn show_checks<'a>(checks: impl Iterator<Item = &'a QualityCheck>) {
    let cells: Vec<Vec<String>> = checks
        .map(|check| vec![check.id.clone(), check.verdict.name().into(), value(check), check.why.clone()])
        .collect();
    if !cells.is_empty() {
        output::line("");
        output::table(&["CHECK", "VERDICT", "VALUE", "WHY"], &[2], cells);
    }
}

fn value(check: &QualityCheck) -> String {
    check.value.map_or_else(
        || format::MISSING.into(),
        |value| format!("{} {}", format::significant(value), check.unit).trim_end().to_owned(),
    )
}

fn show_baselines(detail: &RunDetail) {
    let mark = detail.row.provenance.map_or("", lem_engine::provenance_mark);
    let cells = detail.baselines.iter().map(|baseline| {
        let above =
            format::si_uncertain(baseline.adjusted_energy_j, baseline.adjusted_energy_uncertainty_j, "J");
        vec![
            baseline.kind.clone(),
            format!("{}{mark}", format::si(Some(baseline.power_w), "W")),
            format::si(baseline.sd_w, "W"),
            format::plain(baseline.temperature_c, 0, "°C"),
            format::span(baseline.duration_s),
            format::span(baseline.age_s),
            baseline.withheld.clone().unwrap_or_else(|| format!("{above}{mark}")),
        ]
    });
    let cells: Vec<_> = cells.collect();
    if !cells.is_empty() {
        output::line("");
        let headings = ["BASELINE", "POWER", "STD", "AT", "TAKEN FOR", "AGE", "ENERGY ABOVE IT"];
        output::table(&headings, &[1, 2, 3, 4, 5, 6], cells);
    }
}

/// `mark` is that of the energy, which some of them rest on.
fn show_metrics(metrics: &RunMetrics, mark: &str, verbose: bool) {
    let each: [(&str, &Derived, &str, f64, &str); 11] = [
        ("operations of weights", &metrics.parameter_flops, "FLOP", 1.0, ""),
        ("operations of attention", &metrics.attention_flops, "FLOP", 1.0, ""),
        ("rate", &metrics.flops_per_second, "FLOP/s", 1.0, ""),
        ("per joule", &metrics.flops_per_joule, "FLOP/J", 1.0, mark),
        ("MFU", &metrics.mfu, "%", 100.0, ""),
        ("MBU (model)", &metrics.mbu, "%", 100.0, ""),
        ("prefill, input token", &metrics.prefill_joules_per_input_token, "J/token", 1.0, mark),
        ("decode, output token", &metrics.decode_joules_per_output_token, "J/token", 1.0, mark),
        ("carbon", &metrics.carbon_g, "gCO2e", 1.0, mark),
        ("cost of energy", &metrics.energy_cost, "", 1.0, mark),
        ("cost of devices", &metrics.device_cost, "", 1.0, ""),
    ];
    let cells: Vec<Vec<String>> = each
        .into_iter()
        .filter(|(_, derived, _, _, _)| verbose || derived.value.is_some())
        .map(|(name, derived, unit, scale, mark)| {
            let mark = if derived.value.is_some() { mark } else { "" };
            vec![name.to_owned(), format!("{}{mark}", derived_value(derived, unit, scale))]
        })
        .collect();
    if !cells.is_empty() {
        output::line("");
        output::table(&["DERIVED", "VALUE"], &[], cells);
    }
}

fn derived_value(derived: &Derived, unit: &str, scale: f64) -> String {
    match derived.value {
        Some(value) if unit.is_empty() || unit == "%" => {
            format!("{} {unit}", format::significant(value * scale)).trim_end().to_owned()
        }
        Some(value) => format::si(Some(value), unit),
        None => {
            let why = derived.missing.first().map_or("not known", |missing| missing.reason.as_str());
            format!("{} ({why})", format::MISSING)
        }
    }
}

/// `lem campaign report`.
pub(crate) fn report(engine: &Engine, global: &Global, id: &str) -> Result<Ended, Error> {
    let report = block_on(engine.campaign_report(id))?;
    if global.json {
        output::json(&report);
    } else {
        show_report(&report, global.verbose);
    }
    Ok(Ended::Well)
}

fn show_report(report: &CampaignReport, verbose: bool) {
    output::line(&format!("{} ({})", report.name, report.campaign_id));
    output::line("");
    let headings = ["EXPERIMENT", "RUNS", "GRADES", "J/TOKEN", "95 % INTERVAL", "CV", "PER °C", "PER RUN"];
    output::table(&headings, &[1, 3, 4, 5, 6, 7], report.experiments.iter().map(row).collect());
    output::line("");
    output::line(
        "PER °C and PER RUN: change with the start temperature and with the position, 95 % interval.",
    );
    let checks = report.experiments.iter().flat_map(|experiment| {
        let shown =
            experiment.quality.checks.iter().filter(move |check| verbose || check.verdict != Verdict::Pass);
        shown.map(|check| {
            let verdict = check.verdict.name().to_owned();
            vec![experiment.quality.experiment.clone(), check.id.clone(), verdict, check.why.clone()]
        })
    });
    let checks: Vec<_> = checks.collect();
    if !checks.is_empty() {
        output::line("");
        output::table(&["EXPERIMENT", "CHECK", "VERDICT", "WHY"], &[], checks);
    }
}

fn row(experiment: &ExperimentSummary) -> Vec<String> {
    let statistic = experiment.joules_per_output_token.as_ref();
    let grades: Vec<String> =
        experiment.grades.iter().map(|count| format!("{} {}", count.runs, count.grade.name())).collect();
    let mark = experiment.provenance.filter(|_| statistic.is_some()).map_or("", lem_engine::provenance_mark);
    let interval = statistic.and_then(|it| Some((it.ci_low?, it.ci_high?)));
    let slope = |line: Option<&lem_engine::stats::Line>| {
        line.map_or_else(
            || format::MISSING.into(),
            |line| format!("{:+.2} % [{:+.2}, {:+.2}]", line.slope, line.slope_low, line.slope_high),
        )
    };
    vec![
        experiment.quality.experiment.clone(),
        experiment.points.len().to_string(),
        grades.join(", "),
        format!("{}{mark}", format::si(statistic.map(|it| it.mean), "J")),
        interval.map_or_else(
            || format::MISSING.into(),
            |(low, high)| format!("{} to {}", format::si(Some(low), "J"), format::si(Some(high), "J")),
        ),
        format::plain(statistic.and_then(|it| it.cv).map(|cv| cv * 100.0), 1, "%"),
        slope(experiment.by_start_temperature.as_ref()),
        slope(experiment.by_position.as_ref()),
    ]
}
