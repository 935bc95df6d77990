//! Energy over time between known points, and what is not known of it in between.
//!
//! A counter and a sum of power updates are the same thing here: points at which the energy is known, with straight
//! lines or one bend between two of them.

use crate::units::seconds;

/// A point at which the energy is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Knot {
    /// When, in nanoseconds.
    pub(crate) t_ns: i64,
    /// How much earlier or later it may have been.
    pub(crate) half_width_ns: i64,
    /// The energy in joules, from an arbitrary zero.
    pub(crate) energy_j: f64,
}

/// Energy over time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Curve {
    knots: Vec<Knot>,
    /// How far outside of its knots it may be continued.
    slack_ns: i64,
}

/// The energy at a moment, and what is uncertain about it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Edge {
    /// In joules.
    pub(crate) energy_j: f64,
    /// The standard error for what power may have done between the knots, in joules.
    pub(crate) shape_j: f64,
    /// Mean power around that moment in watts.
    pub(crate) power_w: f64,
    /// The largest difference between that power and those of the intervals beside it.
    pub(crate) step_w: f64,
    /// How far the knots around it may be off, in seconds.
    pub(crate) timing_s: f64,
}

/// How many intervals to each side tell how uneven power is beside an edge.
const BESIDE: usize = 10;

/// How many energies to each side make a mean around a moment.
const MEAN_OF: i64 = 32;

/// The median of the absolute difference of two normal values is this many standard deviations of one of them.
const MEDIAN_DIFFERENCE: f64 = 0.954;

/// Power within one interval between knots in watts: its mean, and those of the intervals before and after it.
struct Powers {
    before: f64,
    here: f64,
    after: f64,
}

impl Curve {
    /// A curve through knots in the order of time, at least two; `None` with fewer.
    pub(crate) fn new(knots: Vec<Knot>, slack_ns: i64) -> Option<Self> {
        (knots.len() >= 2).then_some(Self { knots, slack_ns })
    }

    /// The first and the last moment that it speaks of.
    pub(crate) fn reach_ns(&self) -> (i64, i64) {
        let (first, last) = (self.knots[0], self.knots[self.knots.len() - 1]);
        (first.t_ns - self.slack_ns, last.t_ns + self.slack_ns)
    }

    /// The energy at a moment; `None` where the curve does not reach.
    ///
    /// Between two knots power is taken as even, or, where its mean lies between those of the intervals beside it, as
    /// one step from the one to the other: a load that begins or ends at the edge of a window is such a step.
    ///
    /// What power may have done in between has two parts: what the interval holds beyond its neighbours may be anywhere
    /// in it, as one spike would be; and power is as uneven here as it is around, or as `uneven_w` says.
    pub(crate) fn at(&self, t_ns: i64, uneven_w: f64) -> Option<Edge> {
        let (earliest_ns, latest_ns) = self.reach_ns();
        if t_ns < earliest_ns || t_ns > latest_ns {
            return None;
        }
        let after = self.knots.partition_point(|knot| knot.t_ns <= t_ns).clamp(1, self.knots.len() - 1);
        let (a, b) = (self.knots[after - 1], self.knots[after]);
        let span_s = seconds(b.t_ns - a.t_ns);
        let share = seconds(t_ns - a.t_ns) / span_s;
        let powers = self.powers(after)?;
        let energy_j = a.energy_j + span_s * powers.within(share);
        let step_w = powers.step_w();
        let timing_s =
            ((1.0 - share) * seconds(a.half_width_ns)).abs() + (share * seconds(b.half_width_ns)).abs();
        let inside = (share * (1.0 - share)).abs().sqrt();
        let uneven_w = powers.beyond_w().hypot(self.unevenness_w(after)).hypot(uneven_w);
        Some(Edge { energy_j, shape_j: uneven_w * span_s * inside, power_w: powers.here, step_w, timing_s })
    }

    /// The mean power of the interval around a moment, where there is one.
    pub(crate) fn power_at_w(&self, t_ns: i64) -> Option<f64> {
        let after = self.knots.partition_point(|knot| knot.t_ns <= t_ns);
        self.power_w(after)
    }

    /// The mean of the energy over so long before and after a moment.
    pub(crate) fn mean_around_j(&self, t_ns: i64, half_ns: i64) -> Option<f64> {
        let energies =
            (-MEAN_OF..=MEAN_OF).map(|i| Some(self.at(t_ns + half_ns * i / MEAN_OF, 0.0)?.energy_j));
        // Trapezoids: the first and the last count half.
        let ends = [self.at(t_ns - half_ns, 0.0)?.energy_j, self.at(t_ns + half_ns, 0.0)?.energy_j];
        let sum_j: f64 = energies.sum::<Option<f64>>()? - f64::midpoint(ends[0], ends[1]);
        #[expect(clippy::cast_precision_loss, reason = "a small constant")]
        Some(sum_j / (2 * MEAN_OF) as f64)
    }

