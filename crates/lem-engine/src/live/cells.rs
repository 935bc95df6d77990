//! The cells of planned runs: before they are begun, after they have ended, and as earlier sessions left them.

use lem_campaign::plan::Plan;
use lem_campaign::run::{RunOutcome, RunStatus};
use lem_measure::Provenance;
use lem_measure::quality::Grade;

use super::{RunCell, RunCellStatus};

/// What a planned run came to before the campaign was taken up here.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DoneBefore {
    pub(crate) index: usize,
    pub(crate) cell: DoneCell,
}

/// The results of such a run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DoneCell {
    pub(crate) status: RunCellStatus,
    pub(crate) run_id: String,
    pub(crate) energy_j: Option<f64>,
    pub(crate) energy_uncertainty_j: Option<f64>,
    pub(crate) joules_per_output_token: Option<f64>,
    pub(crate) provenance: Option<Provenance>,
    pub(crate) grade: Option<Grade>,
    pub(crate) error: Option<String>,
}

impl DoneCell {
    pub(super) fn fill(&self, run: &mut RunCell) {
        run.status = self.status;
        run.run_id = Some(self.run_id.clone());
        run.energy_j = self.energy_j;
        run.energy_uncertainty_j = self.energy_uncertainty_j;
        run.joules_per_output_token = self.joules_per_output_token;
        run.provenance = self.provenance;
        run.grade = self.grade;
        run.error.clone_from(&self.error);
    }
}

/// A run that was not begun.
pub(super) fn cell(plan: &Plan, run: &lem_campaign::plan::PlannedRun) -> RunCell {
    let experiment = &plan.experiments[run.experiment].spec;
    RunCell {
        index: number(run.index),
        experiment: experiment.name.clone(),
        backend: experiment.backend.clone(),
        model: experiment.model.clone(),
        cycle: run.cycle,
        status: RunCellStatus::Planned,
        run_id: None,
        energy_j: None,
        energy_uncertainty_j: None,
        joules_per_output_token: None,
        provenance: None,
        grade: None,
        duration_s: None,
        error: None,
        gap_before_s: run.gap_before_s,
    }
}

/// What a run came to.
pub(super) fn finished(cell: &mut RunCell, outcome: &RunOutcome, duration_s: Option<f64>) {
    cell.status = match outcome.status {
        RunStatus::Completed => RunCellStatus::Completed,
        RunStatus::Failed => RunCellStatus::Failed,
        RunStatus::Interrupted => RunCellStatus::Interrupted,
    };
    let energy = outcome.energy.as_ref();
    cell.energy_j = energy.map(|estimate| estimate.energy.0);
    cell.energy_uncertainty_j = energy.map(|estimate| estimate.uncertainty.0);
    let tokens = outcome.result.as_ref().map(|result| result.output_tokens).filter(|tokens| *tokens > 0);
    #[expect(clippy::cast_precision_loss, reason = "counts of tokens stay far below 2^53")]
    let per_token = cell.energy_j.zip(tokens).map(|(joules, tokens)| joules / tokens as f64);
    cell.joules_per_output_token = per_token;
    cell.provenance = outcome.provenance;
    cell.grade = outcome.quality.as_ref().map(|report| report.grade);
    cell.duration_s = duration_s;
    cell.error = outcome.failure.as_ref().map(|failure| failure.message.clone());
}

pub(super) fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
