//! The energy of a window from the readings of an external power meter, which has a clock of its own.
//!
//! A meter at the wall sees the whole machine, and reads it seldom: once a second, as a rule. What such a reading stands for,
//! the moment or the time since the reading before, is not known. So readings are joined by straight lines, and the
//! uncertainty allows for both. Its energy stands beside that of the devices; the two are never added up, for the one
//! contains the other.

pub mod fit;

use crate::curve::{Curve, Edge, Knot};
use crate::energy::{COVERAGE_FACTOR, EnergyEstimate};
use crate::integral::median_gap;
use crate::units::{Joules, nanoseconds, seconds};

/// Readings that are missing for longer than so many intervals are a hole, across which nothing is assumed.
pub const MAX_HOLE: i64 = 5;

/// Power over time as (nanoseconds, watts), strictly in the order of time.
pub type Readings = [(i64, f64)];

/// What limits the energy of a meter.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limits {
    /// How far all readings may be early or late together, in seconds: expanded (k = 2).
    pub shift_s: f64,
    /// The accuracy of the meter as a share of its reading, as its maker states it; 0 where it is not known.
    pub gain: f64,
}

/// Why a meter has no energy for a window.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum Uncovered {
    /// Fewer readings than make an interval.
    #[error("it has fewer than two readings there")]
    TooFew,
    /// The window begins earlier, or ends later.
    #[error("its readings do not reach both edges of the window")]
    Outside,
    /// Readings are missing within the window, or beside it.
    #[error("it has no reading for {0:.1} s within the window")]
    Hole(f64),
}

/// The usual time between two readings in nanoseconds: the median; `None` for fewer than two.
pub fn interval_ns(readings: &Readings) -> Option<i64> {
    median_gap(readings)
}

/// Integrates the readings over `[start_ns, end_ns]`.
///
/// The uncertainty is expanded (k = 2). It holds how much the energy changes when all readings are moved by `shift_s`, what
/// power may have done between the readings around each edge, and the accuracy of the meter.
pub fn window_energy(
    readings: &Readings,
    limits: Limits,
    start_ns: i64,
    end_ns: i64,
) -> Result<EnergyEstimate, Uncovered> {
    let interval_ns = interval_ns(readings).ok_or(Uncovered::TooFew)?;
    if let Some(hole_ns) = hole_ns(readings, interval_ns, start_ns, end_ns) {
        return Err(Uncovered::Hole(seconds(hole_ns)));
    }
    let curve = Curve::new(knots(readings), interval_ns / 2).ok_or(Uncovered::TooFew)?;
    let edges = |shift_ns: i64| curve.at(start_ns + shift_ns, 0.0).zip(curve.at(end_ns + shift_ns, 0.0));
    let (start, end) = edges(0).ok_or(Uncovered::Outside)?;
    let energy_j = end.energy_j - start.energy_j;
    let shift_ns = nanoseconds(limits.shift_s);
    let shifts = [-shift_ns, -shift_ns / 2, shift_ns / 2, shift_ns];
    let moved_j = shifts.into_iter().map(|shift| match edges(shift) {
        Some((start, end)) => (end.energy_j - start.energy_j - energy_j).abs(),
        // Beyond the readings nothing is known but what power was beside the edges.
        None => limits.shift_s * (start.power_w.abs() + start.step_w).max(end.power_w.abs() + end.step_w),
    });
    let moved_j = moved_j.fold(0.0, f64::max);
    // A step of power beside an edge may have been up to half an interval earlier or later: uniform within that.
    let of_edge_j = |edge: Edge, t_ns: i64| {
        let range_w = curve.range_w(t_ns - interval_ns, t_ns + interval_ns);
        COVERAGE_FACTOR * edge.shape_j.hypot(range_w * seconds(interval_ns) / 2.0 / 3f64.sqrt())
    };
    let errors_j = [moved_j, of_edge_j(start, start_ns), of_edge_j(end, end_ns), limits.gain * energy_j];
    let uncertainty_j = errors_j.iter().map(|error| error * error).sum::<f64>().sqrt();
    Ok(EnergyEstimate { energy: Joules(energy_j), uncertainty: Joules(uncertainty_j) })
}

/// The sum of straight lines between readings.
fn knots(readings: &Readings) -> Vec<Knot> {
    let mut energy_j = 0.0;
    let mut before: Option<(i64, f64)> = None;
    let knots = readings.iter().map(|&(t_ns, watts)| {
        if let Some((earlier_ns, earlier_w)) = before.replace((t_ns, watts)) {
            energy_j += f64::midpoint(earlier_w, watts) * seconds(t_ns - earlier_ns);
        }
        Knot { t_ns, half_width_ns: 0, energy_j }
    });
    knots.collect()
}

