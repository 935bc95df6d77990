//! The samples of a campaign: from the sampler's thread to the screen at once, to the journal within a second, and
//! into the traces that the present run's window is cut from.

use lem_measure::{Channel, DeviceInfo, Sample, Trace};
use lem_power::{Meter, Sampler, SamplerConfig, SamplerEvent, SamplerStats};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::campaign::{Rig, RunError};
use super::event::CampaignEvent;

/// How long samples may stay in memory only.
const FLUSH_AFTER_NS: i64 = 500_000_000;

/// A sampler that has given nothing after this long is not waited for.
const FIRST_READING_NS: i64 = 1_000_000_000;

/// Sampling goes on for this long after a stretch, so that the counter's tick after its end is seen.
const TAIL_NS: i64 = 350_000_000;

/// The same where power is averaged over a second (nvml.h: average readings lag by half their window).
const AVERAGED_TAIL_NS: i64 = 1_600_000_000;

/// The samples of the present run, and the devices that they come from.
pub(super) struct Recording<'a> {
    rig: &'a Rig<'a>,
    sampler: Sampler,
    events: UnboundedReceiver<SamplerEvent>,
    devices: Vec<DeviceInfo>,
    traces: Vec<Trace>,
    unwritten: Vec<Vec<Sample>>,
    /// The last temperature of each device, kept from run to run: sensors are asked for it twice a second only.
    temperatures_c: Vec<Option<f64>>,
    flushed_ns: i64,
    run_id: String,
    lost: Option<String>,
    read_errors_told: bool,
}

impl<'a> Recording<'a> {
    /// Opens the meters and begins to sample.
    pub(super) fn open(rig: &'a Rig<'a>) -> Result<Self, RunError> {
        let meters: Vec<Box<dyn Meter>> = rig.meters.open()?;
        let (sender, events) = unbounded_channel();
        let config = SamplerConfig { interval_ms: rig.interval_ms, ..SamplerConfig::default() };
        // The receiver is gone only when the campaign is; then nobody wants the samples.
        let sink = move |event| drop(sender.send(event));
        let sampler = Sampler::start(meters, config, sink).map_err(|e| RunError::Sampler(e.to_string()))?;
        let devices = sampler.devices().to_vec();
        Ok(Self {
            rig,
            events,
            traces: vec![Trace::default(); devices.len()],
            unwritten: vec![Vec::new(); devices.len()],
            temperatures_c: vec![None; devices.len()],
            devices,
            sampler,
            flushed_ns: 0,
            run_id: String::new(),
            lost: None,
            read_errors_told: false,
        })
    }

    /// Opens the meters again after a device was lost; where that fails, it stays lost. The old ones are closed first:
    /// NVML finds a GPU that was reset only once nobody has the library open.
    pub(super) fn reopen(&mut self) {
        self.sampler.close();
        if let Ok(opened) = Self::open(self.rig) {
            *self = opened;
        }
    }

    pub(super) fn devices(&self) -> &[DeviceInfo] {
        &self.devices
    }

    pub(super) fn trace(&self, device: usize) -> &Trace {
        &self.traces[device]
    }

    /// The traces since the present run began, one for each device.
    pub(super) fn traces(&self) -> &[Trace] {
        &self.traces
    }

    /// How long to go on sampling after a stretch, so that its end can be placed.
    pub(super) fn tail_ns(&self, interval_ms: u32) -> i64 {
        let averaged = self.devices.iter().any(|device| device.power_averaging_ms.is_some());
        i64::from(interval_ms) * 1_000_000 + if averaged { AVERAGED_TAIL_NS } else { TAIL_NS }
    }

    /// Why sampling is no longer complete, if a device was lost.
    pub(super) fn lost(&self) -> Option<&str> {
        self.lost.as_deref()
    }

    /// From here on samples belong to this run.
    pub(super) fn begin_run(&mut self, run_id: &str) {
        run_id.clone_into(&mut self.run_id);
        for trace in &mut self.traces {
            *trace = Trace::default();
        }
        self.read_errors_told = false;
        self.sampler.take_stats();
    }

    /// Looks densely at the counters for a moment, so that an edge that has just happened can be placed exactly.
    pub(super) fn refine(&self) {
        self.sampler.refine();
    }

