//! What is known of the values of one group.

use super::outliers::Robust;
use super::{count, mean, standard_deviation, student_interval};

/// What is known of repeated values. All but `n`, `cv` and `outliers` are in the unit of the values.
#[derive(Debug, Clone, PartialEq, serde::Serialize, specta::Type)]
pub struct Statistic {
    /// How many values.
    pub n: u32,
    /// Their arithmetic mean.
    pub mean: f64,
    /// Their median.
    pub median: f64,
    /// Sample standard deviation (n - 1); `None` of one value.
    pub sd: Option<f64>,
    /// Coefficient of variation, `sd / |mean|`; `None` of one value and where the mean is 0.
    pub cv: Option<f64>,
    /// Median of the absolute deviations from the median, not scaled to a standard deviation.
    pub mad: f64,
    /// Lower end of the 95 % confidence interval of the mean; `None` of one value.
    pub ci_low: Option<f64>,
    /// Upper end of it.
    pub ci_high: Option<f64>,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// Positions in `values`, from 0, of those that lie far from the others. They count like any other value.
    pub outliers: Vec<u32>,
    /// The values, in the order given.
    pub values: Vec<f64>,
}

/// Describes repeated values; `None` of nothing.
///
/// The interval is `mean ± t(0.975, n - 1) · sd / √n` after Student (1908): it holds the mean with 95 % probability if
/// the values are independent and about normal, which a handful of cycles cannot show.
///
/// The bootstrap interval is not in here. A table of 200 groups by 10 metrics is described in about 3 ms; with that
/// interval, which a table does not show, it would take a second. See [`bca_of_mean`](super::bca_of_mean).
pub fn describe(values: Vec<f64>) -> Option<Statistic> {
    let mean = mean(&values)?;
    let sd = standard_deviation(&values);
    let interval = student_interval(&values);
    let robust = Robust::of(&values)?;
    Some(Statistic {
        n: count(&values),
        mean,
        median: robust.median,
        sd,
        cv: sd.filter(|_| mean != 0.0).map(|sd| sd / mean.abs()),
        mad: robust.mad,
        ci_low: interval.map(|interval| interval.low),
        ci_high: interval.map(|interval| interval.high),
        min: values.iter().copied().fold(f64::INFINITY, f64::min),
        max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        outliers: robust.outliers(&values),
        values,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_three_values_is_that_of_the_tables() {
        let described = describe(vec![10.0, 12.0, 14.0]).expect("three values");
        let half = 4.302_652_7 * 2.0 / 3.0_f64.sqrt();
        assert!((described.ci_low.expect("interval") - (12.0 - half)).abs() < 1e-5, "{described:?}");
        assert_eq!((described.sd, described.cv), (Some(2.0), Some(2.0 / 12.0)));
        assert_eq!((described.median, described.mad), (12.0, 2.0));
    }

    #[test]
    fn one_value_has_a_mean_and_no_spread() {
        let described = describe(vec![3.0]).expect("one value");
        assert_eq!((described.mean, described.sd, described.ci_low, described.cv), (3.0, None, None, None));
        assert_eq!((described.median, described.mad, described.outliers), (3.0, 0.0, Vec::new()));
        assert_eq!(describe(Vec::new()), None);
    }

    #[test]
    fn an_outlier_is_flagged_and_still_counts() {
        let described = describe(vec![10.0, 10.2, 50.0, 9.9, 10.1]).expect("five values");
        assert_eq!(described.outliers, [2]);
        assert_eq!((described.n, described.max, described.median), (5, 50.0, 10.1));
        assert!(described.mean > 18.0, "the mean is of all five");
    }

    #[test]
    fn what_is_no_number_shows_no_interval_and_does_not_panic() {
        for odd in [f64::NAN, f64::INFINITY, f64::MAX] {
            let described = describe(vec![odd, 1.0, -odd, 2.0, odd]).expect("five values");
            assert_eq!((described.ci_low, described.ci_high), (None, None), "{odd}");
        }
    }
}