/// The longest time without a reading that touches the window, where it is longer than [`MAX_HOLE`] allows.
fn hole_ns(readings: &Readings, interval_ns: i64, start_ns: i64, end_ns: i64) -> Option<i64> {
    let touching = readings.windows(2).filter(|pair| pair[1].0 > start_ns && pair[0].0 < end_ns);
    let longest_ns = touching.map(|pair| pair[1].0 - pair[0].0).max()?;
    (longest_ns > MAX_HOLE * interval_ns).then_some(longest_ns)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: i64 = 1_000_000_000;

    /// Readings each second of a power that is given for each second.
    fn each_second(watts: impl Fn(i64) -> f64, seconds: i64) -> Vec<(i64, f64)> {
        (0..=seconds).map(|second| (second * SECOND, watts(second))).collect()
    }

    fn plain(readings: &Readings, start_s: f64, end_s: f64) -> Result<EnergyEstimate, Uncovered> {
        window_energy(readings, Limits::default(), nanoseconds(start_s), nanoseconds(end_s))
    }

    #[test]
    fn constant_power_gives_power_times_time_and_no_doubt_but_the_meters_own() {
        let readings = each_second(|_| 400.0, 60);
        let found = plain(&readings, 10.3, 40.3).expect("covered");
        assert!((found.energy.0 - 12_000.0).abs() < 1e-6 && found.uncertainty.0 < 1e-6, "{found:?}");
        let limits = Limits { shift_s: 1.0, gain: 0.01 };
        let found = window_energy(&readings, limits, 10 * SECOND, 40 * SECOND).expect("covered");
        assert!((found.uncertainty.0 - 120.0).abs() < 1e-6, "1 % of 12 kJ: {found:?}");
    }

    #[test]
    fn a_clock_that_may_be_off_counts_where_power_differs_between_the_edges() {
        // 100 W, and 500 W from 30 s on: moved by a second, the window holds 400 J more or less.
        let readings = each_second(|second| if second < 30 { 100.0 } else { 500.0 }, 60);
        let limits = Limits { shift_s: 1.0, gain: 0.0 };
        let found = window_energy(&readings, limits, 10 * SECOND, 50 * SECOND).expect("covered");
        assert!((found.uncertainty.0 - 400.0).abs() < 1.0, "{found:?}");
    }

    #[test]
    fn a_window_beyond_the_readings_has_no_energy() {
        let readings = each_second(|_| 400.0, 60);
        assert_eq!(plain(&readings, 10.0, 61.0), Err(Uncovered::Outside));
        assert_eq!(plain(&readings, -1.0, 30.0), Err(Uncovered::Outside));
        assert_eq!(plain(&readings[..1], 0.0, 1.0), Err(Uncovered::TooFew));
    }

    #[test]
    fn a_hole_in_the_window_is_named_and_one_elsewhere_does_not_matter() {
        let mut readings = each_second(|_| 400.0, 60);
        readings.retain(|(t_ns, _)| !(20 * SECOND..30 * SECOND).contains(t_ns));
        assert_eq!(plain(&readings, 10.0, 40.0), Err(Uncovered::Hole(11.0)));
        assert!(plain(&readings, 31.0, 59.0).is_ok());
    }

    /// A load that lasts exactly as long as the window, as inference does; `mean`: readings are means of the second before,
    /// else of the moment. By how many of its uncertainties the energy is off.
    fn off_by(begin: f64, length: f64, low: f64, rise: f64, mean: bool) -> f64 {
        let end = begin + length;
        let energy = |t: f64| low * t + rise * (t.min(end) - begin).max(0.0);
        let power = |t: f64| low + if (begin..end).contains(&t) { rise } else { 0.0 };
        #[expect(clippy::cast_precision_loss, reason = "a minute")]
        let read = |second: i64| {
            let t = second as f64;
            if mean { energy(t) - energy(t - 1.0) } else { power(t) }
        };
        let readings = each_second(read, 60);
        let limits = Limits { shift_s: 0.5, gain: 0.0 };
        let found = window_energy(&readings, limits, nanoseconds(begin), nanoseconds(end)).expect("covered");
        (found.energy.0 - (energy(end) - energy(begin))).abs() / found.uncertainty.0
    }

    #[test]
    fn the_uncertainty_covers_at_least_95_of_100_windows_whatever_a_reading_stands_for() {
        for mean in [true, false] {
            let phases = || (0..20).map(|i| (f64::from(i) + 0.5) / 20.0);
            let windows = phases().flat_map(|begin| phases().map(move |length| (begin, length)));
            let off =
                windows.filter(|(begin, length)| off_by(6.0 + begin, 20.0 + length, 90.0, 400.0, mean) > 1.0);
            let off = off.count();
            assert!(off <= 20, "{off} of 400 windows, means: {mean}");
        }
    }

    proptest! {
        #[test]
        fn no_window_is_off_by_much_more_than_its_uncertainty(
            begin in 5.0f64..8.0, length in 10.0f64..30.0, low in 50.0f64..200.0, rise in 10.0f64..600.0, mean in any::<bool>()
        ) {
            // Two edges that are off by half an interval of a step each, to the same side: sqrt(3) / sqrt(2).
            prop_assert!(off_by(begin, length, low, rise, mean) < 1.25);
        }
    }
}
