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
}
