//! The one clock of this worker, and durations as the protocol writes them.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// `CLOCK_MONOTONIC` in nanoseconds: the clock of the engine, and of [`std::time::Instant`].
pub(crate) fn monotonic_ns() -> i64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}

/// `duration` in milliseconds, exact to the nanosecond.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "2^53 ns are 104 days")]
    let nanoseconds = duration.as_nanos() as f64;
    nanoseconds / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_does_not_go_back() {
        let first = monotonic_ns();
        assert!(first > 0);
        assert!(monotonic_ns() >= first);
    }

    #[test]
    fn milliseconds_keep_every_nanosecond() {
        let written = milliseconds(Duration::from_nanos(86_400_123_456_789)).to_string();
        assert_eq!(written, "86400123.456789");
    }
}
