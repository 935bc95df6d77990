//! Energy by integrating power over a window.
//!
//! A power sensor is refreshed every 20 to 100 ms and repeats its last value in between, and each value describes
//! the time before it was published. So updates, not readings, are summed, each over a period of its own, which lies
//! around the middle of the time that the update has seen. The sum is energy over time like a counter's, and is cut in
//! the same way. A source that is fresher than the sampling (RAPL, the estimate) is integrated by trapezoids.
//!
//! What cannot be known: the energy of the time that a part-time sensor does not see, when the load keeps step with
//! the sensor; and where within a second the power of a one-second mean was drawn. Where a board has both readings,
//! the mean, which sees all, sets the level, and the immediate one the shape.

use crate::curve::{Curve, Edge, Knot};
use crate::energy::{COVERAGE_FACTOR, EnergyEstimate};
use crate::sample::Channel;
use crate::sensor::{AVERAGE_MS, Sensor};
use crate::ticks::{Ticks, periods, usual_gap_ns};
use crate::trace::Trace;
use crate::units::{Joules, seconds};

/// Readings closer together than this are one moment; it bounds nothing but the division by their distance.
const MIN_PERIOD_NS: i64 = 100_000;

/// The error of an integral over a sensor that sees next to nothing, where the load may keep step with it: boards that
/// see a quarter of the time were found to be off by 20 to 28 % (Yang, Adamek and Armour, SC24, figures on loads whose
/// period is that of the sensor). Expanded (k = 2), relative, to be multiplied by the share that is not seen.
pub const UNSEEN_UNCERTAINTY: f64 = 0.35;

/// How many updates before and after a window tell of its noise too: a short one holds few of its own.
const BESIDE: i64 = 20;

/// How much power is taken to swing within the window of a mean, relative to it: the steps of decoding do.
const HIDDEN_SWING: f64 = 0.05;

/// The readings of power of one device as energy over time.
pub(crate) struct Power {
    immediate: Updates,
    /// Those that see all, where the immediate ones do not.
    averaged: Option<Updates>,
}

impl Power {
    /// Prepares the readings of a trace; `None` where there are too few.
    pub(crate) fn of(trace: &Trace, sensor: Sensor) -> Option<Self> {
        let immediate = Updates::of(trace, Channel::Power, sensor)?;
        let seeing_all = Sensor { window_ms: Some(AVERAGE_MS), ..sensor };
        let averaged =
            immediate.sees_a_part.then(|| Updates::of(trace, Channel::PowerAverage, seeing_all)).flatten();
        Some(Self { immediate, averaged })
    }

    /// The integral over `[start_ns, end_ns]`; `None` when the trace does not reach both edges.
    pub(crate) fn between(&self, start_ns: i64, end_ns: i64) -> Option<EnergyEstimate> {
        self.within(start_ns, end_ns)?.between(start_ns, end_ns)
    }

    /// The integral over parts of a window, which is at one level as a whole.
    pub(crate) fn within(&self, start_ns: i64, end_ns: i64) -> Option<Levelled<'_>> {
        self.immediate.between(start_ns, end_ns)?;
        let level =
            self.averaged.as_ref().and_then(|averaged| self.immediate.level_by(averaged, start_ns, end_ns));
        Some(Levelled { immediate: &self.immediate, level })
    }

    /// How far apart the moments are that it rests on: updates or readings, or the averaging where that is longer.
    pub(crate) fn spacing_ns(&self) -> i64 {
        self.immediate.period_ns.max(self.immediate.window_ns).max(self.immediate.reading_ns)
    }
}

/// Power at the level of a window.
pub(crate) struct Levelled<'a> {
    immediate: &'a Updates,
    level: Option<f64>,
}

