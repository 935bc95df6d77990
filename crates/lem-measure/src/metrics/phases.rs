//! What a token of a prompt and a token of an answer cost, from the parts of the window.

use super::derived::{Derived, Input, Known, both, missing, positive};
use super::formula::Formula;
use super::{RunFacts, Sequence, flops};
use crate::parts::{Part, WindowPart};

/// Joules that reading takes for each token of a prompt.
pub(super) fn prefill_joules_per_input_token(run: &RunFacts) -> Derived {
    let reason = "no prompt was processed in the window";
    let tokens = positive(Some(run.input_tokens), Input::Tokens, reason);
    per_token(run, Part::Prefill, tokens, Formula::PrefillJoulesPerInputToken)
}

/// Joules that answering takes for each token that it gives; the first of an answer comes from its prompt.
pub(super) fn decode_joules_per_output_token(run: &RunFacts) -> Derived {
    per_token(run, Part::Decode, decoded(run), Formula::DecodeJoulesPerOutputToken)
}

fn per_token(run: &RunFacts, part: Part, tokens: Known<f64>, formula: Formula) -> Derived {
    let ((energy_j, relative), tokens) = match both(energy(run, part), tokens) {
        Ok(known) => known,
        Err(lacking) => return Derived::of(formula, Err(lacking)),
    };
    Derived::of(formula, Ok(energy_j / tokens)).with_relative_uncertainty(relative)
}

/// Tokens that decoding gave.
fn decoded(run: &RunFacts) -> Known<f64> {
    if run.drafts {
        return missing(
            Input::Tokens,
            "a step gives several tokens: how many came with the first one of an answer is not known",
        );
    }
    flops::every_request(run)?;
    let reason = "nothing was decoded: a first token comes from its prompt";
    positive(Some(run.requests.iter().map(Sequence::decoded).sum()), Input::Tokens, reason)
}

/// The energy of a part that holds all work of its kind, and its uncertainty relative to that.
fn energy(run: &RunFacts, part: Part) -> Known<(f64, Option<f64>)> {
    if run.parts.is_empty() {
        let reason = run.parts_withheld.as_deref();
        return missing(Input::Parts, reason.unwrap_or("the window was not divided into prefill and decode"));
    }
    let find = |part| run.parts.iter().find(|found: &&WindowPart| found.part == part);
    if let Some(mixed) = find(Part::Mixed) {
        let reason = format!(
            "requests overlapped: for {:.3} s some were read while others were answered, and that energy belongs to both",
            mixed.seconds
        );
        return missing(Input::Parts, reason);
    }
    if run.requests.iter().any(|request| request.in_window.is_some()) {
        let reason =
            "requests had begun before the window: of their prompts only a part may have been read in it";
        return missing(Input::Parts, reason);
    }
    let Some(found) = find(part) else {
        return missing(Input::Parts, format!("there was no {} in the window", part.name()));
    };
    let reason = found.withheld.clone().unwrap_or_else(|| "the part has no energy".into());
    let energy_j = positive(found.energy_j, Input::Energy, reason)?;
    let relative = found.energy_uncertainty_j.filter(|j| *j >= 0.0).map(|j| j / energy_j);
    Ok((energy_j, relative.filter(|share| share.is_finite())))
}
