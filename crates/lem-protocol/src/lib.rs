//! The contract between the engine and a worker: one JSON object a line.
//!
//! The engine writes one [`Experiment`] to the worker's standard input. The worker writes [`Event`]s to standard
//! output, free text to standard error, and exits 0. Anyone can write a worker in any language; the folder
//! `conversations/` beside this crate holds recorded conversations that every implementation replays.
//!
//! This crate sees bytes: no processes, no sockets, no containers.

pub mod conversation;
pub mod data;
pub mod event;
pub mod experiment;
pub mod framing;
mod schema;

pub use conversation::{Conversation, Violation};
pub use event::{
    Event, EventLine, ModelFacts, Phase, PhaseEdge, Request, TokenCounts, WorkerErrorKind, WorkerResult,
};
pub use experiment::{
    Convergence, Decoding, Experiment, MAX_STREAMED_TOKENS, OutOfRange, PromptOrder, PromptSource, Traffic,
    Warmup, Workload,
};
pub use framing::{EventReader, EventWriter, ExperimentError, FramingError};
pub use schema::schema;

/// The version of the protocol spoken by this crate. A worker that says another one in its `hello` is refused.
pub const PROTOCOL_VERSION: u32 = 1;
