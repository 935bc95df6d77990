//! Model bandwidth utilization of decoding: bytes that it cannot do without reading, over what the memory can deliver.
//!
//! It is a model, not a measurement, and a lower bound: each decoding step reads the weights once for all sequences of
//! its batch, and for each of them the cached keys and values before it (Databricks 2023, LLM Inference Performance
//! Engineering: Best Practices). A step of a batch that was not full, prefill, activations and writes come on top.

use super::derived::{Derived, Input, Known, both, missing, positive};
use super::formula::Formula;
use super::{Experts, RunFacts, Sequence, flops, utilization};

/// The share of the memory bandwidth that decoding must have used.
pub(super) fn mbu(run: &RunFacts) -> Derived {
    let rate = both(bytes(run), run.window()).map(|(bytes, s)| bytes / s);
    let value = both(rate, utilization::peak_bytes_per_second(run)).map(|(rate, peak)| rate / peak);
    let without_cache = cached_token_bytes(run)
        .is_none()
        .then_some("Reads of the key-value cache are not in it: the bytes of a token in it are not known.");
    Derived::share(Formula::Mbu, value)
        .noting(Some("An estimate from below by a model of decoding, not a measurement."))
        .noting(without_cache)
}

/// Bytes that decoding had to read, at least.
fn bytes(run: &RunFacts) -> Known<f64> {
    let (weights, steps) = both(bytes_of_step(run), steps(run))?;
    let cached: f64 = run.requests.iter().map(Sequence::cached).sum();
    Ok(weights * steps + cached * cached_token_bytes(run).unwrap_or(0.0))
}

/// Steps of decoding, at least: every one gives a token to each sequence of a full batch.
fn steps(run: &RunFacts) -> Known<f64> {
    let reason = "how many sequences shared a step of decoding is not known";
    let batch = positive(run.batch.map(f64::from), Input::Batch, reason);
    let ((), batch) = both(flops::every_request(run), batch)?;
    let decoded: f64 = run.requests.iter().map(Sequence::decoded).sum();
    positive(Some(decoded / batch), Input::Tokens, "nothing was decoded: a first token comes from its prompt")
}

/// Bytes of weights that a step reads, at least: all but half of what belongs to embeddings. A head with weights of its
/// own is that half and is read; one that shares those of the input is read whole, which this counts half.
fn bytes_of_step(run: &RunFacts) -> Known<f64> {
    let model = &run.model;
    let weights = positive(
        model.weight_bytes,
        Input::WeightBytes,
        "the worker did not report the bytes of the weights",
    );
    let reason = "the worker did not report the number of parameters, with and without embeddings";
    let all = positive(model.parameters, Input::Parameters, reason);
    let body = positive(model.non_embedding_parameters, Input::Parameters, reason);
    let counts = both(all, body);
    let (((weights, (all, body)), (precision, _)), ()) =
        both(both(both(weights, counts), utilization::precision(run)), dense(run))?;
    let read = weights - (all - body) / 2.0 * precision.embedding_bytes();
    let reason = "the bytes of the weights do not fit the number of parameters";
    if body <= all {
        positive(Some(read), Input::Contradiction, reason)
    } else {
        missing(Input::Contradiction, reason)
    }
}

/// That every weight is read in a step; of a mixture of experts, nobody said which were.
fn dense(run: &RunFacts) -> Known<()> {
    match run.model.experts {
        Some(Experts::Dense) => Ok(()),
        Some(Experts::Mixture { .. }) => missing(
            Input::Experts,
            "the model is a mixture of experts: how many of them a step reads is not known",
        ),
        None => {
            missing(Input::Experts, "the worker did not report whether the model is a mixture of experts")
        }
    }
}

fn cached_token_bytes(run: &RunFacts) -> Option<f64> {
    run.model.kv_bytes_per_token.filter(|bytes| bytes.is_finite() && *bytes > 0.0)
}
