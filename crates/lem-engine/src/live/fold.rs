//! From the facts of a campaign to its state on the screen. Pure: times come in, changed parts come out.

use std::collections::BTreeSet;

use lem_campaign::plan::Plan;
use lem_campaign::run::{CampaignEvent, CampaignStatus, RunOutcome, RunStatus};
use lem_protocol::Phase;

use super::cells::{DoneBefore, cell, finished, number};
use super::rest::Waiting;
use super::so_far::EnergySoFar;
use super::trail::counted;
use super::{
    EndedNow, EndedStatus, LiveCampaign, LiveEvent, LiveGaps, LogKind, LogLine, Now, NowState, RunCell,
    RunCellStatus, SpanKind,
};

/// The moment of a fact: what the pure fold cannot know by itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    /// Now, in seconds of the live clock.
    pub(super) now_s: f64,
    /// Second 0 of the live clock, `CLOCK_MONOTONIC` in nanoseconds.
    pub(super) epoch_ns: i64,
    /// The highest temperature of a device, in degrees Celsius.
    pub(super) hottest_c: Option<f64>,
}

impl Moment {
    fn second(&self, t_ns: i64) -> f64 {
        lem_measure::units::seconds(t_ns - self.epoch_ns)
    }
}

/// A campaign and what is needed to go on folding.
#[derive(Debug)]
pub(super) struct Fold {
    pub(super) campaign: LiveCampaign,
    /// The gaps before the runs that are still to do, by position.
    pub(super) todo_gaps_s: Vec<(u32, f64)>,
    durations_s: Vec<f64>,
    run_started_s: Option<f64>,
    energy: EnergySoFar,
    pub(super) pending_log: Vec<LogLine>,
    now_changed: bool,
    /// The word that numbers were not measured, where that is so.
    mark: &'static str,
}

impl Fold {
    /// A campaign that is about to run.
    pub(super) fn new(id: &str, plan: &Plan, todo: &[usize], done: &[DoneBefore], now_s: f64) -> Self {
        let mut runs: Vec<RunCell> = plan.runs.iter().map(|run| cell(plan, run)).collect();
        for DoneBefore { index, cell } in done {
            if let Some(run) = runs.get_mut(*index) {
                cell.fill(run);
            }
        }
        // What is neither done nor to do was found not to be needed.
        let open: BTreeSet<usize> = todo.iter().copied().collect();
        for (index, run) in runs.iter_mut().enumerate() {
            if run.status == RunCellStatus::Planned && !open.contains(&index) {
                run.status = RunCellStatus::NotNeeded;
            }
        }
        let count = |status| number(runs.iter().filter(|run| run.status == status).count());
        let (completed, failed) = (count(RunCellStatus::Completed), count(RunCellStatus::Failed));
        let now = Now { completed, failed, ..preparing(number(runs.len()), number(todo.len())) };
        let gap = |position: &usize| Some((number(*position), plan.runs.get(*position)?.gap_before_s));
        Self {
            campaign: LiveCampaign {
                id: id.to_owned(),
                name: plan.name.clone(),
                begun_s: now_s,
                runs,
                spans: Vec::new(),
                now,
                log: Vec::new(),
                gaps: LiveGaps {
                    between_experiments: plan.gaps.between_experiments.into(),
                    between_cycles: plan.gaps.between_cycles.into(),
                },
            },
            todo_gaps_s: todo.iter().filter_map(gap).collect(),
            durations_s: Vec::new(),
            run_started_s: None,
            energy: EnergySoFar::default(),
            pending_log: Vec::new(),
            now_changed: false,
            mark: "",
        }
    }

    pub(super) fn campaign(&self) -> &LiveCampaign {
        &self.campaign
    }

    pub(super) fn has_ended(&self) -> bool {
        self.campaign.now.state == NowState::Ended
    }

