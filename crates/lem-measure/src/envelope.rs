//! Long series for the screen: the least and greatest value of each bucket of time, so that no peak is lost.
//!
//! A [`History`] holds a day and more of one channel in 8 bytes a sample and answers for any stretch of it in well under
//! a millisecond. Nothing is computed from it but pictures: energy comes from [`crate::Trace`], whose times and values
//! are not rounded.

use std::collections::VecDeque;
use std::ops::Range;

/// Samples of a chunk; at 20 Hz three and a half minutes.
const CHUNK: usize = 4096;

/// Samples whose extremes are kept together.
const BLOCK: usize = 64;

/// Equal stretches of time, one beside the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grid {
    /// Begin of the first bucket, in nanoseconds.
    pub from_ns: i64,
    /// Width of a bucket, in nanoseconds, at least 1.
    pub step_ns: i64,
    /// How many.
    pub buckets: usize,
}

impl Grid {
    /// At most `buckets` buckets that cover `[from_ns, to_ns)`, none of them narrower than `finest_ns`: narrower ones
    /// would only show the holes between samples.
    pub fn over(from_ns: i64, to_ns: i64, buckets: usize, finest_ns: i64) -> Self {
        let span = to_ns.saturating_sub(from_ns).max(1);
        let wanted = i64::try_from(buckets.max(1)).unwrap_or(i64::MAX);
        let step_ns = ceiling(span, wanted).max(finest_ns).max(1);
        let buckets = usize::try_from(ceiling(span, step_ns)).unwrap_or(usize::MAX);
        Self { from_ns, step_ns, buckets }
    }

    /// The bucket of a time, if it has one.
    fn bucket(&self, t_ns: i64) -> Option<usize> {
        let offset = t_ns.checked_sub(self.from_ns).filter(|offset| *offset >= 0)?;
        usize::try_from(offset / self.step_ns).ok().filter(|bucket| *bucket < self.buckets)
    }

    fn end_ns(&self) -> i64 {
        let span = i64::try_from(self.buckets).unwrap_or(i64::MAX).saturating_mul(self.step_ns);
        self.from_ns.saturating_add(span)
    }
}

/// The quotient of positive numbers, rounded up.
fn ceiling(dividend: i64, divisor: i64) -> i64 {
    dividend / divisor + i64::from(dividend % divisor != 0)
}

/// The least and the greatest value of each bucket of a grid; NaN where a bucket holds no sample.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Envelope {
    /// The least.
    pub min: Vec<f32>,
    /// The greatest.
    pub max: Vec<f32>,
}

impl Envelope {
    /// Of an empty grid: every bucket waits for its first value.
    pub fn empty(grid: &Grid) -> Self {
        Self { min: vec![f32::NAN; grid.buckets], max: vec![f32::NAN; grid.buckets] }
    }

    /// Of samples in any order.
    pub fn of(grid: &Grid, samples: impl IntoIterator<Item = (i64, f64)>) -> Self {
        let mut envelope = Self::empty(grid);
        for (t_ns, value) in samples {
            if let Some(bucket) = grid.bucket(t_ns) {
                envelope.take(bucket, single(value), single(value));
            }
        }
        envelope
    }

    fn take(&mut self, bucket: usize, min: f32, max: f32) {
        // `f32::min` prefers the number to NaN, which stands for "nothing yet".
        self.min[bucket] = self.min[bucket].min(min);
        self.max[bucket] = self.max[bucket].max(max);
    }
}

#[expect(clippy::cast_possible_truncation, reason = "seven digits are more than a screen shows")]
fn single(value: f64) -> f32 {
    value as f32
}

/// A series of one channel of one device that grows at its end.
///
/// 8 bytes a sample (a 32-bit offset in microseconds, a 32-bit float) and 8 bytes for each block of 64 of them. The oldest
/// chunks are dropped when the capacity is reached, so that memory is bounded.
#[derive(Debug, Clone)]
pub struct History {
    chunks: VecDeque<Chunk>,
    capacity: usize,
    len: usize,
}

