//! `lem doctor` and `lem devices`: what this machine can measure and run.

use lem_engine::{CheckStatus, Engine, Error};

use crate::args::Global;
use crate::commands::block_on;
use crate::{Ended, format, output};

pub(crate) fn doctor(engine: &Engine, global: &Global) -> Result<Ended, Error> {
    let report = block_on(async { Ok(engine.doctor().await) })?;
    if global.json {
        output::json(&report);
    } else {
        for check in &report.checks {
            let mark = match check.status {
                CheckStatus::Ok => "ok  ",
                CheckStatus::Note => "note",
                CheckStatus::Failed => "FAIL",
            };
            output::line(&format!("{mark}  {:<16} {}", check.name, check.message));
            if let Some(remedy) = &check.remedy {
                output::line(&format!("      {:<16} -> {remedy}", ""));
            }
        }
        output::line("");
        output::line(if report.ready {
            "This machine can run campaigns."
        } else {
            "Mend what failed, then try again."
        });
    }
    Ok(if report.ready { Ended::Well } else { Ended::RunFailed })
}

pub(crate) fn devices(engine: &Engine, global: &Global) -> Result<Ended, Error> {
    let devices = engine.devices()?;
    if global.json {
        output::json(&devices);
        return Ok(Ended::Well);
    }
    let rows = devices.iter().map(|view| {
        let value = |name: &str| view.reading.get(name).copied();
        vec![
            view.device.id.clone(),
            view.device.name.clone(),
            view.device.source.name().into(),
            view.provenance_word().into(),
            format::plain(value("power_w"), 1, "W"),
            format::plain(value("temperature_c"), 0, "°C"),
            if view.device.has(lem_engine::Channel::Energy) { "yes" } else { "no" }.into(),
        ]
    });
    let headings = ["ID", "NAME", "SOURCE", "KIND", "POWER", "TEMPERATURE", "COUNTER"];
    output::table(&headings, &[4, 5], rows.collect());
    Ok(Ended::Well)
}
