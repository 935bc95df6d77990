//! The positions of a request's tokens: how long the context of each one was.

use serde::{Deserialize, Serialize};

/// A request by its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, specta::Type)]
pub struct Sequence {
    /// Tokens of the prompt.
    pub input_tokens: u32,
    /// Generated tokens.
    pub output_tokens: u32,
    /// Those of them in the window, for a request that began before it: the last ones, because a request that is told of
    /// has finished in the window, so that only its opening can cut one. Absent: all.
    pub in_window: Option<TokensInWindow>,
}

/// Tokens of a request that fell into the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, specta::Type)]
pub struct TokensInWindow {
    /// Of the prompt.
    pub input_tokens: u32,
    /// Generated.
    pub output_tokens: u32,
}

impl Sequence {
    /// Tokens in the window: of the prompt, and generated.
    pub(super) fn counted(&self) -> (f64, f64) {
        let all = TokensInWindow { input_tokens: self.input_tokens, output_tokens: self.output_tokens };
        let counted = self.in_window.unwrap_or(all);
        (
            f64::from(counted.input_tokens.min(self.input_tokens)),
            f64::from(counted.output_tokens.min(self.output_tokens)),
        )
    }

    /// Whether the tokens in the window are the last ones of the sequence: the window opened at one place of it. A prompt
    /// comes before its answer, so that none of it can be inside when a part of the answer was outside.
    pub(super) fn is_cut_once(&self) -> bool {
        let (input, output) = self.counted();
        input == 0.0 || output >= f64::from(self.output_tokens)
    }

    /// The sum of the contexts of the tokens in the window. Attention is causal: the token at position k, from 1, sees k
    /// tokens, itself included, so that a prompt of n tokens gives n (n + 1) / 2.
    pub(super) fn contexts(&self) -> f64 {
        let (prompt, all) = self.ends();
        let (input, output) = self.counted();
        between(prompt - input, prompt) + between(all - output, all)
    }

    /// Tokens in the window that decoding gave, one step each; the first of an answer comes from the prompt.
    pub(super) fn decoded(&self) -> f64 {
        let (prompt, all) = self.ends();
        let (_, output) = self.counted();
        output.min((all - prompt - 1.0).max(0.0))
    }

    /// How many tokens the steps in the window found in the cache, summed over the steps: the step that gives token j of
    /// an answer finds the prompt and j - 2 tokens.
    pub(super) fn cached(&self) -> f64 {
        let last = self.ends().1 - 2.0;
        between(last - self.decoded(), last)
    }

    /// The positions of the last token of the prompt and of the answer.
    fn ends(&self) -> (f64, f64) {
        let prompt = f64::from(self.input_tokens);
        (prompt, prompt + f64::from(self.output_tokens))
    }
}

/// The sum of the whole numbers above `low` up to `high`.
fn between(low: f64, high: f64) -> f64 {
    (high * (high + 1.0) - low * (low + 1.0)) / 2.0
}