#[derive(Debug, Clone)]
struct Chunk {
    t0_ns: i64,
    offset_us: Vec<u32>,
    values: Vec<f32>,
    extremes: Vec<(f32, f32)>,
}

impl History {
    /// An empty series that holds at least `capacity` samples before it drops its oldest.
    pub fn new(capacity: usize) -> Self {
        Self { chunks: VecDeque::new(), capacity, len: 0 }
    }

    /// How many samples it holds.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes on the heap, spare capacity included.
    pub fn bytes(&self) -> usize {
        self.chunks.iter().map(Chunk::bytes).sum()
    }

    /// The first and the last time, in nanoseconds.
    pub fn extent_ns(&self) -> Option<(i64, i64)> {
        Some((self.chunks.front()?.t0_ns, self.chunks.back()?.last_ns()?))
    }

    /// Appends a sample. One that is not later than the last is dropped, as in [`crate::Trace`].
    pub fn push(&mut self, t_ns: i64, value: f64) {
        if !value.is_finite() || self.extent_ns().is_some_and(|(_, last)| t_ns <= last) {
            return;
        }
        let fits = self.chunks.back().is_some_and(|chunk| chunk.takes(t_ns));
        if !fits {
            self.chunks.push_back(Chunk::new(t_ns));
            self.forget();
        }
        if let Some(chunk) = self.chunks.back_mut() {
            chunk.push(t_ns, single(value));
            self.len += 1;
        }
    }

    /// The envelope over a grid.
    pub fn envelope(&self, grid: &Grid) -> Envelope {
        let mut envelope = Envelope::empty(grid);
        let end_ns = grid.end_ns();
        let first =
            self.chunks.partition_point(|chunk| chunk.last_ns().is_none_or(|last| last < grid.from_ns));
        for chunk in self.chunks.range(first..).take_while(|chunk| chunk.t0_ns < end_ns) {
            chunk.add_to(&mut envelope, grid);
        }
        envelope
    }

    /// Drops chunks from the front while the rest still holds the capacity.
    fn forget(&mut self) {
        while let Some(oldest) = self.chunks.front() {
            let kept = self.len - oldest.values.len();
            if kept < self.capacity || self.chunks.len() < 2 {
                return;
            }
            self.len = kept;
            self.chunks.pop_front();
        }
    }
}

impl Chunk {
    fn new(t0_ns: i64) -> Self {
        Self { t0_ns, offset_us: Vec::new(), values: Vec::new(), extremes: Vec::new() }
    }

    fn bytes(&self) -> usize {
        self.offset_us.capacity() * 4 + self.values.capacity() * 4 + self.extremes.capacity() * 8
    }

    fn takes(&self, t_ns: i64) -> bool {
        self.values.len() < CHUNK && self.offset(t_ns).is_some()
    }

    fn offset(&self, t_ns: i64) -> Option<u32> {
        u32::try_from((t_ns - self.t0_ns) / 1000).ok()
    }

    fn push(&mut self, t_ns: i64, value: f32) {
        let Some(offset) = self.offset(t_ns) else { return };
        if self.values.len().is_multiple_of(BLOCK) {
            self.extremes.push((value, value));
        } else if let Some((min, max)) = self.extremes.last_mut() {
            (*min, *max) = (min.min(value), max.max(value));
        }
        self.offset_us.push(offset);
        self.values.push(value);
    }

    fn time_ns(&self, position: usize) -> i64 {
        self.t0_ns + i64::from(self.offset_us[position]) * 1000
    }

    fn last_ns(&self) -> Option<i64> {
        self.values.len().checked_sub(1).map(|last| self.time_ns(last))
    }

    /// A block that lies within one bucket counts by its extremes, any other by its samples.
    fn add_to(&self, envelope: &mut Envelope, grid: &Grid) {
        for (block, (min, max)) in self.extremes.iter().enumerate() {
            let samples = self.block(block);
            let first = grid.bucket(self.time_ns(samples.start));
            match (first, grid.bucket(self.time_ns(samples.end - 1))) {
                (Some(bucket), Some(last)) if bucket == last => envelope.take(bucket, *min, *max),
                (None, None) if !self.spans(&samples, grid) => {}
                _ => self.add_samples(samples, envelope, grid),
            }
        }
    }

