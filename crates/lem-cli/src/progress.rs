//! What a running campaign shows: bars on a terminal, plain lines elsewhere, JSON lines for programs.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use lem_engine::{CoolTarget, EngineEvent, GapEnd, RunOutcome, RunStatus, ThermalMode};

use crate::{format, output};

/// For people.
pub(crate) struct Progress {
    quiet: bool,
    verbose: bool,
    bar: Option<ProgressBar>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    runs: usize,
    position: usize,
    run: String,
    doing: String,
    power: String,
    /// Names of the devices, with the word that one is not measured.
    devices: Vec<String>,
    mark: &'static str,
    gap_ends: Option<Instant>,
    pace: Option<Pace>,
}

/// How fast runs are done, their gaps included.
struct Pace {
    since: Instant,
    done: u32,
}

impl Progress {
    pub(crate) fn new(quiet: bool, verbose: bool) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let style = ProgressStyle::with_template("{bar:20} {pos}/{len}  {wide_msg}");
            ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        if let Some(bar) = &bar {
            bar.enable_steady_tick(Duration::from_millis(500));
        }
        Self { quiet, verbose, bar, state: Mutex::default() }
    }

    /// Shows one fact.
    pub(crate) fn show(&self, event: &EngineEvent) {
        // A panic elsewhere while showing leaves nothing here that could be wrong.
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(text) = state.take(event, self.verbose) {
            self.say(&text);
        }
        if let Some(bar) = &self.bar {
            bar.set_length(state.runs as u64);
            bar.set_position(state.position as u64);
            bar.set_message(state.message(Instant::now()));
            if matches!(event, EngineEvent::CampaignFinished { .. }) {
                bar.finish_and_clear();
            }
        }
    }

    fn say(&self, text: &str) {
        match &self.bar {
            _ if self.quiet => {}
            Some(bar) => bar.println(text),
            None => output::note(text),
        }
    }
}

impl State {
    /// What happens now, and how long it may take.
    fn message(&self, now: Instant) -> String {
        let doing = match self.gap_ends {
            Some(ends) => {
                let left = ends.saturating_duration_since(now);
                format!("thermal gap, {} left", format::span(left.as_secs_f64().ceil()))
            }
            None => self.doing.clone(),
        };
        format!("{}: {doing}{}{}", self.run, self.power, self.time_left(now))
    }

    /// The time left at the pace so far; nothing before the first run is done.
    fn time_left(&self, now: Instant) -> String {
        let Some(pace) = self.pace.as_ref().filter(|pace| pace.done > 0) else { return String::new() };
        let each = now.saturating_duration_since(pace.since) / pace.done;
        let left =
            each.saturating_mul(u32::try_from(self.runs.saturating_sub(self.position)).unwrap_or(u32::MAX));
        format!(", about {} to go", format::span(left.as_secs_f64()))
    }

