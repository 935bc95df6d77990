//! The live state of an engine: one lock around the snapshot, the histories and those who watch.
//!
//! Watchers are called with the lock held, so that a snapshot and the news after it never overlap or leave a hole. They
//! must hand the event on and return, and must not call the engine.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lem_campaign::run::{CampaignEvent, Controller};
use lem_measure::envelope::{Envelope, Grid, History};
use lem_measure::{Channel, DeviceInfo, Sample};
use lem_power::EVERY_CHANNEL_MS;

use super::fold::{Fold, Moment};
use super::monitor::{INTERVAL_MS, Monitor};
use super::{LiveEvent, Reading, Snapshot};
use crate::clock::unix_ns;
use crate::window::Window;

/// Samples that each channel of each device keeps for the screen: 36 hours at 20 Hz, 21 MB.
const KEPT: usize = 36 * 3600 * 20;

/// Time between two tellings of the readings; a little less than the sampler's batches of 100 ms.
const TELL_NS: i64 = 90_000_000;

/// The channels that can be drawn; counters cannot.
const DRAWN: [Channel; 8] = [
    Channel::Power,
    Channel::Temperature,
    Channel::MemoryTemperature,
    Channel::SmClock,
    Channel::MemoryClock,
    Channel::Utilization,
    Channel::MemoryUtilization,
    Channel::MemoryUsed,
];

type Listener = Box<dyn Fn(LiveEvent) + Send + Sync>;

/// The live state; every clone of an engine shares it.
#[derive(Default, Clone)]
pub(crate) struct Live {
    state: Arc<Mutex<State>>,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}

#[derive(Default)]
pub(super) struct State {
    epoch_ns: i64,
    epoch_unix_ms: f64,
    devices: Vec<DeviceInfo>,
    readings: Vec<Reading>,
    histories: BTreeMap<(String, Channel), History>,
    interval_ms: Option<u32>,
    monitor_error: Option<String>,
    pub(super) fold: Option<Fold>,
    pub(super) controller: Option<Controller>,
    pub(super) monitor: Option<Monitor>,
    listeners: Vec<(u64, Listener)>,
    next_listener: u64,
    told_ns: i64,
}

impl Live {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A watcher that panicked left the state as it was.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells `listener` the state, and from then on the news. Returns its number.
    pub(super) fn listen(&self, listener: Listener) -> u64 {
        let mut state = self.lock();
        state.begin_clock();
        listener(LiveEvent::Snapshot { snapshot: Box::new(state.snapshot()) });
        let number = state.next_listener;
        state.next_listener += 1;
        state.listeners.push((number, listener));
        number
    }

    pub(super) fn forget(&self, number: u64) {
        self.lock().listeners.retain(|(other, _)| *other != number);
    }

    /// From here on these devices are sampled; or none, for a reason.
    pub(super) fn sampling(
        &self,
        devices: Option<&[DeviceInfo]>,
        interval_ms: Option<u32>,
        why_not: Option<String>,
    ) {
        let mut state = self.lock();
        state.interval_ms = interval_ms;
        state.monitor_error = why_not;
        if let Some(devices) = devices
            && state.devices != devices
        {
            state.devices = devices.to_vec();
            let reading = |device: &DeviceInfo| Reading { device: device.id.clone(), ..Reading::default() };
            state.readings = devices.iter().map(reading).collect();
        }
        if interval_ms.is_none() {
            // An old reading is not the present one.
            for reading in &mut state.readings {
                *reading = Reading { device: std::mem::take(&mut reading.device), ..Reading::default() };
            }
        }
        state.tell_snapshot();
    }

    /// New samples of a device, from the monitor or from a campaign.
    pub(super) fn samples(&self, device_id: &str, samples: &[Sample]) {
        let mut state = self.lock();
        state.keep(device_id, samples);
        state.read(device_id, samples);
        state.tick();
    }

    /// A device could not be read.
    pub(super) fn unreadable(&self, device: usize, message: String) {
        let mut state = self.lock();
        if let Some(reading) = state.readings.get_mut(device) {
            *reading = Reading {
                device: std::mem::take(&mut reading.device),
                error: Some(message),
                ..Reading::default()
            };
        }
        state.tick();
    }

