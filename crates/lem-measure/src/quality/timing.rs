//! How well a window is covered by readings: arithmetic of times alone.

use serde::{Deserialize, Serialize};

use crate::sample::Channel;
use crate::stats;
use crate::trace::Trace;
use crate::units::seconds;

/// How a device was sampled in a window. A reading is a sample that holds power or the energy counter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// The share of the window that lies within half a nominal interval of a reading, 0 to 1.
    pub coverage: f64,
    /// The longest time in the window without a reading, in seconds; the edges of the window bound it.
    pub longest_gap_s: f64,
    /// The 95th percentile of the time between regular readings in seconds; absent with fewer than two.
    pub interval_p95_s: Option<f64>,
    /// Regular readings in the window: those half a nominal interval or more after the one before, so that dense
    /// reading around an edge does not make a short window look well sampled.
    pub samples: u32,
}

impl Sampling {
    /// How the window `(start, end)` of a trace was sampled at a nominal interval; `None` of an empty window.
    pub fn of(trace: &Trace, (start_ns, end_ns): (i64, i64), interval_ms: u32) -> Option<Self> {
        let length_ns = end_ns.checked_sub(start_ns).filter(|length| *length > 0)?;
        let half_ns = i64::from(interval_ms) * 1_000_000 / 2;
        let near = trace.between(start_ns.saturating_sub(half_ns), end_ns.saturating_add(half_ns));
        let times: Vec<i64> = near.iter().filter(|sample| is_reading(sample)).map(|s| s.t_ns).collect();
        let inside: Vec<i64> = times.iter().copied().filter(|t| (start_ns..=end_ns).contains(t)).collect();
        let regular = regular(&inside, half_ns);
        let intervals: Vec<f64> = regular.windows(2).map(|pair| seconds(pair[1] - pair[0])).collect();
        Some(Self {
            coverage: seconds(covered_ns(&times, half_ns, (start_ns, end_ns))) / seconds(length_ns),
            longest_gap_s: seconds(longest_gap_ns(&inside, (start_ns, end_ns))),
            interval_p95_s: stats::quantile(&intervals, 0.95),
            samples: u32::try_from(regular.len()).unwrap_or(u32::MAX),
        })
    }
}

/// The time from the end of a window to the last reading in seconds; 0 where there is none after it.
pub(super) fn tail_s(trace: &Trace, end_ns: i64) -> f64 {
    let last_ns = trace.samples().iter().rev().find(|sample| is_reading(sample)).map(|s| s.t_ns);
    last_ns.map_or(0.0, |t_ns| seconds(t_ns.saturating_sub(end_ns).max(0)))
}

fn is_reading(sample: &crate::Sample) -> bool {
    sample.get(Channel::Power).is_some() || sample.get(Channel::Energy).is_some()
}

/// The union of `[t - half, t + half]` over ordered times, within the window.
fn covered_ns(times: &[i64], half_ns: i64, (start_ns, end_ns): (i64, i64)) -> i64 {
    let (mut reached_ns, mut covered_ns) = (start_ns, 0);
    for t_ns in times {
        let from_ns = t_ns.saturating_sub(half_ns).max(reached_ns);
        let to_ns = t_ns.saturating_add(half_ns).min(end_ns);
        covered_ns += (to_ns.saturating_sub(from_ns)).max(0);
        reached_ns = reached_ns.max(to_ns);
    }
    covered_ns
}

/// The longest time between neighbours, where the edges count as times.
fn longest_gap_ns(inside: &[i64], (start_ns, end_ns): (i64, i64)) -> i64 {
    let ends = inside.iter().copied().chain([end_ns]);
    ends.scan(start_ns, |from_ns, to_ns| Some(to_ns - std::mem::replace(from_ns, to_ns))).max().unwrap_or(0)
}

