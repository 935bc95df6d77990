//! When a sensor that repeats its value moved on.
//!
//! A counter moves in ticks and a power sensor in updates, every 20 to 100 ms, and both stand still in between. A
//! reading therefore says what was true at the last move, not now, and moves, not readings, are what a window is cut
//! from. A move is known to lie between two readings; where some were read densely, the regular period of the sensor
//! places the others as well as those.

/// Half the time between two dense readings of the sampler (2 ms) with a late wake-up in between.
const CLOSE_NS: i64 = 2_500_000;

/// A moment at which a value moved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tick {
    /// When it moved: the middle of the interval in which it can have moved.
    pub t_ns: i64,
    /// Half of that interval. As found, the reading before and the reading that saw the move are `2 * half_width_ns`
    /// apart.
    pub half_width_ns: i64,
    /// The value after the move.
    pub value: f64,
}

/// Every move of a value, and what it was before the first one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ticks {
    /// The value before the first move; absent when nothing was read.
    pub before: Option<f64>,
    /// The moves, in the order of time.
    pub ticks: Vec<Tick>,
    /// When the value was read first and last.
    pub read_ns: Option<(i64, i64)>,
}

impl Ticks {
    /// Finds the moves in readings, which are in the order of time.
    pub fn find(readings: impl IntoIterator<Item = (i64, f64)>) -> Self {
        let mut found = Self::default();
        let mut last: Option<(i64, f64)> = None;
        for (t_ns, value) in readings {
            match last {
                None => found.before = Some(value),
                Some((before_ns, previous)) if previous.to_bits() != value.to_bits() => {
                    let half_width_ns = (t_ns - before_ns + 1) / 2;
                    found.ticks.push(Tick { t_ns: t_ns - half_width_ns, half_width_ns, value });
                }
                Some(_) => {}
            }
            found.read_ns = Some((found.read_ns.map_or(t_ns, |(first, _)| first), t_ns));
            last = Some((t_ns, value));
        }
        found
    }

    /// The time between two moves in nanoseconds; `None` with fewer than two moves.
    ///
    /// Moves that were seen closely tell it best: of the others, several may hide between two readings. Where a new
    /// value is the old one by chance, no move is seen, so the short gaps count and the long ones do not.
    pub fn period_ns(&self) -> Option<i64> {
        self.close_period_ns().or_else(|| typical(self.ticks.windows(2).map(gap).collect()))
    }

    /// [`Self::period_ns`] by moves that were seen closely alone.
    pub fn close_period_ns(&self) -> Option<i64> {
        let close_ns = self.close_ns();
        let close =
            |pair: &&[Tick]| close_ns <= CLOSE_NS && pair.iter().all(|tick| tick.half_width_ns <= close_ns);
        typical(self.ticks.windows(2).filter(close).map(gap).collect())
    }

    /// The usual time from one move to the next that was seen; `None` with fewer than two moves.
    pub fn usual_gap_ns(&self) -> Option<i64> {
        usual_gap_ns(self.ticks.iter().map(|tick| tick.t_ns))
    }

    /// Places moves that were seen from afar by the period, counted from the nearest one that was seen closely: where a
    /// sensor is regular, each of its moves tells when all others were. None leaves the interval in which it was seen.
    pub fn place(&mut self, period_ns: i64) {
        if self.ticks.is_empty() {
            return;
        }
        let close_ns = self.close_ns();
        let (close, far): (Vec<usize>, Vec<usize>) =
            (0..self.ticks.len()).partition(|i| self.ticks[*i].half_width_ns <= close_ns);
        if far.is_empty() && close_ns <= CLOSE_NS {
            return;
        }
        // Where none was seen closely one is as good as another, and all that is known is that they are regular.
        let mut anchors = if close_ns <= CLOSE_NS { close } else { vec![close[0]] };
        // Of those that follow each other the first will do: the period places the others better than they were seen.
        let mut before = None;
        anchors.retain(|anchor| before.replace(*anchor).is_none_or(|before| before + 1 < *anchor));
        let spans = [(anchors[0], anchors[anchors.len() - 1]), (0, self.ticks.len() - 1)];
        let steps = spans.map(|span| self.step_between(span, period_ns));
        let step = if steps[0].error_ns <= steps[1].error_ns { steps[0] } else { steps[1] };
        let (first, last) = (anchors[0], anchors[anchors.len() - 1]);
        for pair in anchors.windows(2) {
            let middle = usize::midpoint(pair[0], pair[1]);
            self.walk_on(pair[0] + 1..(middle + 1).min(pair[1]), step);
            self.walk_back(middle + 1..pair[1], step);
        }
        self.walk_back(0..first, step);
        self.walk_on(last + 1..self.ticks.len(), step);
    }

