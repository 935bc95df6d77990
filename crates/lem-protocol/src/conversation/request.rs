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
    let times = [("latency_ms", Some(request.latency_ms)), ("ttft_ms", request.ttft_ms)];
    let times = times.into_iter().filter_map(|(field, value)| value.map(|value| (field, value)));
    for (field, value_ms) in times.chain(gaps) {
        if !value_ms.is_finite() || value_ms < 0.0 {
            return Err(Violation::ImpossibleLatency { index, field, value_ms });
        }
    }
    match request.ttft_ms {
        Some(ttft_ms) if ttft_ms > at_most(request.latency_ms) => {
            Err(Violation::FirstTokenAfterEnd { index, ttft_ms, latency_ms: request.latency_ms })
        }
        _ => Ok(()),
    }
}
