//! Sampling while no campaign runs, so that the bench shows live traces. It gives way to every campaign: to one of this
//! engine at once, to one of another process as soon as that holds the devices.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use lem_measure::DeviceInfo;
use lem_power::{MeterChoice, Sampler, SamplerConfig, SamplerEvent};

use super::state::Live;
use crate::{hardware, lock};

/// Ten times a second is smooth on a screen and half the load of a campaign.
pub(super) const INTERVAL_MS: u32 = 100;

/// How soon it gives way to another process, and looks again whether that is done.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A running monitor. Dropping it ends sampling and waits for that.
pub(super) struct Monitor {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Monitor {
    /// Begins to sample what `choice` names.
    pub(super) fn start(live: Live, choice: MeterChoice) -> Option<Self> {
        let (end, ended) = channel();
        let body = move || watch(&live, &choice, &ended);
        let thread = std::thread::Builder::new().name("lem-monitor".into()).spawn(body);
        match thread {
            Ok(thread) => Some(Self { end: Some(end), thread: Some(thread) }),
            Err(error) => {
                tracing::warn!("the bench shows no readings: its thread could not be started: {error}");
                None
            }
        }
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // It panics only where sampling does, and then there is nothing left to end.
            let _ = thread.join();
        }
    }
}

/// Samples until the other end of `ended` is dropped.
fn watch(live: &Live, choice: &MeterChoice, ended: &Receiver<()>) {
    let mut sampler = None;
    let mut last_reason = None;
    loop {
        let outcome = look(live, choice, sampler.take());
        if outcome.is_ok() || outcome.as_ref().err() != last_reason.as_ref() {
            last_reason = outcome.as_ref().err().cloned();
            if let Err(reason) = &outcome {
                live.sampling(None, None, Some(reason.clone()));
            }
        }
        sampler = outcome.ok();
        match ended.recv_timeout(LOOK_EVERY) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// The sampler that should run now, or why none should.
fn look(live: &Live, choice: &MeterChoice, running: Option<Sampler>) -> Result<Sampler, String> {
    match running {
        Some(sampler) if lock::are_free(sampler.devices()) => Ok(sampler),
        Some(_) => Err("another campaign on this machine is measuring; the bench does not disturb it".into()),
        None => begin(live, choice),
    }
}

fn begin(live: &Live, choice: &MeterChoice) -> Result<Sampler, String> {
    let opened = hardware::open(choice)
        .map_err(|e| e.hint.map_or_else(|| e.message.clone(), |hint| format!("{}. {hint}", e.message)))?;
    let devices: Vec<DeviceInfo> = opened.devices();
    if !lock::are_free(&devices) {
        return Err("another campaign on this machine is measuring; the bench does not disturb it".into());
    }
    live.sampling(Some(&devices), Some(INTERVAL_MS), None);
    let config = SamplerConfig { interval_ms: INTERVAL_MS, ..SamplerConfig::default() };
    let live = live.clone();
    let sink = move |event| match event {
        SamplerEvent::Samples { device, samples } => {
            if let Some(device) = devices.get(device) {
                live.samples(&device.id, &samples);
            }
        }
        SamplerEvent::DeviceLost { device, message } | SamplerEvent::ReadErrors { device, message, .. } => {
            live.unreadable(device, message);
        }
    };
    Sampler::start(opened.meters, config, sink).map_err(|e| e.to_string())
}
