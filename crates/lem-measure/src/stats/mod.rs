//! Statistics of repeated values: what each figure shown of a group of runs, or of two of them, is computed by.
//!
//! Pure and deterministic: the one method that draws at random (`bootstrap`) draws from a fixed seed. Nothing here
//! removes a value. `docs/statistics.md` says when a figure is shown and when it is withheld.

mod bootstrap;
mod describe;
mod outliers;
mod paired;
mod precision;
mod regression;

pub use bootstrap::bca_of_mean;
pub use describe::{Statistic, describe};
pub use outliers::outliers;
pub use paired::{Paired, paired};
pub use precision::{Decision, enough, relative_half_width};
pub use regression::{Line, regression};

use statrs::distribution::{Continuous, ContinuousCDF, StudentsT};

/// A 95 % confidence interval, in the unit of what it is of.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, specta::Type)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// An interval both ends of which are numbers.
    fn finite(low: f64, high: f64) -> Option<Self> {
        (low.is_finite() && high.is_finite()).then_some(Self { low, high })
    }
}

/// The arithmetic mean; `None` of nothing.
#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 values")]
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The sample standard deviation (n - 1); `None` of fewer than two values.
#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 values")]
pub fn standard_deviation(values: &[f64]) -> Option<f64> {
    let mean = mean(values).filter(|_| values.len() > 1)?;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    Some((squares / (values.len() - 1) as f64).sqrt())
}

/// The quantile `q` in `[0, 1]` with linear interpolation between order statistics (type 7 of Hyndman and Fan 1996,
/// the default of `NumPy` and R); `None` of nothing.
pub fn quantile(values: &[f64], q: f64) -> Option<f64> {
    quantile_of_sorted(&sorted(values), q)
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the position lies within the slice"
)]
fn quantile_of_sorted(sorted: &[f64], q: f64) -> Option<f64> {
    let position = q.clamp(0.0, 1.0) * sorted.len().checked_sub(1)? as f64;
    let (low, high) = (position.floor() as usize, position.ceil() as usize);
    Some(sorted[low] + (sorted[high] - sorted[low]) * (position - position.floor()))
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

/// The 0.975 quantile of Student's t distribution; `None` without a degree of freedom.
pub fn student_975(degrees_of_freedom: u32) -> Option<f64> {
    let distribution = student(degrees_of_freedom)?;
    // A step of Newton's, since the inverse of statrs 0.19 is off by 3e-6 at a hundred thousand degrees.
    let near = distribution.inverse_cdf(0.975);
    Some(near + (distribution.sf(near) - 0.025) / distribution.pdf(near))
}

/// The probability that Student's t lies as far from 0 as `t`, on either side; `None` without a degree of freedom and
/// where `t` is not finite.
fn two_sided_p(t: f64, degrees_of_freedom: u32) -> Option<f64> {
    let distribution = student(degrees_of_freedom).filter(|_| t.is_finite())?;
    Some((2.0 * distribution.cdf(-t.abs())).min(1.0))
}

fn student(degrees_of_freedom: u32) -> Option<StudentsT> {
    StudentsT::new(0.0, 1.0, f64::from(degrees_of_freedom)).ok()
}

/// Student's interval of the mean, `mean ± t(0.975, n - 1) · sd / √n`; `None` of fewer than two values.
fn student_interval(values: &[f64]) -> Option<Interval> {
    let (mean, half) = (mean(values)?, half_width(values)?);
    Interval::finite(mean - half, mean + half)
}

/// Half the width of Student's interval of the mean; `None` of fewer than two values.
fn half_width(values: &[f64]) -> Option<f64> {
    let n = count(values);
    Some(student_975(n.checked_sub(1)?)? * standard_deviation(values)? / f64::from(n).sqrt())
}

fn count<T>(values: &[T]) -> u32 {
    u32::try_from(values.len()).unwrap_or(u32::MAX)
}

fn greatest_magnitude(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |greatest, value| value.abs().max(greatest))
}

/// What the rounding of a few operations on numbers of this size can amount to: a difference this small is none.
fn rounding(magnitude: f64) -> f64 {
    8.0 * f64::EPSILON * magnitude
}

/// Whether values do not scatter by more than rounding does, if they were computed from numbers up to `magnitude`.
fn scatterless(values: &[f64], magnitude: f64) -> bool {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    greatest - least <= rounding(magnitude)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_has_no_statistics() {
        assert_eq!((mean(&[]), standard_deviation(&[1.0]), quantile(&[], 0.5)), (None, None, None));
    }

    #[test]
    fn known_values() {
        let values = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0];
        assert_eq!(mean(&values), Some(5.0));
        assert!((standard_deviation(&values).expect("many") - 2.138_089_935_299_395).abs() < 1e-12);
        assert_eq!(quantile(&values, 0.5), Some(4.5));
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.25), Some(1.75), "as NumPy");
        assert_eq!((quantile(&values, 0.0), quantile(&values, 1.0)), (Some(2.0), Some(9.0)));
    }

    #[test]
    fn the_quantiles_of_student_are_those_of_the_tables() {
        // t(0.975, 2) = 4.303, t(0.975, 9) = 2.262, t(0.975, 30) = 2.042: any table of Student's distribution.
        for (degrees, quantile) in [(2, 4.303), (9, 2.262), (30, 2.042)] {
            assert!((student_975(degrees).expect("known") - quantile).abs() < 5e-4, "{degrees}");
        }
        assert_eq!(student_975(0), None);
    }

    #[test]
    fn a_quantile_of_student_has_the_p_value_that_it_is_named_after() {
        for degrees in [1, 2, 4, 9, 29, 1_000] {
            let p = two_sided_p(student_975(degrees).expect("known"), degrees).expect("finite");
            assert!((p - 0.05).abs() < 1e-12, "{degrees}: {p}");
        }
        assert_eq!((two_sided_p(f64::NAN, 3), two_sided_p(f64::INFINITY, 3)), (None, None));
    }

    #[test]
    fn equal_values_that_were_rounded_apart_do_not_scatter() {
        assert!(scatterless(&[0.3 - 0.2, 0.4 - 0.3, 0.1], 0.4));
        assert!(!scatterless(&[0.1, 0.1 + 1e-12], 0.4));
    }
}
