//! Energy by integrating power over a window.
//!
//! A power sensor is refreshed every 20 to 100 ms and repeats its last value in between, and each value describes
//! the time before it was published. So updates, not readings, are integrated, each over the period that it ends.
//! A source that is fresher than the sampling (RAPL, the estimate) is integrated by trapezoids.

use crate::energy::{COVERAGE_FACTOR, EnergyEstimate};
use crate::sample::Channel;
use crate::trace::Trace;
use crate::units::{Joules, seconds};

/// Readings closer together than this are one moment; it bounds nothing but the division by their distance.
const MIN_PERIOD_NS: i64 = 100_000;

/// Integrates `channel` over `[start_ns, end_ns]`; `None` when the trace does not reach both edges.
pub fn from_power(
    trace: &Trace,
    channel: Channel,
    start_ns: i64,
    end_ns: i64,
    averaging_ms: Option<u32>,
) -> Option<EnergyEstimate> {
    let shift_ns = i64::from(averaging_ms.unwrap_or(0)) * 1_000_000 / 2;
    let readings: Vec<(i64, f64)> = trace.channel(channel).map(|(t, w)| (t - shift_ns, w)).collect();
    let (first, last) = (readings.first()?, readings.last()?);
    let poll_ns = median_gap(readings.iter().map(|r| r.0))?.max(MIN_PERIOD_NS);
    let slack_ns = 2 * poll_ns + shift_ns / 4;
    if first.0 - slack_ns > start_ns || last.0 + slack_ns < end_ns {
        return None;
    }
    let updates = updates(&readings);
    let period_ns = median_gap(updates.iter().map(|u| u.0)).unwrap_or(poll_ns).max(poll_ns);
    let fresh = period_ns < poll_ns * 3 / 2;
    let energy_j = if fresh {
        trapezoids(&readings, start_ns, end_ns)
    } else {
        backwards(&updates, *last, period_ns, start_ns, end_ns)
    };
    let spread_w = successive_spread(&updates, start_ns, end_ns);
    let periods = seconds(end_ns - start_ns) / seconds(period_ns);
    let standard_error_j =
        spread_w * seconds(period_ns) * (periods + 2.0).sqrt() + spread_w * seconds(shift_ns);
    Some(EnergyEstimate { energy: Joules(energy_j), uncertainty: Joules(COVERAGE_FACTOR * standard_error_j) })
}

/// The readings at which the value changed, placed midway between the last old and the first new reading; the
/// first reading counts as one.
fn updates(readings: &[(i64, f64)]) -> Vec<(i64, f64)> {
    let changed = readings.windows(2).filter(|pair| (pair[0].1 - pair[1].1).abs() > f64::EPSILON);
    readings
        .first()
        .copied()
        .into_iter()
        .chain(changed.map(|pair| (i64::midpoint(pair[0].0, pair[1].0), pair[1].1)))
        .collect()
}

fn median_gap(times: impl Iterator<Item = i64> + Clone) -> Option<i64> {
    let mut gaps: Vec<i64> = times.clone().zip(times.skip(1)).map(|(a, b)| b - a).collect();
    gaps.sort_unstable();
    gaps.get(gaps.len() / 2).copied()
}

/// Straight lines between readings; the first and last value hold beyond them.
fn trapezoids(readings: &[(i64, f64)], start_ns: i64, end_ns: i64) -> f64 {
    let (first, last) = (readings[0], readings[readings.len() - 1]);
    let inner: f64 = readings.windows(2).map(|pair| line(pair[0], pair[1], start_ns, end_ns)).sum();
    inner
        + first.1 * overlap_s(i64::MIN, first.0, start_ns, end_ns)
        + last.1 * overlap_s(last.0, i64::MAX, start_ns, end_ns)
}

/// The part of the line from `a` to `b` that lies within the window, in joules.
fn line(a: (i64, f64), b: (i64, f64), start_ns: i64, end_ns: i64) -> f64 {
    let (from, to) = (a.0.max(start_ns), b.0.min(end_ns));
    if to <= from {
        return 0.0;
    }
    let slope = (b.1 - a.1) / seconds(b.0 - a.0);
    let middle_w = a.1 + slope * (seconds(from - a.0) + seconds(to - a.0)) / 2.0;
    middle_w * seconds(to - from)
}

