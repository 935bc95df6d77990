//! Arithmetic of energy counters: wrap-around, and the moments at which a counter moved.
//!
//! A GPU's counter moves in ticks (every 20 to 100 ms on boards since Volta) and stands still between them, so a
//! reading says what the energy was at the last tick, not now. Ticks, not readings, are therefore what a window is
//! cut from.

use crate::sample::Channel;
use crate::trace::Trace;

/// Adds up a counter that wraps around at `range`.
///
/// Readings must come more often than the counter wraps (RAPL packages: minutes); two wraps between two readings
/// cannot be told from one.
#[derive(Debug, Clone)]
pub struct Unwrapped {
    range: u64,
    last: Option<u64>,
    total: u64,
}

impl Unwrapped {
    /// A counter that goes from `range` back to 0 (powercap's `max_energy_range_uj`).
    pub fn new(range: u64) -> Self {
        Self { range, last: None, total: 0 }
    }

    /// Takes a raw reading and returns the sum since the first one.
    pub fn add(&mut self, raw: u64) -> u64 {
        let step = match self.last {
            None => 0,
            Some(last) if raw >= last => raw - last,
            Some(last) => self.range.saturating_sub(last) + raw,
        };
        self.last = Some(raw);
        self.total = self.total.saturating_add(step);
        self.total
    }
}

/// A moment at which a counter moved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tick {
    /// The middle of the interval in which it moved.
    pub t_ns: i64,
    /// Half of that interval: the reading before and the reading that saw the move are `2 * half_width_ns` apart.
    pub half_width_ns: i64,
    /// The counter after the move, in joules.
    pub energy_j: f64,
}

/// Every move of the energy counter in a trace, and the value before the first one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ticks {
    /// The counter before the first move, in joules; absent when the counter was never read.
    pub before_j: Option<f64>,
    /// The moves, in the order of time.
    pub ticks: Vec<Tick>,
    /// When the counter was read first and last.
    pub read_ns: Option<(i64, i64)>,
}

impl Ticks {
    /// Finds the moves. A reading below its predecessor means that the counter was reset (driver reload): then
    /// there is no energy to be had from it, and `None` is returned.
    pub fn find(trace: &Trace) -> Option<Self> {
        let mut found = Self::default();
        let mut last: Option<(i64, f64)> = None;
        for (t_ns, energy_j) in trace.channel(Channel::Energy) {
            match last {
                None => {
                    found.before_j = Some(energy_j);
                    found.read_ns = Some((t_ns, t_ns));
                }
                Some((_, previous)) if energy_j < previous => return None,
                Some((before_ns, previous)) if energy_j > previous => {
                    let half_width_ns = (t_ns - before_ns + 1) / 2;
                    found.ticks.push(Tick { t_ns: t_ns - half_width_ns, half_width_ns, energy_j });
                }
                Some(_) => {}
            }
            if let Some((_, end)) = found.read_ns.as_mut() {
                *end = t_ns;
            }
            last = Some((t_ns, energy_j));
        }
        Some(found)
    }

    /// The typical time between moves in nanoseconds; `None` with fewer than two moves.
    pub fn period_ns(&self) -> Option<i64> {
        let mut gaps: Vec<i64> = self.ticks.windows(2).map(|pair| pair[1].t_ns - pair[0].t_ns).collect();
        gaps.sort_unstable();
        gaps.get(gaps.len() / 2).copied().filter(|gap| *gap > 0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sample::Sample;

    fn trace(readings: &[(i64, f64)]) -> Trace {
        Trace::new(readings.iter().map(|(t, e)| Sample::at(*t).with(Channel::Energy, *e)))
    }

    #[test]
    fn a_tick_lies_between_the_reading_before_it_and_the_reading_that_saw_it() {
        let found =
            Ticks::find(&trace(&[(0, 5.0), (10, 5.0), (20, 6.0), (30, 6.0), (50, 7.5)])).expect("no reset");
        assert_eq!(found.before_j, Some(5.0));
        assert_eq!(found.read_ns, Some((0, 50)));
        assert_eq!(
            found.ticks,
            [
                Tick { t_ns: 15, half_width_ns: 5, energy_j: 6.0 },
                Tick { t_ns: 40, half_width_ns: 10, energy_j: 7.5 }
            ]
        );
        assert_eq!(found.period_ns(), Some(25));
    }

    #[test]
    fn a_counter_that_was_reset_gives_nothing_rather_than_a_wrong_energy() {
        assert_eq!(Ticks::find(&trace(&[(0, 5.0), (10, 6.0), (20, 0.5)])), None);
    }

    #[test]
    fn a_trace_without_a_counter_has_no_ticks() {
        let found = Ticks::find(&Trace::new([Sample::at(1).with(Channel::Power, 3.0)])).expect("no reset");
        assert_eq!(found, Ticks::default());
    }

    proptest! {
        #[test]
        fn a_counter_that_wraps_keeps_its_energy(
            steps in proptest::collection::vec(0u64..1_000_000, 1..200), start in 0u64..1_000_000
        ) {
            let range = 1_000_000;
            let mut counter = Unwrapped::new(range);
            let mut raw = start;
            prop_assert_eq!(counter.add(raw), 0);
            let mut sum = 0;
            for step in steps {
                raw = (raw + step) % range;
                sum += step;
                prop_assert_eq!(counter.add(raw), sum);
            }
        }
    }
}