/// Leaves out times that follow the last one kept by less than `half_ns`.
fn regular(times: &[i64], half_ns: i64) -> Vec<i64> {
    let mut kept: Vec<i64> = Vec::with_capacity(times.len());
    for &t_ns in times {
        if kept.last().is_none_or(|last| t_ns - last >= half_ns) {
            kept.push(t_ns);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::sample::Sample;

    const MS: i64 = 1_000_000;

    fn sampled(times_ms: impl IntoIterator<Item = i64>, window_ms: (i64, i64)) -> Sampling {
        let trace = Trace::new(times_ms.into_iter().map(|t| Sample::at(t * MS).with(Channel::Power, 1.0)));
        Sampling::of(&trace, (window_ms.0 * MS, window_ms.1 * MS), 50).expect("a window")
    }

    #[test]
    fn regular_readings_cover_the_window_wherever_its_edges_fall() {
        let found = sampled((0..100).map(|i| i * 50), (1_013, 3_013));
        assert_eq!((found.coverage, found.samples, found.interval_p95_s), (1.0, 40, Some(0.05)));
        assert!((found.longest_gap_s - 0.05).abs() < 1e-12);
    }

    #[test]
    fn a_hole_of_half_a_second_is_seen_as_one() {
        let found = sampled((0..100).map(|i| i * 50).filter(|t| !(2_000..2_450).contains(t)), (1_000, 3_000));
        assert!((found.longest_gap_s - 0.5).abs() < 1e-12, "{found:?}");
        assert!((found.coverage - 1_550.0 / 2_000.0).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn dense_reading_around_an_edge_adds_no_samples() {
        let dense = (0..150).map(|i| 1_000 + 2 * i);
        let times: BTreeSet<i64> = (0..100).map(|i| i * 50).chain(dense).collect();
        let found = sampled(times, (1_000, 3_000));
        assert!(found.samples <= 48, "{found:?}");
    }

    #[test]
    fn a_window_without_readings_is_one_gap() {
        let found = sampled([], (0, 2_000));
        assert_eq!((found.coverage, found.longest_gap_s, found.samples), (0.0, 2.0, 0));
        let trace = Trace::default();
        assert_eq!(Sampling::of(&trace, (5, 5), 50), None);
        assert_eq!(Sampling::of(&trace, (i64::MAX, i64::MIN), 50), None, "no overflow");
    }

    #[test]
    fn readings_after_the_window_are_its_tail() {
        let trace = Trace::new([0, 100, 900].map(|t| Sample::at(t * MS).with(Channel::Energy, 1.0)));
        assert!((tail_s(&trace, 500 * MS) - 0.4).abs() < 1e-12);
        assert_eq!((tail_s(&trace, 1_000 * MS), tail_s(&Trace::default(), 0)), (0.0, 0.0));
        let temperature = Trace::new([Sample::at(MS).with(Channel::Temperature, 40.0)]);
        assert!(tail_s(&temperature, 0) < 1e-12, "a temperature is no reading of power or energy");
    }

    fn times() -> impl Strategy<Value = BTreeSet<i64>> {
        proptest::collection::btree_set(-500i64..4_500, 0..120)
    }

    proptest! {
        #[test]
        fn coverage_is_what_counting_milliseconds_gives(times in times(), start in 0i64..1_000, length in 1i64..3_000) {
            let end = start + length;
            let near = |ms: i64| times.range(ms - 24..=ms + 25).next().is_some();
            let counted = u32::try_from((start..end).filter(|ms| near(*ms)).count()).expect("few");
            let expected = f64::from(counted) / f64::from(u32::try_from(length).expect("few"));
            let found = sampled(times, (start, end));
            prop_assert!((found.coverage - expected).abs() < 1e-9, "{found:?} {expected}");
            prop_assert!((0.0..=1.0 + 1e-12).contains(&found.coverage));
        }

        #[test]
        fn another_reading_never_makes_it_worse(times in times(), more in 0i64..4_000, length in 1i64..3_000) {
            let before = sampled(times.iter().copied(), (500, 500 + length));
            let after = sampled(times.iter().copied().chain([more]).collect::<BTreeSet<_>>(), (500, 500 + length));
            prop_assert!(after.coverage >= before.coverage - 1e-12);
            prop_assert!(after.longest_gap_s <= before.longest_gap_s + 1e-12);
        }

        #[test]
        fn what_is_not_covered_lies_in_gaps(times in times(), length in 1i64..3_000) {
            let found = sampled(times, (0, length));
            let length_s = seconds(length * MS);
            prop_assert!(found.longest_gap_s <= length_s + 1e-12);
            if found.samples > 0 && found.longest_gap_s <= 0.025 {
                prop_assert!(found.coverage > 1.0 - 1e-12, "{found:?}");
            }
            // A gap of g leaves at least g - interval uncovered.
            prop_assert!(found.coverage * length_s <= length_s - (found.longest_gap_s - 0.05).max(0.0) + 1e-9);
        }
    }
}