    /// The half width up to which a move counts as closely seen.
    fn close_ns(&self) -> i64 {
        let closest_ns = self.ticks.iter().map(|tick| tick.half_width_ns).min().unwrap_or(0);
        CLOSE_NS.max(closest_ns * 2)
    }

    /// The period and its error: the mean between two moves, by counting the periods in between. They cannot be counted
    /// where readings are further apart than they; then it stays as it was found.
    fn step_between(&self, (first, last): (usize, usize), period_ns: i64) -> Step {
        let (from, to) = (self.ticks[first], self.ticks[last]);
        let found = Step { period_ns, error_ns: 2 * from.half_width_ns + 1 };
        let mut widths: Vec<i64> = self.ticks.iter().map(|tick| 2 * tick.half_width_ns).collect();
        widths.sort_unstable();
        if widths[widths.len() / 2] >= period_ns {
            return found;
        }
        let mut counting = self.clone();
        counting.walk_on(first + 1..last, Step { period_ns, error_ns: 0 });
        let gaps = counting.ticks[first..=last].windows(2).map(|pair| pair[1].t_ns - pair[0].t_ns);
        let count: i64 = gaps.map(|gap| periods(gap, period_ns)).sum();
        let mean_ns = (to.t_ns - from.t_ns) / count.max(1);
        let plausible = (mean_ns - period_ns).abs() <= period_ns / 8;
        if count < 2 || !plausible {
            return found;
        }
        Step { period_ns: mean_ns, error_ns: (from.half_width_ns + to.half_width_ns) / count + 1 }
    }

    /// Places moves after one that is placed.
    fn walk_on(&mut self, range: std::ops::Range<usize>, step: Step) {
        for i in range {
            let (before, tick) = (self.ticks[i - 1], self.ticks[i]);
            self.ticks[i] = step.place(tick, before, step.periods_to(tick, before).max(1));
        }
    }

    /// Places moves before one that is placed.
    fn walk_back(&mut self, range: std::ops::Range<usize>, step: Step) {
        for i in range.rev() {
            let (after, tick) = (self.ticks[i + 1], self.ticks[i]);
            self.ticks[i] = step.place(tick, after, step.periods_to(tick, after).min(-1));
        }
    }
}

fn gap(pair: &[Tick]) -> i64 {
    pair[1].t_ns - pair[0].t_ns
}

/// The time between two moments that is usual: half of all time lies in gaps of that length or less. Dense readings are
/// many, and short in time. `None` with fewer than two moments.
pub(crate) fn usual_gap_ns(moments: impl Iterator<Item = i64>) -> Option<i64> {
    let moments: Vec<i64> = moments.collect();
    let mut gaps: Vec<i64> = moments.windows(2).map(|pair| pair[1] - pair[0]).collect();
    gaps.sort_unstable();
    let half_ns = gaps.iter().sum::<i64>() / 2;
    let mut sum_ns = 0;
    gaps.into_iter().find(|gap| {
        sum_ns += gap;
        sum_ns >= half_ns
    })
}

/// The mean of the gaps that are about as long as the quarter of them that is shortest.
fn typical(mut gaps: Vec<i64>) -> Option<i64> {
    gaps.sort_unstable();
    let short = gaps.get(gaps.len() / 4).copied().filter(|gap| *gap > 0)?;
    gaps.retain(|gap| (short * 4 / 5..=short * 6 / 5).contains(gap));
    let count = i64::try_from(gaps.len()).unwrap_or(i64::MAX);
    Some(gaps.iter().sum::<i64>() / count.max(1))
}

/// How many periods a gap holds, at least one.
pub(crate) fn periods(gap_ns: i64, period_ns: i64) -> i64 {
    ((gap_ns + period_ns / 2) / period_ns).max(1)
}

