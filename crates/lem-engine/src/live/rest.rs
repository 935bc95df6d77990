//! Between runs: gaps, baselines, and runs that are not needed, as they change the state on the screen.

use std::collections::BTreeSet;

use lem_campaign::run::CoolTarget;
use lem_spec::campaign::ThermalMode;

use super::cells::number;
use super::fold::{Fold, Moment};
use super::trail::counted;
use super::{GapNow, GapPurpose, LiveEvent, LogKind, NowState, RunCellStatus, SpanKind};

/// A gap that begins.
pub(super) struct Waiting<'a> {
    pub(super) planned_s: f64,
    pub(super) remaining_s: f64,
    pub(super) source: &'a str,
    pub(super) mode: ThermalMode,
    pub(super) targets: &'a [Option<CoolTarget>],
}

impl Fold {
    pub(super) fn wait(&mut self, waiting: &Waiting<'_>, at: &Moment) -> Vec<LiveEvent> {
        let Waiting { planned_s, remaining_s, source, mode, targets } = *waiting;
        let now = &mut self.campaign.now;
        now.state = NowState::Gap;
        now.gap = Some(GapNow {
            started_s: at.now_s,
            until_s: at.now_s + remaining_s,
            planned_s,
            source_text: source.to_owned(),
            start_temperature_c: at.hottest_c,
            purpose: match mode {
                ThermalMode::Adaptive => GapPurpose::Cool,
                ThermalMode::Fixed | ThermalMode::Hot => GapPurpose::Wait,
            },
            targets: targets.to_vec(),
        });
        vec![self.open_span(SpanKind::Gap, "gap".into(), at.now_s), self.now(at)]
    }

    /// The devices are recorded at rest.
    pub(super) fn rest(&mut self, seconds: f64, at: &Moment) -> Vec<LiveEvent> {
        let mut news = self.close_spans(at.now_s, |span| span.kind == SpanKind::Gap);
        let now = &mut self.campaign.now;
        now.state = NowState::Gap;
        now.gap = Some(GapNow {
            started_s: at.now_s,
            until_s: at.now_s + seconds,
            planned_s: seconds,
            source_text: "measurement.baseline".into(),
            start_temperature_c: at.hottest_c,
            purpose: GapPurpose::Baseline,
            targets: Vec::new(),
        });
        news.extend([self.open_span(SpanKind::Gap, "baseline".into(), at.now_s), self.now(at)]);
        news
    }

    /// Runs that need not be done.
    pub(super) fn spare(&mut self, runs: &[usize], reason: &str, at: &Moment) -> Vec<LiveEvent> {
        let spared: BTreeSet<u32> = runs.iter().map(|run| number(*run)).collect();
        self.todo_gaps_s.retain(|(position, _)| !spared.contains(position));
        let now = &mut self.campaign.now;
        now.remaining = now.remaining.saturating_sub(number(runs.len()));
        self.log(LogKind::Log, format!("{} not needed: {reason}", counted(runs.len())), at);
        let mut news = Vec::new();
        for run in runs {
            if let Some(cell) = self.campaign.runs.get_mut(*run) {
                cell.status = RunCellStatus::NotNeeded;
                news.push(LiveEvent::Run { run: cell.clone() });
            }
        }
        news.push(self.now(at));
        news
    }

    pub(super) fn waited(&mut self, at: &Moment) -> Vec<LiveEvent> {
        self.campaign.now.gap = None;
        self.campaign.now.state = NowState::Preparing;
        let mut news = self.close_spans(at.now_s, |span| span.kind == SpanKind::Gap);
        news.push(self.now(at));
        news
    }
}
