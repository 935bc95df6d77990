//! Which token comes next: from logits to one token, repeatable for a seed.
//!
//! The order of the steps is that of Hugging Face transformers' logits processors: repetition penalty, suppressed end
//! tokens, temperature, top-k, top-p.

use std::cmp::Ordering;
use std::collections::HashSet;

use lem_protocol::Decoding;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use crate::failure::Failure;

/// Chooses the tokens of one request.
#[derive(Debug)]
pub(crate) struct Sampler {
    decoding: Decoding,
    random: ChaCha8Rng,
    /// Tokens of the prompt and of the output so far.
    occurred: HashSet<u32>,
}

impl Sampler {
    /// A sampler for the request `index`. Each request has its own stream of random numbers, so that what it generates
    /// does not depend on how many requests, warm-up included, came before it.
    pub(crate) fn new(decoding: &Decoding, seed: u64, index: u32, prompt: &[u32]) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(u64::from(index));
        Self { decoding: decoding.clone(), random, occurred: prompt.iter().copied().collect() }
    }

    /// The next token for `logits`, one for each token of the vocabulary; never one of `suppressed`.
    pub(crate) fn next(&mut self, logits: &mut [f32], suppressed: &[u32]) -> Result<u32, Failure> {
        if logits.iter().any(|logit| logit.is_nan()) {
            return Err(Failure::engine(
                "the model computed NaN instead of a prediction; with float16 try float32, else the weights are damaged",
            ));
        }
        self.penalize(logits);
        for &token in suppressed {
            if let Some(logit) = logits.get_mut(token as usize) {
                *logit = f32::NEG_INFINITY;
            }
        }
        let candidates = (0..).zip(logits.iter().copied());
        let token = if is_greedy(&self.decoding) {
            candidates.min_by(|a, b| by_probability(*a, *b)).map(|(token, _)| token)
        } else {
            self.draw(candidates.collect())
        };
        let token = token.ok_or_else(|| Failure::engine("the model has no token to choose from"))?;
        self.occurred.insert(token);
        Ok(token)
    }

    /// Divides positive logits of tokens that occurred by the penalty and multiplies negative ones (CTRL, Keskar et al.
    /// 2019, in the form of transformers).
    #[expect(clippy::cast_possible_truncation, reason = "logits have single precision")]
    fn penalize(&self, logits: &mut [f32]) {
        let penalty = self.decoding.repetition_penalty as f32;
        for &token in &self.occurred {
            if let Some(logit) = logits.get_mut(token as usize) {
                *logit = if *logit > 0.0 { *logit / penalty } else { *logit * penalty };
            }
        }
    }

    fn draw(&mut self, mut candidates: Vec<(u32, f32)>) -> Option<u32> {
        keep_top_k(&mut candidates, self.decoding.top_k as usize);
        let mut weights = weights(&candidates, self.decoding.temperature);
        keep_top_p(&mut weights, self.decoding.top_p);
        let total: f64 = weights.iter().map(|(_, weight)| weight).sum();
        let mut left = self.uniform() * total;
        for &(token, weight) in &weights {
            left -= weight;
            if left < 0.0 {
                return Some(token);
            }
        }
        // Rounding may leave a trace of the total: then it is the last token that can be drawn at all.
        weights.iter().rev().find(|(_, weight)| *weight > 0.0).map(|&(token, _)| token)
    }

    /// A number from [0, 1) with 53 random bits.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    fn uniform(&mut self) -> f64 {
        (self.random.next_u64() >> 11) as f64 * 2.0_f64.powi(-53)
    }
}

/// Whether the most probable token is always taken. A temperature of 0 is the limit of sampling, and means the same.
pub(crate) fn is_greedy(decoding: &Decoding) -> bool {
    !decoding.do_sample || decoding.temperature == 0.0
}

/// Most probable first; among equals, the smaller token, so that no order depends on a sorting algorithm.
fn by_probability(a: (u32, f32), b: (u32, f32)) -> Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

/// Keeps the `k` most probable candidates, in that order; 0 keeps all, in theirs.
fn keep_top_k(candidates: &mut Vec<(u32, f32)>, k: usize) {
    if k == 0 {
        return;
    }
    if k < candidates.len() {
        candidates.select_nth_unstable_by(k - 1, |a, b| by_probability(*a, *b));
        candidates.truncate(k);
    }
    candidates.sort_unstable_by(|a, b| by_probability(*a, *b));
}

/// Probabilities up to a common factor: the most probable candidate has weight 1.
fn weights(candidates: &[(u32, f32)], temperature: f64) -> Vec<(u32, f64)> {
    let greatest = candidates.iter().fold(f32::NEG_INFINITY, |greatest, (_, logit)| greatest.max(*logit));
    let weight = |logit: f32| ((f64::from(logit) - f64::from(greatest)) / temperature).exp();
    candidates.iter().map(|&(token, logit)| (token, weight(logit))).collect()
}

