//! `lem result meter` and `lem campaign meter`: what an external power meter saw of runs.

use lem_engine::{
    Engine, Error, MeterAlignment, MeterImport, MeterOptions, MeterRun, MeterTarget, RunDetail, RunMeter,
};

use crate::args::{Global, MeterAlign, MeterArgs};
use crate::commands::block_on;
use crate::{Ended, format, output};

pub(crate) fn meter(
    engine: &Engine,
    global: &Global,
    target: &MeterTarget,
    args: MeterArgs,
) -> Result<Ended, Error> {
    let (file, options) = options(args);
    let Some(file) = file else {
        let removed = block_on(engine.remove_meter(target))?;
        if global.json {
            output::json(&serde_json::json!({ "removed": removed }));
        } else {
            output::line(&format!("removed from {}", format::counted(removed as usize, "run")));
        }
        return Ok(Ended::Well);
    };
    let import = block_on(engine.import_meter(&file, target, &options))?;
    if global.json {
        output::json(&import);
    } else {
        show_import(&import);
    }
    Ok(Ended::Well)
}

fn options(args: MeterArgs) -> (Option<std::path::PathBuf>, MeterOptions) {
    let alignment = match args.align {
        MeterAlign::Clock => MeterAlignment::Clock,
        MeterAlign::Power => MeterAlignment::Power,
    };
    let options = MeterOptions {
        name: args.name,
        time_column: args.time_column,
        power_column: args.power_column,
        zone: args.zone,
        start: args.start,
        alignment,
        offset_s: args.offset,
        clock_error_s: args.clock_error,
        accuracy_percent: args.accuracy,
        replace: args.replace,
    };
    (args.file, options)
}

fn show_import(import: &MeterImport) {
    output::line(&format!("{}: {} readings", import.file, import.readings));
    output::line("");
    let headings = ["RUN", "EXPERIMENT", "CYCLE", "BY THE METER", "READINGS", "OFFSET", "FIT"];
    output::table(&headings, &[2, 3, 4, 5, 6], import.runs.iter().map(cells).collect());
    for run in &import.runs {
        if let Some(why) = &run.skipped {
            output::line(&format!("not imported: {}, cycle {}: {why}", run.experiment, run.cycle));
        }
    }
    let notes = import.runs.iter().flat_map(|run| run.meter.iter().flat_map(|meter| &meter.notes));
    let mut told: Vec<&String> = Vec::new();
    for note in import.notes.iter().chain(notes) {
        if !told.contains(&note) {
            told.push(note);
        }
    }
    for note in told {
        output::line(&format!("note: {note}"));
    }
}

fn cells(run: &MeterRun) -> Vec<String> {
    let mut cells = vec![run.run_id.clone(), run.experiment.clone(), run.cycle.to_string()];
    match &run.meter {
        Some(meter) => cells.extend([energy(meter), meter.readings.to_string(), offset(meter), fit(meter)]),
        None => cells.push("not imported".to_owned()),
    }
    cells
}

fn energy(meter: &RunMeter) -> String {
    match &meter.withheld {
        Some(why) => format!("withheld: {why}"),
        None => format::si_uncertain(meter.energy_j, meter.energy_uncertainty_j, "J"),
    }
}

fn offset(meter: &RunMeter) -> String {
    format!("{:+.1} ± {:.1} s", meter.offset_s, meter.offset_uncertainty_s)
}

fn fit(meter: &RunMeter) -> String {
    format::plain(meter.correlation, 2, "")
}

/// What a meter saw of a run, for `lem result show`.
pub(crate) fn show(detail: &RunDetail) {
    let Some(meter) = &detail.meter else { return };
    let row = &detail.row;
    let mark = row.provenance.map_or("", lem_engine::provenance_mark);
    let share = row.meter_devices_share.map(|share| share * 100.0);
    let share = share.map_or_else(
        || format::MISSING.into(),
        |share| format!("{}{mark}", format::plain(Some(share), 0, "%")),
    );
    output::line("");
    let headings = ["EXTERNAL METER", "ENERGY", "J/TOKEN", "DEVICES' SHARE", "EVERY", "OFFSET", "FIT"];
    let cells = vec![
        meter.name.clone(),
        energy(meter),
        format::si(row.meter_joules_per_output_token, "J"),
        share,
        format::si(Some(meter.interval_s), "s"),
        offset(meter),
        fit(meter),
    ];
    output::table(&headings, &[1, 2, 3, 4, 5, 6], vec![cells]);
    for note in &meter.notes {
        output::line(&format!("note: {note}"));
    }
}