    /// Takes in a fact; gives the line to say about it, if it deserves one.
    fn take(&mut self, event: &EngineEvent, verbose: bool) -> Option<String> {
        match event {
            EngineEvent::CampaignStarted { name, runs, remaining, devices, campaign_id } => {
                (self.runs, self.position) = (*runs, runs - remaining);
                self.mark =
                    devices.iter().map(|d| d.provenance).max().map_or("", lem_engine::provenance_mark);
                self.pace = Some(Pace { since: Instant::now(), done: 0 });
                self.devices = devices
                    .iter()
                    .map(|d| format!("{}{}", d.name, lem_engine::provenance_mark(d.provenance)))
                    .collect();
                Some(format!(
                    "{name} ({campaign_id}): {remaining} of {} to do, measuring {}",
                    format::counted(*runs, "run"),
                    self.devices.join(", ")
                ))
            }
            EngineEvent::RunBegun { index, cycle, experiment, .. } => {
                self.run = format!("run {}, cycle {cycle}, {experiment}", index + 1);
                self.doing = "starting".into();
                None
            }
            EngineEvent::GapStarted { remaining_s, source, mode, targets, .. } => {
                let gap = Duration::try_from_secs_f64(*remaining_s).ok();
                self.gap_ends = gap.and_then(|gap| Instant::now().checked_add(gap));
                let most = if *mode == ThermalMode::Adaptive { "at most " } else { "" };
                let cool = waits_for(targets, &self.devices);
                Some(format!("  gap {most}{} ({source}){cool}", format::span(*remaining_s)))
            }
            EngineEvent::BaselineStarted { seconds, .. } => {
                self.gap_ends = None;
                self.doing = format!("baseline, {}", format::span(*seconds));
                None
            }
            EngineEvent::BaselineTaken { baseline, .. } => {
                let power = format::si(Some(baseline.power_w), "W");
                Some(format!("  {} baseline {power}{}", baseline.kind.name(), self.mark))
            }
            EngineEvent::BaselineDrifted { runs, reason, .. } => Some(format!(
                "  warning: {reason}; the adjusted energies of {} are withdrawn",
                format::counted(runs.len(), "run")
            )),
            EngineEvent::NotNeeded { runs, reason } => {
                self.position += runs.len();
                Some(format!("  {} not needed: {reason}", format::counted(runs.len(), "run")))
            }
            EngineEvent::GapEnded { because, .. } => {
                self.gap_ends = None;
                (*because == GapEnd::Skipped).then(|| "  gap skipped".into())
            }
            EngineEvent::PhaseBegun { phase, .. } => {
                phase.name().clone_into(&mut self.doing);
                verbose.then(|| format!("  {}", phase.name()))
            }
            EngineEvent::Samples { power_w: Some(power), .. } => {
                self.power = format!(", {}{}", format::si(Some(*power), "W"), self.mark);
                None
            }
            EngineEvent::Log { line, .. } => verbose.then(|| format!("  | {line}")),
            EngineEvent::Warning { message, .. } => Some(format!("  warning: {message}")),
            EngineEvent::RunFinished { index, experiment, outcome, .. } => {
                let done = outcome.status != RunStatus::Interrupted;
                self.position += usize::from(done);
                if let Some(pace) = &mut self.pace {
                    pace.done += u32::from(done);
                }
                Some(finished(*index, self.runs, experiment, outcome))
            }
            _ => None,
        }
    }
}

/// What a gap waits for, behind its length; nothing of one that waits for no temperature.
fn waits_for(targets: &[Option<CoolTarget>], devices: &[String]) -> String {
    let cool: Vec<String> = targets
        .iter()
        .zip(devices)
        .filter_map(|(target, device)| Some((target.as_ref()?, device)))
        .map(|(target, device)| format!("{device} at {} °C or less", target.cool_at_c))
        .collect();
    if cool.is_empty() { String::new() } else { format!(", until {}", cool.join(", ")) }
}

fn finished(index: usize, runs: usize, experiment: &str, outcome: &RunOutcome) -> String {
    let head = format!("run {} of {runs} {experiment}", index + 1);
    if let Some(failure) = &outcome.failure {
        return format!("{head}: {}: {}", outcome.status.name(), failure.message);
    }
    let mark = outcome.provenance.map_or("", lem_engine::provenance_mark);
    let energy = format::si(outcome.energy.map(|e| e.energy.0), "J");
    let window_s = outcome.window_ns.map_or(0.0, |(start, end)| lem_engine::seconds(end - start));
    let grade = outcome
        .quality
        .as_ref()
        .map_or_else(String::new, |report| format!(", grade {}", report.grade.name()));
    format!("{head}: {energy}{mark} in {}{grade}", format::span(window_s))
}

/// For programs: each fact as a line of JSON on standard output. Readings are thinned to one a second and device.
#[derive(Default)]
pub(crate) struct JsonLines {
    shown: Mutex<HashMap<String, i64>>,
}

/// Time between two readings of one device in JSON lines.
const THIN_NS: i64 = 1_000_000_000;

impl JsonLines {
    /// Shows one fact.
    pub(crate) fn show(&self, event: &EngineEvent) {
        if let EngineEvent::Samples { device_id, samples, .. } = event {
            let Some(last) = samples.last() else { return };
            let mut shown = self.shown.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let before = shown.get(device_id).copied().unwrap_or(i64::MIN);
            if last.t_ns.saturating_sub(before) < THIN_NS {
                return;
            }
            shown.insert(device_id.clone(), last.t_ns);
        }
        output::json_line(event);
    }
}
