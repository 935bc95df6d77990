//! The orders in which experiments can be run: positions of experiments and cycles from 1, lazily.

use lem_spec::campaign::Structure;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Every experiment once in every cycle, in the order of the structure.
pub(super) fn order(
    structure: Structure,
    experiments: usize,
    cycles: u32,
    seed: u64,
) -> Box<dyn Iterator<Item = (usize, u32)>> {
    if structure == Structure::Grouped {
        return Box::new(
            (0..experiments).flat_map(move |position| (1..=cycles).map(move |cycle| (position, cycle))),
        );
    }
    Box::new((1..=cycles).flat_map(move |cycle| {
        let positions = match structure {
            Structure::Shuffled => shuffled(experiments, cycle, seed),
            Structure::Reverse if cycle.is_multiple_of(2) => (0..experiments).rev().collect(),
            Structure::Interleaved | Structure::Reverse | Structure::Grouped => (0..experiments).collect(),
            Structure::LatinSquare => williams_row(experiments, cycle),
        };
        positions.into_iter().map(move |position| (position, cycle))
    }))
}

/// A Fisher-Yates shuffle of its own stream of `ChaCha8` for each cycle. Written out, since a stored seed must give the
/// same order for as long as results are kept, which no library promises of its shuffle.
fn shuffled(experiments: usize, cycle: u32, seed: u64) -> Vec<usize> {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut random = ChaCha8Rng::from_seed(key);
    random.set_stream(u64::from(cycle));
    let mut positions: Vec<usize> = (0..experiments).collect();
    for last in (1..experiments).rev() {
        positions.swap(last, below(&mut random, last + 1));
    }
    positions
}

/// A number from 0 up to but not including `bound`, by the high half of a product (Lemire 2019); for bounds below a
/// million its bias is under 1e-13.
fn below(random: &mut ChaCha8Rng, bound: usize) -> usize {
    let product = u128::from(random.next_u64()) * bound as u128;
    usize::try_from(product >> 64)
        .expect("the high half of the product is less than the bound, which is a usize")
}

/// How many rows a balanced design for so many experiments has: as many as experiments, twice as many if odd.
pub(super) fn williams_rows(experiments: usize) -> usize {
    match experiments {
        0 | 1 => 1,
        even if even.is_multiple_of(2) => even,
        odd => 2 * odd,
    }
}

/// A row of the design of E. J. Williams ("Experimental designs balanced for the estimation of residual effects of
/// treatments", 1949). The first row zigzags, 0 1 k-1 2 k-2 ...; row r adds r to it modulo k; an odd k needs the same rows
/// backwards as well.
fn williams_row(experiments: usize, cycle: u32) -> Vec<usize> {
    let turn = usize::try_from(cycle - 1).unwrap_or(usize::MAX);
    let row = turn % williams_rows(experiments);
    let zigzag = |place: usize| if place % 2 == 1 { place.div_ceil(2) } else { experiments - place / 2 };
    let forwards = (0..experiments).map(|place| (zigzag(place) + row) % experiments);
    if row < experiments { forwards.collect() } else { forwards.rev().collect() }
}
