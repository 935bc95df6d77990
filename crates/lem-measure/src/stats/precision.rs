//! Whether a mean is known well enough to stop repeating.

use super::{count, half_width, mean};

/// Fewer values are never enough: by chance two lie as close as one likes.
const LEAST_VALUES: u32 = 3;

/// Half the width of Student's 95 % interval as a share of the mean, 0.01 for "± 1 %"; `None` of fewer than two values, of
/// a mean of 0, and where it is not finite.
pub fn relative_half_width(values: &[f64]) -> Option<f64> {
    let mean = mean(values).filter(|mean| *mean != 0.0)?;
    Some(half_width(values)? / mean.abs()).filter(|share| share.is_finite())
}

/// Whether to go on repeating.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, specta::Type)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Decision {
    /// Go on: there are too few values to judge by.
    TooFew {
        /// At least so many more are needed.
        missing: u32,
    },
    /// Go on: the interval is wider than wanted.
    TooWide {
        /// See [`relative_half_width`]; `None` where there is none.
        relative_half_width: Option<f64>,
    },
    /// Stop: the interval is as narrow as wanted.
    Enough {
        /// See [`relative_half_width`].
        relative_half_width: f64,
    },
}

/// Whether values are enough: at least `min` of them (three, if it is less), and a [`relative_half_width`] of at most
/// `target_relative`, 0.01 for "± 1 %". To be asked after each value; the caller has a greatest number of its own.
///
/// That the width is wanted and not the number is the sequential interval of Anscombe ("Sequential estimation", Journal
/// of the Royal Statistical Society B 15, 1953) and of Chow and Robbins ("On the asymptotic theory of fixed-width
/// sequential confidence intervals for the mean", Annals of Mathematical Statistics 36, 1965). Its coverage is 95 % only in
/// the limit of a narrow target. Before that it is lower, since one stops where values happen to lie close together; by
/// how much depends on `min` most of all. `docs/statistics.md` has measured figures.
pub fn enough(values: &[f64], min: u32, target_relative: f64) -> Decision {
    let missing = min.max(LEAST_VALUES).saturating_sub(count(values));
    if missing > 0 {
        return Decision::TooFew { missing };
    }
    match relative_half_width(values) {
        Some(relative_half_width) if relative_half_width <= target_relative => {
            Decision::Enough { relative_half_width }
        }
        relative_half_width => Decision::TooWide { relative_half_width },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variation_of_one_percent_needs_five_values_for_a_little_over_one_percent() {
        // t(0.975, n - 1) / √n for n = 3, 5, 10: 2.48, 1.24, 0.72.
        for (n, expected) in [(3_u32, 2.484), (5, 1.242), (10, 0.715)] {
            let spread = (f64::from(n - 1) / f64::from(n - n % 2)).sqrt();
            let mut values: Vec<f64> =
                (0..n - n % 2).map(|i| if i % 2 == 0 { spread } else { -spread }).collect();
            values.resize(n as usize, 0.0);
            let values: Vec<f64> = values.iter().map(|z| 100.0 + z).collect();
            let share = relative_half_width(&values).expect("many");
            assert!((share * 100.0 - expected).abs() < 1e-3, "{n}: {share}");
        }
    }

    #[test]
    fn three_values_are_the_least_even_if_fewer_are_asked_for() {
        assert_eq!(enough(&[5.0, 5.0], 0, 0.5), Decision::TooFew { missing: 1 });
        assert_eq!(enough(&[5.0, 5.0, 5.0], 5, 0.5), Decision::TooFew { missing: 2 });
        assert_eq!(enough(&[5.0, 5.0, 5.0], 3, 0.0), Decision::Enough { relative_half_width: 0.0 });
    }

    #[test]
    fn a_wide_interval_or_none_goes_on() {
        let Decision::TooWide { relative_half_width: Some(share) } = enough(&[9.0, 10.0, 11.0], 3, 0.01)
        else {
            panic!("± 25 % is wider than ± 1 %");
        };
        assert!((share - 0.2484).abs() < 1e-4, "{share}");
        assert_eq!(enough(&[-1.0, 0.0, 1.0], 3, 0.5), Decision::TooWide { relative_half_width: None });
        assert_eq!(enough(&[f64::NAN; 4], 3, 0.5), Decision::TooWide { relative_half_width: None });
        assert!(matches!(enough(&[9.0, 10.0, 11.0], 3, f64::NAN), Decision::TooWide { .. }));
    }
}
