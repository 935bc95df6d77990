//! When the next request of open traffic is due, also while the window waits for the engine's word.
//!
//! Guaranteed: the wait takes no arrivals from the schedule. After it the schedule goes on with the gaps that it would have
//! had without the wait, all of them later by as long as it took; how long that was changes no gap. Gaps of the wait itself
//! are of the same process, and its first request is due when the next of the schedule would have been.

use super::Arrivals;

/// The due times of a load that is under way.
#[derive(Debug)]
pub(crate) struct Timetable {
    arrivals: Box<Arrivals>,
    start_ns: i64,
    due_ns: Option<i64>,
    wait: Option<Wait>,
}

#[derive(Debug)]
struct Wait {
    arrivals: Arrivals,
    /// When the next request of the schedule would have been due.
    since_ns: i64,
}

impl Timetable {
    /// The first arrival is due at `start_ns`.
    pub(crate) fn new(mut arrivals: Box<Arrivals>, start_ns: i64) -> Self {
        let due_ns = arrivals.next().map(|after_ns| start_ns.saturating_add(after_ns));
        Self { arrivals, start_ns, due_ns, wait: None }
    }

    /// When the next request is due; `None` where a trace has ended.
    pub(crate) fn due_ns(&self) -> Option<i64> {
        self.due_ns
    }

    /// The request that was due was sent.
    pub(crate) fn advance(&mut self) {
        let (from_ns, after_ns) = match &mut self.wait {
            Some(wait) => (wait.since_ns, wait.arrivals.next()),
            None => (self.start_ns, self.arrivals.next()),
        };
        self.due_ns = after_ns.map(|after_ns| from_ns.saturating_add(after_ns));
    }

    /// The schedule waits from now on, if it does not yet.
    pub(crate) fn wait(&mut self) {
        if let (Some(since_ns), None) = (self.due_ns, &self.wait) {
            let mut arrivals = self.arrivals.apart();
            // The first of them is the one that is due.
            arrivals.next();
            self.wait = Some(Wait { arrivals, since_ns });
        }
    }

    /// The schedule goes on, if it has waited: what is due next stands for what was due when the wait began.
    pub(crate) fn go_on(&mut self) {
        if let Some(wait) = self.wait.take() {
            let waited_ns = self.due_ns.map_or(0, |due_ns| due_ns.saturating_sub(wait.since_ns));
            self.start_ns = self.start_ns.saturating_add(waited_ns);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traffic::Schedule;
    use lem_protocol::Traffic;

    fn timetable(traffic: &Traffic) -> Timetable {
        match Schedule::new(traffic, 5, 1, 0).unwrap() {
            Schedule::Open(arrivals) => Timetable::new(arrivals, 1_000),
            Schedule::Closed(_) => panic!("closed traffic has no arrivals"),
        }
    }

    /// The next `count` due times.
    fn due(timetable: &mut Timetable, count: usize) -> Vec<i64> {
        let next = |_| {
            let due_ns = timetable.due_ns().unwrap();
            timetable.advance();
            due_ns
        };
        (0..count).map(next).collect()
    }

    fn open() -> [Traffic; 3] {
        [
            Traffic::Poisson { requests_per_s: 10.0 },
            Traffic::Gamma { requests_per_s: 10.0, burstiness: 0.5 },
            Traffic::Constant { requests_per_s: 10.0 },
        ]
    }

    #[test]
    fn after_a_wait_the_schedule_has_the_gaps_that_it_would_have_had() {
        for traffic in open() {
            let undisturbed = due(&mut timetable(&traffic), 12);
            for waiting in [0, 1, 7] {
                let mut held = timetable(&traffic);
                assert_eq!(due(&mut held, 5), undisturbed[..5]);
                held.wait();
                assert_eq!(held.due_ns(), Some(undisturbed[5]), "the wait begins with what is due");
                due(&mut held, waiting);
                held.go_on();
                let shift = held.due_ns().unwrap() - undisturbed[5];
                let expected: Vec<i64> = undisturbed[5..].iter().map(|due_ns| due_ns + shift).collect();
                assert_eq!(due(&mut held, 7), expected, "{traffic:?} after {waiting}");
            }
        }
    }

    #[test]
    fn requests_of_a_wait_come_as_the_traffic_does() {
        for traffic in open() {
            let mut held = timetable(&traffic);
            held.wait();
            let times = due(&mut held, 2_001);
            #[expect(clippy::cast_precision_loss, reason = "some minutes in nanoseconds are exact")]
            let mean_s = (times[2_000] - times[0]) as f64 / 2_000.0 / 1e9;
            assert!((0.08..0.12).contains(&mean_s), "{traffic:?}: {mean_s}");
        }
    }

    #[test]
    fn waiting_twice_or_going_on_without_a_wait_changes_nothing() {
        let traffic = Traffic::Poisson { requests_per_s: 10.0 };
        let undisturbed = due(&mut timetable(&traffic), 4);
        let mut held = timetable(&traffic);
        held.go_on();
        held.wait();
        held.wait();
        held.go_on();
        held.go_on();
        assert_eq!(due(&mut held, 4), undisturbed);
    }
}