    /// A fact of the campaign.
    pub(super) fn fact(&self, event: &CampaignEvent) {
        if let CampaignEvent::CampaignStarted { devices, .. } = event {
            let interval_ms = self.lock().interval_ms;
            self.sampling(Some(devices), interval_ms, None);
        }
        if let CampaignEvent::Samples { device_id, samples, .. } = event {
            let mut state = self.lock();
            if let Some(fold) = state.fold.as_mut() {
                fold.take(event, &Moment { now_s: 0.0, epoch_ns: 0, hottest_c: None });
            }
            drop(state);
            return self.samples(device_id, samples);
        }
        self.change(|fold, at| fold.take(event, at));
    }

    /// Changes the campaign's state and tells it.
    pub(super) fn change(&self, change: impl FnOnce(&mut Fold, &Moment) -> Vec<LiveEvent>) {
        let mut state = self.lock();
        let at = state.moment();
        let news = state.fold.as_mut().map_or_else(Vec::new, |fold| change(fold, &at));
        state.tell(news);
    }

    /// What was asked for of the traces of the present devices, in seconds of the live clock.
    pub(crate) fn window(&self, from_s: f64, to_s: f64, buckets: usize, channel: Channel) -> Window {
        let state = self.lock();
        let finest_ns = finest_ns(state.interval_ms, channel);
        let grid = Grid::over(state.at_ns(from_s), state.at_ns(to_s), buckets, finest_ns);
        let history = |device: &DeviceInfo| state.histories.get(&(device.id.clone(), channel));
        let envelope = |device| history(device).map_or_else(|| Envelope::empty(&grid), |h| h.envelope(&grid));
        let extents = || state.devices.iter().filter_map(|device| history(device)?.extent_ns());
        let begin = extents().map(|(begin, _)| begin).min();
        let end = extents().map(|(_, end)| end).max();
        Window {
            from_s,
            step_s: lem_measure::units::seconds(grid.step_ns),
            extent_s: begin.zip(end).map(|(begin, end)| (state.second(begin), state.second(end))),
            devices: state.devices.iter().map(envelope).collect(),
        }
    }
}

/// The narrowest bucket that has a sample for certain: narrower ones would be holes. What is shown may reach back into the
/// monitor's time, whose samples are farther apart, and all but power is read with the first sample that is due.
fn finest_ns(interval_ms: Option<u32>, channel: Channel) -> i64 {
    let usual_ms = interval_ms.unwrap_or(0).max(INTERVAL_MS);
    let seldom_ms = if channel == Channel::Power { 0 } else { EVERY_CHANNEL_MS };
    i64::from(usual_ms + seldom_ms) * 1_500_000
}

impl State {
    pub(super) fn begin_clock(&mut self) {
        if self.epoch_ns == 0 {
            self.epoch_ns = lem_power::clock::now_ns();
            #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are exact below 2^53")]
            let unix_ms = (unix_ns() / 1_000_000) as f64;
            self.epoch_unix_ms = unix_ms;
        }
    }

    pub(super) fn is_running(&self) -> bool {
        self.controller.is_some()
    }

    pub(super) fn set_interval(&mut self, interval_ms: Option<u32>) {
        self.interval_ms = interval_ms;
    }

    pub(super) fn moment(&self) -> Moment {
        let hottest = self.readings.iter().filter_map(|reading| reading.temperature_c).reduce(f64::max);
        Moment { now_s: self.second(lem_power::clock::now_ns()), epoch_ns: self.epoch_ns, hottest_c: hottest }
    }

    pub(super) fn tell_snapshot(&mut self) {
        let snapshot = Box::new(self.snapshot());
        self.tell(vec![LiveEvent::Snapshot { snapshot }]);
    }

