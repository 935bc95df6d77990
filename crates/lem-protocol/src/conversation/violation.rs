//! What a worker did wrong, as sentences for the author of that worker.

use thiserror::Error;

use super::{MAX_REQUESTS, MAX_TOKENS};
use crate::PROTOCOL_VERSION;

/// A rule of the conversation that a worker broke. The numbers of its run cannot be believed.
///
/// Counts that are negative or not whole never get here: they are not events, see
/// [`FramingError::InvalidEvent`](crate::framing::FramingError::InvalidEvent).
#[derive(Debug, Clone, PartialEq, Error)]
#[expect(missing_docs, reason = "each field is named and explained by the sentence of its variant")]
pub enum Violation {
    /// Something came before `hello`.
    #[error("the worker sent {event} before hello; hello comes first")]
    NoHello { event: &'static str },
    /// `hello` came again.
    #[error("the worker sent hello twice")]
    SecondHello,
    /// The worker speaks another protocol.
    #[error(
        "the worker speaks protocol {protocol}, this program speaks {PROTOCOL_VERSION}; use a worker of the same release"
    )]
    WrongProtocol { protocol: u32 },
    /// A time stamp is earlier than the one before, or negative.
    #[error(
        "the worker's time went back: {event} at {t_ns} ns after an event at {last_t_ns} ns; t_ns is CLOCK_MONOTONIC"
    )]
    TimeWentBack { event: &'static str, t_ns: i64, last_t_ns: i64 },
    /// A phase began inside another.
    #[error("the worker began {phase} before {open} had ended")]
    NestedPhase { phase: &'static str, open: &'static str },
    /// A phase began after a later one, or again.
    #[error(
        "the worker began {phase} after {last}; the order is context, load, idle, warmup, measure, unload, each once"
    )]
    PhaseOutOfOrder { phase: &'static str, last: &'static str },
    /// A phase ended that was not open.
    #[error("the worker ended {phase}, but the open phase is {open}")]
    PhaseNotOpen { phase: &'static str, open: &'static str },
    /// The measurement window has no length.
    #[error("the worker's measure phase has no length: it began and ended at {t_ns} ns")]
    EmptyWindow { t_ns: i64 },
    /// Progress of no phase.
    #[error("the worker sent progress outside a phase")]
    ProgressOutsidePhase,
    /// More done than there is.
    #[error("the worker reports progress of {done} out of {total}")]
    ProgressBeyondTotal { done: u32, total: u32 },
    /// A request outside the measurement window.
    #[error("the worker reported request {index} outside the measure phase (open phase: {open})")]
    RequestOutsideMeasure { index: u32, open: &'static str },
    /// The index is beyond the workload.
    #[error(
        "the worker reported request {index}, but the workload has {limit} requests (never more than {MAX_REQUESTS})"
    )]
    IndexBeyondWorkload { index: u32, limit: u32 },
    /// The same request again.
    #[error("the worker reported request {index} twice")]
    RepeatedRequest { index: u32 },
    /// A token count that no model reaches.
    #[error("request {index} claims {tokens} {field}; more than {MAX_TOKENS} cannot be true")]
    HugeRequest { index: u32, field: &'static str, tokens: u32 },
    /// A latency that is negative or not finite.
    #[error("request {index} claims {field} of {value_ms} ms; a latency is finite and not negative")]
    ImpossibleLatency { index: u32, field: &'static str, value_ms: f64 },
    /// The number of gaps does not fit the number of tokens.
    #[error(
        "request {index} has {gaps} inter-token gaps for {output_tokens} output tokens; it must have one fewer than tokens"
    )]
    GapCount { index: u32, gaps: usize, output_tokens: u32 },
    /// The first token came after the last.
    #[error("request {index} claims its first token after {ttft_ms} ms and its end after {latency_ms} ms")]
    FirstTokenAfterEnd { index: u32, ttft_ms: f64, latency_ms: f64 },
    /// The request took longer than there was time.
    #[error(
        "request {index} claims {latency_ms} ms, but the measure phase began only {elapsed_ms} ms before it was reported"
    )]
    LongerThanWindow { index: u32, latency_ms: f64, elapsed_ms: f64 },
    /// It had to wait for longer than its latency.
    #[error(
        "request {index} claims to have waited {waited_ms} ms of a latency of {within_ms} ms before it was sent"
    )]
    WaitedTooLong { index: u32, waited_ms: f64, within_ms: f64 },
    /// The request began when it cannot have.
    #[error(
        "request {index} claims to have begun at {start_ns} ns; with its latency and the phases that is between \
         {earliest_ns} and {latest_ns} ns of CLOCK_MONOTONIC"
    )]
    StartOutOfTime { index: u32, start_ns: i64, earliest_ns: i64, latest_ns: i64 },
    /// More of it in the window than there is of it.
    #[error("request {index} claims {part} {field} in the measure phase, but has {whole}")]
    MoreInWindow { index: u32, field: &'static str, part: u64, whole: u64 },
    /// The result came while a phase was open.
    #[error("the worker sent its result before {open} had ended")]
    ResultInsidePhase { open: &'static str },
    /// The result came without a measurement.
    #[error("the worker sent a result without a measure phase")]
    ResultWithoutMeasure,
    /// The result covers no request.
    #[error("the worker's result covers no request")]
    NothingMeasured,
    /// The result covers another number of requests than was asked for.
    #[error("the worker's result covers {requests} requests, but {expected} were asked for")]
    RequestsMissing { requests: u32, expected: u32 },
    /// A total that cannot be true.
    #[error("the worker's result claims {tokens} {field} for {requests} requests; this cannot be true")]
    HugeTotal { field: &'static str, tokens: u64, requests: u32 },
    /// The totals are not the sums of the requests.
    #[error("the worker's result says {total} {field}, but its requests add up to {sum}")]
    TotalsDiffer { field: &'static str, total: u64, sum: u64 },
    /// Something came after the last event.
    #[error("the worker sent {event} after {last}; {last} is the last event")]
    AfterTheEnd { event: &'static str, last: &'static str },
    /// The output ended before anything came.
    #[error("the worker ended without a hello; its standard error may say why")]
    EndedWithoutHello,
    /// The output ended without a result or an error.
    #[error(
        "the worker ended without a result or an error{}; its standard error may say why",
        .open.map(|phase| format!(", in the phase {phase}")).unwrap_or_default()
    )]
    EndedWithoutResult { open: Option<&'static str> },
}

impl Violation {
    /// The name of the rule, the same for every implementation of the protocol.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoHello { .. } => "no_hello",
            Self::SecondHello => "second_hello",
            Self::WrongProtocol { .. } => "wrong_protocol",
            Self::TimeWentBack { .. } => "time_went_back",
            Self::NestedPhase { .. } => "nested_phase",
            Self::PhaseOutOfOrder { .. } => "phase_out_of_order",
            Self::PhaseNotOpen { .. } => "phase_not_open",
            Self::EmptyWindow { .. } => "empty_window",
            Self::ProgressOutsidePhase => "progress_outside_phase",
            Self::ProgressBeyondTotal { .. } => "progress_beyond_total",
            Self::RequestOutsideMeasure { .. } => "request_outside_measure",
            Self::IndexBeyondWorkload { .. } => "index_beyond_workload",
            Self::RepeatedRequest { .. } => "repeated_request",
            Self::HugeRequest { .. } => "huge_request",
            Self::ImpossibleLatency { .. } => "impossible_latency",
            Self::GapCount { .. } => "gap_count",
            Self::FirstTokenAfterEnd { .. } => "first_token_after_end",
            Self::LongerThanWindow { .. } => "longer_than_window",
            Self::WaitedTooLong { .. } => "waited_too_long",
            Self::StartOutOfTime { .. } => "start_out_of_time",
            Self::MoreInWindow { .. } => "more_in_window",
            Self::ResultInsidePhase { .. } => "result_inside_phase",
            Self::ResultWithoutMeasure => "result_without_measure",
            Self::NothingMeasured => "nothing_measured",
            Self::RequestsMissing { .. } => "requests_missing",
            Self::HugeTotal { .. } => "huge_total",
            Self::TotalsDiffer { .. } => "totals_differ",
            Self::AfterTheEnd { .. } => "after_the_end",
            Self::EndedWithoutHello => "ended_without_hello",
            Self::EndedWithoutResult { .. } => "ended_without_result",
        }
    }
}