/// Each update holds for the period that it ends; where the value stayed for longer, the time before that belongs
/// to the value before it, which the sensor went on publishing.
fn backwards(updates: &[(i64, f64)], last: (i64, f64), period_ns: i64, start_ns: i64, end_ns: i64) -> f64 {
    let mut energy_j = updates[0].1 * overlap_s(i64::MIN, updates[0].0, start_ns, end_ns);
    for pair in updates.windows(2) {
        let ((from_ns, held_w), (to_ns, new_w)) = (pair[0], pair[1]);
        let split_ns = (to_ns - period_ns * 3 / 2).max(from_ns);
        let split_ns = if split_ns == from_ns { from_ns } else { to_ns - period_ns };
        energy_j += held_w * overlap_s(from_ns, split_ns, start_ns, end_ns);
        energy_j += new_w * overlap_s(split_ns, to_ns, start_ns, end_ns);
    }
    let tail_ns = updates[updates.len() - 1].0;
    energy_j + last.1 * overlap_s(tail_ns, i64::MAX, start_ns, end_ns)
}

fn overlap_s(from_ns: i64, to_ns: i64, start_ns: i64, end_ns: i64) -> f64 {
    seconds((to_ns.min(end_ns) - from_ns.max(start_ns)).max(0))
}

/// The noise of one update: the root mean square of successive differences, over the square root of two (von
/// Neumann 1941). It does not mistake a slow trend for noise.
#[expect(clippy::cast_precision_loss, reason = "a window has far fewer than 2^52 updates")]
fn successive_spread(updates: &[(i64, f64)], start_ns: i64, end_ns: i64) -> f64 {
    let from = updates.partition_point(|u| u.0 < start_ns).saturating_sub(1);
    let to = (updates.partition_point(|u| u.0 <= end_ns) + 1).min(updates.len());
    let inside = &updates[from..to.max(from)];
    if inside.len() < 2 {
        return 0.0;
    }
    let squares: f64 = inside.windows(2).map(|pair| (pair[1].1 - pair[0].1).powi(2)).sum();
    (squares / (inside.len() - 1) as f64 / 2.0).sqrt()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sample::Sample;

    const MS: i64 = 1_000_000;

    fn power_trace(poll_ms: i64, end_ms: i64, watts: impl Fn(i64) -> f64) -> Trace {
        Trace::new(
            (0..=end_ms / poll_ms)
                .map(|i| Sample::at(i * poll_ms * MS).with(Channel::Power, watts(i * poll_ms))),
        )
    }

    #[test]
    fn a_constant_power_gives_power_times_time_exactly() {
        let found =
            from_power(&power_trace(50, 5_000, |_| 120.0), Channel::Power, 1_010 * MS, 3_010 * MS, None);
        assert_eq!(
            found,
            Some(EnergyEstimate { energy: Joules(240.0), uncertainty: Joules(0.0) }),
            "no update, no noise"
        );
    }

    #[test]
    fn an_update_belongs_to_the_period_before_it() {
        // The sensor publishes the mean of the last 100 ms; the load steps from 100 W to 300 W at 2,000 ms.
        let trace = power_trace(
            20,
            4_000,
            |t| if t / 100 * 100 > 2_000 { 300.0 } else { 100.0 } + f64::from(u8::from(t / 100 % 2 == 1)),
        );
        let found = from_power(&trace, Channel::Power, 1_000 * MS, 3_000 * MS, None).expect("covered");
        assert!((found.energy.0 - 401.0).abs() < 3.0, "{found:?}");
    }

    #[test]
    fn an_averaged_reading_is_moved_back_by_half_its_window() {
        // A ramp of 100 W/s seen through a 1 s average lags by half a second, 50 W.
        let trace = power_trace(50, 8_000, |t| 100.0 * (seconds(t * MS) - 0.5));
        let found = from_power(&trace, Channel::Power, 2_000 * MS, 6_000 * MS, Some(1_000)).expect("covered");
        assert!((found.energy.0 - 1_600.0).abs() < 1.0, "{found:?}");
    }

    #[test]
    fn a_trace_that_does_not_reach_the_edge_gives_nothing() {
        let trace = power_trace(50, 1_000, |_| 120.0);
        assert_eq!(from_power(&trace, Channel::Power, 500 * MS, 2_000 * MS, None), None);
        assert_eq!(from_power(&Trace::default(), Channel::Power, 0, MS, None), None);
    }

    proptest! {
        #[test]
        fn integration_is_additive_over_split_intervals(
            watts in proptest::collection::vec(1.0f64..500.0, 40..80), a in 100i64..500, b in 600i64..900, c in 1_000i64..1_700
        ) {
            let trace = power_trace(50, 1_950, |t| watts[usize::try_from(t / 50).expect("small") % watts.len()]);
            let part = |from: i64, to: i64| {
                from_power(&trace, Channel::Power, from * MS, to * MS, None).expect("covered").energy.0
            };
            prop_assert!((part(a, b) + part(b, c) - part(a, c)).abs() < 1e-6);
        }
    }
}
