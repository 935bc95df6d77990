//! The rules of a conversation: whether what a worker says makes sense, event after event. Pure: no clock, no I/O.
//!
//! 1. `hello` comes first, once, with the protocol version of this crate.
//! 2. Times never decrease.
//! 3. The phases `context`, `load`, `idle`, `warmup`, `measure`, `unload` come in this order, each at most once, each begun
//!    and ended before the next begins. Only `measure` is required for a result. Its window has a length.
//! 4. `progress` belongs to an open phase, `request` to `measure`; `warning` may stand anywhere after `hello`. A request
//!    that says when it was given to the engine began in `measure`, or, where a part of it fell into `measure`, after the
//!    model was loaded and idle; and it had its latency by the time of its event.
//! 5. `result` is the last event of a run that succeeded. It follows the end of `measure`, and the end of `unload` where
//!    there is one. When requests were reported, its totals are the sums of what of them fell into `measure`, and of
//!    what the unfinished ones add.
//! 6. `error` is the last event of a run that failed. It may come at any point after `hello`, in an open phase too.
//!
//! A violation means that the numbers of the run cannot be believed. What a worker might do wrong without lying, such as
//! a line that is not JSON, is [`crate::framing`]'s subject.

mod request;
#[cfg(test)]
mod tests;
mod violation;

use std::collections::HashSet;

use crate::PROTOCOL_VERSION;
use crate::event::{Event, EventLine, Phase, PhaseEdge, WorkerResult};
pub use violation::Violation;

/// The most requests that one run may report: beyond any campaign, and a bound on the memory that a worker can claim.
pub const MAX_REQUESTS: u32 = 10_000_000;

/// The most tokens that one request may claim: far beyond the context of any model.
pub const MAX_TOKENS: u32 = 100_000_000;

/// The state of one conversation with a worker.
#[derive(Debug, Default)]
pub struct Conversation {
    expected_requests: Option<u32>,
    greeted: bool,
    last_t_ns: i64,
    open: Option<(Phase, i64)>,
    last_phase: Option<Phase>,
    /// Since when there may be requests.
    ready_ns: i64,
    window: Option<(i64, i64)>,
    indices: HashSet<u32>,
    input_tokens: u64,
    output_tokens: u64,
    end: Option<&'static str>,
}

impl Conversation {
    /// A conversation that has not begun.
    pub fn new() -> Self {
        Self::default()
    }

    /// A conversation about a run of `sample_size` requests: no more and no fewer are believed.
    pub fn expecting(sample_size: u32) -> Self {
        Self { expected_requests: Some(sample_size), ..Self::default() }
    }

    /// Takes the next event. A violation leaves the state as it was; the run should end there.
    pub fn accept(&mut self, line: &EventLine) -> Result<(), Violation> {
        self.check_order(line)?;
        match &line.event {
            Event::Hello { protocol, .. } => self.accept_hello(*protocol, line.t_ns)?,
            Event::Phase { phase, edge: PhaseEdge::Begin } => self.accept_begin(*phase, line.t_ns)?,
            Event::Phase { phase, edge: PhaseEdge::End } => self.accept_end(*phase, line.t_ns)?,
            Event::Progress { done, total } => self.check_progress(*done, *total)?,
            Event::Request(request) => self.accept_request(request, line.t_ns)?,
            Event::Warning { .. } => {}
            Event::Result(result) => self.accept_result(result)?,
            Event::Error { .. } => self.end = Some("error"),
        }
        self.last_t_ns = line.t_ns;
        Ok(())
    }

    /// To be called when the worker's output has ended: it must have ended with a result or an error.
    pub fn finish(&self) -> Result<(), Violation> {
        match (self.end, self.greeted) {
            (Some(_), _) => Ok(()),
            (None, false) => Err(Violation::EndedWithoutHello),
            (None, true) => {
                Err(Violation::EndedWithoutResult { open: self.open.map(|(phase, _)| phase.name()) })
            }
        }
    }

    /// The measurement window as begin and end in `CLOCK_MONOTONIC` nanoseconds, once it has ended.
    pub fn window(&self) -> Option<(i64, i64)> {
        self.window
    }

    /// The phase that is open.
    pub fn open_phase(&self) -> Option<Phase> {
        self.open.map(|(phase, _)| phase)
    }

