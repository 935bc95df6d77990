//! One request: from a prompt to tokens, with the time of each.
//!
//! The clock runs from the first computation to the last token. Tokenizing happened before; text is not made.

use std::time::{Duration, Instant};

use lem_protocol::{Request, Workload};

use crate::clock::{milliseconds, monotonic_ns};
use crate::failure::Failure;
use crate::model::Model;
use crate::sampling::Sampler;

/// What one request gave.
#[derive(Debug)]
pub(crate) struct Generation {
    /// The tokens; the end token, where there is one, is among them.
    pub(crate) tokens: Vec<u32>,
    /// When the first computation began, `CLOCK_MONOTONIC` in nanoseconds.
    start_ns: i64,
    /// When each token was there, from then on. As many as tokens, and at least one.
    times: Vec<Duration>,
}

impl Generation {
    /// Time from the start to the last token.
    pub(crate) fn latency(&self) -> Duration {
        self.times.last().copied().unwrap_or_default()
    }

    /// The record of this generation. Gaps are told with `streaming` alone: they can be many.
    pub(crate) fn record(&self, index: u32, input_tokens: u32, streaming: bool) -> Result<Request, Failure> {
        let output_tokens = u32::try_from(self.tokens.len())
            .map_err(|_| Failure::engine("more tokens were generated than can be counted"))?;
        let gaps =
            || self.times.windows(2).map(|pair| milliseconds(pair[1].saturating_sub(pair[0]))).collect();
        Ok(Request {
            index,
            input_tokens,
            output_tokens,
            start_ns: Some(self.start_ns),
            waited_ms: None,
            ttft_ms: self.times.first().copied().map(milliseconds),
            latency_ms: milliseconds(self.latency()),
            itl_ms: streaming.then(gaps),
            in_window: None,
        })
    }
}

/// Generates until an end token, the limit of `workload`, or `limit` of time; `None` in the last case.
pub(crate) fn generate(
    model: &mut Model,
    prompt: &[u32],
    workload: &Workload,
    sampler: &mut Sampler,
    limit: Option<Duration>,
) -> Result<Option<Generation>, Failure> {
    let (least, most) = (workload.min_output_tokens as usize, workload.max_output_tokens as usize);
    let mut tokens = Vec::with_capacity(most.min(4096));
    let mut times = Vec::with_capacity(most.min(4096));
    let (start_ns, start) = (monotonic_ns(), Instant::now());
    model.network.forget();
    let mut logits = model.network.forward(prompt, 0)?;
    loop {
        let suppressed: &[u32] = if tokens.len() < least { &model.end_tokens } else { &[] };
        let token = sampler.next(&mut logits, suppressed)?;
        let elapsed = start.elapsed();
        tokens.push(token);
        times.push(elapsed);
        if tokens.len() == most || model.end_tokens.contains(&token) {
            return Ok(Some(Generation { tokens, start_ns, times }));
        }
        if limit.is_some_and(|limit| elapsed >= limit) {
            return Ok(None);
        }
        logits = model.network.forward(&[token], prompt.len() + tokens.len() - 1)?;
    }
}
