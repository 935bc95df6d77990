//! When the server has its load: the rule by which warm-up ends and the measurement window opens. Pure.

use std::collections::HashSet;

use lem_protocol::Warmup;

/// A warm-up that is under way.
#[derive(Debug)]
pub(crate) struct Warming {
    rule: Warmup,
    /// With closed traffic, how many requests are under way at a time; the first so many have a slot each.
    slots: Option<u32>,
    /// Slots that have had a first token.
    answered: HashSet<u64>,
    /// Of warm-up proper. Requests of a hold are only counted, because there may be any number of them.
    latencies_ms: Vec<f64>,
    stable: bool,
    held: u32,
}

impl Warming {
    pub(crate) fn new(rule: &Warmup, slots: Option<u32>) -> Self {
        Self {
            rule: rule.clone(),
            slots,
            answered: HashSet::new(),
            latencies_ms: Vec::new(),
            stable: false,
            held: 0,
        }
    }

    /// Whether requests have to finish before the window may open: without warm-up, one request at a time needs no
    /// filling of slots.
    pub(crate) fn is_needed(&self) -> bool {
        self.most() > 0 || self.slots.is_some_and(|slots| slots > 1)
    }

    /// Whether there is a warm-up: also one that consists of a hold alone.
    pub(crate) fn is_a_phase(&self) -> bool {
        self.is_needed() || self.rule.hold
    }

    /// As many requests as warm-up takes at most, before slots are waited for.
    pub(crate) fn most(&self) -> u32 {
        self.rule.convergence.as_ref().map_or(self.rule.prompts, |convergence| convergence.max_prompts)
    }

    /// Latencies can only become stable when the work is the same, so with convergence the first prompt is repeated.
    pub(crate) fn repeats_first_prompt(&self) -> bool {
        self.rule.convergence.is_some()
    }

    /// The request of this number has had its first token.
    pub(crate) fn first(&mut self, number: u64) {
        if self.slots.is_some_and(|slots| number < slots.into()) {
            self.answered.insert(number);
        }
    }

    /// The request of this number has finished.
    pub(crate) fn finished(&mut self, number: u64, latency_ms: f64) {
        self.first(number);
        self.latencies_ms.push(latency_ms);
        if let Some(convergence) = self.rule.convergence.as_ref().filter(|_| !self.stable) {
            let enough = self.requests() >= self.rule.prompts && self.requests() <= convergence.max_prompts;
            self.stable = enough && convergence.is_met_by(&self.latencies_ms);
        }
    }

    /// A request has finished while warm-up was held.
    pub(crate) fn held(&mut self) {
        self.held = self.held.saturating_add(1);
    }

    /// Requests that have finished, those of a hold included, and the latter alone.
    pub(crate) fn finished_in_all(&self) -> (u32, u32) {
        (self.requests().saturating_add(self.held), self.held)
    }

    /// Whether warm-up has come to its own end.
    pub(crate) fn is_over(&self) -> bool {
        let slots_filled = self.slots.is_none_or(|slots| self.answered.len() >= slots as usize);
        slots_filled && (self.stable || self.requests() >= self.most())
    }

    /// Requests that have finished before warm-up came to its own end.
    pub(crate) fn requests(&self) -> u32 {
        u32::try_from(self.latencies_ms.len()).unwrap_or(u32::MAX)
    }

    /// Whether latencies became stable; `None` when it was not asked for.
    pub(crate) fn converged(&self) -> Option<bool> {
        self.rule.convergence.as_ref().map(|_| self.stable)
    }

    /// What a reader of the results should know of a warm-up that has ended, by its time limit or not.
    pub(crate) fn warning(&self, out_of_time: bool) -> Option<String> {
        let requests = self.requests();
        if out_of_time {
            let limit = self.rule.timeout_s;
            return Some(format!(
                "warm-up was ended by its time limit of {limit} s after {requests} requests"
            ));
        }
        (self.converged() == Some(false))
            .then(|| format!("latencies were not stable after {requests} warm-up requests"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lem_protocol::Convergence;

    fn warming(prompts: u32, convergence: Option<Convergence>, slots: Option<u32>) -> Warming {
        Warming::new(&Warmup { prompts, timeout_s: 30.0, convergence, hold: false }, slots)
    }

    #[test]
    fn only_one_request_at_a_time_without_warmup_needs_no_waiting() {
        assert!(!warming(0, None, Some(1)).is_needed());
        assert!(!warming(0, None, None).is_needed());
        assert!(warming(0, None, Some(2)).is_needed());
        assert!(warming(1, None, None).is_needed());
    }

    #[test]
    fn a_hold_alone_is_a_phase_that_needs_no_waiting() {
        let rule = Warmup { prompts: 0, timeout_s: 30.0, convergence: None, hold: true };
        let held = Warming::new(&rule, Some(1));
        assert!(held.is_a_phase() && !held.is_needed());
        assert!(!warming(0, None, Some(1)).is_a_phase());
    }

    #[test]
    fn requests_of_a_hold_change_nothing_but_their_count() {
        let rule = Convergence { cv_threshold: 0.1, window: 2, max_prompts: 2 };
        let mut warming = warming(0, Some(rule), None);
        warming.finished(0, 1.0);
        warming.finished(1, 9.0);
        let size = warming.latencies_ms.len();
        (0..1000).for_each(|_| warming.held());
        assert_eq!((warming.latencies_ms.len(), warming.finished_in_all()), (size, (1002, 1000)));
        assert_eq!(warming.warning(false).unwrap(), "latencies were not stable after 2 warm-up requests");
    }

    #[test]
    fn the_window_opens_when_enough_have_finished_and_every_slot_has_a_token() {
        let mut warming = warming(2, None, Some(3));
        warming.finished(0, 5.0);
        warming.finished(3, 5.0);
        warming.first(1);
        assert!(!warming.is_over(), "slot 2 has had no token");
        warming.first(4);
        assert!(!warming.is_over(), "a later request of another slot does not stand for it");
        warming.first(2);
        assert!(warming.is_over());
        assert_eq!((warming.requests(), warming.converged(), warming.warning(false)), (2, None, None));
    }

    #[test]
    fn stability_is_sought_for_up_to_a_limit_and_kept_once_found() {
        let rule = Convergence { cv_threshold: 0.1, window: 3, max_prompts: 5 };
        let mut found = warming(4, Some(rule.clone()), None);
        for latency_ms in [10.0, 9.0, 10.0, 11.0] {
            assert!(!found.is_over());
            found.finished(0, latency_ms);
        }
        assert!(found.is_over() && found.converged() == Some(true));
        found.finished(0, 900.0);
        assert!(found.is_over() && found.converged() == Some(true));
        let mut never = warming(0, Some(rule), None);
        for latency_ms in [1.0, 9.0, 1.0, 9.0, 1.0] {
            never.finished(0, latency_ms);
        }
        assert!(never.is_over() && never.converged() == Some(false));
        assert_eq!(never.warning(false).unwrap(), "latencies were not stable after 5 warm-up requests");
        assert!(never.warning(true).unwrap().contains("time limit of 30 s after 5 requests"));
    }
}
