//! The devices of all meters as the sampler sees them: what is collected of each, and whether it is still there.

use std::panic::{AssertUnwindSafe, catch_unwind};

use lem_measure::Sample;

use super::burst::Burst;
use crate::meter::{Depth, Meter, ReadError};

/// What became of a reading.
pub(super) enum Outcome {
    /// It worked, or there was nothing to read.
    Done,
    /// It is missing; the next one may work.
    Failed,
    /// The device is gone.
    Lost(String),
}

/// One device.
struct Feed {
    meter: usize,
    position: usize,
    alive: bool,
    burst: Option<Burst>,
    samples: Vec<Sample>,
    last_ns: i64,
    errors: u32,
    last_error: String,
}

/// The meters, and one feed per device in the order of [`super::Sampler::devices`].
pub(super) struct Feeds {
    meters: Vec<Box<dyn Meter>>,
    devices: Vec<Feed>,
    scratch: Vec<Sample>,
}

impl Feeds {
    pub(super) fn new(meters: Vec<Box<dyn Meter>>) -> Self {
        let counts = meters.iter().map(|meter| meter.devices().len()).enumerate();
        let places = counts.flat_map(|(meter, count)| (0..count).map(move |position| (meter, position)));
        let devices = places.map(|(meter, position)| Feed::new(meter, position)).collect();
        Self { devices, meters, scratch: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.devices.len()
    }

    /// Begins dense reading on every device that is there.
    pub(super) fn refine(&mut self, until_ns: i64) {
        self.finish();
        for feed in self.devices.iter_mut().filter(|f| f.alive) {
            feed.burst = Some(Burst::new(until_ns));
        }
    }

    /// Whether a device is being read densely.
    pub(super) fn is_refining(&self) -> bool {
        self.devices.iter().any(|f| f.burst.is_some())
    }

    /// Ends all dense reading, keeping its last readings.
    pub(super) fn finish(&mut self) {
        for feed in &mut self.devices {
            if let Some(burst) = feed.burst.take() {
                burst.finish(&mut self.scratch);
                feed.collect(&mut self.scratch);
            }
        }
    }

    /// Reads a device at a regular tick.
    pub(super) fn read_regular(&mut self, device: usize, depth: Depth) -> Outcome {
        if !self.devices[device].alive {
            return Outcome::Done;
        }
        let reading = self.read(device, depth);
        let scratch = &mut self.scratch;
        let feed = &mut self.devices[device];
        feed.settle(reading, |feed, sample| {
            match &mut feed.burst {
                Some(burst) => burst.regular(sample, scratch),
                None => scratch.push(sample),
            }
            feed.collect(scratch);
        })
    }

    /// Reads a device densely, or ends its burst when that is over.
    pub(super) fn read_dense(&mut self, device: usize, now_ns: i64) -> Outcome {
        match &self.devices[device].burst {
            None => return Outcome::Done,
            Some(burst) if burst.is_over(now_ns) => {
                let feed = &mut self.devices[device];
                if let Some(burst) = feed.burst.take() {
                    burst.finish(&mut self.scratch);
                }
                feed.collect(&mut self.scratch);
                return Outcome::Done;
            }
            Some(_) => {}
        }
        let reading = self.read(device, Depth::Edge);
        let scratch = &mut self.scratch;
        self.devices[device].settle(reading, |feed, sample| {
            if let Some(burst) = &mut feed.burst {
                burst.dense(sample, scratch);
            }
            feed.collect(scratch);
        })
    }

    /// The samples collected since the last call, if any.
    pub(super) fn take_samples(&mut self, device: usize) -> Option<Vec<Sample>> {
        let samples = &mut self.devices[device].samples;
        (!samples.is_empty()).then(|| std::mem::take(samples))
    }

    /// How many readings failed since the last call, if any, and why the last one did.
    pub(super) fn take_errors(&mut self, device: usize) -> Option<(u32, String)> {
        let feed = &mut self.devices[device];
        (feed.errors > 0).then(|| (std::mem::take(&mut feed.errors), std::mem::take(&mut feed.last_error)))
    }

    /// One reading. A meter that panics is in an unknown state: none of its devices is read again, and each is
    /// reported as lost when its turn comes.
    fn read(&mut self, device: usize, depth: Depth) -> Result<Sample, ReadError> {
        let Feed { meter, position, .. } = self.devices[device];
        let meter = &mut self.meters[meter];
        catch_unwind(AssertUnwindSafe(|| meter.read(position, depth))).unwrap_or_else(|panic| {
            let cause = panic
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_default();
            let old = std::mem::replace(meter, Box::new(Broken { cause: cause.clone() }));
            // What panicked while reading may panic again while it is dropped; the other meters go on all the same.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(old)));
            Err(broken(&cause))
        })
    }
}

impl Feed {
    fn new(meter: usize, position: usize) -> Self {
        Self {
            meter,
            position,
            alive: true,
            burst: None,
            samples: Vec::new(),
            last_ns: i64::MIN,
            errors: 0,
            last_error: String::new(),
        }
    }

    /// Books a reading: hands a good one to `keep`, remembers a bad one, and ends a device that is gone.
    fn settle(
        &mut self,
        reading: Result<Sample, ReadError>,
        keep: impl FnOnce(&mut Self, Sample),
    ) -> Outcome {
        match reading {
            Ok(sample) => {
                keep(self, sample);
                Outcome::Done
            }
            Err(ReadError::Transient(message)) => {
                self.errors = self.errors.saturating_add(1);
                self.last_error = message;
                Outcome::Failed
            }
            Err(ReadError::DeviceLost(message)) => {
                self.alive = false;
                if let Some(burst) = self.burst.take() {
                    let mut rest = Vec::new();
                    burst.finish(&mut rest);
                    self.collect(&mut rest);
                }
                Outcome::Lost(message)
            }
        }
    }

    /// Moves samples into the batch. One that is not later than its predecessor is dropped: two readings with one
    /// time stamp would make a power of infinity.
    fn collect(&mut self, samples: &mut Vec<Sample>) {
        for sample in samples.drain(..) {
            if sample.t_ns > self.last_ns {
                self.last_ns = sample.t_ns;
                self.samples.push(sample);
            }
        }
    }
}

/// Takes the place of a meter that panicked.
struct Broken {
    cause: String,
}

impl Meter for Broken {
    fn devices(&self) -> &[lem_measure::DeviceInfo] {
        &[]
    }

    fn read(&mut self, _device: usize, _depth: Depth) -> Result<Sample, ReadError> {
        Err(broken(&self.cause))
    }
}

fn broken(cause: &str) -> ReadError {
    ReadError::DeviceLost(format!(
        "its meter failed by a fault in this program: {cause}. Please report this."
    ))
}
