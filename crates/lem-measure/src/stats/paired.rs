//! Two experiments, cycle by cycle.
//!
//! What changes from one cycle to the next (the temperature of the room, the load of the host) changes both experiments of
//! a cycle alike and cancels in their difference. So the difference of a cycle is the unit here, not the run.

use std::collections::BTreeMap;

use super::{
    Interval, bca_of_mean, count, greatest_magnitude, mean, scatterless, standard_deviation,
    student_interval, two_sided_p,
};

/// How a second experiment differs from a first one, over the cycles that both have.
#[derive(Debug, Clone, PartialEq, serde::Serialize, specta::Type)]
pub struct Paired {
    /// How many cycles both have.
    pub n: u32,
    /// These cycles, ascending.
    pub cycles: Vec<u32>,
    /// Mean of the first over these cycles, in the unit of the values.
    pub mean_a: f64,
    /// Mean of the second over them.
    pub mean_b: f64,
    /// Mean difference, second less first, in the unit of the values.
    pub difference: f64,
    /// Sample standard deviation of the differences (n - 1).
    pub sd: f64,
    /// Lower end of Student's 95 % interval of the mean difference.
    pub ci_low: f64,
    /// Upper end of it.
    pub ci_high: f64,
    /// Lower end of the bootstrap interval of it (`BCa`, 95 %); `None` below five cycles and of equal differences.
    pub bca_low: Option<f64>,
    /// Upper end of it.
    pub bca_high: Option<f64>,
    /// Geometric mean of second by first, 1 where they are alike; `None` unless all values are positive.
    pub ratio: Option<f64>,
    /// Lower end of its 95 % interval.
    pub ratio_low: Option<f64>,
    /// Upper end of it.
    pub ratio_high: Option<f64>,
    /// Two-sided p-value of the paired t-test; `None` of equal differences, which have no scatter to test against.
    pub p: Option<f64>,
    /// Effect size `d_z` (Cohen 1988), the mean difference by the standard deviation of the differences; `None` as `p`.
    pub d_z: Option<f64>,
}

/// Compares values of two experiments, each with its cycle; `None` of fewer than two cycles that both have, and where a
/// value of these is not finite.
///
/// The interval and the test are Student's (1908) of the differences `b - a`. They hold if the differences are
/// independent and about normal. The values themselves need not be. Where a cycle occurs twice in one experiment its
/// last value counts.
///
/// The relative effect is the geometric mean of the ratios `b / a`, and its interval is Student's of `ln(b / a)` taken back
/// by `exp` (Bland and Altman, "The use of transformation when comparing two means", BMJ 312, 1996). A ratio of means would
/// weigh cycles by their size and need Fieller's interval, which can be unbounded; the geometric mean is the inverse when
/// the experiments change places (Fleming and Wallace, "How not to lie with statistics", CACM 29, 1986).
pub fn paired(a: &[(u32, f64)], b: &[(u32, f64)]) -> Option<Paired> {
    let pairs = shared_cycles(a, b)?;
    let differences: Vec<f64> = pairs.iter().map(|pair| pair.b - pair.a).collect();
    let (difference, sd) = (mean(&differences)?, standard_deviation(&differences)?);
    let interval = student_interval(&differences)?;
    let scatter = !scatterless(&differences, greatest(&pairs));
    let bca = if scatter { bca_of_mean(&differences) } else { None };
    let ratio = ratio(&pairs);
    let n = count(&pairs);
    let d_z = scatter.then_some(difference / sd);
    Some(Paired {
        n,
        cycles: pairs.iter().map(|pair| pair.cycle).collect(),
        mean_a: mean(&pairs.iter().map(|pair| pair.a).collect::<Vec<_>>())?,
        mean_b: mean(&pairs.iter().map(|pair| pair.b).collect::<Vec<_>>())?,
        difference,
        sd,
        ci_low: interval.low,
        ci_high: interval.high,
        bca_low: bca.map(|interval| interval.low),
        bca_high: bca.map(|interval| interval.high),
        ratio: ratio.map(|(ratio, _)| ratio),
        ratio_low: ratio.map(|(_, interval)| interval.low),
        ratio_high: ratio.map(|(_, interval)| interval.high),
        p: d_z.and_then(|d_z| two_sided_p(d_z * f64::from(n).sqrt(), n - 1)),
        d_z,
    })
}

struct Pair {
    cycle: u32,
    a: f64,
    b: f64,
}

/// Ascending; `None` where a value is not finite.
fn shared_cycles(a: &[(u32, f64)], b: &[(u32, f64)]) -> Option<Vec<Pair>> {
    let b: BTreeMap<u32, f64> = b.iter().copied().collect();
    let a: BTreeMap<u32, f64> = a.iter().copied().collect();
    a.into_iter()
        .filter_map(|(cycle, a)| Some(Pair { cycle, a, b: *b.get(&cycle)? }))
        .map(|pair| (pair.a.is_finite() && pair.b.is_finite()).then_some(pair))
        .collect()
}

