//! Whether one measured request can be true.

use super::{Conversation, MAX_REQUESTS, MAX_TOKENS, Violation};
use crate::event::{Phase, Request, TokenCounts};

/// What clocks and rounding may add to a duration: one millisecond and one percent.
fn at_most(limit_ms: f64) -> f64 {
    limit_ms * 1.01 + 1.0
}

impl Conversation {
    pub(super) fn accept_request(&mut self, request: &Request, t_ns: i64) -> Result<(), Violation> {
        let Some((Phase::Measure, begin_ns)) = self.open else {
            let open = self.open.map_or("none", |(phase, _)| phase.name());
            return Err(Violation::RequestOutsideMeasure { index: request.index, open });
        };
        self.check_index(request.index)?;
        check_tokens(request)?;
        check_latencies(request)?;
        #[expect(clippy::cast_precision_loss, reason = "a window below 100 days is exact to a nanosecond")]
        let elapsed_ms = (t_ns - begin_ns) as f64 / 1e6;
        if request.in_window.is_none() && request.latency_ms > at_most(elapsed_ms) {
            let (index, latency_ms) = (request.index, request.latency_ms);
            return Err(Violation::LongerThanWindow { index, latency_ms, elapsed_ms });
        }
        self.check_start(request, begin_ns, t_ns)?;
        let all = TokenCounts {
            input_tokens: request.input_tokens.into(),
            output_tokens: request.output_tokens.into(),
        };
        let counted = request.in_window.unwrap_or(all);
        for (field, part, whole) in [
            ("input_tokens", counted.input_tokens, all.input_tokens),
            ("output_tokens", counted.output_tokens, all.output_tokens),
        ] {
            if part > whole {
                return Err(Violation::MoreInWindow { index: request.index, field, part, whole });
            }
        }
        self.indices.insert(request.index);
        self.input_tokens += counted.input_tokens;
        self.output_tokens += counted.output_tokens;
        Ok(())
    }

    /// A request begins in the phase in which it may, and early enough to have taken as long as it says.
    fn check_start(&self, request: &Request, begin_ns: i64, t_ns: i64) -> Result<(), Violation> {
        let Some(start_ns) = request.start_ns else { return Ok(()) };
        let earliest_ns = if request.in_window.is_some() { self.ready_ns } else { begin_ns };
        let served_ms = request.latency_ms - request.waited_ms.unwrap_or(0.0);
        // What clocks and rounding may add, the other way around.
        let least_ns = nanoseconds((served_ms - 1.0) / 1.01).max(0);
        let latest_ns = t_ns.saturating_sub(least_ns);
        if (earliest_ns..=latest_ns).contains(&start_ns) {
            return Ok(());
        }
        Err(Violation::StartOutOfTime { index: request.index, start_ns, earliest_ns, latest_ns })
    }

    fn check_index(&self, index: u32) -> Result<(), Violation> {
        let limit = self.expected_requests.unwrap_or(MAX_REQUESTS).min(MAX_REQUESTS);
        if index >= limit {
            return Err(Violation::IndexBeyondWorkload { index, limit });
        }
        if self.indices.contains(&index) {
            return Err(Violation::RepeatedRequest { index });
        }
        Ok(())
    }
}

fn check_tokens(request: &Request) -> Result<(), Violation> {
    let index = request.index;
    for (field, tokens) in [("input_tokens", request.input_tokens), ("output_tokens", request.output_tokens)]
    {
        if tokens > MAX_TOKENS {
            return Err(Violation::HugeRequest { index, field, tokens });
        }
    }
    let Some(gaps) = &request.itl_ms else {
        return Ok(());
    };
    let expected = request.output_tokens.saturating_sub(1) as usize;
    if gaps.len() == expected {
        Ok(())
    } else {
        Err(Violation::GapCount { index, gaps: gaps.len(), output_tokens: request.output_tokens })
    }
}

fn check_latencies(request: &Request) -> Result<(), Violation> {
    let index = request.index;
    let gaps = request.itl_ms.iter().flatten().map(|&gap| ("itl_ms", gap));
    let times = [
        ("latency_ms", Some(request.latency_ms)),
        ("ttft_ms", request.ttft_ms),
        ("waited_ms", request.waited_ms),
    ];
    let times = times.into_iter().filter_map(|(field, value)| value.map(|value| (field, value)));
    for (field, value_ms) in times.chain(gaps) {
        if !value_ms.is_finite() || value_ms < 0.0 {
            return Err(Violation::ImpossibleLatency { index, field, value_ms });
        }
    }
    let latency_ms = request.latency_ms;
    if let Some(ttft_ms) = request.ttft_ms.filter(|ttft_ms| *ttft_ms > at_most(latency_ms)) {
        return Err(Violation::FirstTokenAfterEnd { index, ttft_ms, latency_ms });
    }
    let within_ms = request.ttft_ms.unwrap_or(latency_ms);
    match request.waited_ms.filter(|waited_ms| *waited_ms > at_most(within_ms)) {
        Some(waited_ms) => Err(Violation::WaitedTooLong { index, waited_ms, within_ms }),
        None => Ok(()),
    }
}

/// Milliseconds in nanoseconds, at most as many as there are.
#[expect(clippy::cast_possible_truncation, reason = "a conversion of floats saturates")]
fn nanoseconds(milliseconds: f64) -> i64 {
    (milliseconds * 1e6).round() as i64
}