impl Levelled<'_> {
    pub(crate) fn between(&self, start_ns: i64, end_ns: i64) -> Option<EnergyEstimate> {
        let found = self.immediate.between(start_ns, end_ns)?;
        if !self.immediate.sees_a_part {
            return Some(found.estimate(0.0));
        }
        let unseen = UNSEEN_UNCERTAINTY * (1.0 - self.immediate.share_seen);
        // A mean that sees all leaves open what it blurs at the edges.
        let open_s = seconds(i64::from(AVERAGE_MS) * 1_000_000) / seconds(end_ns - start_ns);
        Some(match self.level {
            Some(level) => {
                Found { energy_j: found.energy_j * level, ..found }.estimate(unseen * open_s.min(1.0))
            }
            None => found.estimate(unseen),
        })
    }
}

/// The updates of a power sensor.
struct Updates {
    /// Their sum over time.
    curve: Curve,
    /// Each as (when, watts).
    values: Vec<(i64, f64)>,
    /// Each as (when, joules that its place may be wrong by).
    moves: Vec<(i64, f64)>,
    /// The time between two that were read.
    period_ns: i64,
    /// The usual time between two readings, dense ones aside.
    reading_ns: i64,
    /// What each is the mean of.
    window_ns: i64,
    /// The share of the time that those that were read have seen.
    share_seen: f64,
    /// Whether the sensor is known to see less than all.
    sees_a_part: bool,
}

/// The energy of a window before it is judged.
#[derive(Clone, Copy)]
struct Found {
    energy_j: f64,
    standard_error_j: f64,
}

impl Found {
    /// With an uncertainty that is relative to the energy, expanded like the result.
    fn estimate(self, relative: f64) -> EnergyEstimate {
        let expanded_j = (COVERAGE_FACTOR * self.standard_error_j).hypot(relative * self.energy_j);
        EnergyEstimate { energy: Joules(self.energy_j), uncertainty: Joules(expanded_j) }
    }
}

impl Updates {
    fn of(trace: &Trace, channel: Channel, sensor: Sensor) -> Option<Self> {
        let readings: Vec<(i64, f64)> = trace.channel(channel).collect();
        let poll_ns = median_gap(&readings)?.max(MIN_PERIOD_NS);
        let mut ticks = Ticks::find(readings.iter().copied());
        let usual_ns = sensor.update_ms.map(|ms| i64::from(ms) * 1_000_000);
        // A source is fresher than the sampling when it is known to be, or most readings tell something new.
        let fresh = usual_ns.is_some_and(|usual| usual < poll_ns) || ticks.ticks.len() * 2 > readings.len();
        let usual_ns = usual_ns.filter(|usual| fresh == (*usual < poll_ns));
        // Between two moves there may have been updates that told the same.
        let one_of = |gap: i64| usual_ns.map_or(gap, |usual| gap / periods(gap, usual));
        let update_ns = ticks.close_period_ns().map(one_of).or(usual_ns).or_else(|| ticks.period_ns());
        // Values that repeat are not replaced between two readings.
        let (least_ns, unknown_ns) = if fresh { (MIN_PERIOD_NS, poll_ns) } else { (poll_ns, 2 * poll_ns) };
        let update_ns = update_ns.unwrap_or(unknown_ns).max(least_ns);
        let period_ns = update_ns.max(poll_ns);
        let window_ns = sensor.window_ms.map_or(update_ns, |ms| i64::from(ms) * 1_000_000);
        let knots = if fresh {
            // A reading is half an update late on average, and its update half its window, where these are known.
            let late_ns = if update_ns < poll_ns { update_ns / 2 } else { 0 };
            trapezoids(&readings, late_ns + sensor.window_ms.map_or(0, |_| window_ns / 2))
        } else {
            ticks.place(update_ns);
            held(&ticks, &readings, update_ns, (window_ns - update_ns) / 2)
        };
        Some(Self {
            curve: Curve::new(knots, 2 * poll_ns + window_ns / 4)?,
            moves: if fresh { Vec::new() } else { moves(&ticks) },
            values: ticks.ticks.iter().map(|tick| (tick.t_ns, tick.value)).collect(),
            period_ns,
            reading_ns: usual_gap_ns(readings.iter().map(|(t_ns, _)| *t_ns)).unwrap_or(poll_ns),
            window_ns,
            share_seen: (seconds(window_ns) / seconds(period_ns)).min(1.0),
            sees_a_part: sensor.share_seen(period_ns) < 1.0,
        })
    }

