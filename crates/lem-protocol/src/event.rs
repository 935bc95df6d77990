//! What a worker tells the engine: a line of JSON for each event on standard output.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One line of a worker's output: when, and what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventLine {
    /// `CLOCK_MONOTONIC` in nanoseconds. Containers share this clock with the host.
    pub t_ns: i64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened in a worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The first event: who speaks.
    Hello {
        /// The protocol that the worker speaks.
        protocol: u32,
        /// Engine under measurement, e.g. `candle`.
        engine: String,
        /// Its versions by component name.
        versions: Map<String, Value>,
    },
    /// A phase begins or ends. Device work is finished when a phase ends.
    Phase {
        /// Which phase.
        phase: Phase,
        /// Begin or end.
        edge: PhaseEdge,
    },
    /// How far a phase has come.
    Progress {
        /// Requests finished.
        done: u32,
        /// Requests in all, where known.
        #[serde(default)]
        total: Option<u32>,
    },
    /// One measured request has finished.
    Request(Request),
    /// Something a reader of the results should know.
    Warning {
        /// A sentence.
        message: String,
    },
    /// The run succeeded; the last event, after the end of `unload`.
    Result(WorkerResult),
    /// The run failed; the last event.
    Error {
        /// What kind of failure.
        kind: WorkerErrorKind,
        /// What happened, and what to do.
        message: String,
        /// Peak device memory in bytes, where known (out of memory).
        #[serde(default)]
        peak_memory_bytes: Option<u64>,
    },
}

/// The names of the events on the wire.
pub const EVENT_NAMES: [&str; 7] = ["hello", "phase", "progress", "request", "warning", "result", "error"];

impl Event {
    /// The name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hello { .. } => "hello",
            Self::Phase { .. } => "phase",
            Self::Progress { .. } => "progress",
            Self::Request(_) => "request",
            Self::Warning { .. } => "warning",
            Self::Result(_) => "result",
            Self::Error { .. } => "error",
        }
    }
}

/// The phases of a run, in their order.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, specta::Type,
)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The engine has opened the device, and no model is loaded.
    Context,
    /// Weights are read and placed.
    Load,
    /// The model is resident and nothing is asked of it.
    Idle,
    /// Requests that are not measured.
    Warmup,
    /// The measurement window.
    Measure,
    /// Memory is given back.
    Unload,
}

impl Phase {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Context => "context",
            Self::Load => "load",
            Self::Idle => "idle",
            Self::Warmup => "warmup",
            Self::Measure => "measure",
            Self::Unload => "unload",
        }
    }
}

/// Which end of a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PhaseEdge {
    /// It begins.
    Begin,
    /// It ends.
    End,
}

/// One measured request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Request {
    /// Position in the workload, from 0.
    pub index: u32,
    /// Tokens of the prompt, special tokens included.
    pub input_tokens: u32,
    /// Tokens generated.
    pub output_tokens: u32,
    /// `CLOCK_MONOTONIC` in nanoseconds when the request was given to the engine; absent where that is not known. With the
    /// latencies it tells when its prompt was read and when its answer was generated.
    #[serde(default)]
    pub start_ns: Option<i64>,
    /// Of both latencies, what had passed before `start_ns`, in milliseconds: a request that arrived and had to wait until
    /// it was sent; absent: nothing.
    #[serde(default)]
    pub waited_ms: Option<f64>,
    /// Time to first token in milliseconds: request sent, or arrived, to first token; absent where the engine cannot tell.
    #[serde(default)]
    pub ttft_ms: Option<f64>,
    /// End-to-end latency in milliseconds.
    pub latency_ms: f64,
    /// Inter-token latencies in milliseconds, in order: one fewer than the output tokens.
    #[serde(default)]
    pub itl_ms: Option<Vec<f64>>,
    /// What of it fell into the measure phase, for a request that began before it; absent: all of it.
    #[serde(default)]
    pub in_window: Option<TokenCounts>,
}

/// Tokens of requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenCounts {
    /// Prompt tokens.
    pub input_tokens: u64,
    /// Generated tokens.
    pub output_tokens: u64,
}

/// Totals of a run that succeeded. They cover the measure phase alone.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct WorkerResult {
    /// Requests finished.
    pub requests: u32,
    /// Prompt tokens.
    pub input_tokens: u64,
    /// Generated tokens.
    pub output_tokens: u64,
    /// Those among the totals that belong to requests still under way when the measure phase ended: a server under
    /// steady load has no moment without any.
    #[serde(default)]
    pub unfinished: Option<TokenCounts>,
    /// Every parameter as the engine resolved it.
    #[serde(default)]
    pub effective_parameters: Map<String, Value>,
    /// What is known of the model.
    #[serde(default)]
    pub model: ModelFacts,
    /// Peak memory in bytes: of the device, else of the process.
    #[serde(default)]
    pub peak_memory_bytes: Option<u64>,
    /// Whether warm-up reached stability; absent when it was not asked for.
    #[serde(default)]
    pub warmup_converged: Option<bool>,
}

/// What is known of a model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ModelFacts {
    /// Parameters in all.
    #[serde(default)]
    pub parameters: Option<u64>,
    /// Parameters without the embeddings, for FLOP estimates.
    #[serde(default)]
    pub non_embedding_parameters: Option<u64>,
    /// Whether a token passes through some of the parameters only (mixture of experts); absent where it is not known.
    #[serde(default)]
    pub mixture_of_experts: Option<bool>,
    /// Of the non-embedding parameters of a mixture, those that one token passes through.
    #[serde(default)]
    pub active_non_embedding_parameters: Option<u64>,
    /// Transformer layers.
    #[serde(default)]
    pub layers: Option<u32>,
    /// Query heads times the size of a head.
    #[serde(default)]
    pub attention_width: Option<u32>,
    /// Width of the residual stream.
    #[serde(default)]
    pub hidden_size: Option<u32>,
    /// Bytes that a token occupies in the key-value cache.
    #[serde(default)]
    pub kv_bytes_per_token: Option<u64>,
    /// Bytes of the weights.
    #[serde(default)]
    pub weight_bytes: Option<u64>,
    /// Number format of the weights.
    #[serde(default)]
    pub dtype: Option<String>,
    /// Revision or content hash.
    #[serde(default)]
    pub revision: Option<String>,
}

/// Why a worker failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WorkerErrorKind {
    /// Memory of the device or the host ran out.
    OutOfMemory,
    /// The model does not exist, or is not one that the worker can load.
    ModelNotFound,
    /// A parameter is unknown to the engine or has a value that it refuses.
    UnsupportedParameter,
    /// Anything else that the engine under measurement reported.
    Engine,
}

impl WorkerErrorKind {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::OutOfMemory => "out_of_memory",
            Self::ModelNotFound => "model_not_found",
            Self::UnsupportedParameter => "unsupported_parameter",
            Self::Engine => "engine",
        }
    }
}