/// Keeps the fewest most probable tokens whose probabilities add up to at least `p`.
fn keep_top_p(weights: &mut Vec<(u32, f64)>, p: f64) {
    if p >= 1.0 {
        return;
    }
    weights.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let total: f64 = weights.iter().map(|(_, weight)| weight).sum();
    let mut sum = 0.0;
    let needed = weights.iter().take_while(|(_, weight)| {
        let short = sum < p * total;
        sum += weight;
        short
    });
    let kept = needed.count();
    weights.truncate(kept);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sampling(change: impl FnOnce(&mut Decoding)) -> Decoding {
        let mut decoding = Decoding { top_k: 0, ..Decoding::default() };
        change(&mut decoding);
        decoding
    }

    fn greedy() -> Decoding {
        sampling(|decoding| decoding.do_sample = false)
    }

    /// `count` tokens drawn from the same logits.
    fn drawn(decoding: &Decoding, seed: u64, logits: &[f32], count: u32) -> Vec<u32> {
        let mut sampler = Sampler::new(decoding, seed, 0, &[]);
        (0..count).map(|_| sampler.next(&mut logits.to_vec(), &[]).unwrap()).collect()
    }

    #[test]
    fn greedy_takes_the_greatest_logit_and_the_first_of_equals() {
        assert_eq!(drawn(&greedy(), 0, &[0.1, 3.0, -2.0, 3.0], 1), [1]);
        let cold = sampling(|decoding| decoding.temperature = 0.0);
        assert_eq!(drawn(&cold, 0, &[0.1, 3.0, -2.0, 3.0], 1), [1], "temperature 0 is greedy");
    }

    #[test]
    fn top_k_restricts_the_choice_to_k_tokens() {
        let decoding = sampling(|decoding| decoding.top_k = 2);
        let tokens = drawn(&decoding, 5, &[1.0, 1.2, 1.1, 0.9], 300);
        let chosen: HashSet<u32> = tokens.into_iter().collect();
        assert_eq!(chosen, HashSet::from([1, 2]));
    }

    #[test]
    fn top_p_keeps_the_fewest_tokens_that_reach_it() {
        // Probabilities 0.5, 0.25, 0.125, 0.125.
        let logits = [4.0_f32.ln(), 2.0_f32.ln(), 0.0, 0.0];
        let chosen = |top_p| {
            let decoding = sampling(|decoding| decoding.top_p = top_p);
            drawn(&decoding, 5, &logits, 300).into_iter().collect::<HashSet<u32>>()
        };
        assert_eq!(chosen(0.4), HashSet::from([0]));
        assert_eq!(chosen(0.7), HashSet::from([0, 1]));
        assert_eq!(chosen(1.0), HashSet::from([0, 1, 2, 3]));
    }

    #[test]
    fn tokens_are_drawn_as_often_as_their_probability_says() {
        let tokens = drawn(&sampling(|_| {}), 11, &[3.0_f32.ln(), 0.0], 4000);
        let first = tokens.iter().filter(|&&token| token == 0).count();
        assert!((2900..3100).contains(&first), "3 of 4 expected, {first} of 4000 drawn");
    }

    #[test]
    fn a_seed_repeats_and_requests_differ() {
        let decoding = sampling(|_| {});
        let logits = [0.0; 64];
        assert_eq!(drawn(&decoding, 1, &logits, 20), drawn(&decoding, 1, &logits, 20));
        assert_ne!(drawn(&decoding, 1, &logits, 20), drawn(&decoding, 2, &logits, 20));
        let mut other = Sampler::new(&decoding, 1, 1, &[]);
        let second_request: Vec<u32> =
            (0..20).map(|_| other.next(&mut logits.to_vec(), &[]).unwrap()).collect();
        assert_ne!(drawn(&decoding, 1, &logits, 20), second_request);
    }

    #[test]
    fn a_repetition_penalty_disfavours_what_occurred() {
        let decoding = Decoding { repetition_penalty: 2.0, ..greedy() };
        let mut sampler = Sampler::new(&decoding, 0, 0, &[1]);
        assert_eq!(sampler.next(&mut [0.8, 1.5, -1.0], &[]).unwrap(), 0, "1.5 / 2 < 0.8");
        assert_eq!(sampler.next(&mut [-0.6, -0.6, -1.0], &[]).unwrap(), 2, "-0.6 * 2 < -1.0");
    }

    #[test]
    fn suppressed_tokens_are_never_chosen() {
        let mut sampler = Sampler::new(&greedy(), 0, 0, &[]);
        assert_eq!(sampler.next(&mut [0.8, 1.5, -1.0], &[1, 99]).unwrap(), 0);
    }

    #[test]
    fn a_model_that_computes_nan_fails() {
        let mut sampler = Sampler::new(&greedy(), 0, 0, &[]);
        let failure = sampler.next(&mut [0.8, f32::NAN], &[]).unwrap_err();
        assert!(failure.message.contains("NaN"));
    }

    proptest! {
        #[test]
        fn a_drawn_token_is_always_in_the_vocabulary(
            logits in prop::collection::vec(-50.0_f32..50.0, 1..200),
            top_k in 0_u32..300,
            top_p in 0.01_f64..=1.0,
            temperature in 0.01_f64..5.0,
            seed: u64,
        ) {
            let decoding = sampling(|d| (d.top_k, d.top_p, d.temperature) = (top_k, top_p, temperature));
            for token in drawn(&decoding, seed, &logits, 5) {
                prop_assert!((token as usize) < logits.len());
            }
        }
    }
}