    fn check_order(&self, line: &EventLine) -> Result<(), Violation> {
        let event = line.event.name();
        if let Some(last) = self.end {
            return Err(Violation::AfterTheEnd { event, last });
        }
        if !self.greeted && !matches!(line.event, Event::Hello { .. }) {
            return Err(Violation::NoHello { event });
        }
        if line.t_ns < self.last_t_ns {
            return Err(Violation::TimeWentBack { event, t_ns: line.t_ns, last_t_ns: self.last_t_ns });
        }
        Ok(())
    }

    fn accept_hello(&mut self, protocol: u32, t_ns: i64) -> Result<(), Violation> {
        if self.greeted {
            return Err(Violation::SecondHello);
        }
        if protocol != PROTOCOL_VERSION {
            return Err(Violation::WrongProtocol { protocol });
        }
        self.greeted = true;
        self.ready_ns = t_ns;
        Ok(())
    }

    fn accept_begin(&mut self, phase: Phase, t_ns: i64) -> Result<(), Violation> {
        if let Some((open, _)) = self.open {
            return Err(Violation::NestedPhase { phase: phase.name(), open: open.name() });
        }
        if let Some(last) = self.last_phase.filter(|&last| phase <= last) {
            return Err(Violation::PhaseOutOfOrder { phase: phase.name(), last: last.name() });
        }
        self.open = Some((phase, t_ns));
        self.last_phase = Some(phase);
        Ok(())
    }

    fn accept_end(&mut self, phase: Phase, t_ns: i64) -> Result<(), Violation> {
        let Some((open, begin_ns)) = self.open.filter(|&(open, _)| open == phase) else {
            let open = self.open.map_or("none", |(open, _)| open.name());
            return Err(Violation::PhaseNotOpen { phase: phase.name(), open });
        };
        if open == Phase::Measure {
            if t_ns <= begin_ns {
                return Err(Violation::EmptyWindow { t_ns });
            }
            self.window = Some((begin_ns, t_ns));
        }
        if open < Phase::Warmup {
            self.ready_ns = t_ns;
        }
        self.open = None;
        Ok(())
    }

    fn check_progress(&self, done: u32, total: Option<u32>) -> Result<(), Violation> {
        if self.open.is_none() {
            return Err(Violation::ProgressOutsidePhase);
        }
        match total {
            Some(total) if done > total => Err(Violation::ProgressBeyondTotal { done, total }),
            _ => Ok(()),
        }
    }

    fn accept_result(&mut self, result: &WorkerResult) -> Result<(), Violation> {
        if let Some((open, _)) = self.open {
            return Err(Violation::ResultInsidePhase { open: open.name() });
        }
        if self.window.is_none() {
            return Err(Violation::ResultWithoutMeasure);
        }
        self.check_totals(result)?;
        self.end = Some("result");
        Ok(())
    }

    fn check_totals(&self, result: &WorkerResult) -> Result<(), Violation> {
        if result.requests == 0 {
            return Err(Violation::NothingMeasured);
        }
        if let Some(expected) = self.expected_requests.filter(|&expected| expected != result.requests) {
            return Err(Violation::RequestsMissing { requests: result.requests, expected });
        }
        let most = u64::from(MAX_TOKENS) * u64::from(result.requests);
        for (field, tokens) in
            [("input_tokens", result.input_tokens), ("output_tokens", result.output_tokens)]
        {
            if tokens > most {
                return Err(Violation::HugeTotal { field, tokens, requests: result.requests });
            }
        }
        if self.indices.is_empty() {
            return Ok(());
        }
        let unfinished = result.unfinished.unwrap_or_default();
        let sums = [
            ("requests", u64::from(result.requests), self.indices.len() as u64),
            ("input_tokens", result.input_tokens, self.input_tokens.saturating_add(unfinished.input_tokens)),
            (
                "output_tokens",
                result.output_tokens,
                self.output_tokens.saturating_add(unfinished.output_tokens),
            ),
        ];
        match sums.into_iter().find(|(_, total, sum)| total != sum) {
            Some((field, total, sum)) => Err(Violation::TotalsDiffer { field, total, sum }),
            None => Ok(()),
        }
    }
}