    fn between(&self, start_ns: i64, end_ns: i64) -> Option<Found> {
        let (start, end) = (self.curve.at(start_ns, 0.0)?, self.curve.at(end_ns, 0.0)?);
        let squares = [
            start.shape_j,
            end.shape_j,
            self.timing_j(start, end),
            self.moved_j(start_ns, end_ns),
            self.unseen_j(start_ns, end_ns),
            self.smoothed_j(start_ns),
            self.smoothed_j(end_ns),
        ];
        Some(Found {
            energy_j: (end.energy_j - start.energy_j).max(0.0),
            standard_error_j: squares.iter().map(|error| error * error).sum::<f64>().sqrt(),
        })
    }

    /// Updates that are placed too early or too late move energy across the edges: all of them, as far as power differs
    /// between the edges, and each step beside one. A step may also have been anywhere in the time that was not seen.
    fn timing_j(&self, start: Edge, end: Edge) -> f64 {
        let unseen_s = seconds(self.period_ns) * (1.0 - self.share_seen) / 2.0;
        let all_j = (end.power_w - start.power_w) * start.timing_s.max(end.timing_s);
        let steps_j = [start, end].map(|edge| edge.step_w * (edge.timing_s + unseen_s));
        all_j.hypot(steps_j[0]).hypot(steps_j[1]) / 3f64.sqrt()
    }

    /// Updates within the window that are placed too early or too late, each by itself, move energy from one power to the
    /// next.
    fn moved_j(&self, start_ns: i64, end_ns: i64) -> f64 {
        let from = self.moves.partition_point(|(t_ns, _)| *t_ns < start_ns);
        let to = self.moves.partition_point(|(t_ns, _)| *t_ns <= end_ns);
        let inside = self.moves[from..to.max(from)].iter();
        (inside.map(|(_, moved_j)| moved_j * moved_j).sum::<f64>() / 3.0).sqrt()
    }

    /// What updates that see a part say of the rest: as noise, from one update to the next.
    fn unseen_j(&self, start_ns: i64, end_ns: i64) -> f64 {
        let count = seconds(end_ns - start_ns) / seconds(self.period_ns) + 2.0;
        let beside_ns = BESIDE * self.period_ns;
        let spread_w = successive_spread(&self.values, start_ns - beside_ns, end_ns + beside_ns);
        spread_w * seconds(self.period_ns) * (count * (1.0 - self.share_seen)).sqrt()
    }

    /// What a mean over more than one period hides at an edge: a step of power there is off by an eighth of the window,
    /// and what repeats within the window is not seen at all.
    fn smoothed_j(&self, t_ns: i64) -> f64 {
        if self.window_ns <= self.period_ns {
            return 0.0;
        }
        let half_ns = self.window_ns / 2;
        let step_j = self.curve.range_w(t_ns - half_ns, t_ns + half_ns) * seconds(self.window_ns) / 8.0;
        let power_w = self.curve.power_at_w(t_ns).unwrap_or(0.0);
        step_j.hypot(HIDDEN_SWING * power_w * seconds(self.window_ns) / 12f64.sqrt())
    }