    /// How well the sampler kept its times since [`Self::begin_run`].
    pub(super) fn take_stats(&self) -> SamplerStats {
        self.sampler.take_stats()
    }

    /// The last temperature of the hottest device.
    pub(super) fn hottest_c(&self) -> Option<f64> {
        self.temperatures_c.iter().copied().flatten().reduce(f64::max)
    }

    /// The temperature that was read last on each device.
    pub(super) fn temperatures_c(&self) -> &[Option<f64>] {
        &self.temperatures_c
    }

    /// Waits until every thermometer was read once, a second at most: the first run begins at a known temperature too.
    pub(super) async fn first_readings(&mut self) -> Result<(), RunError> {
        let until_ns = self.rig.clock.now_ns() + FIRST_READING_NS;
        let missing = |this: &Self| {
            let mut each = this.devices.iter().zip(&this.temperatures_c);
            each.any(|(device, read)| device.has(Channel::Temperature) && read.is_none())
        };
        while self.lost.is_none() && missing(self) {
            let event = tokio::select! {
                event = self.events.recv() => event,
                () = self.rig.clock.sleep_until(until_ns) => return Ok(()),
            };
            self.take(event).await?;
        }
        Ok(())
    }

    /// The next news from the sampler. Safe to drop and call again.
    pub(super) async fn next(&mut self) -> Option<SamplerEvent> {
        self.events.recv().await
    }

    /// Takes in what [`Self::next`] gave: shows it, and writes it when the last write is long enough ago.
    pub(super) async fn take(&mut self, event: Option<SamplerEvent>) -> Result<(), RunError> {
        match event {
            Some(SamplerEvent::Samples { device, samples }) => self.add(device, samples),
            Some(SamplerEvent::DeviceLost { device, message }) => {
                let name = self.devices.get(device).map_or("a device", |d| d.name.as_str());
                self.lost.get_or_insert_with(|| format!("{name} was lost: {message}"));
            }
            Some(SamplerEvent::ReadErrors { device, message, .. }) => {
                self.read_error(device, &message).await?;
            }
            None => drop(self.lost.get_or_insert_with(|| "the sampler ended unexpectedly".into())),
        }
        if self.rig.clock.now_ns() - self.flushed_ns > FLUSH_AFTER_NS {
            self.flush().await?;
        }
        Ok(())
    }

    /// Says so once a run: the sampler's figures hold the count.
    async fn read_error(&mut self, device: usize, message: &str) -> Result<(), RunError> {
        if std::mem::replace(&mut self.read_errors_told, true) || self.run_id.is_empty() {
            return Ok(());
        }
        let name = self.devices.get(device).map_or("a device", |d| d.name.as_str());
        self.rig.warn(&self.run_id, format!("a reading of {name} failed: {message}")).await
    }

    fn add(&mut self, device: usize, samples: Vec<Sample>) {
        for sample in &samples {
            self.traces[device].push(*sample);
        }
        let last_of = |channel| samples.iter().rev().find_map(|s| s.get(channel));
        self.temperatures_c[device] = last_of(Channel::Temperature).or(self.temperatures_c[device]);
        self.unwritten[device].extend_from_slice(&samples);
        (self.rig.show)(&CampaignEvent::Samples {
            run_id: self.run_id.clone(),
            device_id: self.devices[device].id.clone(),
            power_w: last_of(Channel::Power),
            temperature_c: last_of(Channel::Temperature),
            samples,
        });
    }

    /// Writes what is not yet written.
    pub(super) async fn flush(&mut self) -> Result<(), RunError> {
        self.flushed_ns = self.rig.clock.now_ns();
        for (device, unwritten) in self.devices.iter().zip(&mut self.unwritten) {
            if !unwritten.is_empty() {
                self.rig.journal.samples(&self.run_id, &device.id, unwritten).await?;
                unwritten.clear();
            }
        }
        Ok(())
    }

    /// Goes on recording until `other` has ended.
    pub(super) async fn during<T>(&mut self, other: impl Future<Output = T>) -> Result<T, RunError> {
        tokio::pin!(other);
        loop {
            tokio::select! {
                biased;
                value = &mut other => return Ok(value),
                event = self.events.recv(), if self.lost.is_none() => self.take(event).await?,
            }
        }
    }
}