    fn second(&self, t_ns: i64) -> f64 {
        lem_measure::units::seconds(t_ns - self.epoch_ns)
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "saturates, and seconds of a chart are far from the bounds"
    )]
    fn at_ns(&self, second: f64) -> i64 {
        self.epoch_ns.saturating_add((second * 1e9) as i64)
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot {
            epoch_unix_ms: self.epoch_unix_ms,
            now_s: self.second(lem_power::clock::now_ns()),
            devices: self.devices.clone(),
            readings: self.readings.clone(),
            interval_ms: self.interval_ms,
            monitor_error: self.monitor_error.clone(),
            campaign: self.fold.as_ref().map(|fold| fold.campaign().clone()),
        }
    }

    fn tell(&self, news: Vec<LiveEvent>) {
        for event in news {
            for (_, listener) in &self.listeners {
                listener(event.clone());
            }
        }
    }

    fn keep(&mut self, device_id: &str, samples: &[Sample]) {
        for channel in DRAWN {
            let mut values = samples.iter().filter_map(|s| Some((s.t_ns, s.get(channel)?))).peekable();
            if values.peek().is_some() {
                let key = (device_id.to_owned(), channel);
                let history = self.histories.entry(key).or_insert_with(|| History::new(KEPT));
                values.for_each(|(t_ns, value)| history.push(t_ns, value));
            }
        }
    }

    fn read(&mut self, device_id: &str, samples: &[Sample]) {
        let Some(reading) = self.readings.iter_mut().find(|reading| reading.device == device_id) else {
            return;
        };
        let last = |channel| samples.iter().rev().find_map(|s| s.get(channel));
        reading.error = None;
        reading.power_w = last(Channel::Power).or(reading.power_w);
        reading.temperature_c = last(Channel::Temperature).or(reading.temperature_c);
        reading.utilization_pct = last(Channel::Utilization).or(reading.utilization_pct);
        reading.sm_clock_mhz = last(Channel::SmClock).or(reading.sm_clock_mhz);
        reading.memory_used_bytes = last(Channel::MemoryUsed).or(reading.memory_used_bytes);
    }

    /// Tells readings, and what the campaign put off, ten times a second.
    fn tick(&mut self) {
        let now_ns = lem_power::clock::now_ns();
        if now_ns - self.told_ns < TELL_NS {
            return;
        }
        self.told_ns = now_ns;
        let at = self.moment();
        let mut news = vec![LiveEvent::Samples { now_s: at.now_s, readings: self.readings.clone() }];
        if let Some(fold) = self.fold.as_mut().filter(|fold| !fold.has_ended()) {
            news.extend(fold.tick(&at));
        }
        self.tell(news);
    }
}

#[cfg(test)]
mod tests {
    use lem_measure::{DeviceKind, PowerSource, Provenance};

    use super::*;

    fn gpu() -> DeviceInfo {
        DeviceInfo {
            id: "gpu".into(),
            name: "GPU".into(),
            kind: DeviceKind::Gpu,
            source: PowerSource::Simulated,
            provenance: Provenance::Simulated,
            index: None,
            channels: vec![Channel::Power, Channel::Temperature],
            power_averaging_ms: None,
            facts: BTreeMap::default(),
        }
    }

    #[test]
    fn what_is_read_twice_a_second_is_drawn_without_holes() {
        const MS: i64 = 1_000_000;
        let live = Live::default();
        live.sampling(Some(&[gpu()]), Some(50), None);
        let sample = |tick: i64| {
            let sample = Sample::at(tick * 50 * MS).with(Channel::Power, 200.0);
            // Each tenth, but for the one that came too early.
            let is_full = tick % 10 == i64::from(tick >= 300);
            if is_full { sample.with(Channel::Temperature, 50.0) } else { sample }
        };
        live.samples("gpu", &(0..1200).map(sample).collect::<Vec<_>>());
        for channel in [Channel::Power, Channel::Temperature] {
            let window = live.window(1.0, 59.0, 600, channel);
            let holes = window.devices[0].max.iter().filter(|value| value.is_nan()).count();
            assert_eq!(holes, 0, "{channel:?}: {} buckets", window.devices[0].max.len());
        }
    }
}
