//! The one clock of this crate, `CLOCK_MONOTONIC` as the engine reads it, and waiting on it.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::time::Instant;

/// `CLOCK_MONOTONIC` in nanoseconds: the clock of the engine, and of [`std::time::Instant`].
pub(crate) fn monotonic_ns() -> i64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}

/// `duration_ns` in milliseconds, exact to the nanosecond; 0 for what is negative.
pub(crate) fn milliseconds(duration_ns: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "2^53 ns are 104 days")]
    let nanoseconds = duration_ns.max(0) as f64;
    nanoseconds / 1e6
}

/// `seconds` in nanoseconds; the nearest that there is for what does not fit.
pub(crate) fn nanoseconds(seconds: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "a conversion of floats saturates")]
    let nanoseconds = (seconds * 1e9).round() as i64;
    nanoseconds
}

/// `duration` in nanoseconds, at most as many as there are.
pub(crate) fn nanoseconds_of(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

/// Waits until the clock shows `at_ns`. The timer of tokio rounds up to the next millisecond.
pub(crate) async fn until(at_ns: i64) {
    let left = u64::try_from(at_ns.saturating_sub(monotonic_ns())).unwrap_or(0);
    match Instant::now().checked_add(Duration::from_nanos(left)) {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_keep_every_nanosecond() {
        assert_eq!(milliseconds(86_400_123_456_789).to_string(), "86400123.456789");
        assert!(milliseconds(-5).abs() < f64::EPSILON, "stamps of two threads may be a moment out of order");
    }

    #[test]
    fn seconds_that_do_not_fit_are_the_end_of_time() {
        assert_eq!(nanoseconds(1.5), 1_500_000_000);
        assert_eq!(nanoseconds(1e300), i64::MAX);
        assert_eq!(nanoseconds_of(Duration::MAX), i64::MAX);
    }
}
