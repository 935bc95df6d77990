//! The samples of one device in the order of time.

use crate::sample::{Channel, Sample};

/// The samples of one device, strictly ordered by time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trace {
    samples: Vec<Sample>,
}

impl Trace {
    /// Builds a trace, dropping samples that do not come after their predecessor: two readings with one time stamp
    /// would make a power of infinity.
    pub fn new(samples: impl IntoIterator<Item = Sample>) -> Self {
        let mut trace = Self::default();
        for sample in samples {
            trace.push(sample);
        }
        trace
    }

    /// Appends a sample; returns false, and drops it, when it is not later than the last one.
    pub fn push(&mut self, sample: Sample) -> bool {
        let later = self.samples.last().is_none_or(|last| sample.t_ns > last.t_ns);
        if later {
            self.samples.push(sample);
        }
        later
    }

    /// All samples.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// The samples within `[from_ns, to_ns]`.
    pub fn between(&self, from_ns: i64, to_ns: i64) -> &[Sample] {
        let start = self.samples.partition_point(|s| s.t_ns < from_ns);
        let end = self.samples.partition_point(|s| s.t_ns <= to_ns);
        &self.samples[start..end.max(start)]
    }

    /// The readings of one channel as (time in ns, value), where it was read.
    pub fn channel(&self, channel: Channel) -> impl DoubleEndedIterator<Item = (i64, f64)> + '_ {
        self.samples.iter().filter_map(move |s| s.get(channel).map(|v| (s.t_ns, v)))
    }

    /// The last reading of a channel at or before `t_ns`.
    pub fn last_before(&self, channel: Channel, t_ns: i64) -> Option<f64> {
        let end = self.samples.partition_point(|s| s.t_ns <= t_ns);
        self.samples[..end].iter().rev().find_map(|s| s.get(channel))
    }
}
