//! From a campaign file to a plan.

use std::path::Path;

use lem_campaign::plan::{self, Gaps, Plan};
use lem_spec::campaign::{self, Overrides, ResolvedCampaign, Structure, Thermal};
use lem_spec::diagnostic::{Diagnostic, Severity};
use lem_spec::settings::{BETWEEN_CYCLES_S, BETWEEN_EXPERIMENTS_S};
use lem_spec::source::Resolved;
use serde::Serialize;

use crate::Engine;
use crate::error::{Error, ErrorCode};

/// A plan, or why there is none.
#[derive(Debug, Clone, Serialize)]
pub struct PlanView {
    /// The plan; without experiments and runs when the file cannot be read as a campaign.
    #[serde(flatten)]
    pub plan: Plan,
}

impl PlanView {
    /// Whether it can be run.
    pub fn can_run(&self) -> bool {
        self.plan.problems.iter().all(|problem| problem.severity != Severity::Error)
            && !self.plan.runs.is_empty()
    }
}

/// A campaign that was read, resolved and planned.
pub(crate) struct Prepared {
    pub(crate) campaign: ResolvedCampaign,
    pub(crate) plan: Plan,
    pub(crate) text: String,
}

/// A campaign, or what is wrong with its file.
pub(crate) type Preparation = Result<Prepared, Vec<Diagnostic>>;

impl Engine {
    /// Plans a campaign without running it.
    pub fn plan(&self, file: &Path, overrides: &Overrides) -> Result<PlanView, Error> {
        let plan = match self.prepare(file, overrides)? {
            Ok(prepared) => prepared.plan,
            Err(problems) => without_runs(problems),
        };
        Ok(PlanView { plan })
    }

    /// Reads and plans a campaign. Problems that do not keep it from being planned are among the plan's.
    pub(crate) fn prepare(&self, file: &Path, overrides: &Overrides) -> Result<Preparation, Error> {
        let text = std::fs::read_to_string(file).map_err(|e| Error::file("read", file, &e))?;
        let folder = file.parent().unwrap_or(Path::new(""));
        self.prepare_text(&file.display().to_string(), folder, text, overrides)
    }

    /// The same for a text that is not in a file, or not yet. `shown` names it in findings; names in it are relative to
    /// `folder`.
    pub(crate) fn prepare_text(
        &self,
        shown: &str,
        folder: &Path,
        text: String,
        overrides: &Overrides,
    ) -> Result<Preparation, Error> {
        let settings = self.settings()?;
        let read = |path: &str| {
            let path = folder.join(path);
            std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))
        };
        let (written, problems) = campaign::read(shown, &text, &read);
        let Some(written) = written else {
            return Ok(Err(problems));
        };
        let mut campaign = campaign::resolve(written, overrides, &settings.settings);
        campaign.problems.extend(settings.diagnostics.into_iter().map(harmless));
        let mut plan = plan::plan(&campaign, fresh_seed());
        plan.problems.extend(self.route(&campaign));
        log_gaps(&plan.gaps);
        Ok(Ok(Prepared { campaign, plan, text }))
    }
}

/// A fresh seed fits every reader of JSON: 32 bits.
fn fresh_seed() -> u64 {
    let (high, _) = uuid::Uuid::new_v4().as_u64_pair();
    high >> 32
}

/// The plan of a file that is no campaign: nothing but what is wrong with it.
pub(crate) fn without_runs(problems: Vec<Diagnostic>) -> Plan {
    let gap = Resolved::built_in(0.0);
    Plan {
        name: String::new(),
        seed: 0,
        structure: Structure::default(),
        cycles: 0,
        stopping: None,
        thermal: Thermal::default(),
        baseline: None,
        experiments: Vec::new(),
        gaps: Gaps { between_experiments: gap, between_cycles: gap },
        runs: Vec::new(),
        total_gap_s: 0.0,
        problems,
    }
}

/// A fault in the settings puts defaults in force and stops no campaign.
fn harmless(mut problem: Diagnostic) -> Diagnostic {
    problem.severity = problem.severity.min(Severity::Warning);
    problem
}

/// Unusual gaps change what a campaign measures, so the log says where they come from.
fn log_gaps(gaps: &Gaps) {
    let differs = |gap: Resolved<f64>, usual: f64| (gap.value - usual).abs() > f64::EPSILON;
    let (experiments, cycles) = (gaps.between_experiments, gaps.between_cycles);
    if differs(experiments, BETWEEN_EXPERIMENTS_S) || differs(cycles, BETWEEN_CYCLES_S) {
        tracing::debug!(
            "thermal gaps in force: {} s between experiments ({}), {} s between cycles ({})",
            experiments.value,
            experiments.source,
            cycles.value,
            cycles.source
        );
    }
}

/// The error of a campaign that cannot run, with every reason.
pub(crate) fn refusal(file: &Path, problems: &[Diagnostic]) -> Option<Error> {
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error);
    let sentences: Vec<String> = errors.map(ToString::to_string).collect();
    (!sentences.is_empty()).then(|| {
        let message = format!("{}: the campaign cannot run\n  {}", file.display(), sentences.join("\n  "));
        Error::new(ErrorCode::BadInput, message)
    })
}
