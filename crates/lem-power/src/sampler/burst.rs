//! Dense reading around an edge of a window. Pure: readings and times are passed in.
//!
//! A counter that moves every 100 ms cannot say what the energy was in between; two of its moves, each seen within a
//! few milliseconds, give its period and let the edge be interpolated. Only readings that bound a move are kept: a
//! burst of 300 ms costs some six samples, not 150.

use lem_measure::{Channel, Sample};

/// Moves of the counter after which a burst has served its purpose: the first one dates the counter, the second one
/// gives its period.
const MOVES: u32 = 2;

/// The state of a burst on one device.
#[derive(Debug)]
pub(super) struct Burst {
    until_ns: i64,
    moves: u32,
    last: Option<f64>,
    held: Option<Sample>,
}

impl Burst {
    /// A burst that ends at `until_ns` at the latest.
    pub(super) fn new(until_ns: i64) -> Self {
        Self { until_ns, moves: 0, last: None, held: None }
    }

    /// Whether nothing more is to be read.
    pub(super) fn is_over(&self, now_ns: i64) -> bool {
        self.moves >= MOVES || now_ns >= self.until_ns
    }

    /// Takes a reading made between regular ticks and appends what is worth keeping to `out`: the first one, and each
    /// move with the reading just before it.
    pub(super) fn dense(&mut self, sample: Sample, out: &mut Vec<Sample>) {
        let Some(value) = edge_value(&sample) else { return };
        match self.last.replace(value) {
            None => out.push(sample),
            Some(last) if last.to_bits() == value.to_bits() => self.held = Some(sample),
            Some(_) => {
                out.extend(self.held.take());
                out.push(sample);
                self.moves += 1;
            }
        }
    }

    /// Takes a regular reading, which is kept in any case.
    pub(super) fn regular(&mut self, sample: Sample, out: &mut Vec<Sample>) {
        if let Some(value) = edge_value(&sample) {
            let moved = self.last.replace(value).is_some_and(|last| last.to_bits() != value.to_bits());
            // A reading that was held back says nothing that a later one with the same value does not say better.
            let held = self.held.take();
            if moved {
                out.extend(held);
                self.moves += 1;
            }
        }
        out.push(sample);
    }

    /// Ends the burst: its last reading bounds the next move from below.
    pub(super) fn finish(self, out: &mut Vec<Sample>) {
        out.extend(self.held);
    }
}

/// What moves: the counter, or power where there is none.
fn edge_value(sample: &Sample) -> Option<f64> {
    sample.get(Channel::Energy).or_else(|| sample.get(Channel::Power))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn energy(t_ms: i64, joules: f64) -> Sample {
        Sample::at(t_ms * 1_000_000).with(Channel::Energy, joules)
    }

    fn kept(out: &[Sample]) -> Vec<(i64, f64)> {
        out.iter().map(|s| (s.t_ns / 1_000_000, s.get(Channel::Energy).expect("an energy"))).collect()
    }

    #[test]
    fn only_the_readings_around_a_move_are_kept() {
        let mut burst = Burst::new(1_000_000_000);
        let mut out = Vec::new();
        for t_ms in (0..20).step_by(2) {
            burst.dense(energy(t_ms, if t_ms < 10 { 1.0 } else { 5.0 }), &mut out);
        }
        burst.finish(&mut out);
        assert_eq!(kept(&out), [(0, 1.0), (8, 1.0), (10, 5.0), (18, 5.0)]);
    }

    #[test]
    fn a_burst_ends_after_two_moves() {
        let mut burst = Burst::new(1_000_000_000);
        let mut out = Vec::new();
        burst.dense(energy(0, 1.0), &mut out);
        burst.dense(energy(2, 2.0), &mut out);
        assert!(!burst.is_over(3_000_000), "one move dates the counter but gives no period");
        burst.dense(energy(4, 3.0), &mut out);
        assert!(burst.is_over(5_000_000));
    }

    #[test]
    fn a_burst_ends_at_its_time_when_nothing_moves() {
        let mut burst = Burst::new(300_000_000);
        burst.dense(energy(0, 1.0), &mut Vec::new());
        assert!(!burst.is_over(299_000_000));
        assert!(burst.is_over(300_000_000));
    }

    #[test]
    fn a_regular_reading_within_a_burst_is_kept_in_order_and_counts_as_a_move() {
        let mut burst = Burst::new(1_000_000_000);
        let mut out = Vec::new();
        burst.dense(energy(0, 1.0), &mut out);
        burst.dense(energy(2, 1.0), &mut out);
        burst.regular(energy(3, 1.0), &mut out);
        burst.dense(energy(5, 1.0), &mut out);
        burst.regular(energy(6, 2.0), &mut out);
        burst.dense(energy(8, 3.0), &mut out);
        assert_eq!(kept(&out), [(0, 1.0), (3, 1.0), (5, 1.0), (6, 2.0), (8, 3.0)]);
        assert!(burst.is_over(9_000_000));
    }

    #[test]
    fn power_stands_in_where_there_is_no_counter() {
        let mut burst = Burst::new(1_000_000_000);
        let mut out = Vec::new();
        for (t_ns, watts) in [(0, 100.0), (2, 100.0), (4, 150.0), (6, 100.0)] {
            burst.dense(Sample::at(t_ns).with(Channel::Power, watts), &mut out);
        }
        assert_eq!(out.len(), 4);
        assert!(burst.is_over(7));
    }
}