    /// The difference between the largest and the least mean power of the intervals that touch a span.
    pub(crate) fn range_w(&self, from_ns: i64, to_ns: i64) -> f64 {
        let first = self.knots.partition_point(|knot| knot.t_ns <= from_ns).max(1);
        let last = self.knots.partition_point(|knot| knot.t_ns < to_ns).min(self.knots.len() - 1);
        let means = (first.min(last)..=last).filter_map(|end| self.power_w(end));
        let (low, high) = means.fold((f64::MAX, f64::MIN), |(low, high), w| (low.min(w), high.max(w)));
        (high - low).max(0.0)
    }

    /// Mean power of the interval that ends at knot `end`.
    fn power_w(&self, end: usize) -> Option<f64> {
        let (a, b) = (self.knots.get(end.checked_sub(1)?)?, self.knots.get(end)?);
        Some((b.energy_j - a.energy_j) / seconds(b.t_ns - a.t_ns))
    }

    fn powers(&self, end: usize) -> Option<Powers> {
        let here = self.power_w(end)?;
        let before = self.power_w(end - 1).unwrap_or(here);
        let after = self.power_w(end + 1).unwrap_or(here);
        Some(Powers { before, here, after })
    }

    /// The standard deviation of mean power from one interval to the next, as most of those beside knot `end` have it:
    /// the median does not take a few steps for unevenness.
    fn unevenness_w(&self, end: usize) -> f64 {
        let from = end.saturating_sub(BESIDE).max(1);
        let to = (end + BESIDE).min(self.knots.len() - 1);
        let means: Vec<f64> = (from..=to).filter_map(|i| self.power_w(i)).collect();
        let mut differences: Vec<f64> = means.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
        median(&mut differences).map_or(0.0, |median| median / MEDIAN_DIFFERENCE)
    }
}

/// The upper of the two middle values.
pub(crate) fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

impl Powers {
    /// Mean power times the share of the interval up to `share`: in watts, to be multiplied by its length.
    fn within(&self, share: f64) -> f64 {
        let step_w = self.after - self.before;
        let steps = (self.here - self.before) * (self.after - self.here) > 0.0;
        if !steps {
            return self.here * share;
        }
        let bend = (self.after - self.here) / step_w;
        self.before * share.min(bend) + self.after * (share - bend).max(0.0)
    }

    fn step_w(&self) -> f64 {
        (self.before - self.here).abs().max((self.after - self.here).abs())
    }

    /// By how much the mean lies outside of those beside it.
    fn beyond_w(&self) -> f64 {
        let (low, high) = (self.before.min(self.after), self.before.max(self.after));
        (low - self.here).max(self.here - high).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn curve(energies_j: &[f64]) -> Curve {
        let knots = (0..).zip(energies_j);
        let knots =
            knots.map(|(i, energy_j)| Knot { t_ns: i * 100 * MS, half_width_ns: 0, energy_j: *energy_j });
        Curve::new(knots.collect(), 50 * MS).expect("enough knots")
    }

    #[test]
    fn a_step_between_two_knots_is_found_by_the_power_beside_it() {
        // 100 W, then 300 W from 230 ms on.
        let curve = curve(&[0.0, 10.0, 20.0, 44.0, 74.0, 104.0]);
        let at_j = |t_ms: i64| curve.at(t_ms * MS, 0.0).expect("within").energy_j;
        assert!((at_j(230) - 23.0).abs() < 1e-9, "{}", at_j(230));
        assert!((at_j(280) - 38.0).abs() < 1e-9, "{}", at_j(280));
    }

    #[test]
    fn even_power_is_certain_and_a_spike_is_not() {
        let even = curve(&[0.0, 10.0, 20.0, 30.0, 40.0]);
        assert!(even.at(150 * MS, 0.0).expect("within").shape_j < 1e-9);
        let spike = curve(&[0.0, 10.0, 24.0, 34.0, 44.0, 54.0, 64.0]);
        let edge = spike.at(150 * MS, 0.0).expect("within");
        assert!((edge.shape_j - 2.0).abs() < 1e-9, "half of 4 J is missing or too much: {edge:?}");
    }

    #[test]
    fn a_curve_does_not_reach_beyond_its_slack() {
        let curve = curve(&[0.0, 10.0]);
        assert!(curve.at(-50 * MS, 0.0).is_some() && curve.at(-51 * MS, 0.0).is_none());
        assert!(curve.at(150 * MS, 0.0).is_some() && curve.at(151 * MS, 0.0).is_none());
    }
}
