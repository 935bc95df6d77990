//! The loop over the runs of a campaign.

use lem_measure::DeviceInfo;
use serde::Serialize;

use super::around::{Around, Owner, Surroundings};
use super::attempt;
use super::baseline::Bare;
use super::control::Control;
use super::enough::{Known, Spared};
use super::event::{CampaignEvent, CampaignStatus, GapEnd};
use super::gap::{Gap, Thermals};
use super::outcome::{RunOutcome, RunStatus};
use super::recording::Recording;
use super::traits::{Clock, Journal, JournalError, Meters, MetersError, Workers};
use crate::plan::Plan;

/// What is to be run.
pub struct Campaign<'a> {
    /// Identifies the campaign.
    pub id: String,
    /// Its plan.
    pub plan: &'a Plan,
    /// Positions in `plan.runs` still to do, in order.
    pub todo: Vec<usize>,
    /// When the last run ended, on the monotonic clock; a campaign that is resumed waits out the rest of its gap.
    pub last_run_ended_ns: Option<i64>,
    /// What earlier sessions found out: position of the experiment in `plan.experiments`, and joules per output token.
    pub known: Vec<(usize, f64)>,
}

/// Bounds on what a worker may do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// A run may take this long, in seconds.
    pub run_timeout_s: Option<f64>,
    /// A worker may say nothing for this long, in seconds.
    pub silence_timeout_s: f64,
    /// The campaign ends after this many failures in a row.
    pub max_consecutive_failures: u32,
}

/// Everything outside that a campaign uses.
pub struct Rig<'a> {
    /// Time.
    pub clock: &'a dyn Clock,
    /// Where facts become durable.
    pub journal: &'a dyn Journal,
    /// Hears of facts that have become durable. Must not block.
    pub show: &'a (dyn Fn(&CampaignEvent) + Send + Sync),
    /// Starts workers.
    pub workers: &'a dyn Workers,
    /// Opens meters.
    pub meters: &'a dyn Meters,
    /// Looks at what is around a run.
    pub surroundings: &'a dyn Surroundings,
    /// Makes ids of runs.
    pub new_id: &'a (dyn Fn() -> String + Send + Sync),
    /// Sampling interval in milliseconds.
    pub interval_ms: u32,
    /// Bounds on workers.
    pub limits: Limits,
}

impl Rig<'_> {
    /// Makes a fact durable, then shows it.
    pub(super) async fn tell(&self, event: CampaignEvent) -> Result<(), RunError> {
        self.journal.record(&event).await?;
        (self.show)(&event);
        Ok(())
    }

    pub(super) async fn warn(&self, run_id: &str, message: String) -> Result<(), RunError> {
        self.tell(CampaignEvent::Warning { run_id: run_id.into(), message }).await
    }
}

/// Why a campaign could not go on. What was journalled before is safe, and the campaign can be resumed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A fact could not be made durable.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The meters could not be opened at the start.
    #[error(transparent)]
    Meters(#[from] MetersError),
    /// The sampler's thread could not be started.
    #[error("sampling cannot start: {0}")]
    Sampler(String),
}

/// What came of a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Identifies the campaign.
    pub campaign_id: String,
    /// How it ended.
    pub status: CampaignStatus,
    /// Runs completed in this session.
    pub completed: usize,
    /// Runs failed in this session.
    pub failed: usize,
    /// Planned runs not done because their experiment is known well enough.
    pub not_needed: usize,
    /// Planned runs not done.
    pub remaining: usize,
    /// Why it ended early.
    pub message: Option<String>,
}

/// Runs a campaign to its end, its stop, or too many failures in a row.
pub async fn run(campaign: &Campaign<'_>, rig: &Rig<'_>, control: &Control) -> Result<Summary, RunError> {
    let mut recording = Recording::open(rig)?;
    rig.tell(CampaignEvent::CampaignStarted {
        campaign_id: campaign.id.clone(),
        name: campaign.plan.name.clone(),
        runs: campaign.plan.runs.len(),
        remaining: campaign.todo.len(),
        devices: recording.devices().to_vec(),
    })
    .await?;
    let mut progress = Progress::new(campaign);
    let mut rest = AtRest::new(campaign.plan, recording.devices());
    let mut known = Known::new(campaign.plan, &campaign.known);
    for position in &campaign.todo {
        tokio::select! {
            () = control.stopped() => {}
            () = control.not_paused() => {}
        }
        if control.is_stopped() || progress.has_failed(rig.limits) {
            break;
        }
        if !known.needs(*position) {
            continue;
        }
        if recording.lost().is_some() {
            recording.reopen();
        }
        let outcome =
            one_run(campaign, *position, progress.last_run_ended_ns, &mut rest, rig, control, &mut recording)
                .await?;
        progress.count(&outcome, rig);
        if let Some(Spared { runs, reason }) = known.add(*position, &outcome, &campaign.todo) {
            progress.not_needed = known.spared();
            rig.tell(CampaignEvent::NotNeeded { runs, reason }).await?;
        }
    }
    let summary = progress.summary(&campaign.id, control, rig.limits);
    rig.tell(CampaignEvent::CampaignFinished {
        campaign_id: campaign.id.clone(),
        status: summary.status,
        completed: summary.completed,
        failed: summary.failed,
        not_needed: summary.not_needed,
        remaining: summary.remaining,
        message: summary.message.clone(),
    })
    .await?;
    Ok(summary)
}

