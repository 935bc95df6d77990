//! The thread that reads the meters: regular ticks at absolute deadlines, and dense reading around an edge on request.
//!
//! One thread reads all devices, so that their samples share one schedule and a program has one place that costs
//! CPU time. Waiting is done on the channel of commands, which is woken by a command and otherwise by the next
//! deadline of the monotonic clock; nothing is added up, so the schedule does not drift.

#[cfg(test)]
mod accuracy_tests;
mod burst;
mod feed;
mod schedule;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use lem_measure::{DeviceInfo, Sample};

use crate::clock::now_ns;
use crate::meter::{Depth, Meter};
use feed::{Feeds, Outcome};
use schedule::{Schedule, TickRecord};

pub use schedule::SamplerStats;

/// The intervals that are accepted, in milliseconds: sensors update every 20 to 100 ms, and below 5 ms reading costs
/// more than it tells; above 1 s an averaged reading would leave gaps.
pub const INTERVAL_MS: std::ops::RangeInclusive<u32> = 5..=1000;

/// How long [`Sampler::refine`] reads densely: three periods of the slowest counter (100 ms).
pub const REFINE_MS: u32 = 300;

/// The time between the end of one dense reading and the start of the next.
const DENSE_NS: i64 = 2_000_000;

/// The time between two readings of every channel, in milliseconds: temperature and clocks change slowly. What is read each
/// time is power and energy.
pub const EVERY_CHANNEL_MS: u32 = 500;

/// How early a tick may come and still do what was due at its time. Without it, a tick that wakes a few microseconds
/// before the one of 500 ms ago would put the work off to the next tick.
const EARLY_NS: i64 = 2_000_000;

/// How a sampler reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SamplerConfig {
    /// The time between two regular ticks in milliseconds, within [`INTERVAL_MS`].
    pub interval_ms: u32,
    /// How long samples are collected before they are handed out, in milliseconds.
    pub batch_ms: u32,
}

impl Default for SamplerConfig {
    fn default() -> Self {
        Self { interval_ms: 50, batch_ms: 100 }
    }
}

/// What a sampler tells. Devices are named by their position in [`Sampler::devices`].
#[derive(Debug, Clone, PartialEq)]
pub enum SamplerEvent {
    /// New readings of one device, strictly in the order of time.
    Samples {
        /// The device.
        device: usize,
        /// Its readings since the last batch.
        samples: Vec<Sample>,
    },
    /// A device is gone; it is not read again, and this is said once.
    DeviceLost {
        /// The device.
        device: usize,
        /// What happened and what to do.
        message: String,
    },
    /// Readings of one device failed since the last batch; the next ones may work.
    ReadErrors {
        /// The device.
        device: usize,
        /// How many failed.
        count: u32,
        /// Why the last one did.
        message: String,
    },
}

/// Why a sampler could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The interval cannot be kept, or says too little.
    #[error("a sampling interval of {0} ms is not possible; choose 5 to 1000 ms (50 is usual)")]
    Interval(u32),
    /// The meters have no device.
    #[error("there is no device to sample; run `lem devices` to see what can be measured here")]
    NoDevices,
    /// The operating system refused the thread.
    #[error("the sampler's thread could not be started: {0}")]
    Thread(#[from] std::io::Error),
}

enum Command {
    Refine { for_ms: u32 },
    Stop,
}

/// A running sampler. Dropping it stops and joins its thread.
#[derive(Debug)]
pub struct Sampler {
    devices: Vec<DeviceInfo>,
    commands: Sender<Command>,
    record: Arc<Mutex<TickRecord>>,
    thread: Option<JoinHandle<()>>,
}

impl Sampler {
    /// Starts the thread `lem-sampler`, whose first tick is at once.
    ///
    /// `sink` is called on that thread and delays it: it should hand the event on and return.
    pub fn start(
        meters: Vec<Box<dyn Meter>>,
        config: SamplerConfig,
        sink: impl FnMut(SamplerEvent) + Send + 'static,
    ) -> Result<Self, StartError> {
        if !INTERVAL_MS.contains(&config.interval_ms) {
            return Err(StartError::Interval(config.interval_ms));
        }
        let devices: Vec<DeviceInfo> = meters.iter().flat_map(|m| m.devices().iter().cloned()).collect();
        if devices.is_empty() {
            return Err(StartError::NoDevices);
        }
        let record = Arc::new(Mutex::new(TickRecord::default()));
        let (commands, inbox) = channel();
        let worker = Worker {
            feeds: Feeds::new(meters),
            sink,
            record: Arc::clone(&record),
            batch_ns: i64::from(config.batch_ms) * 1_000_000,
            full_at_ns: i64::MIN,
            flush_at_ns: now_ns() + i64::from(config.batch_ms) * 1_000_000 - EARLY_NS,
        };
        let interval_ns = i64::from(config.interval_ms) * 1_000_000;
        let thread =
            Builder::new().name("lem-sampler".into()).spawn(move || worker.run(interval_ns, &inbox))?;
        Ok(Self { devices, commands, record, thread: Some(thread) })
    }

    /// The devices of all meters, in the order of the meters.
    pub fn devices(&self) -> &[DeviceInfo] {
        &self.devices
    }