    /// Takes a fact in, and tells what changed. What comes often (progress, lines, samples) is told at the next
    /// [`Self::tick`].
    pub(super) fn take(&mut self, event: &CampaignEvent, at: &Moment) -> Vec<LiveEvent> {
        match event {
            CampaignEvent::CampaignStarted { devices, .. } => {
                self.mark =
                    devices.iter().map(|device| device.provenance).max().map_or("", crate::provenance_mark);
                self.now_changed = true;
            }
            CampaignEvent::RunBegun { run_id, index, .. } => return self.begin(run_id, *index, at),
            CampaignEvent::GapStarted { planned_s, remaining_s, source, mode, targets, .. } => {
                let (planned_s, remaining_s, mode) = (*planned_s, *remaining_s, *mode);
                return self.wait(&Waiting { planned_s, remaining_s, source, mode, targets }, at);
            }
            CampaignEvent::BaselineStarted { seconds, .. } => return self.rest(*seconds, at),
            CampaignEvent::BaselineTaken { baseline, .. } => {
                let text = format!("bare baseline: {:.1} W{}", baseline.power_w, self.mark);
                self.log(LogKind::Log, text, at);
            }
            CampaignEvent::BaselineDrifted { runs, reason, .. } => {
                let text =
                    format!("{reason}; the adjusted energies of {} are withdrawn", counted(runs.len()));
                self.log(LogKind::Warning, text, at);
            }
            CampaignEvent::NotNeeded { runs, reason } => return self.spare(runs, reason, at),
            CampaignEvent::GapEnded { .. } => return self.waited(at),
            CampaignEvent::RunStarted { .. } => return self.start(at),
            CampaignEvent::PhaseBegun { phase, t_ns, .. } => return self.enter(*phase, *t_ns, at),
            CampaignEvent::PhaseEnded { phase, t_ns, .. } => return self.leave(*phase, *t_ns, at),
            CampaignEvent::Progress { done, total, .. } => {
                self.campaign.now.requests_done = Some(*done);
                self.campaign.now.requests_total = *total;
                self.now_changed = true;
            }
            CampaignEvent::Requests { requests, .. } => {
                let tokens: u32 = requests.iter().map(|request| request.output_tokens).sum();
                let now = &mut self.campaign.now;
                now.output_tokens = Some(now.output_tokens.unwrap_or(0).saturating_add(tokens));
                self.now_changed = true;
            }
            CampaignEvent::Samples { device_id, samples, .. } => self.energy.add(device_id, samples),
            CampaignEvent::Log { line, .. } => self.log(LogKind::Log, line.clone(), at),
            CampaignEvent::Warning { message, .. } => self.log(LogKind::Warning, message.clone(), at),
            CampaignEvent::RunFinished { index, outcome, .. } => return self.finish(*index, outcome, at),
            CampaignEvent::CampaignFinished { status, message, .. } => {
                let status = match status {
                    CampaignStatus::Completed => EndedStatus::Completed,
                    CampaignStatus::Failed => EndedStatus::Failed,
                    CampaignStatus::Interrupted => EndedStatus::Interrupted,
                };
                return self.end(status, message.clone(), None, at);
            }
        }
        Vec::new()
    }

    /// What was put off, at most ten times a second.
    pub(super) fn tick(&mut self, at: &Moment) -> Vec<LiveEvent> {
        if self.campaign.now.phase == Some(Phase::Measure) {
            self.so_far();
            self.now_changed = true;
        }
        let mut news = Vec::new();
        if std::mem::take(&mut self.now_changed) {
            news.push(self.now(at));
        }
        if !self.pending_log.is_empty() {
            news.push(LiveEvent::Log { lines: std::mem::take(&mut self.pending_log) });
        }
        news
    }

    /// A person asked for it.
    pub(super) fn asked(&mut self, pause: Option<bool>, stop: bool, at: &Moment) -> Vec<LiveEvent> {
        let now = &mut self.campaign.now;
        now.pause_asked = pause.unwrap_or(now.pause_asked);
        now.stop_asked |= stop;
        if now.run_index.is_none() && matches!(now.state, NowState::Preparing | NowState::Paused) {
            now.state = if now.pause_asked { NowState::Paused } else { NowState::Preparing };
        }
        vec![self.now(at)]
    }

    /// The campaign is over, well or not.
    pub(super) fn end(
        &mut self,
        status: EndedStatus,
        message: Option<String>,
        hint: Option<String>,
        at: &Moment,
    ) -> Vec<LiveEvent> {
        if let (EndedStatus::Failed, Some(message)) = (status, &message) {
            self.log(LogKind::Error, message.clone(), at);
        }
        let mut news = self.close_spans(at.now_s, |_| true);
        let now = &mut self.campaign.now;
        let kept = preparing(now.total, now.remaining);
        let ended = EndedNow { status, message, hint, at_s: at.now_s };
        *now = Now {
            state: NowState::Ended,
            completed: now.completed,
            failed: now.failed,
            ended: Some(ended),
            ..kept
        };
        news.extend(self.tick(at));
        news.push(self.now(at));
        news.push(LiveEvent::ResultsChanged);
        news
    }

    fn begin(&mut self, run_id: &str, index: usize, at: &Moment) -> Vec<LiveEvent> {
        let Some(cell) = self.campaign.runs.get_mut(index) else { return Vec::new() };
        cell.status = RunCellStatus::Waiting;
        cell.run_id = Some(run_id.to_owned());
        cell.error = None;
        let run = cell.clone();
        let now = &mut self.campaign.now;
        now.run_index = Some(run.index);
        now.run_id = Some(run_id.to_owned());
        now.experiment = Some(run.experiment.clone());
        now.backend = Some(run.backend.clone());
        now.cycle = Some(run.cycle);
        now.state = NowState::Preparing;
        vec![LiveEvent::Run { run }, self.now(at)]
    }

    fn start(&mut self, at: &Moment) -> Vec<LiveEvent> {
        self.run_started_s = Some(at.now_s);
        self.campaign.now.state = NowState::Running;
        self.campaign.now.gap = None;
        let label = self.campaign.now.experiment.clone().unwrap_or_default();
        // That of a baseline is open until here.
        let mut news = self.close_spans(at.now_s, |span| span.kind == SpanKind::Gap);
        news.push(self.open_span(SpanKind::Run, label, at.now_s));
        if let Some(cell) = self.current() {
            cell.status = RunCellStatus::Running;
            news.push(LiveEvent::Run { run: cell.clone() });
        }
        news.push(self.now(at));
        news
    }

