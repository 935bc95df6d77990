//! `lem export`: results for other programs.

use std::io::Write;
use std::path::Path;

use lem_engine::{Engine, Error, Format};

use crate::args::ExportFormat;
use crate::commands::block_on;
use crate::{Ended, output};

pub(crate) fn export(
    engine: &Engine,
    format: ExportFormat,
    file: Option<&Path>,
    campaign: Option<&str>,
) -> Result<Ended, Error> {
    let format = match format {
        ExportFormat::Csv => Format::Csv,
        ExportFormat::Json => Format::Json,
        ExportFormat::Jsonl => Format::Jsonl,
    };
    let bytes = block_on(engine.export(campaign, format))?;
    match file {
        Some(path) => {
            Engine::write_file(path, &bytes)?;
            output::note(&format!("written to {}", path.display()));
        }
        // A reader that has gone wants nothing more.
        None => drop(std::io::stdout().write_all(&bytes)),
    }
    Ok(Ended::Well)
}
