//! Figures of slow channels in a window: clocks, temperatures and the reasons of throttling are read about twice a
//! second, so each reading stands for half of the time to its neighbours.

use crate::sample::Channel;
use crate::trace::Trace;
use crate::units::seconds;

/// Readings below this say nothing about a whole window.
const MIN_READINGS: usize = 3;

/// The readings of a channel within a window, each with the seconds that it stands for: half of the way to its
/// neighbours, and all of the way to an edge. `None` of fewer than three readings.
pub(super) fn weighted(
    trace: &Trace,
    channel: Channel,
    (start_ns, end_ns): (i64, i64),
) -> Option<Vec<(f64, f64)>> {
    let inside = trace.between(start_ns, end_ns).iter();
    let readings: Vec<(i64, f64)> = inside.filter_map(|s| Some((s.t_ns, s.get(channel)?))).collect();
    if readings.len() < MIN_READINGS {
        return None;
    }
    let middles = readings.windows(2).map(|pair| i64::midpoint(pair[0].0, pair[1].0));
    let ends = middles.chain([end_ns]);
    let mut from_ns = start_ns;
    let weights = ends.map(|to_ns| seconds(to_ns - std::mem::replace(&mut from_ns, to_ns)));
    Some(weights.zip(readings.iter().map(|r| r.1)).collect())
}

/// The coefficient of variation (standard deviation over mean, both weighted); `None` where the mean is not positive.
pub(super) fn variation(weighted: &[(f64, f64)]) -> Option<f64> {
    let total: f64 = weighted.iter().map(|(weight, _)| weight).sum();
    let mean = weighted.iter().map(|(weight, value)| weight * value).sum::<f64>() / total;
    let variance =
        weighted.iter().map(|(weight, value)| weight * (value - mean).powi(2)).sum::<f64>() / total;
    (mean > 0.0).then(|| variance.max(0.0).sqrt() / mean)
}

/// The share of the time in which a condition held, 0 to 1; `None` of no time.
pub(super) fn share(weighted: &[(f64, f64)], condition: impl Fn(f64) -> bool) -> Option<f64> {
    let total: f64 = weighted.iter().map(|(weight, _)| weight).sum();
    let held: f64 = weighted.iter().filter(|(_, value)| condition(*value)).map(|(weight, _)| weight).sum();
    (total > 0.0).then(|| held / total)
}

/// The slope of the least-squares line through the readings of a channel in a window, per second; `None` of fewer than
/// three readings.
pub(super) fn slope_per_s(trace: &Trace, channel: Channel, (start_ns, end_ns): (i64, i64)) -> Option<f64> {
    let inside = trace.between(start_ns, end_ns).iter();
    let points: Vec<(f64, f64)> =
        inside.filter_map(|s| Some((seconds(s.t_ns - start_ns), s.get(channel)?))).collect();
    if points.len() < MIN_READINGS {
        return None;
    }
    let times: Vec<f64> = points.iter().map(|p| p.0).collect();
    let values: Vec<f64> = points.iter().map(|p| p.1).collect();
    let (mean_t, mean_v) = (crate::stats::mean(&times)?, crate::stats::mean(&values)?);
    let covariance: f64 = points.iter().map(|(t, v)| (t - mean_t) * (v - mean_v)).sum();
    let spread: f64 = times.iter().map(|t| (t - mean_t).powi(2)).sum();
    (spread > 0.0).then(|| covariance / spread)
}

/// The share of a window that a counter of seconds added, 0 to 1, from its first to its last reading inside. `None`
/// where those span less than half of the window, or where the counter fell.
///
/// Readings outside are not used: what they add may have happened in the warm-up.
pub(super) fn counted_share(trace: &Trace, channel: Channel, (start_ns, end_ns): (i64, i64)) -> Option<f64> {
    let inside = trace.between(start_ns, end_ns).iter();
    let readings: Vec<(i64, f64)> = inside.filter_map(|s| Some((s.t_ns, s.get(channel)?))).collect();
    let (first, last) = (readings.first()?, readings.last()?);
    let fell = readings.windows(2).any(|pair| pair[1].1 < pair[0].1);
    let span_s = seconds(last.0 - first.0);
    let enough = span_s > 0.0 && span_s >= seconds(end_ns - start_ns) / 2.0;
    (enough && !fell).then(|| ((last.1 - first.1) / span_s).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Sample;

    const SECOND_NS: i64 = 1_000_000_000;

    fn trace(readings: &[(i64, f64)]) -> Trace {
        Trace::new(readings.iter().map(|(t, v)| Sample::at(t * SECOND_NS).with(Channel::SmClock, *v)))
    }

    fn weights(readings: &[(i64, f64)], end_s: i64) -> Option<Vec<(f64, f64)>> {
        weighted(&trace(readings), Channel::SmClock, (0, end_s * SECOND_NS))
    }

    #[test]
    fn weights_add_up_to_the_window() {
        let found = weights(&[(-5, 7.0), (1, 10.0), (3, 20.0), (9, 30.0), (11, 7.0)], 10).expect("three");
        assert_eq!(found, [(2.0, 10.0), (4.0, 20.0), (4.0, 30.0)]);
        assert_eq!(weights(&[(1, 10.0), (3, 20.0)], 10), None, "two readings say too little");
    }

    #[test]
    fn variation_weighs_by_time_and_not_by_reading() {
        // Half of the time at 900 and half at 1100, however often either was read.
        let often = weights(&[(1, 900.0), (3, 900.0), (5, 900.0), (7, 1100.0), (17, 1100.0)], 12);
        let found = variation(&often.expect("enough")).expect("positive");
        assert!((found - 0.1).abs() < 1e-12, "{found}");
        assert_eq!(variation(&[(1.0, 0.0)]), None);
    }

    #[test]
    fn a_share_is_of_time() {
        let found = weights(&[(0, 0.0), (2, 4.0), (4, 0.0), (10, 0.0)], 10).expect("enough");
        assert_eq!(share(&found, |v| v > 0.0), Some(0.2));
        assert_eq!(share(&[], |_| true), None);
    }

    #[test]
    fn a_straight_line_has_its_slope() {
        let rising = trace(&[(0, 40.0), (30, 41.0), (60, 42.0), (90, 43.0)]);
        let found = slope_per_s(&rising, Channel::SmClock, (0, 90 * SECOND_NS)).expect("enough");
        assert!((found * 60.0 - 2.0).abs() < 1e-12, "{found}");
        assert_eq!(slope_per_s(&rising, Channel::SmClock, (0, 40 * SECOND_NS)), None);
    }

    #[test]
    fn a_counter_of_seconds_gives_a_share_of_the_readings_inside() {
        let counting = trace(&[(-1, 0.0), (1, 5.0), (5, 6.0), (9, 7.0), (11, 9.0)]);
        let within = |end_s| counted_share(&counting, Channel::SmClock, (0, end_s * SECOND_NS));
        assert_eq!(within(10), Some(0.25));
        assert_eq!(within(4), None, "one reading spans nothing");
        let fell = trace(&[(1, 5.0), (5, 0.0), (9, 1.0)]);
        assert_eq!(counted_share(&fell, Channel::SmClock, (0, 10 * SECOND_NS)), None);
    }
}