    /// Reads densely for a while, so that an edge of a window that is now can be placed between two moves of the
    /// energy counter. Regular ticks go on. It ends by itself after two moves or [`REFINE_MS`].
    pub fn refine(&self) {
        self.refine_for(REFINE_MS);
    }

    /// [`Self::refine`] with another limit, in milliseconds.
    pub fn refine_for(&self, for_ms: u32) {
        // The thread can only be gone if the sink panicked; `stop` tells that.
        let _ = self.commands.send(Command::Refine { for_ms });
    }

    /// How well the regular ticks have been kept so far.
    pub fn stats(&self) -> SamplerStats {
        lock(&self.record).stats()
    }

    /// [`Self::stats`], counted from the last call on: for the figures of one run among several.
    pub fn take_stats(&self) -> SamplerStats {
        let mut record = lock(&self.record);
        let stats = record.stats();
        record.restart();
        stats
    }

    /// Stops the thread after it has handed out what it has, and says how well the ticks were kept.
    ///
    /// # Panics
    /// Where the sink panicked, with the sink's panic.
    pub fn stop(mut self) -> SamplerStats {
        if let Err(panic) = self.join() {
            std::panic::resume_unwind(panic);
        }
        self.stats()
    }

    /// Stops the thread and closes the meters. Nothing comes of it any more; its figures stay.
    pub fn close(&mut self) {
        // A panic of the sink was told where its thread ended.
        let _ = self.join();
    }

    fn join(&mut self) -> Result<(), Box<dyn Any + Send>> {
        let _ = self.commands.send(Command::Stop);
        self.thread.take().map_or(Ok(()), JoinHandle::join)
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.close();
    }
}

/// A panic while the lock is held leaves counts that are still true.
fn lock(record: &Mutex<TickRecord>) -> MutexGuard<'_, TickRecord> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What lives on the sampler's thread.
struct Worker<S> {
    feeds: Feeds,
    sink: S,
    record: Arc<Mutex<TickRecord>>,
    batch_ns: i64,
    full_at_ns: i64,
    flush_at_ns: i64,
}

impl<S: FnMut(SamplerEvent)> Worker<S> {
    fn run(mut self, interval_ns: i64, inbox: &Receiver<Command>) {
        come_first();
        let mut schedule = Schedule::new(now_ns(), interval_ns);
        loop {
            if now_ns() >= schedule.next_ns() {
                self.tick();
                let missed = schedule.advance(now_ns());
                lock(&self.record).miss(missed);
            }
            let dense_at_ns = self.dense();
            self.flush_when_due();
            let wake_ns = dense_at_ns.map_or(schedule.next_ns(), |dense| dense.min(schedule.next_ns()));
            match inbox.recv_timeout(until(wake_ns)) {
                Ok(Command::Refine { for_ms }) => self.feeds.refine(now_ns() + i64::from(for_ms) * 1_000_000),
                Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        self.feeds.finish();
        self.flush();
    }

    /// A regular tick: every device once, with all channels from time to time.
    fn tick(&mut self) {
        let start_ns = now_ns();
        lock(&self.record).tick(start_ns);
        let depth = if start_ns >= self.full_at_ns {
            self.full_at_ns = start_ns + i64::from(EVERY_CHANNEL_MS) * 1_000_000 - EARLY_NS;
            Depth::Full
        } else {
            Depth::Power
        };
        for device in 0..self.feeds.len() {
            let outcome = self.feeds.read_regular(device, depth);
            self.account(device, outcome);
        }
    }

    /// Reads the devices that are being refined, and says when to do so again.
    fn dense(&mut self) -> Option<i64> {
        for device in 0..self.feeds.len() {
            let outcome = self.feeds.read_dense(device, now_ns());
            self.account(device, outcome);
        }
        self.feeds.is_refining().then(|| now_ns() + DENSE_NS)
    }

    fn account(&mut self, device: usize, outcome: Outcome) {
        match outcome {
            Outcome::Done => {}
            Outcome::Failed => lock(&self.record).read_errors += 1,
            Outcome::Lost(message) => {
                lock(&self.record).read_errors += 1;
                self.flush();
                (self.sink)(SamplerEvent::DeviceLost { device, message });
            }
        }
    }

    fn flush_when_due(&mut self) {
        let now = now_ns();
        if now >= self.flush_at_ns {
            self.flush_at_ns = now + self.batch_ns - EARLY_NS;
            self.flush();
        }
    }

    fn flush(&mut self) {
        for device in 0..self.feeds.len() {
            if let Some(samples) = self.feeds.take_samples(device) {
                (self.sink)(SamplerEvent::Samples { device, samples });
            }
            if let Some((count, message)) = self.feeds.take_errors(device) {
                (self.sink)(SamplerEvent::ReadErrors { device, count, message });
            }
        }
    }
}

/// Puts this thread before those that draw and compute, where the system lets it: root, or a limit on niceness that was
/// raised. Elsewhere ticks wait for a turn when every core is busy, and the figures of the sampler say how long.
fn come_first() {
    if let Err(refused) = rustix::process::nice(-15) {
        tracing::debug!("the sampler runs at the usual priority: {refused}");
    }
}

/// The time left until `wake_ns`; none when it has passed.
fn until(wake_ns: i64) -> Duration {
    Duration::from_nanos(u64::try_from(wake_ns - now_ns()).unwrap_or(0))
}
