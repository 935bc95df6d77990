//! What the database keeps of a campaign: as it begins, and what earlier sessions did of one that is taken up again.

use std::path::Path;

use lem_campaign::plan::Plan;
use lem_spec::campaign::{Overrides, ResolvedCampaign};
use lem_store::{Diagnostic, Experiment, NewCampaign, PlannedRun, ResultRow, RunStatus, Severity};
use serde::{Deserialize, Serialize};

use crate::clock::unix_ns;
use crate::error::{Error, ErrorCode};
use crate::live::{DoneBefore, DoneCell, RunCellStatus};

/// What the database keeps of a campaign so that it can be resumed as it was planned.
#[derive(Serialize, Deserialize)]
pub(crate) struct Stored {
    pub(crate) plan: Plan,
    pub(crate) campaign: ResolvedCampaign,
}

/// What a reader of the results should know of the campaign: the findings about its files, and about its devices.
pub(crate) fn diagnostics(id: &str, plan: &Plan, unused_gpus: Option<String>) -> Vec<Diagnostic> {
    let of_files = plan.problems.iter().map(|problem| {
        let severity = match problem.severity {
            lem_spec::diagnostic::Severity::Note => Severity::Note,
            lem_spec::diagnostic::Severity::Warning => Severity::Warning,
            lem_spec::diagnostic::Severity::Error => Severity::Error,
        };
        (severity, problem.code.clone(), problem.to_string())
    });
    let of_devices = unused_gpus.map(|message| (Severity::Warning, "gpus_unused".to_owned(), message));
    let stored = |(severity, code, message)| Diagnostic {
        campaign_id: id.to_owned(),
        run_id: None,
        severity,
        code,
        message,
        hint: None,
        at_unix_ns: unix_ns(),
    };
    of_files.chain(of_devices).map(stored).collect()
}

/// A campaign as the database takes it in.
pub(crate) fn new_campaign(
    id: &str,
    file: &Path,
    text: String,
    settings_text: String,
    overrides: &Overrides,
    stored: &Stored,
    environment: serde_json::Value,
) -> Result<NewCampaign, Error> {
    let unwritable =
        |e: serde_json::Error| Error::new(ErrorCode::Machine, format!("the plan cannot be stored: {e}"));
    let plan = &stored.plan;
    let position = |i: usize| u32::try_from(i).unwrap_or(u32::MAX);
    let experiments = plan.experiments.iter().enumerate().map(|(i, experiment)| Experiment {
        position: position(i),
        name: experiment.spec.name.clone(),
        backend: experiment.spec.backend.clone(),
        service: experiment.service.clone(),
        runner: experiment.runner.kind().name().into(),
        model: experiment.spec.model.clone(),
        parameters: serde_json::Value::Object(experiment.spec.parameters.clone()),
    });
    let planned_runs = plan.runs.iter().map(|run| PlannedRun {
        index: position(run.index),
        experiment: position(run.experiment),
        cycle: run.cycle,
        gap_planned_s: run.gap_before_s,
        gap_source: run.gap_source.to_string(),
    });
    Ok(NewCampaign {
        id: id.to_owned(),
        name: plan.name.clone(),
        source_file: Some(file.display().to_string()),
        source_text: Some(text),
        settings_text: Some(settings_text),
        plan: serde_json::to_value(stored).map_err(unwritable)?,
        overrides: serde_json::to_value(overrides).map_err(unwritable)?,
        seed: plan.seed,
        created_unix_ns: unix_ns(),
        environment,
        app_version: env!("CARGO_PKG_VERSION").into(),
        holder_pid: Some(std::process::id()),
        experiments: experiments.collect(),
        planned_runs: planned_runs.collect(),
    })
}

/// What the runs of earlier sessions found out.
pub(crate) fn known_before(plan: &Plan, rows: &[ResultRow]) -> Vec<(usize, f64)> {
    let completed = rows.iter().filter(|row| row.status == RunStatus::Completed);
    completed
        .filter_map(|row| Some((plan.runs.get(row.index as usize)?.experiment, row.joules_per_output_token?)))
        .collect()
}

/// The runs that earlier sessions completed, or that failed there.
pub(crate) fn done_before(rows: Vec<ResultRow>) -> Vec<DoneBefore> {
    let done = |row: ResultRow| {
        let status = match row.status {
            RunStatus::Completed => RunCellStatus::Completed,
            RunStatus::Failed => RunCellStatus::Failed,
            RunStatus::Waiting | RunStatus::Running | RunStatus::Interrupted => return None,
        };
        let cell = DoneCell {
            status,
            run_id: row.run_id,
            energy_j: row.energy_j,
            energy_uncertainty_j: row.energy_uncertainty_j,
            joules_per_output_token: row.joules_per_output_token,
            provenance: row.provenance,
            grade: row.grade,
            error: row.error,
        };
        Some(DoneBefore { index: row.index as usize, cell })
    };
    rows.into_iter().filter_map(done).collect()
}
