//! Which experiments make sense, whatever carries them out. What an engine cannot do is for its worker to refuse.

use std::time::Duration;

use thiserror::Error;

use super::{Decoding, Experiment, Warmup, Workload};
use crate::PROTOCOL_VERSION;

/// The inter-token gaps of so many tokens still fit into one line of the protocol (20 bytes each, 1 MiB).
pub const MAX_STREAMED_TOKENS: u32 = 50_000;

/// A value that no worker can carry out; the sentence names it and its range.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct OutOfRange(String);

type Verdict = Result<(), OutOfRange>;

impl Experiment {
    /// Checks every value that does not depend on the engine.
    ///
    /// # Errors
    /// The first value that is out of range.
    pub fn check(&self) -> Verdict {
        if self.protocol != PROTOCOL_VERSION {
            return wrong(format!(
                "the engine speaks protocol {}, this worker speaks {PROTOCOL_VERSION}; use both of the same release",
                self.protocol
            ));
        }
        check_workload(&self.workload, self.batch_size, self.streaming)?;
        check_warmup(&self.warmup)?;
        check_decoding(&self.decoding)?;
        seconds("idle_s", self.idle_s)?;
        seconds("context_s", self.context_s)?;
        seconds("warmup.timeout_s", self.warmup.timeout_s)
    }
}

fn wrong(message: String) -> Verdict {
    Err(OutOfRange(message))
}

fn check_workload(workload: &Workload, batch_size: u32, streaming: bool) -> Verdict {
    let counts = [
        ("sample_size", workload.sample_size),
        ("max_input_tokens", workload.max_input_tokens),
        ("max_output_tokens", workload.max_output_tokens),
        ("batch_size", batch_size),
    ];
    if let Some((name, _)) = counts.into_iter().find(|&(_, count)| count == 0) {
        return wrong(format!("{name} is 0; it must be at least 1"));
    }
    if workload.min_output_tokens > workload.max_output_tokens {
        return wrong(format!(
            "min_output_tokens ({}) is greater than max_output_tokens ({})",
            workload.min_output_tokens, workload.max_output_tokens
        ));
    }
    if streaming && workload.max_output_tokens > MAX_STREAMED_TOKENS {
        return wrong(format!(
            "max_output_tokens is {}; with streaming, at most {MAX_STREAMED_TOKENS} inter-token gaps can be reported",
            workload.max_output_tokens
        ));
    }
    Ok(())
}

fn check_warmup(warmup: &Warmup) -> Verdict {
    let Some(convergence) = &warmup.convergence else {
        return Ok(());
    };
    // A coefficient of variation needs two values.
    if convergence.window < 2 {
        return wrong(format!(
            "warmup.convergence.window is {}; stability shows in at least 2 latencies",
            convergence.window
        ));
    }
    if !convergence.cv_threshold.is_finite() || convergence.cv_threshold <= 0.0 {
        return wrong(format!(
            "warmup.convergence.cv_threshold is {}; it must be greater than 0",
            convergence.cv_threshold
        ));
    }
    let least = convergence.window.max(warmup.prompts);
    if convergence.max_prompts < least {
        return wrong(format!(
            "warmup.convergence.max_prompts is {}; with this window and least number of prompts it takes {least}",
            convergence.max_prompts
        ));
    }
    Ok(())
}

fn check_decoding(decoding: &Decoding) -> Verdict {
    let Decoding { temperature, top_p, repetition_penalty, .. } = *decoding;
    let rules = [
        ("temperature", temperature, temperature >= 0.0, "0 or more"),
        ("top_p", top_p, top_p > 0.0 && top_p <= 1.0, "greater than 0 and at most 1"),
        ("repetition_penalty", repetition_penalty, repetition_penalty > 0.0, "greater than 0"),
    ];
    match rules.into_iter().find(|&(_, value, holds, _)| !value.is_finite() || !holds) {
        Some((name, value, _, range)) => wrong(format!("decoding.{name} is {value}; it must be {range}")),
        None => Ok(()),
    }
}

fn seconds(name: &str, value: f64) -> Verdict {
    match Duration::try_from_secs_f64(value) {
        Ok(_) => Ok(()),
        Err(_) => wrong(format!("{name} is {value}; seconds from 0 are needed")),
    }
}
