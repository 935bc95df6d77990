//! Prompts for models without a tokenizer: token ids from a seed.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// Lengths in tokens, both included: from a short question to a paragraph. The workload may cut them shorter.
const LENGTHS: std::ops::RangeInclusive<u32> = 16..=128;

/// Ids below this are special tokens (unknown, begin, end) in the vocabularies that the synthetic models imitate.
const FIRST_ORDINARY: u32 = 3;

/// `count` prompts. Each depends on the seed and its own position alone, not on how many there are.
pub(super) fn prompts(seed: u64, count: u32, vocabulary: usize) -> Vec<Vec<u32>> {
    (0..count).map(|index| prompt(seed, index, vocabulary)).collect()
}

fn prompt(seed: u64, index: u32, vocabulary: usize) -> Vec<u32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    // Sampling takes the streams from 0 (see `Sampler::new`); prompts take those from 2^32.
    random.set_stream((1 << 32) + u64::from(index));
    let ordinary = u32::try_from(vocabulary).unwrap_or(u32::MAX).saturating_sub(FIRST_ORDINARY).max(1);
    let length = LENGTHS.start() + random.next_u32() % (LENGTHS.end() - LENGTHS.start() + 1);
    (0..length).map(|_| FIRST_ORDINARY + random.next_u32() % ordinary).collect()
}
