//! Waiting, while a worker warms up, until the devices are as hot as they will get.

use lem_measure::Trace;
use lem_protocol::framing::PROCEED_LINE;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::sync::oneshot;

use super::follow::nanoseconds;
use super::rest::{PLATEAU_SPAN_NS, is_plateau};

/// How often the temperature is looked at.
const LOOK_NS: i64 = 500_000_000;

/// A warm-up that is to last until the temperature is steady.
pub(super) struct Heat {
    say: Option<oneshot::Sender<()>>,
    max_s: f64,
    /// When the warm-up began.
    since_ns: Option<i64>,
}

/// What a look at the temperature came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heated {
    /// It still rises.
    NotYet,
    /// It is steady.
    Plateau,
    /// It is not, and the longest time has passed.
    Maximum,
}

/// The other end: whoever writes to the worker waits for it.
pub(super) type Told = oneshot::Receiver<()>;

impl Heat {
    /// The two ends of a warm-up that takes `max_s` at most.
    pub(super) fn new(max_s: f64) -> (Self, Told) {
        let (say, told) = oneshot::channel();
        (Self { say: Some(say), max_s, since_ns: None }, told)
    }

    /// The warm-up has begun.
    pub(super) fn begin(&mut self, t_ns: i64) {
        self.since_ns = Some(t_ns);
    }

    /// Whether the worker was not yet told to go on.
    pub(super) fn is_waiting(&self) -> bool {
        self.say.is_some()
    }

    /// When to look next; `None` while there is nothing to wait for.
    pub(super) fn next_look_ns(&self, now_ns: i64) -> Option<i64> {
        self.since_ns.filter(|_| self.is_waiting()).map(|_| now_ns + LOOK_NS)
    }

    /// Looks, and tells the worker to go on when it is time.
    pub(super) fn look(&mut self, traces: &[Trace], now_ns: i64) -> Heated {
        let Some(since_ns) = self.since_ns.filter(|_| self.is_waiting()) else { return Heated::NotYet };
        let warm_for_ns = now_ns - since_ns;
        let heated = if warm_for_ns >= PLATEAU_SPAN_NS && is_plateau(traces, now_ns, PLATEAU_SPAN_NS) {
            Heated::Plateau
        } else if warm_for_ns >= nanoseconds(self.max_s) {
            Heated::Maximum
        } else {
            return Heated::NotYet;
        };
        if let Some(say) = self.say.take() {
            // A worker that is gone needs no word.
            let _ = say.send(());
        }
        heated
    }
}

/// Tells the worker to go on when the time has come; an end that is dropped closes its input, which says the same.
pub(super) async fn pass_on(told: Told, stdin: &mut (dyn AsyncWrite + Send + Unpin)) {
    if told.await.is_ok() {
        let _ = stdin.write_all(PROCEED_LINE).await;
        let _ = stdin.flush().await;
    }
}

#[cfg(test)]
mod tests {
    use lem_measure::{Channel, Sample};

    use super::*;

    const S: i64 = 1_000_000_000;

    /// Warms by a degree each `step_s` until `steady_s`.
    fn warming(step_s: i64, steady_s: i64, seconds: i64) -> Trace {
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let celsius = |s: i64| (40 + s.min(steady_s) / step_s) as f64;
        Trace::new(
            (0..=seconds * 2).map(|i| Sample::at(i * S / 2).with(Channel::Temperature, celsius(i / 2))),
        )
    }

    #[test]
    fn the_worker_is_told_once_when_the_temperature_has_been_steady_for_a_minute() {
        let (mut heat, mut told) = Heat::new(600.0);
        assert_eq!(heat.next_look_ns(0), None, "no warm-up has begun");
        heat.begin(0);
        assert_eq!(heat.look(&[warming(5, 100, 120)], 120 * S), Heated::NotYet);
        assert!(told.try_recv().is_err());
        assert_eq!(heat.look(&[warming(5, 100, 170)], 170 * S), Heated::Plateau);
        assert_eq!(told.try_recv(), Ok(()));
        assert_eq!((heat.is_waiting(), heat.next_look_ns(0)), (false, None));
    }

    #[test]
    fn a_device_that_was_steady_before_must_be_steady_under_load() {
        let (mut heat, _told) = Heat::new(600.0);
        heat.begin(100 * S);
        assert_eq!(heat.look(&[warming(1_000, 0, 130)], 130 * S), Heated::NotYet);
        assert_eq!(heat.look(&[warming(1_000, 0, 161)], 161 * S), Heated::Plateau);
    }

    #[test]
    fn a_temperature_that_goes_on_rising_is_not_waited_for_for_ever() {
        let (mut heat, mut told) = Heat::new(90.0);
        heat.begin(0);
        assert_eq!(heat.look(&[warming(5, 1_000, 91)], 91 * S), Heated::Maximum);
        assert_eq!(told.try_recv(), Ok(()));
    }
}
