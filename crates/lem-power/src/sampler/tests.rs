//! The sampler on scripted meters. No test depends on how punctual a busy machine is: exact times are tested in
//! `schedule` and `burst`.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, channel};

use lem_measure::{Channel, DeviceKind, PowerSource, Provenance, Trace};

use super::*;
use crate::meter::ReadError;
use crate::simulated;

type Script = Box<dyn FnMut(usize, Depth, i64) -> Result<Sample, ReadError> + Send>;

/// A meter that does what a test says; the number of the reading is passed in.
struct Scripted {
    devices: Vec<DeviceInfo>,
    readings: i64,
    script: Script,
}

impl Meter for Scripted {
    fn devices(&self) -> &[DeviceInfo] {
        &self.devices
    }

    fn read(&mut self, device: usize, depth: Depth) -> Result<Sample, ReadError> {
        self.readings += 1;
        (self.script)(device, depth, self.readings)
    }
}

fn scripted(
    devices: usize,
    script: impl FnMut(usize, Depth, i64) -> Result<Sample, ReadError> + Send + 'static,
) -> Box<dyn Meter> {
    let device = |index: usize| DeviceInfo {
        id: format!("scripted:{index}"),
        name: "scripted".into(),
        kind: DeviceKind::Gpu,
        source: PowerSource::Simulated,
        provenance: Provenance::Simulated,
        index: None,
        channels: vec![Channel::Power],
        power_averaging_ms: None,
        facts: BTreeMap::new(),
    };
    Box::new(Scripted { devices: (0..devices).map(device).collect(), readings: 0, script: Box::new(script) })
}

fn good() -> Box<dyn Meter> {
    scripted(1, |_, _, _| Ok(Sample::at(now_ns()).with(Channel::Power, 100.0)))
}

fn start(meters: Vec<Box<dyn Meter>>, interval_ms: u32) -> (Sampler, Receiver<SamplerEvent>) {
    let (sender, events) = channel();
    let config = SamplerConfig { interval_ms, batch_ms: 20 };
    let sampler = Sampler::start(meters, config, move |event| {
        let _ = sender.send(event);
    });
    (sampler.expect("started"), events)
}

/// Waits until `enough` is true of the events so far; fails after ten seconds.
fn wait_for(events: &Receiver<SamplerEvent>, enough: impl Fn(&[SamplerEvent]) -> bool) -> Vec<SamplerEvent> {
    let mut seen = Vec::new();
    while !enough(&seen) {
        seen.push(events.recv_timeout(Duration::from_secs(10)).expect("an event within ten seconds"));
    }
    seen
}

fn samples_of(events: &[SamplerEvent], wanted: usize) -> Vec<Sample> {
    let of = |event: &SamplerEvent| match event {
        SamplerEvent::Samples { device, samples } if *device == wanted => samples.clone(),
        _ => Vec::new(),
    };
    events.iter().flat_map(of).collect()
}

#[test]
fn every_device_of_every_meter_is_sampled_in_order_of_time() {
    let two = scripted(2, |_, _, _| Ok(Sample::at(now_ns()).with(Channel::Power, 1.0)));
    let (sampler, events) = start(vec![good(), two], 5);
    assert_eq!(sampler.devices().len(), 3);
    let seen = wait_for(&events, |seen| (0..3).all(|device| samples_of(seen, device).len() >= 10));
    for device in 0..3 {
        let read = samples_of(&seen, device);
        assert_eq!(Trace::new(read.iter().copied()).samples().len(), read.len(), "none out of order");
    }
    let stats = sampler.stop();
    assert!(stats.ticks >= 10);
    assert!(stats.interval_median_ms.is_some_and(|ms| ms > 0.0));
    assert_eq!(stats.read_errors, 0);
}

#[test]
fn what_was_read_is_handed_out_when_the_sampler_stops() {
    let (sender, events) = channel();
    let config = SamplerConfig { interval_ms: 1000, batch_ms: 60_000 };
    let (first, read) = channel();
    let meter = scripted(1, move |_, _, _| {
        let _ = first.send(());
        Ok(Sample::at(now_ns()).with(Channel::Power, 1.0))
    });
    let sampler = Sampler::start(vec![meter], config, move |event| {
        let _ = sender.send(event);
    });
    let sampler = sampler.expect("started");
    read.recv_timeout(Duration::from_secs(10)).expect("the first tick is at once");
    assert_eq!(sampler.stop().ticks, 1, "stopping does not wait for the next tick");
    assert_eq!(samples_of(&events.try_iter().collect::<Vec<_>>(), 0).len(), 1);
}

#[test]
fn the_first_tick_reads_everything_and_the_next_ones_power_alone() {
    let (depths, read) = channel();
    let meter = scripted(1, move |_, depth, _| {
        let _ = depths.send(depth);
        Ok(Sample::at(now_ns()).with(Channel::Power, 1.0))
    });
    let (sampler, _events) = start(vec![meter], 5);
    let first: Vec<Depth> = read.iter().take(3).collect();
    drop(sampler);
    assert_eq!(first[0], Depth::Full);
    assert_eq!(first[1], Depth::Power);
}

#[test]
fn a_slow_meter_makes_missed_ticks_that_are_counted() {
    let slow = scripted(1, |_, _, _| {
        let from_ns = now_ns();
        while now_ns() < from_ns + 12_000_000 {
            std::hint::spin_loop();
        }
        Ok(Sample::at(now_ns()).with(Channel::Power, 1.0))
    });
    let (sampler, events) = start(vec![slow], 5);
    wait_for(&events, |seen| samples_of(seen, 0).len() >= 5);
    let stats = sampler.stop();
    assert!(
        stats.missed_ticks >= 2 * (stats.ticks - 1),
        "each reading of 12 ms takes two ticks of 5 ms: {stats:?}"
    );
}

