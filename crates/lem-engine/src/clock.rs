//! The real clock of a campaign.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use lem_campaign::run::Clock;

/// The machine's clocks.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now_ns(&self) -> i64 {
        lem_power::clock::now_ns()
    }

    fn unix_ns(&self) -> i64 {
        unix_ns()
    }

    fn sleep_until(&self, t_ns: i64) -> BoxFuture<'static, ()> {
        let left = Duration::from_nanos(u64::try_from(t_ns - self.now_ns()).unwrap_or(0));
        #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else waits through")]
        tokio::time::sleep(left).boxed()
    }
}

/// Wall time in nanoseconds since 1970.
pub(crate) fn unix_ns() -> i64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}
