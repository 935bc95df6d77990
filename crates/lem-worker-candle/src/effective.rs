//! Every parameter as it was in force, for the result.

use std::fmt::Write as _;

use candle_core::utils;
use lem_protocol::Experiment;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::model::Model;
use crate::prompts::Prompts;
use crate::sampling::is_greedy;
use crate::threads;
use crate::warmup::Warmed;

/// What was in force in this run, but for what it gave.
pub(crate) fn parameters(
    experiment: &Experiment,
    model: &Model,
    prompts: &Prompts,
    warmed: &Warmed,
) -> Map<String, Value> {
    let workload = &experiment.workload;
    let value = json!({
        "model": experiment.model,
        "precision": model.precision,
        "threads": threads::in_force(),
        "cpu_kernels": { "avx": utils::with_avx(), "f16c": utils::with_f16c(), "neon": utils::with_neon() },
        "batch_size": 1,
        "streaming": experiment.streaming,
        "seed": experiment.seed,
        "sample_size": workload.sample_size,
        "max_input_tokens": workload.max_input_tokens,
        "max_output_tokens": workload.max_output_tokens,
        "min_output_tokens": workload.min_output_tokens,
        "context_tokens": model.context,
        "decoding": decoding(experiment),
        "idle_s": experiment.idle_s,
        "context_s": experiment.context_s,
        "warmup_requests": warmed.requests,
        "warmup_held_requests": warmed.held,
        "prompts": {
            "source": prompts.source,
            "distinct": prompts.len(),
            "cut": prompts.cut,
            "token_sha256": prompts.sha256(),
        },
    });
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// How tokens were chosen; what has no effect is left out.
fn decoding(experiment: &Experiment) -> Value {
    let decoding = &experiment.decoding;
    if is_greedy(decoding) {
        return json!({ "strategy": "greedy", "repetition_penalty": decoding.repetition_penalty });
    }
    json!({
        "strategy": "sample",
        "temperature": decoding.temperature,
        "top_k": decoding.top_k,
        "top_p": decoding.top_p,
        "repetition_penalty": decoding.repetition_penalty,
    })
}

/// Takes `tokens` into `hash`: their number as 64 bits and each of them as 32 bits, little-endian.
pub(crate) fn update(hash: &mut Sha256, tokens: &[u32]) {
    hash.update((tokens.len() as u64).to_le_bytes());
    for token in tokens {
        hash.update(token.to_le_bytes());
    }
}

/// `bytes` in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_tells_apart_the_same_tokens_in_other_requests() {
        let of = |requests: &[&[u32]]| {
            let mut hash = Sha256::new();
            for tokens in requests {
                update(&mut hash, tokens);
            }
            hex(&hash.finalize())
        };
        assert_eq!(of(&[&[1, 2], &[3]]), of(&[&[1, 2], &[3]]));
        assert_ne!(of(&[&[1, 2], &[3]]), of(&[&[1], &[2, 3]]));
    }

    #[test]
    fn hexadecimal_has_two_digits_a_byte() {
        assert_eq!(hex(&[0, 10, 255]), "000aff");
    }
}
