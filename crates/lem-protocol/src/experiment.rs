//! What the engine asks a worker to do: the one message on the worker's standard input.

mod rules;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use rules::{MAX_STREAMED_TOKENS, OutOfRange};

use crate::PROTOCOL_VERSION;

/// One run of one experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Experiment {
    /// [`crate::PROTOCOL_VERSION`].
    pub protocol: u32,
    /// Identifies the run in logs; opaque to the worker.
    pub run_id: String,
    /// The backend, e.g. `candle`, `pytorch`, `vllm`.
    pub backend: String,
    /// Model name or path, as the campaign wrote it.
    pub model: String,
    /// Number format of the weights (`float32`, `float16`, `bfloat16`), where the campaign names one.
    #[serde(default)]
    pub precision: Option<String>,
    /// A low-rank adapter (`LoRA`) on top of the model: name or path, as the campaign wrote it.
    #[serde(default)]
    pub adapter: Option<String>,
    /// The requests of one measured pass.
    pub workload: Workload,
    /// What precedes the measurement.
    pub warmup: Warmup,
    /// How the next token is chosen.
    pub decoding: Decoding,
    /// Requests processed together; at least 1.
    pub batch_size: u32,
    /// Whether first-token times and inter-token gaps are wanted for each request.
    #[serde(default)]
    pub streaming: bool,
    /// Seed of sampling and of synthetic data. 0 is a seed like any other.
    pub seed: u64,
    /// Seconds to stay idle with the model loaded, before warm-up: the `loaded` baseline. 0 for none.
    #[serde(default)]
    pub idle_s: f64,
    /// Seconds to stay idle with the device opened and no model loaded, before `load`: the `context` baseline. 0 for
    /// none. A worker that cannot do so says so with a warning.
    #[serde(default)]
    pub context_s: f64,
    /// The section of the campaign named after the backend, as written. The worker refuses keys that it does not
    /// know.
    #[serde(default)]
    pub options: Map<String, Value>,
}

impl Experiment {
    /// The least that a worker can be asked for, which trials of workers change where they want more: one request to a
    /// built-in prompt of 16 tokens at most, answered with four, the most probable ones, at once and without warm-up.
    pub fn plain(run_id: &str, backend: &str, model: &str) -> Self {
        Self {
            protocol: PROTOCOL_VERSION,
            run_id: run_id.to_owned(),
            backend: backend.to_owned(),
            model: model.to_owned(),
            precision: None,
            adapter: None,
            workload: Workload {
                prompts: PromptSource::Builtin,
                sample_size: 1,
                order: PromptOrder::default(),
                traffic: None,
                max_input_tokens: 16,
                max_output_tokens: 4,
                min_output_tokens: 0,
            },
            warmup: Warmup { prompts: 0, timeout_s: 30.0, convergence: None, hold: false },
            decoding: Decoding { do_sample: false, ..Decoding::default() },
            batch_size: 1,
            streaming: true,
            seed: 0,
            idle_s: 0.0,
            context_s: 0.0,
            options: Map::new(),
        }
    }
}

/// The requests of one measured pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Workload {
    /// Where prompts come from.
    pub prompts: PromptSource,
    /// How many prompts; they are taken in order and from the start again when there are fewer.
    pub sample_size: u32,
    /// In which order.
    #[serde(default)]
    pub order: PromptOrder,
    /// When requests arrive; absent: batches, one after the other.
    #[serde(default)]
    pub traffic: Option<Traffic>,
    /// Prompts longer than this are cut, in tokens.
    pub max_input_tokens: u32,
    /// Generation stops after this many tokens.
    pub max_output_tokens: u32,
    /// Generation does not stop before this many tokens.
    #[serde(default)]
    pub min_output_tokens: u32,
}

/// Where prompts come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum PromptSource {
    /// The worker's built-in prompts, or seeded token ids for a model without a tokenizer.
    Builtin,
    /// A file in the project: `.txt` (a prompt a line), `.jsonl` or `.csv`.
    File {
        /// Path as the worker sees it.
        path: String,
        /// The field that holds the prompt; found by common names when absent.
        #[serde(default)]
        column: Option<String>,
    },
    /// A dataset that the worker loads by name.
    Dataset {
        /// Alias (`ai-energy-score`, `alpaca`, ...) or hub name.
        name: String,
        /// Subset of the dataset.
        #[serde(default)]
        subset: Option<String>,
        /// Split, `train` when absent.
        #[serde(default)]
        split: Option<String>,
        /// The field that holds the prompt.
        #[serde(default)]
        column: Option<String>,
    },
}