    /// By how much the immediate reading is to be multiplied to agree with one that has seen all, over the window and
    /// the time around it. `None` where there is less than the mean's own window to compare.
    fn level_by(&self, averaged: &Self, start_ns: i64, end_ns: i64) -> Option<f64> {
        let half_ns = averaged.window_ns / 2;
        let (own, other) = (self.curve.reach_ns(), averaged.curve.reach_ns());
        let from_ns = (start_ns - averaged.window_ns).max(own.0 + half_ns).max(other.0);
        let to_ns = (end_ns + averaged.window_ns).min(own.1 - half_ns).min(other.1);
        if to_ns - from_ns < averaged.window_ns {
            return None;
        }
        let seen_j = averaged.curve.at(to_ns, 0.0)?.energy_j - averaged.curve.at(from_ns, 0.0)?.energy_j;
        let own_j = self.curve.mean_around_j(to_ns, half_ns)? - self.curve.mean_around_j(from_ns, half_ns)?;
        (own_j > 0.0).then_some(seen_j / own_j)
    }
}

/// When power moved, and by how much its energy is wrong where that was as early or late as it may have been.
fn moves(ticks: &Ticks) -> Vec<(i64, f64)> {
    let mut before_w = ticks.before.unwrap_or(0.0);
    let moved = ticks.ticks.iter().map(|tick| {
        let step_w = tick.value - std::mem::replace(&mut before_w, tick.value);
        (tick.t_ns, step_w * seconds(tick.half_width_ns))
    });
    moved.collect()
}

/// The sum of updates that hold until the next one, each over the period around the middle of what it has seen: the
/// period that ends `lag_ns` before it. Where the value stayed for longer, the time before that period belongs to the
/// value before it, which the sensor went on publishing.
fn held(ticks: &Ticks, readings: &[(i64, f64)], update_ns: i64, lag_ns: i64) -> Vec<Knot> {
    let (first, last) = (readings[0], readings[readings.len() - 1]);
    let mut sum = Sum { knots: Vec::with_capacity(ticks.ticks.len() + 3), lag_ns };
    let begun_ns = ticks.ticks.first().map_or(first.0, |tick| {
        // The first value was published at the last update before its reading.
        tick.t_ns - (tick.t_ns - first.0 + update_ns - 1) / update_ns * update_ns
    });
    sum.knots.push(Knot { t_ns: begun_ns - update_ns - lag_ns, half_width_ns: 0, energy_j: 0.0 });
    let mut held_w = first.1;
    for tick in &ticks.ticks {
        if tick.t_ns - sum.end_ns() > update_ns * 3 / 2 {
            sum.hold(tick.t_ns - update_ns * 5 / 2, update_ns, held_w);
            sum.add(tick.t_ns - update_ns, tick.half_width_ns, held_w);
        }
        sum.add(tick.t_ns, tick.half_width_ns, tick.value);
        held_w = tick.value;
    }
    sum.hold(last.0 - update_ns, update_ns, held_w);
    sum.knots
}

/// Energy that is being added up.
struct Sum {
    knots: Vec<Knot>,
    lag_ns: i64,
}

impl Sum {
    /// Adds updates that repeat the value before them, as long as they begin before `until_ns`.
    fn hold(&mut self, until_ns: i64, update_ns: i64, watts: f64) {
        let half_width_ns = self.knots[self.knots.len() - 1].half_width_ns;
        while self.end_ns() <= until_ns {
            self.add(self.end_ns() + update_ns, half_width_ns, watts);
        }
    }

    /// When the last update that was added was published.
    fn end_ns(&self) -> i64 {
        self.knots[self.knots.len() - 1].t_ns + self.lag_ns
    }

    /// Adds power up to an update; nothing when that is not later.
    fn add(&mut self, t_ns: i64, half_width_ns: i64, watts: f64) {
        let last = self.knots[self.knots.len() - 1];
        if t_ns - self.lag_ns > last.t_ns {
            let energy_j = last.energy_j + watts * seconds(t_ns - self.lag_ns - last.t_ns);
            self.knots.push(Knot { t_ns: t_ns - self.lag_ns, half_width_ns, energy_j });
        }
    }
}