#[test]
fn a_lost_device_is_told_once_and_the_others_go_on() {
    let failing = scripted(1, |_, _, reading| match reading {
        1..=3 => Ok(Sample::at(now_ns()).with(Channel::Power, 1.0)),
        4 => Err(ReadError::DeviceLost("fell off the bus".into())),
        _ => panic!("a lost device must not be read again"),
    });
    let (sampler, events) = start(vec![failing, good()], 5);
    let lost = |e: &SamplerEvent| matches!(e, SamplerEvent::DeviceLost { device: 0, .. });
    let mut seen = wait_for(&events, |seen| seen.iter().any(lost));
    seen.extend(wait_for(&events, |seen| samples_of(seen, 1).len() >= 5));
    sampler.stop();
    seen.extend(events.try_iter());
    assert_eq!(seen.iter().filter(|e| matches!(e, SamplerEvent::DeviceLost { .. })).count(), 1);
    assert_eq!(samples_of(&seen, 0).len(), 3, "what was read before is not lost");
    let batch = seen.iter().position(|e| matches!(e, SamplerEvent::Samples { device: 0, .. }));
    assert!(batch < seen.iter().position(lost), "its samples come before the news of its loss");
}

#[test]
fn a_meter_that_panics_loses_its_devices_and_nothing_else() {
    let broken = scripted(2, |_, _, reading| {
        assert!(reading < 3, "a fault");
        Ok(Sample::at(now_ns()).with(Channel::Power, 1.0))
    });
    let (sampler, events) = start(vec![broken, good()], 5);
    let lost = |seen: &[SamplerEvent]| {
        seen.iter()
            .filter(|e| matches!(e, SamplerEvent::DeviceLost { message, .. } if message.contains("a fault")))
            .count()
    };
    wait_for(&events, |seen| lost(seen) == 2);
    wait_for(&events, |seen| samples_of(seen, 2).len() >= 3);
    assert_eq!(sampler.stop().read_errors, 2);
}

#[test]
fn failed_readings_are_counted_and_do_not_end_a_device() {
    let flaky = scripted(1, |_, _, reading| {
        if reading % 2 == 0 {
            return Err(ReadError::Transient("busy".into()));
        }
        Ok(Sample::at(now_ns()).with(Channel::Power, 1.0))
    });
    let (sampler, events) = start(vec![flaky], 5);
    let errors = |seen: &[SamplerEvent]| {
        let count = |e: &SamplerEvent| match e {
            SamplerEvent::ReadErrors { count, message, .. } if message == "busy" => u64::from(*count),
            _ => 0,
        };
        seen.iter().map(count).sum::<u64>()
    };
    let mut seen = wait_for(&events, |seen| errors(seen) >= 3 && samples_of(seen, 0).len() >= 3);
    let stats = sampler.stop();
    seen.extend(events.try_iter());
    assert_eq!(errors(&seen), stats.read_errors);
}

#[test]
fn refining_brackets_the_moves_of_a_counter_closely() {
    let meter = simulated::open(&"constant:watts=100,update_ms=50".parse().expect("a spec"));
    let (sampler, events) = start(vec![Box::new(meter)], 1000);
    wait_for(&events, |seen| !seen.is_empty());
    sampler.refine();
    let seen = wait_for(&events, |seen| moves(&samples_of(seen, 0)).len() >= 2);
    let stats = sampler.stop();
    let kept = samples_of(&seen, 0);
    assert!(kept.len() <= 12, "few samples are kept: {}", kept.len());
    let closest = moves(&kept).into_iter().min().expect("two moves");
    assert!(closest < 25_000_000, "a move of a counter that moves each 50 ms is bracketed by {closest} ns");
    assert!(stats.ticks <= 12, "regular ticks go on at their own pace");
}

/// For each move of the counter, the time between the readings around it.
fn moves(samples: &[Sample]) -> Vec<i64> {
    let readings: Vec<_> = samples.iter().filter_map(|s| Some((s.t_ns, s.get(Channel::Energy)?))).collect();
    readings.windows(2).filter(|pair| pair[0].1 < pair[1].1).map(|pair| pair[1].0 - pair[0].0).collect()
}

#[test]
fn a_burst_ends_by_itself() {
    let (depths, read) = channel();
    let still = scripted(1, move |_, depth, _| {
        let _ = depths.send(depth);
        Ok(Sample::at(now_ns()).with(Channel::Energy, 1.0))
    });
    let (sampler, _events) = start(vec![still], 5);
    sampler.refine_for(200);
    let depths: Vec<Depth> = read.iter().take(180).collect();
    sampler.stop();
    let last_edge = depths.iter().rposition(|depth| *depth == Depth::Edge).expect("a burst");
    assert!(
        depths[last_edge..].len() > 5,
        "regular ticks alone follow a burst in which nothing moved: {depths:?}"
    );
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let start = |meters, interval_ms| {
        let config = SamplerConfig { interval_ms, ..SamplerConfig::default() };
        Sampler::start(meters, config, |_| {}).err().map(|error| error.to_string())
    };
    let messages =
        [start(vec![good()], 4), start(vec![good()], 1001), start(Vec::new(), 50), start(vec![good()], 5)];
    insta::assert_debug_snapshot!(messages);
}

#[test]
fn dropping_a_sampler_ends_its_thread() {
    let (sender, gone) = channel::<()>();
    let meter = scripted(1, move |_, _, _| {
        let _keep = &sender;
        Ok(Sample::at(now_ns()).with(Channel::Power, 1.0))
    });
    let (sampler, _events) = start(vec![meter], 1000);
    drop(sampler);
    assert!(gone.recv().is_err(), "the meter, and with it the sender, was dropped with the thread");
}
