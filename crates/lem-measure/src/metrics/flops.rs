//! Floating point operations of a run: multiplications with weights, and attention.
//!
//! A multiplication of a token with a weight and its addition are two operations (Kaplan et al. 2020, arXiv 2001.08361).
//! Attention multiplies a query with the keys of its context, and the result with their values: 2 × 2 operations for
//! each of layers × width × context (Chowdhery et al. 2022, arXiv 2204.02311, appendix B, its forward pass). The two are
//! kept apart, because the second needs facts that not every engine gives; what is per second, per joule and per peak
//! counts the first, so that runs stay comparable.

use super::derived::{Input, Known, both, missing, positive};
use super::{Experts, ModelFacts, RunFacts};

/// Operations of a run in FLOP.
pub(super) struct Flops {
    /// Of multiplications with weights.
    pub(super) parameters: Known<f64>,
    /// Of attention.
    pub(super) attention: Known<f64>,
    /// Both.
    pub(super) total: Known<f64>,
}

/// The operations of a run.
pub(super) fn of(run: &RunFacts) -> Flops {
    let parameters = both(active_parameters(&run.model), tokens(run)).map(|(active, n)| 2.0 * active * n);
    let attention = both(attention_shape(&run.model), contexts(run)).map(|(shape, sum)| 4.0 * shape * sum);
    let total = both(parameters.clone(), attention.clone()).map(|(a, b)| a + b);
    Flops { parameters, attention, total }
}

/// Non-embedding parameters that work on one token.
fn active_parameters(model: &ModelFacts) -> Known<f64> {
    let all = model.non_embedding_parameters;
    match model.experts {
        Some(Experts::Dense) => positive(
            all,
            Input::Parameters,
            "the worker did not report the number of non-embedding parameters",
        ),
        Some(Experts::Mixture { active_non_embedding_parameters: active }) => {
            let reason =
                "the model is a mixture of experts, and how many parameters work on a token was not reported";
            let active = positive(active, Input::Experts, reason)?;
            let reason = "more parameters work on a token than the model has";
            if all.is_none_or(|all| active <= all) {
                Ok(active)
            } else {
                missing(Input::Contradiction, reason)
            }
        }
        None => {
            missing(Input::Experts, "the worker did not report whether the model is a mixture of experts")
        }
    }
}

fn tokens(run: &RunFacts) -> Known<f64> {
    positive(
        Some(run.input_tokens + run.output_tokens),
        Input::Tokens,
        "no token was processed in the window",
    )
}

/// Layers times width of attention.
fn attention_shape(model: &ModelFacts) -> Known<f64> {
    let layers = positive(
        model.layers.map(f64::from),
        Input::AttentionShape,
        "the worker did not report the number of layers",
    );
    let width = positive(
        model.attention_width.map(f64::from),
        Input::AttentionShape,
        "the worker did not report the width of attention (heads × head size)",
    );
    both(layers, width).map(|(layers, width)| layers * width)
}

/// The sum of the contexts of all tokens.
fn contexts(run: &RunFacts) -> Known<f64> {
    every_request(run)?;
    Ok(run.requests.iter().map(super::Sequence::contexts).sum())
}

/// That the requests have all tokens of the window, each at a position that is known. What of a request was under way at
/// the end of the window is counted in the totals alone, and a sum without it would be a wrong number.
pub(super) fn every_request(run: &RunFacts) -> Known<()> {
    let all = tokens(run)?;
    if run.requests.is_empty() {
        return missing(Input::Contexts, "the tokens of each request are not known");
    }
    if run.unfinished_tokens > 0.0 {
        let reason = format!(
            "{} of the window's {all} tokens belong to requests that were under way at its end: the length of their \
             context is not known",
            run.unfinished_tokens
        );
        return missing(Input::Contexts, reason);
    }
    let told: f64 =
        run.requests.iter().map(super::Sequence::counted).map(|(input, output)| input + output).sum();
    if (all - told).abs() >= 0.5 {
        let reason = format!(
            "the requests have {told} tokens and the window {all}: which of theirs fell into it is not known"
        );
        return missing(Input::Contexts, reason);
    }
    if run.requests.iter().all(super::Sequence::is_cut_once) {
        return Ok(());
    }
    let reason = "a request is said to have a part of its answer in the window and some of its prompt, which comes \
                  before it: which tokens these are is not known";
    missing(Input::Contexts, reason)
}