/// What is known of the devices, from run to run.
pub(super) struct AtRest {
    pub(super) thermals: Thermals,
    pub(super) bare: Bare,
    /// The ids of the devices that the campaign began with.
    pub(super) devices: Vec<String>,
    /// How the last gap ended.
    pub(super) gap: GapEnd,
    /// What was around the run that comes next.
    pub(super) around: Around,
    /// Temperatures at the start of the first run.
    pub(super) first_start_c: Option<Vec<Option<f64>>>,
}

impl AtRest {
    fn new(plan: &Plan, devices: &[DeviceInfo]) -> Self {
        let thermals = Thermals::new(plan.thermal);
        let bare = Bare::new(plan.baseline, thermals.stay_hot());
        let devices = devices.iter().map(|device| device.id.clone()).collect();
        let around = Around::default();
        Self { thermals, bare, devices, gap: GapEnd::None, around, first_start_c: None }
    }
}

async fn one_run(
    campaign: &Campaign<'_>,
    position: usize,
    last_run_ended_ns: Option<i64>,
    rest: &mut AtRest,
    rig: &Rig<'_>,
    control: &Control,
    recording: &mut Recording<'_>,
) -> Result<RunOutcome, RunError> {
    let planned = &campaign.plan.runs[position];
    let experiment = &campaign.plan.experiments[planned.experiment];
    let run_id = (rig.new_id)();
    rig.tell(CampaignEvent::RunBegun {
        run_id: run_id.clone(),
        index: planned.index,
        cycle: planned.cycle,
        experiment: experiment.spec.name.clone(),
        gap_planned_s: planned.gap_before_s,
    })
    .await?;
    recording.begin_run(&run_id);
    let gap = Gap {
        run_id: &run_id,
        planned_s: planned.gap_before_s,
        source: planned.gap_source.to_string(),
        since_ns: last_run_ended_ns,
    };
    rest.gap = rest.thermals.wait(gap, rig, control, recording).await?;
    if rest.gap != GapEnd::Stopped {
        let before = recording.during(rig.surroundings.look(planned, Owner::default())).await?;
        rest.bare.prepare(&run_id, before.busy(), rig, control, recording).await?;
        rest.around = Around { before, ..Around::default() };
    }
    let outcome = if control.is_stopped() {
        RunOutcome::stopped_while_waiting()
    } else {
        attempt::run(campaign, planned, &run_id, rest, rig, control, recording).await?
    };
    recording.flush().await?;
    rig.tell(CampaignEvent::RunFinished {
        run_id,
        index: planned.index,
        experiment: experiment.spec.name.clone(),
        outcome: Box::new(outcome.clone()),
    })
    .await?;
    Ok(outcome)
}

/// What a campaign has done so far.
struct Progress {
    completed: usize,
    failed: usize,
    in_a_row: u32,
    todo: usize,
    not_needed: usize,
    last_run_ended_ns: Option<i64>,
    last_failure: Option<String>,
}

impl Progress {
    fn new(campaign: &Campaign<'_>) -> Self {
        Self {
            completed: 0,
            failed: 0,
            in_a_row: 0,
            todo: campaign.todo.len(),
            not_needed: 0,
            last_run_ended_ns: campaign.last_run_ended_ns,
            last_failure: None,
        }
    }

    fn count(&mut self, outcome: &RunOutcome, rig: &Rig<'_>) {
        match outcome.status {
            RunStatus::Completed => {
                self.completed += 1;
                self.in_a_row = 0;
            }
            RunStatus::Failed => {
                self.failed += 1;
                self.in_a_row += 1;
                self.last_failure = outcome.failure.as_ref().map(|failure| failure.message.clone());
            }
            RunStatus::Interrupted => {}
        }
        self.last_run_ended_ns = Some(rig.clock.now_ns());
    }

    fn has_failed(&self, limits: Limits) -> bool {
        self.in_a_row >= limits.max_consecutive_failures
    }

    fn summary(self, campaign_id: &str, control: &Control, limits: Limits) -> Summary {
        let remaining = self.todo - self.completed - self.failed - self.not_needed;
        let (status, message) = if remaining == 0 {
            (CampaignStatus::Completed, None)
        } else if self.has_failed(limits) && !control.is_stopped() {
            let last = self.last_failure.as_deref().unwrap_or("unknown");
            (
                CampaignStatus::Failed,
                Some(format!("{} runs failed in a row; the last: {last}", self.in_a_row)),
            )
        } else {
            (CampaignStatus::Interrupted, Some("the campaign was stopped; it can be resumed".into()))
        };
        let campaign_id = campaign_id.to_owned();
        Summary {
            campaign_id,
            status,
            completed: self.completed,
            failed: self.failed,
            not_needed: self.not_needed,
            remaining,
            message,
        }
    }
}
