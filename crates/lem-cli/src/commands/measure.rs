//! `lem measure -- COMMAND`: the energy of any command.

use lem_engine::{Engine, Error, Measurement};

use crate::args::Global;
use crate::{Ended, format, output};

pub(crate) fn measure(
    engine: &Engine,
    global: &Global,
    interval_ms: u32,
    devices: &[String],
    command: &[String],
) -> Result<Ended, Error> {
    let measured = engine.measure(command, interval_ms, devices)?;
    if global.json {
        output::json_line(&measured);
    } else {
        show(&measured);
    }
    Ok(match (measured.interrupted, measured.exit_code) {
        (true, _) => Ended::Stopped,
        (false, Some(0)) => Ended::Well,
        (false, _) => Ended::RunFailed,
    })
}

fn show(measured: &Measurement) {
    let energy = match (measured.energy_j, &measured.missing_reason) {
        (Some(_), _) => format::si_uncertain(measured.energy_j, measured.uncertainty_j, "J"),
        (None, reason) => format!("{} ({})", format::MISSING, reason.as_deref().unwrap_or("unknown")),
    };
    let mark = measured.provenance.map_or("", |p| lem_engine::provenance_mark(p));
    output::note(&format!("energy    {energy}{mark}  over {}", format::span(measured.duration_s)));
    output::note(&format!("source    {}", measured.energy_source.as_deref().unwrap_or(format::MISSING)));
    for device in &measured.devices {
        let mark = lem_engine::provenance_mark(device.provenance);
        let energy = format!("{}{mark}", format::si(device.energy_j, "J"));
        let power = format!("{}{mark}", format::si(device.mean_power_w, "W"));
        output::note(&format!("device    {energy}, mean {power}  {} ({})", device.name, device.id));
    }
    let sampling = format!(
        "{} samples, interval median {} p99 {}",
        measured.samples,
        format::plain(measured.interval_median_ms, 2, "ms"),
        format::plain(measured.interval_p99_ms, 2, "ms")
    );
    output::note(&format!("sampling  {sampling}"));
    if let Some(code) = measured.exit_code.filter(|code| *code != 0) {
        output::note(&format!("command   ended with exit code {code}"));
    }
}
