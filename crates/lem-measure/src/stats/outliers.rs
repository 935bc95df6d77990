//! Values far from the others, by the modified z-score of Iglewicz and Hoaglin, "How to Detect and Handle Outliers" (1993).
//!
//! They are named, never dropped: a run that used more energy than the others is a result until its cause is known.

use super::{greatest_magnitude, mean, quantile_of_sorted, rounding, sorted};

/// The 0.75 quantile of the normal distribution: what the MAD of normal values is of their standard deviation.
const MAD_OF_NORMAL: f64 = 0.6745;

/// √(π/2): what the standard deviation of normal values is of their mean absolute deviation.
const NORMAL_BY_MEAN_DEVIATION: f64 = 1.253_314;

/// The cut that Iglewicz and Hoaglin recommend.
const FAR: f64 = 3.5;

/// Fewer values have no outliers: of two, each is as far from the median as the other.
const LEAST_VALUES: usize = 3;

/// Positions, from 0, of values whose modified z-score `0.6745 · (x - median) / MAD` is beyond ±3.5.
///
/// Where the MAD is 0, which is where more than half of the values are the same, the score is
/// `(x - median) / (1.253314 · mean absolute deviation from the median)`. None of fewer than three values.
/// Differences that rounding explains are none.
pub fn outliers(values: &[f64]) -> Vec<u32> {
    Robust::of(values).map_or_else(Vec::new, |robust| robust.outliers(values))
}

/// A centre of values and how far they are from it, which a single odd value does not move.
pub(super) struct Robust {
    pub(super) median: f64,
    /// Median absolute deviation from the median.
    pub(super) mad: f64,
    /// Mean absolute deviation from the median.
    mean_deviation: f64,
}

impl Robust {
    /// `None` of nothing.
    pub(super) fn of(values: &[f64]) -> Option<Self> {
        let median = quantile_of_sorted(&sorted(values), 0.5)?;
        // Sorted before they are added, so that the order of the values does not matter to the last bit.
        let deviations = sorted(&values.iter().map(|value| (value - median).abs()).collect::<Vec<_>>());
        let mad = quantile_of_sorted(&deviations, 0.5)?;
        Some(Self { median, mad, mean_deviation: mean(&deviations)? })
    }

    /// See [`outliers`].
    pub(super) fn outliers(&self, values: &[f64]) -> Vec<u32> {
        if values.len() < LEAST_VALUES {
            return Vec::new();
        }
        let noise = rounding(greatest_magnitude(values));
        let sd = if self.mad > noise {
            self.mad / MAD_OF_NORMAL
        } else {
            self.mean_deviation * NORMAL_BY_MEAN_DEVIATION
        };
        let far = |value: f64| {
            let distance = (value - self.median).abs();
            distance > noise && distance > FAR * sd
        };
        (0..).zip(values).filter(|&(_, &value)| far(value)).map(|(position, _)| position).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_cut_is_at_three_and_a_half() {
        // The median is 0 and the absolute deviations are 0, 0, 1, 1, 1, 1 and x: the MAD is 1.
        let with = |x: f64| outliers(&[-1.0, -1.0, 0.0, 1.0, 1.0, 0.0, x]);
        assert_eq!(with(3.5 / 0.6745 + 0.01), [6]);
        assert_eq!(with(3.5 / 0.6745 - 0.01), [0_u32; 0]);
    }

    #[test]
    fn where_most_values_are_the_same_the_mean_deviation_judges() {
        assert_eq!(outliers(&[10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 100.0]), [7]);
        // 1 / (1.253314 · 1/4) = 3.19 and 1 / (1.253314 · 1/5) = 3.99: four values cannot have one, five can.
        assert_eq!(
            (outliers(&[5.0, 5.0, 5.0, 6.0]), outliers(&[5.0, 5.0, 5.0, 5.0, 6.0])),
            (vec![], vec![4])
        );
        assert_eq!(outliers(&[5.0; 9]), [0_u32; 0]);
    }

    #[test]
    fn two_values_have_no_outlier_and_rounding_is_none() {
        assert_eq!((outliers(&[1.0, 1e9]), outliers(&[])), (vec![], vec![]));
        assert_eq!(
            outliers(&[0.3, 0.3, 0.3, 0.3, 0.1 + 0.2]),
            [0_u32; 0],
            "0.1 + 0.2 is 0.30000000000000004"
        );
    }

    #[test]
    fn what_is_no_number_is_no_outlier_and_does_not_panic() {
        assert_eq!(outliers(&[f64::NAN; 5]), [0_u32; 0]);
        assert_eq!(outliers(&[1.0, f64::INFINITY, 2.0]), [0_u32; 0]);
    }

    proptest! {
        #[test]
        fn outliers_do_not_depend_on_the_order(
            values in prop::collection::vec(prop_oneof![-10.0..10.0, -1e6..1e6, Just(1.0)], 0..12), turn in 0_usize..12
        ) {
            let flagged = |values: &[f64]| {
                sorted(&outliers(values).iter().map(|&at| values[at as usize]).collect::<Vec<_>>())
            };
            let mut other = values.clone();
            other.rotate_left(turn.min(values.len()));
            prop_assert_eq!(flagged(&values), flagged(&other));
            other.reverse();
            prop_assert_eq!(flagged(&values), flagged(&other));
        }

        #[test]
        fn less_than_half_of_the_values_are_outliers(values in prop::collection::vec(-1e6..1e6, 3..30)) {
            prop_assert!(2 * outliers(&values).len() < values.len());
        }
    }
}
