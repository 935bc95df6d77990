//! When the regular ticks are due, and how well they were kept. Pure: the time is passed in.

/// Absolute deadlines at a fixed interval. A deadline that cannot be kept is skipped and counted; ticks are never
/// bunched to catch up, because readings closer together than the sensor updates say nothing new.
#[derive(Debug)]
pub(super) struct Schedule {
    next_ns: i64,
    interval_ns: i64,
}

impl Schedule {
    /// A schedule whose first deadline is `start_ns`.
    pub(super) fn new(start_ns: i64, interval_ns: i64) -> Self {
        Self { next_ns: start_ns, interval_ns }
    }

    /// The next deadline.
    pub(super) fn next_ns(&self) -> i64 {
        self.next_ns
    }

    /// Moves on to the first deadline after `now_ns`, the time at which the work of this tick was done, and says how
    /// many deadlines passed unused.
    pub(super) fn advance(&mut self, now_ns: i64) -> u64 {
        let behind_ns = (now_ns - self.next_ns).max(0);
        let missed = behind_ns / self.interval_ns;
        self.next_ns += (missed + 1) * self.interval_ns;
        missed.unsigned_abs()
    }
}

/// How well the regular ticks were kept.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct SamplerStats {
    /// Regular ticks that were done.
    pub ticks: u64,
    /// Regular ticks whose time had passed before they could be done.
    pub missed_ticks: u64,
    /// Readings that failed, of all devices.
    pub read_errors: u64,
    /// Median time between the starts of two regular ticks; `None` before the second tick.
    pub interval_median_ms: Option<f64>,
    /// 99th percentile of that time (nearest rank).
    pub interval_p99_ms: Option<f64>,
    /// The longest such time.
    pub interval_max_ms: Option<f64>,
}

/// Intervals that are kept for the percentiles: 3 to 6 hours at 10 Hz, half a megabyte.
const KEPT: usize = 1 << 17;

/// Collects [`SamplerStats`] in bounded memory: when it is full, every second interval is dropped and from then on
/// only every second one recorded, so that the percentiles always stand on 65,536 or more of them.
#[derive(Debug)]
pub(super) struct TickRecord {
    ticks: u64,
    missed: u64,
    pub(super) read_errors: u64,
    last_ns: Option<i64>,
    intervals_us: Vec<u32>,
    stride: u64,
    max_ns: i64,
}

impl Default for TickRecord {
    fn default() -> Self {
        Self {
            ticks: 0,
            missed: 0,
            read_errors: 0,
            last_ns: None,
            intervals_us: Vec::new(),
            stride: 1,
            max_ns: 0,
        }
    }
}

impl TickRecord {
    /// Begins anew; the interval that is under way counts.
    pub(super) fn restart(&mut self) {
        *self = Self { last_ns: self.last_ns, ..Self::default() };
    }

    /// Records a regular tick that began at `start_ns`.
    pub(super) fn tick(&mut self, start_ns: i64) {
        if let Some(last_ns) = self.last_ns.replace(start_ns) {
            let interval_ns = start_ns - last_ns;
            self.max_ns = self.max_ns.max(interval_ns);
            if self.ticks.is_multiple_of(self.stride) {
                self.keep(u32::try_from(interval_ns / 1000).unwrap_or(u32::MAX));
            }
        }
        self.ticks += 1;
    }

    /// Records deadlines that passed unused.
    pub(super) fn miss(&mut self, count: u64) {
        self.missed += count;
    }

    fn keep(&mut self, interval_us: u32) {
        if self.intervals_us.len() == KEPT {
            let mut position = 0;
            self.intervals_us.retain(|_| {
                position += 1;
                position % 2 == 0
            });
            self.stride *= 2;
        }
        self.intervals_us.push(interval_us);
    }

    /// The figures so far.
    pub(super) fn stats(&self) -> SamplerStats {
        let mut sorted = self.intervals_us.clone();
        sorted.sort_unstable();
        let percentile_ms = |percent: usize| {
            let rank = (sorted.len() * percent).div_ceil(100).max(1);
            sorted.get(rank - 1).map(|&us| f64::from(us) / 1000.0)
        };
        SamplerStats {
            ticks: self.ticks,
            missed_ticks: self.missed,
            read_errors: self.read_errors,
            interval_median_ms: percentile_ms(50),
            interval_p99_ms: percentile_ms(99),
            interval_max_ms: (self.ticks > 1).then(|| lem_measure::units::seconds(self.max_ns) * 1000.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn deadlines_stay_on_the_grid_when_a_tick_is_late() {
        let mut schedule = Schedule::new(1000, 50);
        assert_eq!(schedule.advance(1010), 0, "a tick within its interval misses nothing");
        assert_eq!(schedule.next_ns(), 1050);
        assert_eq!(schedule.advance(1175), 2, "1100 and 1150 passed while the tick of 1050 was being done");
        assert_eq!(schedule.next_ns(), 1200, "and are not made up for");
    }

    #[test]
    fn a_clock_that_stands_still_does_not_repeat_a_deadline() {
        let mut schedule = Schedule::new(1000, 50);
        assert_eq!(schedule.advance(900), 0);
        assert_eq!(schedule.next_ns(), 1050);
    }

    proptest! {
        #[test]
        fn every_deadline_is_either_kept_or_counted_as_missed(delays in prop::collection::vec(0_i64..500, 1..50)) {
            let mut schedule = Schedule::new(0, 50);
            let (mut kept, mut missed) = (0, 0);
            for delay in delays {
                let done_ns = schedule.next_ns() + delay;
                kept += 1;
                missed += schedule.advance(done_ns);
                prop_assert!(schedule.next_ns() > done_ns);
                prop_assert_eq!(schedule.next_ns(), i64::try_from(kept + missed).expect("small") * 50);
            }
        }
    }

    #[test]
    fn percentiles_are_those_of_the_intervals() {
        let mut record = TickRecord::default();
        let mut t_ns = 0;
        record.tick(t_ns);
        for interval_ms in [50, 50, 50, 51, 80] {
            t_ns += interval_ms * 1_000_000;
            record.tick(t_ns);
        }
        let stats = record.stats();
        assert_eq!(stats.ticks, 6);
        assert_eq!(stats.interval_median_ms, Some(50.0));
        assert_eq!(stats.interval_p99_ms, Some(80.0));
        assert_eq!(stats.interval_max_ms, Some(80.0));
    }

    #[test]
    fn no_interval_is_no_number() {
        let mut record = TickRecord::default();
        record.tick(5);
        assert_eq!(record.stats().interval_median_ms, None);
        assert_eq!(record.stats().interval_max_ms, None);
    }

    #[test]
    fn a_day_of_ticks_stays_small_and_keeps_its_percentiles() {
        let mut record = TickRecord::default();
        for tick in 0..1_000_000_i64 {
            record.tick(tick * 50_000_000);
        }
        assert!(record.intervals_us.len() <= KEPT);
        assert!(record.intervals_us.len() >= KEPT / 2);
        assert_eq!(record.stats().interval_p99_ms, Some(50.0));
    }
}