/// The sum of straight lines between readings, each of which says what was true `lag_ns` before it.
fn trapezoids(readings: &[(i64, f64)], lag_ns: i64) -> Vec<Knot> {
    let knot = |t_ns: i64, energy_j| Knot { t_ns: t_ns - lag_ns, half_width_ns: 0, energy_j };
    let mut knots = vec![knot(readings[0].0, 0.0)];
    let mut energy_j = 0.0;
    for pair in readings.windows(2) {
        energy_j += f64::midpoint(pair[0].1, pair[1].1) * seconds(pair[1].0 - pair[0].0);
        knots.push(knot(pair[1].0, energy_j));
    }
    knots
}

pub(crate) fn median_gap(readings: &[(i64, f64)]) -> Option<i64> {
    let mut gaps: Vec<i64> = readings.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    gaps.sort_unstable();
    gaps.get(gaps.len() / 2).copied()
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

    fn from_power(trace: &Trace, sensor: Sensor, start_ns: i64, end_ns: i64) -> Option<EnergyEstimate> {
        Power::of(trace, sensor)?.between(start_ns, end_ns)
    }

    fn power_trace(poll_ms: i64, end_ms: i64, watts: impl Fn(i64) -> f64) -> Trace {
        Trace::new(
            (0..=end_ms / poll_ms)
                .map(|i| Sample::at(i * poll_ms * MS).with(Channel::Power, watts(i * poll_ms))),
        )
    }

    #[test]
    fn a_constant_power_gives_power_times_time_exactly() {
        let found = from_power(&power_trace(50, 5_000, |_| 120.0), Sensor::default(), 1_010 * MS, 3_010 * MS);
        let found = found.expect("covered");
        assert!((found.energy.0 - 240.0).abs() < 1e-9, "{found:?}");
        assert!(found.uncertainty.0 < 1e-9, "no update, no noise: {found:?}");
    }

    #[test]
    fn an_update_belongs_to_the_period_before_it() {
        // The sensor publishes the mean of the last 100 ms; the load steps from 100 W to 300 W at 2,000 ms.
        let trace = power_trace(
            20,
            4_000,
            |t| if t / 100 * 100 > 2_000 { 300.0 } else { 100.0 } + f64::from(u8::from(t / 100 % 2 == 1)),
        );
        let found = from_power(&trace, Sensor::default(), 1_000 * MS, 3_000 * MS).expect("covered");
        assert!((found.energy.0 - 401.0).abs() < 3.0, "{found:?}");
    }

    #[test]
    fn an_averaged_reading_is_moved_back_by_half_its_window() {
        // A ramp of 100 W/s seen through a 1 s average lags by half a second, 50 W.
        let trace = power_trace(50, 8_000, |t| 100.0 * (seconds(t * MS) - 0.5));
        let found =
            from_power(&trace, Sensor { window_ms: Some(1_000), update_ms: None }, 2_000 * MS, 6_000 * MS)
                .expect("covered");
        assert!((found.energy.0 - 1_600.0).abs() < 1.0, "{found:?}");
    }

    #[test]
    fn a_trace_that_does_not_reach_the_edge_gives_nothing() {
        let trace = power_trace(50, 1_000, |_| 120.0);
        assert_eq!(from_power(&trace, Sensor::default(), 500 * MS, 2_000 * MS), None);
        assert_eq!(from_power(&Trace::default(), Sensor::default(), 0, MS), None);
    }

    proptest! {
        #[test]
        fn integration_is_additive_over_split_intervals(
            watts in proptest::collection::vec(1.0f64..500.0, 40..80), a in 100i64..500, b in 600i64..900, c in 1_000i64..1_700
        ) {
            let trace = power_trace(50, 1_950, |t| watts[usize::try_from(t / 50).expect("small") % watts.len()]);
            let part = |from: i64, to: i64| {
                from_power(&trace, Sensor::default(), from * MS, to * MS).expect("covered").energy.0
            };
            prop_assert!((part(a, b) + part(b, c) - part(a, c)).abs() < 1e-6);
        }
    }
}
