//! A straight line through points: whether energy depends on the position in the order, or on the temperature at the start.

use super::{count, greatest_magnitude, mean, scatterless, student_975, two_sided_p};

/// Fewer points leave no degree of freedom for the scatter about the line.
const LEAST_POINTS: usize = 3;

/// A line by ordinary least squares, `y = intercept + slope · x`.
#[derive(Debug, Clone, PartialEq, serde::Serialize, specta::Type)]
pub struct Line {
    /// How many points.
    pub n: u32,
    /// Change of y for each unit of x.
    pub slope: f64,
    /// y at x = 0, in the unit of y. Often far outside of the points.
    pub intercept: f64,
    /// Lower end of the 95 % interval of the slope.
    pub slope_low: f64,
    /// Upper end of it.
    pub slope_high: f64,
    /// Two-sided p-value of "the slope is 0"; `None` where the points do not scatter about the line.
    pub p: Option<f64>,
    /// Share of the variance of y that the line explains, 0 to 1; `None` where y is constant.
    pub r_squared: Option<f64>,
}

/// The line through points `(x, y)` by ordinary least squares; `None` of fewer than three points, where x is constant,
/// where one slice is longer, and where a value is not finite.
///
/// The slope's interval and test are Student's with n - 2 degrees of freedom (Draper and Smith, "Applied Regression
/// Analysis", 1998, chapter 1). They hold if the scatter about the line is independent, about normal and the same for all
/// x. A slope is an association: that energy rises with the position does not say that the position is the cause.
pub fn regression(x: &[f64], y: &[f64]) -> Option<Line> {
    let usable = x.len() == y.len() && x.len() >= LEAST_POINTS && x.iter().chain(y).all(|v| v.is_finite());
    if !usable || scatterless(x, greatest_magnitude(x)) {
        return None;
    }
    let n = count(x);
    let (x_mean, y_mean) = (mean(x)?, mean(y)?);
    let level = scatterless(y, greatest_magnitude(y));
    let dx: Vec<f64> = x.iter().map(|x| x - x_mean).collect();
    let dy: Vec<f64> = y.iter().map(|y| if level { 0.0 } else { y - y_mean }).collect();

    let xx = dot(&dx, &dx);
    let slope = dot(&dx, &dy) / xx;
    let residuals: Vec<f64> = dx.iter().zip(&dy).map(|(dx, dy)| dy - slope * dx).collect();
    let error = (dot(&residuals, &residuals) / f64::from(n - 2) / xx).sqrt();
    let half = student_975(n - 2)? * error;
    let exact = scatterless(&residuals, greatest_magnitude(y));
    let line = Line {
        n,
        slope,
        intercept: y_mean - slope * x_mean,
        slope_low: slope - half,
        slope_high: slope + half,
        p: if exact { None } else { two_sided_p(slope / error, n - 2) },
        r_squared: (!level).then(|| (1.0 - dot(&residuals, &residuals) / dot(&dy, &dy)).clamp(0.0, 1.0)),
    };
    [line.intercept, line.slope_low, line.slope_high].iter().all(|v| v.is_finite()).then_some(line)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn points_on_a_line_give_the_line_and_no_test() {
        let line = regression(&[1.0, 2.0, 4.0], &[5.0, 7.0, 11.0]).expect("three points");
        assert_eq!((line.slope, line.intercept, line.r_squared), (2.0, 3.0, Some(1.0)));
        assert_eq!(line.p, None, "nothing scatters");
    }

    #[test]
    fn constant_energy_has_no_slope_and_no_share_explained() {
        let line = regression(&[1.0, 2.0, 3.0, 4.0], &[0.1, 0.3 - 0.2, 0.1, 0.1]).expect("four points");
        assert_eq!((line.slope, line.slope_low, line.slope_high), (0.0, 0.0, 0.0));
        assert_eq!((line.p, line.r_squared), (None, None));
    }

    #[test]
    fn too_few_points_or_a_constant_x_have_no_line() {
        assert_eq!(regression(&[1.0, 2.0], &[1.0, 2.0]), None);
        assert_eq!(regression(&[7.0, 7.0, 7.0], &[1.0, 2.0, 3.0]), None);
        assert_eq!(regression(&[1.0, 2.0, 3.0], &[1.0, 2.0]), None);
        assert_eq!(regression(&[1.0, 2.0, 3.0], &[1.0, 2.0, f64::NAN]), None);
        assert_eq!(regression(&[1.0, 2.0, 3.0], &[1.0, f64::MAX, f64::MAX]), None, "their sum is not finite");
    }

    proptest! {
        #[test]
        fn the_line_goes_through_the_means_and_its_test_agrees_with_its_interval(
            points in prop::collection::vec((0.0..10.0, 50.0..60.0), 3..20)
        ) {
            let (x, y): (Vec<f64>, Vec<f64>) = points.into_iter().unzip();
            let line = regression(&x, &y).expect("three points");
            let at_mean = line.intercept + line.slope * mean(&x).expect("some");
            prop_assert!((at_mean - mean(&y).expect("some")).abs() < 1e-9 * (1.0 + line.slope.abs()));
            let p = line.p.expect("scatter");
            prop_assert_eq!(p < 0.05, line.slope_low > 0.0 || line.slope_high < 0.0);
        }

        #[test]
        fn the_unit_of_x_changes_the_slope_and_not_the_test(
            points in prop::collection::vec((0.0..10.0, 50.0..60.0), 3..20), scale in 0.01..100.0_f64
        ) {
            let (x, y): (Vec<f64>, Vec<f64>) = points.into_iter().unzip();
            let scaled: Vec<f64> = x.iter().map(|x| x * scale).collect();
            let (one, other) = (regression(&x, &y).expect("points"), regression(&scaled, &y).expect("points"));
            prop_assert!((one.slope - other.slope * scale).abs() < 1e-9 * (1.0 + one.slope.abs()));
            prop_assert!((one.p.expect("scatter") - other.p.expect("scatter")).abs() < 1e-7);
        }
    }
}
