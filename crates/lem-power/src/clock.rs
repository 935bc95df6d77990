//! The one clock of all samples: `CLOCK_MONOTONIC`, which containers share with their host.
//!
//! Wall time is deliberately absent: a caller records it once per run as an anchor.

use rustix::time::{ClockId, clock_gettime};

/// `CLOCK_MONOTONIC` in nanoseconds. It does not advance while the machine is suspended.
pub fn now_ns() -> i64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}

/// The middle of a call that began at `from_ns` and ended at `to_ns`.
pub(crate) fn middle(from_ns: i64, to_ns: i64) -> i64 {
    from_ns + (to_ns - from_ns) / 2
}
