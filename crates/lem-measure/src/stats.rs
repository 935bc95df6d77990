//! Statistics of repeated values.

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
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the position lies within the slice"
)]
pub fn quantile(values: &[f64], q: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let position = q.clamp(0.0, 1.0) * sorted.len().checked_sub(1)? as f64;
    let (low, high) = (position.floor() as usize, position.ceil() as usize);
    Some(sorted[low] + (sorted[high] - sorted[low]) * (position - position.floor()))
}

/// What is known of repeated values.
#[derive(Debug, Clone, PartialEq, serde::Serialize, specta::Type)]
pub struct Statistic {
    /// How many values.
    pub n: u32,
    /// Their arithmetic mean.
    pub mean: f64,
    /// Sample standard deviation (n - 1); `None` of one value.
    pub sd: Option<f64>,
    /// Coefficient of variation, `sd / |mean|`; `None` of one value and where the mean is 0.
    pub cv: Option<f64>,
    /// Lower end of the 95 % confidence interval of the mean; `None` of one value.
    pub ci_low: Option<f64>,
    /// Upper end of it.
    pub ci_high: Option<f64>,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// The values, in the order given.
    pub values: Vec<f64>,
}

/// Describes repeated values; `None` of nothing.
///
/// The interval is `mean ± t(0.975, n - 1) · sd / √n` after Student (1908): it holds the mean with 95 % probability if
/// the values are independent and about normal, which a handful of cycles cannot show.
pub fn describe(values: Vec<f64>) -> Option<Statistic> {
    let mean = mean(&values)?;
    let sd = standard_deviation(&values);
    let n = u32::try_from(values.len()).unwrap_or(u32::MAX);
    let half = sd.and_then(|sd| Some(student_975(n - 1)? * sd / f64::from(n).sqrt()));
    Some(Statistic {
        n,
        mean,
        sd,
        cv: sd.filter(|_| mean != 0.0).map(|sd| sd / mean.abs()),
        ci_low: half.map(|half| mean - half),
        ci_high: half.map(|half| mean + half),
        min: values.iter().copied().fold(f64::INFINITY, f64::min),
        max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        values,
    })
}

/// The 0.975 quantile of Student's t distribution; `None` without a degree of freedom.
pub fn student_975(degrees_of_freedom: u32) -> Option<f64> {
    use statrs::distribution::{ContinuousCDF, StudentsT};
    let distribution = StudentsT::new(0.0, 1.0, f64::from(degrees_of_freedom)).ok()?;
    Some(distribution.inverse_cdf(0.975))
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
    fn the_interval_of_three_values_is_that_of_the_tables() {
        // t(0.975, 2) = 4.303, t(0.975, 9) = 2.262, t(0.975, 30) = 2.042: any table of Student's distribution.
        for (degrees, quantile) in [(2, 4.303), (9, 2.262), (30, 2.042)] {
            assert!((student_975(degrees).expect("known") - quantile).abs() < 5e-4, "{degrees}");
        }
        let described = describe(vec![10.0, 12.0, 14.0]).expect("three values");
        let half = 4.302_652_7 * 2.0 / 3.0_f64.sqrt();
        assert!((described.ci_low.expect("interval") - (12.0 - half)).abs() < 1e-5, "{described:?}");
        assert_eq!((described.sd, described.cv), (Some(2.0), Some(2.0 / 12.0)));
    }

    #[test]
    fn one_value_has_a_mean_and_no_spread() {
        let described = describe(vec![3.0]).expect("one value");
        assert_eq!((described.mean, described.sd, described.ci_low, described.cv), (3.0, None, None, None));
        assert_eq!((describe(Vec::new()), student_975(0)), (None, None));
    }
}