    /// Whether the samples begin before the grid and end after it.
    fn spans(&self, samples: &Range<usize>, grid: &Grid) -> bool {
        self.time_ns(samples.start) < grid.from_ns && self.time_ns(samples.end - 1) >= grid.end_ns()
    }

    fn add_samples(&self, samples: Range<usize>, envelope: &mut Envelope, grid: &Grid) {
        for position in samples {
            if let Some(bucket) = grid.bucket(self.time_ns(position)) {
                envelope.take(bucket, self.values[position], self.values[position]);
            }
        }
    }

    fn block(&self, block: usize) -> Range<usize> {
        block * BLOCK..((block + 1) * BLOCK).min(self.values.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: i64 = 1_000_000;

    #[test]
    fn a_peak_of_one_sample_is_seen_in_a_day() {
        let mut history = History::new(2_000_000);
        for i in 0..1_728_000_i64 {
            history.push(i * 50 * MS, if i == 1_000_000 { 900.0 } else { 100.0 });
        }
        let grid = Grid::over(0, 86_400_000 * MS, 1000, 50 * MS);
        let envelope = history.envelope(&grid);
        assert_eq!(envelope.max.iter().filter(|max| **max > 800.0).count(), 1);
        assert!(envelope.min.iter().all(|min| (*min - 100.0).abs() < 1e-3));
        assert!(history.bytes() < 1_728_000 * 10, "{} bytes", history.bytes());
    }

    #[test]
    fn a_bucket_is_never_narrower_than_the_time_between_samples() {
        let grid = Grid::over(0, 1_000 * MS, 1000, 50 * MS);
        assert_eq!((grid.buckets, grid.step_ns), (20, 50 * MS));
    }

    #[test]
    fn time_without_samples_is_empty_and_not_zero() {
        let mut history = History::new(100);
        history.push(0, 5.0);
        history.push(10 * MS, 7.0);
        let envelope = history.envelope(&Grid { from_ns: 0, step_ns: 5 * MS, buckets: 4 });
        assert_eq!((envelope.max[0], envelope.max[2]), (5.0, 7.0));
        assert!(envelope.min[1].is_nan() && envelope.min[3].is_nan());
    }

    #[test]
    fn the_oldest_samples_go_when_the_capacity_is_reached() {
        let mut history = History::new(10_000);
        for i in 0..100_000 {
            history.push(i * MS, 1.0);
        }
        assert!((10_000..10_000 + 2 * CHUNK).contains(&history.len()), "{}", history.len());
        assert_eq!(history.extent_ns().map(|(_, last)| last), Some(99_999 * MS));
    }

    #[test]
    fn a_pause_of_days_begins_a_new_chunk() {
        let mut history = History::new(100);
        history.push(0, 1.0);
        history.push(400_000_000 * MS, 2.0);
        assert_eq!(history.extent_ns(), Some((0, 400_000_000 * MS)));
    }

    proptest! {
        #[test]
        fn the_envelope_of_a_history_is_that_of_its_samples(
            steps in prop::collection::vec((1_i64..200, -1e3_f32..1e3), 1..2000),
            from in -1000_i64..20_000, span in 1_i64..40_000, buckets in 1_usize..300,
        ) {
            let mut t_ns = 0;
            let samples: Vec<(i64, f64)> =
                steps.iter().map(|(step, value)| { t_ns += step * MS; (t_ns, f64::from(*value)) }).collect();
            let mut history = History::new(usize::MAX);
            for (t, value) in &samples {
                history.push(*t, *value);
            }
            let grid = Grid::over(from * MS, (from + span) * MS, buckets, 1);
            let (held, raw) = (history.envelope(&grid), Envelope::of(&grid, samples));
            let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&held.max), bits(&raw.max));
            prop_assert_eq!(bits(&held.min), bits(&raw.min));
        }
    }
}