    fn enter(&mut self, phase: Phase, t_ns: i64, at: &Moment) -> Vec<LiveEvent> {
        let now = &mut self.campaign.now;
        now.phase = Some(phase);
        (now.requests_done, now.requests_total) = (None, None);
        if phase == Phase::Measure {
            self.energy = EnergySoFar::of_window(t_ns);
        }
        vec![self.open_span(SpanKind::Phase, phase.name().into(), at.second(t_ns)), self.now(at)]
    }

    fn leave(&mut self, phase: Phase, t_ns: i64, at: &Moment) -> Vec<LiveEvent> {
        if phase == Phase::Measure {
            self.so_far();
            self.energy.end();
        }
        self.campaign.now.phase = None;
        let ended_s = at.second(t_ns);
        let mut news = self.close_spans(ended_s, |span| span.kind == SpanKind::Phase);
        news.push(self.now(at));
        news
    }

    fn finish(&mut self, index: usize, outcome: &RunOutcome, at: &Moment) -> Vec<LiveEvent> {
        let duration_s = self.run_started_s.take().map(|started| at.now_s - started);
        self.todo_gaps_s.retain(|(position, _)| *position != number(index));
        let mut news = self.close_spans(at.now_s, |_| true);
        if let Some(failure) = outcome.failure.as_ref().filter(|_| outcome.status == RunStatus::Failed) {
            self.log(LogKind::Error, failure.message.clone(), at);
        }
        if let Some(cell) = self.campaign.runs.get_mut(index) {
            finished(cell, outcome, duration_s);
            news.push(LiveEvent::Run { run: cell.clone() });
        }
        let now = &mut self.campaign.now;
        match outcome.status {
            RunStatus::Completed => {
                now.completed += 1;
                self.durations_s.extend(duration_s);
            }
            RunStatus::Failed => now.failed += 1,
            RunStatus::Interrupted => {}
        }
        if outcome.status != RunStatus::Interrupted {
            now.remaining = now.remaining.saturating_sub(1);
        }
        let waits = now.pause_asked && now.remaining > 0;
        *now = Now {
            state: if waits { NowState::Paused } else { NowState::Preparing },
            pause_asked: now.pause_asked,
            stop_asked: now.stop_asked,
            completed: now.completed,
            failed: now.failed,
            ..preparing(now.total, now.remaining)
        };
        self.energy = EnergySoFar::default();
        news.extend(self.tick(at));
        news.push(self.now(at));
        news.push(LiveEvent::ResultsChanged);
        news
    }

    fn current(&mut self) -> Option<&mut RunCell> {
        let index = self.campaign.now.run_index?;
        self.campaign.runs.get_mut(index as usize)
    }

    fn so_far(&mut self) {
        let now = &mut self.campaign.now;
        now.energy_so_far_j = self.energy.joules();
        let tokens = now.output_tokens.filter(|tokens| *tokens > 0);
        now.joules_per_token_so_far = now.energy_so_far_j.zip(tokens).map(|(j, n)| j / f64::from(n));
    }

    pub(super) fn now(&mut self, at: &Moment) -> LiveEvent {
        self.now_changed = false;
        self.campaign.now.left_s = self.left_s(at.now_s);
        LiveEvent::Now { now: self.campaign.now.clone() }
    }

    /// Gaps still to wait, and the mean duration of the completed runs for each run to come. What has passed of the
    /// present gap or run counts.
    fn left_s(&self, now_s: f64) -> Option<f64> {
        let mean_s = lem_measure::stats::mean(&self.durations_s)?;
        let runs = f64::from(self.campaign.now.remaining);
        let gaps_s: f64 = self.todo_gaps_s.iter().map(|(_, gap_s)| gap_s).sum();
        let begun = self.campaign.now.run_index;
        let own_gap_s = self.todo_gaps_s.iter().find(|(run, _)| Some(*run) == begun).map_or(0.0, |own| own.1);
        let own_left_s = self.campaign.now.gap.as_ref().map_or(0.0, |gap| (gap.until_s - now_s).max(0.0));
        let worked_s = self.run_started_s.map_or(0.0, |started| (now_s - started).min(mean_s));
        (self.campaign.now.state != NowState::Ended)
            .then_some(runs * mean_s - worked_s + gaps_s - own_gap_s + own_left_s)
    }
}

fn preparing(total: u32, remaining: u32) -> Now {
    Now {
        state: NowState::Preparing,
        run_index: None,
        run_id: None,
        experiment: None,
        backend: None,
        cycle: None,
        phase: None,
        gap: None,
        requests_done: None,
        requests_total: None,
        output_tokens: None,
        energy_so_far_j: None,
        joules_per_token_so_far: None,
        pause_asked: false,
        stop_asked: false,
        total,
        completed: 0,
        failed: 0,
        remaining,
        left_s: None,
        ended: None,
    }
}

#[cfg(test)]
#[path = "fold_tests.rs"]
mod tests;
