//! `lem worker check -- COMMAND`: whether a program keeps the rules of a worker.

use std::time::Duration;

use lem_engine::{CheckStatus, Engine, Error, WorkerTrial};

use crate::args::{Global, WorkerAction};
use crate::commands::block_on;
use crate::{Ended, output};

pub(crate) fn check(engine: &Engine, global: &Global, action: WorkerAction) -> Result<Ended, Error> {
    let WorkerAction::Check { model, backend, requests, output_tokens, patience, command } = action;
    let patience = Duration::from_secs(patience);
    let trial = WorkerTrial { command, backend, model, requests, output_tokens, patience };
    let report = block_on(async { Ok(engine.check_worker(&trial).await) })?;
    if global.json {
        output::json(&report);
    } else {
        for check in &report.checks {
            let mark = if check.status == CheckStatus::Failed { "FAIL" } else { "ok  " };
            output::line(&format!("{mark}  {:<32} {}", check.name, check.message));
            if let Some(remedy) = &check.remedy {
                output::line(&format!("      {:<32} -> {remedy}", ""));
            }
        }
        output::line("");
        output::line(if report.conforms {
            "It keeps the rules of a worker."
        } else {
            "It is no worker yet: mend what failed. docs/workers.md has the rules."
        });
    }
    Ok(if report.conforms { Ended::Well } else { Ended::RunFailed })
}
