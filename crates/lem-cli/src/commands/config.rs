//! `lem config`: the settings of the project.

use lem_engine::{Engine, Error, ErrorCode, Severity, settings_fields};
use serde_json::json;

use crate::args::{ConfigAction, Global};
use crate::{Ended, output};

pub(crate) fn config(engine: &Engine, global: &Global, action: &ConfigAction) -> Result<Ended, Error> {
    match action {
        ConfigAction::Show => show(engine, global),
        ConfigAction::Get { field } => get(engine, global, field),
        ConfigAction::Set { field, value } => set(engine, global, field, value),
        ConfigAction::Check => check(engine, global),
    }
}

fn show(engine: &Engine, global: &Global) -> Result<Ended, Error> {
    let view = engine.settings()?;
    if global.json {
        output::json(&view);
        return Ok(Ended::Well);
    }
    let rows = settings_fields().iter().filter_map(|field| {
        let found = view.settings.get(field.path)?;
        Some(vec![field.path.into(), found.value.to_string(), found.source.to_string(), field.summary.into()])
    });
    output::table(&["SETTING", "VALUE", "FROM", ""], &[], rows.collect());
    output::diagnostics(&view.diagnostics, true);
    Ok(Ended::Well)
}

fn get(engine: &Engine, global: &Global, field: &str) -> Result<Ended, Error> {
    let view = engine.settings()?;
    let found = view.settings.get(field).ok_or_else(|| {
        Error::new(ErrorCode::BadInput, format!("there is no setting `{field}`"))
            .with_hint("`lem config show` lists all settings")
    })?;
    if global.json {
        output::json(&json!({ "field": field, "value": found.value, "source": found.source }));
    } else {
        output::line(&found.value.to_string());
    }
    output::diagnostics(&view.diagnostics, false);
    Ok(Ended::Well)
}

fn set(engine: &Engine, global: &Global, field: &str, value: &str) -> Result<Ended, Error> {
    let view = engine.settings()?;
    engine.set_setting(&view.text, field, value)?;
    if !global.quiet && !global.json {
        output::line(&format!("{field} is now {value} in {}", view.path));
    }
    if global.json {
        return get(engine, global, field);
    }
    Ok(Ended::Well)
}

fn check(engine: &Engine, global: &Global) -> Result<Ended, Error> {
    let view = engine.settings()?;
    let wrong = view.diagnostics.iter().any(|d| d.severity >= Severity::Warning);
    if global.json {
        output::json(&json!({ "path": view.path, "exists": view.exists, "diagnostics": view.diagnostics }));
    } else {
        output::diagnostics(&view.diagnostics, true);
        match (view.exists, wrong) {
            (false, _) => output::line(&format!("{} does not exist; the defaults are in force", view.path)),
            (true, false) => output::line(&format!("{} is valid", view.path)),
            (true, true) => {}
        }
    }
    Ok(if wrong { Ended::BadInput } else { Ended::Well })
}
