//! Arithmetic of energy counters: wrap-around, reset, and the ticks of a counter that must not fall.

use crate::sample::Channel;
use crate::ticks::Ticks;
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

/// The moves of a trace's energy counter, in joules.
///
/// A reading below its predecessor means that the counter was reset (driver reload): then there is no energy to be had
/// from it, and `None` is returned.
pub fn ticks(trace: &Trace) -> Option<Ticks> {
    let found = Ticks::find(trace.channel(Channel::Energy));
    let mut last_j = found.before.unwrap_or(0.0);
    let falls = found.ticks.iter().any(|tick| tick.value < std::mem::replace(&mut last_j, tick.value));
    (!falls).then_some(found)
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
    fn a_counter_that_was_reset_gives_nothing_rather_than_a_wrong_energy() {
        assert_eq!(ticks(&trace(&[(0, 5.0), (10, 6.0), (20, 0.5)])), None);
        assert_eq!(ticks(&trace(&[(0, 5.0), (10, 6.0), (20, 7.5)])).map(|found| found.ticks.len()), Some(2));
    }

    #[test]
    fn a_trace_without_a_counter_has_no_ticks() {
        let found = ticks(&Trace::new([Sample::at(1).with(Channel::Power, 3.0)]));
        assert_eq!(found, Some(Ticks::default()));
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
