//! How often 95 % intervals hold the true mean, by simulation from fixed seeds; the figures in `docs/statistics.md` are
//! printed by `cargo test --release -p lem-measure --test coverage -- --nocapture`.

#![expect(clippy::print_stdout, reason = "the documentation quotes what is printed")]

use lem_measure::stats::{Decision, bca_of_mean, describe, enough, outliers};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A standard normal number (Box and Muller 1958).
fn normal(random: &mut ChaCha8Rng) -> f64 {
    let mut uniform = || (f64::from(random.next_u32()) + 0.5) / 2.0_f64.powi(32);
    let (one, other) = (uniform(), uniform());
    (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * other).cos()
}

/// The share of so many trials in which something happens.
fn share(trials: u32, seed: u64, mut happens: impl FnMut(&mut ChaCha8Rng) -> bool) -> f64 {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    f64::from((0..trials).map(|_| u32::from(happens(&mut random))).sum::<u32>()) / f64::from(trials)
}

/// Values of a true mean of 100 and a coefficient of variation `cv`, until they are enough for ± 1 % or are 100.
fn stopped(random: &mut ChaCha8Rng, min: u32, cv: f64) -> Vec<f64> {
    let mut values = Vec::new();
    while values.len() < 100 && !matches!(enough(&values, min, 0.01), Decision::Enough { .. }) {
        values.push(100.0 * (1.0 + cv * normal(random)));
    }
    values
}

/// The coverage of Student's interval at the stop, and the mean number of values.
fn coverage_at_the_stop(min: u32, cv: f64) -> (f64, f64) {
    const TRIALS: u32 = 5_000;
    let mut taken = 0;
    let coverage = share(TRIALS, 1953, |random| {
        let values = stopped(random, min, cv);
        taken += values.len();
        let described = describe(values).expect("three values");
        described.ci_low.expect("three") <= 100.0 && 100.0 <= described.ci_high.expect("three")
    });
    let taken = f64::from(u32::try_from(taken).expect("at most half a million"));
    (coverage, taken / f64::from(TRIALS))
}

#[test]
fn stopping_when_the_interval_is_narrow_costs_some_coverage() {
    for (min, least) in [(3, 0.885), (5, 0.905), (10, 0.92)] {
        for cv in [0.0025, 0.005, 0.01, 0.015, 0.02, 0.03] {
            let (coverage, n) = coverage_at_the_stop(min, cv);
            println!("stop at ± 1 %, at least {min}, cv {cv}: coverage {coverage:.3}, {n:.1} values");
            assert!(coverage > least, "at least {min} values, cv {cv}: {coverage}");
        }
    }
}

#[test]
fn the_bootstrap_covers_less_than_student_where_values_are_few() {
    for (n, least) in [(5, 0.81), (10, 0.88), (20, 0.91)] {
        let draw = |random: &mut ChaCha8Rng| (0..n).map(|_| 10.0 + normal(random)).collect::<Vec<f64>>();
        let bca = share(1_000, 1987, |random| {
            let interval = bca_of_mean(&draw(random)).expect("five values");
            interval.low <= 10.0 && 10.0 <= interval.high
        });
        let student = share(20_000, 1908, |random| {
            let described = describe(draw(random)).expect("values");
            described.ci_low.expect("five") <= 10.0 && 10.0 <= described.ci_high.expect("five")
        });
        println!("{n} normal values: coverage of BCa {bca:.3}, of Student {student:.3}");
        assert!(bca > least && bca < student, "{n}: {bca}");
        assert!((student - 0.95).abs() < 0.006, "{n}: {student}");
    }
}

#[test]
fn normal_values_have_false_outliers_and_fewer_of_them_the_more_there_are() {
    for (n, most) in [(3, 0.31), (5, 0.23), (10, 0.14), (30, 0.1)] {
        let draw = |random: &mut ChaCha8Rng| (0..n).map(|_| normal(random)).collect::<Vec<f64>>();
        let flagged = share(20_000, 1993, |random| !outliers(&draw(random)).is_empty());
        println!("{n} normal values: {flagged:.3} of the groups have a flagged value");
        assert!(flagged < most, "{n}: {flagged}");
    }
}