/// The way from one move to another.
#[derive(Debug, Clone, Copy)]
struct Step {
    period_ns: i64,
    error_ns: i64,
}

impl Step {
    /// How many periods lie between `from` and `tick`. Where readings are closer than the period, only one place can be
    /// meant; else it is the last one before the reading that saw the move, as far as places are known.
    fn periods_to(self, tick: Tick, from: Tick) -> i64 {
        if 2 * tick.half_width_ns < self.period_ns {
            return (tick.t_ns - from.t_ns + self.period_ns / 2).div_euclid(self.period_ns);
        }
        let tolerance_ns = (from.half_width_ns + self.error_ns).min(self.period_ns / 8);
        (tick.t_ns + tick.half_width_ns + tolerance_ns - from.t_ns).div_euclid(self.period_ns)
    }

    /// Places `tick` so many periods after `from`, within the interval in which it was seen. Where the next place would
    /// do as well, or nearly, it stays as uncertain as it was.
    fn place(self, tick: Tick, from: Tick, count: i64) -> Tick {
        let (earliest_ns, latest_ns) = (tick.t_ns - tick.half_width_ns, tick.t_ns + tick.half_width_ns);
        let placed_ns = from.t_ns + count * self.period_ns;
        let error_ns = from.half_width_ns + count.abs() * self.error_ns;
        let next_fits = placed_ns + self.period_ns - error_ns < latest_ns;
        let hardly_fits = placed_ns + error_ns > latest_ns && placed_ns - self.period_ns > earliest_ns;
        let half_width_ns =
            if next_fits || hardly_fits { tick.half_width_ns } else { error_ns.min(tick.half_width_ns) };
        Tick { t_ns: placed_ns.clamp(earliest_ns, latest_ns), half_width_ns, ..tick }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: i64 = 1_000_000;

    #[test]
    fn a_tick_lies_between_the_reading_before_it_and_the_reading_that_saw_it() {
        let found = Ticks::find([(0, 5.0), (10, 5.0), (20, 6.0), (30, 6.0), (50, 7.5)]);
        assert_eq!((found.before, found.read_ns), (Some(5.0), Some((0, 50))));
        let ticks = [
            Tick { t_ns: 15, half_width_ns: 5, value: 6.0 },
            Tick { t_ns: 40, half_width_ns: 10, value: 7.5 },
        ];
        assert_eq!(found.ticks, ticks);
        assert_eq!(found.period_ns(), Some(25));
    }

    #[test]
    fn nothing_read_has_no_ticks() {
        assert_eq!(Ticks::find([]), Ticks::default());
    }

    /// Regular readings every 50 ms, and one every 2 ms for 300 ms from each of `edges_ms`.
    fn readings(end_ms: i64, edges_ms: &[i64], value: impl Fn(i64) -> f64) -> Vec<(i64, f64)> {
        let dense =
            |t: &i64| edges_ms.iter().any(|edge| (*edge..edge + 300).contains(t) && (t - edge) % 2 == 0);
        (0..end_ms).filter(|t| t % 50 == 0 || dense(t)).map(|t| (t * MS, value(t))).collect()
    }

    proptest! {
        #[test]
        fn two_closely_seen_moves_place_all_that_are_regular(
            period in 20i64..140, phase in 0i64..140, first in 300i64..900, second in 2_000i64..4_000
        ) {
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let value = |t: i64| (t - phase).div_euclid(period) as f64;
            let mut found = Ticks::find(readings(5_000, &[first, second], value));
            let period_ns = found.period_ns().expect("moves");
            found.place(period_ns);
            for tick in &found.ticks {
                let (earliest, latest) = (tick.t_ns - tick.half_width_ns, tick.t_ns + tick.half_width_ns);
                let off_ms = (tick.t_ns - phase * MS).rem_euclid(period * MS).min((phase * MS - tick.t_ns).rem_euclid(period * MS)) / MS;
                // Away from the edges the error of the period adds up; beside them it must not.
                let beside = [first, second].iter().any(|edge| (edge * MS - tick.t_ns).abs() < period * MS);
                prop_assert!(!beside || off_ms <= 4, "{tick:?} is {off_ms} ms off");
                prop_assert!(earliest <= latest);
            }
        }
    }
}
