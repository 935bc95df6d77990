//! What a running campaign shows: bars on a terminal, plain lines elsewhere, JSON lines for programs.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use lem_engine::{EngineEvent, GapEnd, RunOutcome, RunStatus};

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
    present: String,
    power: String,
}

impl Progress {
    pub(crate) fn new(quiet: bool, verbose: bool) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let style = ProgressStyle::with_template("{bar:24} {pos}/{len}  {msg}  left about {eta}");
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
            bar.set_message(format!("{}{}", state.present, state.power));
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
    /// Takes in a fact; gives the line to say about it, if it deserves one.
    fn take(&mut self, event: &EngineEvent, verbose: bool) -> Option<String> {
        match event {
            EngineEvent::CampaignStarted { name, runs, remaining, devices, campaign_id } => {
                (self.runs, self.position) = (*runs, runs - remaining);
                let devices: Vec<String> = devices
                    .iter()
                    .map(|d| format!("{}{}", d.name, lem_engine::provenance_mark(d.provenance)))
                    .collect();
                Some(format!(
                    "{name} ({campaign_id}): {remaining} of {runs} runs to do, measuring {}",
                    devices.join(", ")
                ))
            }
            EngineEvent::RunBegun { index, cycle, experiment, .. } => {
                self.present = format!("{experiment} (run {}, cycle {cycle})", index + 1);
                None
            }
            EngineEvent::GapStarted { remaining_s, source, .. } => {
                self.present.push_str(": thermal gap");
                Some(format!("  gap {} ({source})", format::span(*remaining_s)))
            }
            EngineEvent::GapEnded { because: GapEnd::Skipped, .. } => Some("  gap skipped".into()),
            EngineEvent::PhaseBegun { phase, .. } => {
                let run = self.present.split(": ").next().unwrap_or_default();
                self.present = format!("{run}: {}", phase.name());
                verbose.then(|| format!("  {}", phase.name()))
            }
            EngineEvent::Samples { power_w: Some(power), .. } => {
                self.power = format!(", {}", format::si(Some(*power), "W"));
                None
            }
            EngineEvent::Log { line, .. } => verbose.then(|| format!("  | {line}")),
            EngineEvent::Warning { message, .. } => Some(format!("  warning: {message}")),
            EngineEvent::RunFinished { index, experiment, outcome, .. } => {
                self.position += usize::from(outcome.status != RunStatus::Interrupted);
                Some(finished(*index, self.runs, experiment, outcome))
            }
            _ => None,
        }
    }
}

fn finished(index: usize, runs: usize, experiment: &str, outcome: &RunOutcome) -> String {
    let head = format!("run {} of {runs} {experiment}", index + 1);
    match (&outcome.failure, outcome.status) {
        (Some(failure), status) => format!("{head}: {}: {}", status.name(), failure.message),
        (None, _) => {
            let mark = outcome.provenance.map_or("", lem_engine::provenance_mark);
            let energy = format::si(outcome.energy.map(|e| e.energy.0), "J");
            let window_s = outcome.window_ns.map_or(0.0, |(start, end)| lem_engine::seconds(end - start));
            format!("{head}: {energy}{mark} in {}", format::span(window_s))
        }
    }
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