/// The order of prompts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PromptOrder {
    /// As the data has them, which mixes their sources.
    #[default]
    Interleaved,
    /// Prompts of one source or category after the other, where the data names one.
    Grouped,
    /// Drawn from the seed.
    Shuffled,
}

/// When requests arrive. Latencies then count from the arrival, so that they include queueing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Traffic {
    /// So many requests are under way at any time: the next arrives when one has finished.
    Closed {
        /// At least 1.
        concurrency: u32,
    },
    /// Independent arrivals: gaps are exponentially distributed.
    Poisson {
        /// Mean rate; more than 0.
        requests_per_s: f64,
    },
    /// Gaps are gamma distributed with mean 1 / rate and shape `burstiness`.
    Gamma {
        /// Mean rate; more than 0.
        requests_per_s: f64,
        /// Below 1 burstier than Poisson, 1 the same, above 1 more regular; more than 0.
        burstiness: f64,
    },
    /// Equal gaps.
    Constant {
        /// Rate; more than 0.
        requests_per_s: f64,
    },
    /// Arrival times from a file, in seconds from the start, one for each request.
    Trace {
        /// Path as the worker sees it.
        path: String,
    },
}

/// What precedes the measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Warmup {
    /// Prompts to run before measuring; with convergence, the least number of them. 0 for no warm-up.
    pub prompts: u32,
    /// Warm-up ends after this many seconds whatever has been reached.
    pub timeout_s: f64,
    /// When given, warm up until latencies are stable rather than for a fixed number of prompts.
    #[serde(default)]
    pub convergence: Option<Convergence>,
    /// When that has come to its end, go on with the same work until the engine writes another line to standard input,
    /// or closes it: it waits for the device's temperature. `timeout_s` does not end this.
    #[serde(default)]
    pub hold: bool,
}

/// When latencies count as stable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Convergence {
    /// Coefficient of variation of the last `window` latencies that counts as stable, e.g. 0.05.
    pub cv_threshold: f64,
    /// How many of the latest latencies are looked at.
    pub window: u32,
    /// Warm-up ends after this many prompts even when latencies are not stable.
    pub max_prompts: u32,
}

impl Convergence {
    /// Whether `latencies` are stable: the coefficient of variation (sample standard deviation over mean) of the last
    /// [`window`](Self::window) of them is at most [`cv_threshold`](Self::cv_threshold).
    pub fn is_met_by(&self, latencies: &[f64]) -> bool {
        let Some(last) = latencies.len().checked_sub(self.window as usize).map(|from| &latencies[from..])
        else {
            return false;
        };
        let count = f64::from(self.window);
        let mean = last.iter().sum::<f64>() / count;
        let variance = last.iter().map(|latency| (latency - mean).powi(2)).sum::<f64>() / (count - 1.0);
        mean > 0.0 && variance.sqrt() / mean <= self.cv_threshold
    }
}

/// How the next token is chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Decoding {
    /// Sample from the distribution; otherwise the most probable token is taken.
    pub do_sample: bool,
    /// Divides the logits before sampling; >= 0.
    pub temperature: f64,
    /// Sample among this many most probable tokens; 0 for all.
    pub top_k: u32,
    /// Sample among the most probable tokens whose probabilities add up to this; (0, 1].
    pub top_p: f64,
    /// Penalty on tokens that already occurred; 1 for none.
    pub repetition_penalty: f64,
}

impl Default for Decoding {
    fn default() -> Self {
        Self { do_sample: true, temperature: 1.0, top_k: 50, top_p: 1.0, repetition_penalty: 1.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_met(cv_threshold: f64, latencies: &[f64]) -> bool {
        Convergence { cv_threshold, window: 3, max_prompts: 9 }.is_met_by(latencies)
    }

    #[test]
    fn equal_latencies_are_stable_once_the_window_is_full() {
        assert!(!is_met(0.05, &[5.0, 5.0]));
        assert!(is_met(0.05, &[5.0, 5.0, 5.0]));
    }

    #[test]
    fn only_the_latest_latencies_count() {
        assert!(is_met(0.05, &[900.0, 5.0, 5.0, 5.0]));
        assert!(!is_met(0.05, &[5.0, 5.0, 900.0]));
    }

    #[test]
    fn the_threshold_is_a_coefficient_of_variation_of_the_sample() {
        // Mean 10, sample standard deviation 1.
        assert!(is_met(0.1, &[9.0, 10.0, 11.0]));
        assert!(!is_met(0.0999, &[9.0, 10.0, 11.0]));
    }
}
