//! The one clock of all samples: `CLOCK_MONOTONIC`, which containers share with their host.
//!
//! Wall time is deliberately absent: a caller records it once per run as an anchor.

use rustix::time::{ClockId, clock_gettime};

/// A reading that takes longer than this is made again, in nanoseconds.
const PROMPT_NS: i64 = 5_000_000;

/// `CLOCK_MONOTONIC` in nanoseconds. It does not advance while the machine is suspended.
pub fn now_ns() -> i64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}

/// The middle of a call that began at `from_ns` and ended at `to_ns`.
pub(crate) fn middle(from_ns: i64, to_ns: i64) -> i64 {
    from_ns + (to_ns - from_ns) / 2
}

/// A reading and the middle of its call. One that took long does not say when it was true (the thread may have lost its
/// processor in between), so it is made again once; of two slow ones the quicker counts.
pub(crate) fn promptly<T>(now_ns: impl Fn() -> i64, mut read: impl FnMut() -> T) -> (T, i64) {
    let mut attempt = || {
        let before_ns = now_ns();
        let value = read();
        (value, before_ns, now_ns())
    };
    let (value, before_ns, after_ns) = attempt();
    if after_ns - before_ns <= PROMPT_NS {
        return (value, middle(before_ns, after_ns));
    }
    let (again, before_again_ns, after_again_ns) = attempt();
    if after_again_ns - before_again_ns <= after_ns - before_ns {
        (again, middle(before_again_ns, after_again_ns))
    } else {
        (value, middle(before_ns, after_ns))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Makes readings that take so many milliseconds, in turn; gives which counted, its middle, and how many were made.
    fn read(milliseconds: &[i64]) -> (usize, i64, usize) {
        let (now_ms, made) = (Cell::new(0), Cell::new(0));
        let reading = || {
            now_ms.set(now_ms.get() + milliseconds[made.get()]);
            made.replace(made.get() + 1)
        };
        let (which, t_ns) = promptly(|| now_ms.get() * 1_000_000, reading);
        (which, t_ns / 1_000_000, made.get())
    }

    #[test]
    fn a_reading_that_was_held_up_is_made_again_once_and_the_quicker_counts() {
        assert_eq!(read(&[2]), (0, 1, 1));
        assert_eq!(read(&[60, 2]), (1, 61, 2), "its middle lies where it was not held up");
        assert_eq!(read(&[60, 80]), (0, 30, 2));
    }
}