fn greatest(pairs: &[Pair]) -> f64 {
    greatest_magnitude(&pairs.iter().flat_map(|pair| [pair.a, pair.b]).collect::<Vec<_>>())
}

/// The geometric mean of the ratios and its interval; `None` unless all values are positive.
fn ratio(pairs: &[Pair]) -> Option<(f64, Interval)> {
    let logs: Option<Vec<f64>> =
        pairs.iter().map(|pair| (pair.a > 0.0 && pair.b > 0.0).then(|| (pair.b / pair.a).ln())).collect();
    let logs = logs?;
    let interval = student_interval(&logs)?;
    Some((mean(&logs)?.exp(), Interval::finite(interval.low.exp(), interval.high.exp())?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::describe;

    #[test]
    fn only_cycles_that_both_have_are_compared() {
        let found = paired(
            &[(3, 12.0), (1, 10.0), (2, 11.0), (9, 1e6)],
            &[(1, 12.0), (7, -1e6), (3, 15.0), (2, 12.0)],
        )
        .expect("three cycles");
        assert_eq!((found.n, found.cycles), (3, vec![1, 2, 3]));
        assert_eq!((found.mean_a, found.mean_b, found.difference), (11.0, 13.0, 2.0));
        assert_eq!((found.sd, found.d_z), (1.0, Some(2.0)));
    }

    #[test]
    fn one_shared_cycle_is_no_comparison_and_neither_is_a_value_that_is_no_number() {
        assert_eq!(paired(&[(1, 1.0), (2, 2.0)], &[(2, 1.0), (3, 2.0)]), None);
        assert_eq!(paired(&[(1, 1.0), (2, f64::NAN)], &[(1, 1.0), (2, 2.0)]), None);
        assert_eq!(paired(&[], &[]), None);
    }

    #[test]
    fn equal_differences_have_an_effect_and_no_test() {
        let found = paired(&[(1, 0.2), (2, 0.3), (3, 0.4)], &[(1, 0.3), (2, 0.4), (3, 0.5)]).expect("three");
        assert!((found.difference - 0.1).abs() < 1e-15);
        assert_eq!((found.p, found.d_z, found.bca_low), (None, None, None), "that is rounding: {found:?}");
        let same = paired(&[(1, 5.0), (2, 6.0)], &[(1, 5.0), (2, 6.0)]).expect("two");
        assert_eq!(
            (same.p, same.ratio, same.ratio_low, same.ratio_high),
            (None, Some(1.0), Some(1.0), Some(1.0))
        );
    }

    #[test]
    fn a_ratio_is_of_positive_values_only() {
        let found = paired(&[(1, 1.0), (2, 0.0)], &[(1, 2.0), (2, 2.5)]).expect("two");
        assert_eq!((found.ratio, found.ratio_low, found.ratio_high), (None, None, None));
        let twice = paired(&[(1, 1.0), (2, 8.0)], &[(1, 4.0), (2, 8.0)]).expect("two");
        assert!((twice.ratio.expect("positive") - 2.0).abs() < 1e-12, "√(4 · 1)");
    }

    fn experiment() -> impl Strategy<Value = Vec<(u32, f64)>> {
        prop::collection::vec(50.0..60.0, 2..12).prop_map(|values| (1..).zip(values).collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_interval_is_that_of_the_differences_as_one_sample(a in experiment(), b in experiment()) {
            let found = paired(&a, &b).expect("two cycles");
            let differences: Vec<f64> = a.iter().zip(&b).map(|(a, b)| b.1 - a.1).collect();
            let one = describe(differences.clone()).expect("two values");
            prop_assert_eq!((Some(found.ci_low), Some(found.ci_high)), (one.ci_low, one.ci_high));
            prop_assert_eq!(found.bca_low, bca_of_mean(&differences).map(|interval| interval.low));
        }

        #[test]
        fn the_test_rejects_where_the_interval_leaves_out_zero(a in experiment(), b in experiment()) {
            let found = paired(&a, &b).expect("two cycles");
            prop_assert_eq!(found.p.expect("scatter") < 0.05, found.ci_low > 0.0 || found.ci_high < 0.0);
        }

        #[test]
        fn changing_places_changes_the_sign_and_inverts_the_ratio(a in experiment(), b in experiment()) {
            let (one, other) = (paired(&a, &b).expect("two"), paired(&b, &a).expect("two"));
            prop_assert_eq!((one.difference, one.ci_low, one.p), (-other.difference, -other.ci_high, other.p));
            let inverse = one.ratio_low.expect("positive") * other.ratio_high.expect("positive");
            prop_assert!((inverse - 1.0).abs() < 1e-12, "{inverse}");
        }

        #[test]
        fn the_order_in_which_cycles_are_given_does_not_matter(a in experiment(), b in experiment(), turn in 0_usize..12) {
            let mut turned = a.clone();
            turned.rotate_left(turn.min(a.len()));
            prop_assert_eq!(paired(&a, &b), paired(&turned, &b));
        }
    }
}
