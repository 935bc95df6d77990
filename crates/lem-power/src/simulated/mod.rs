//! A generated signal with known energy, behind the same trait as the sensors: for trying the program out, for tests,
//! and for judging the arithmetic of windows. It is never chosen by itself, and everything measured with it says so.
//!
//! Readings are functions of the monotonic clock and nothing else, without noise.

mod spec;

use std::collections::BTreeMap;

use lem_measure::{Channel, DeviceInfo, DeviceKind, PowerSource, Provenance, Sample};

use crate::clock::now_ns;
use crate::meter::{Depth, Meter, ReadError};

pub use lem_measure::signal::{Ramp, Signal, Step};
pub use spec::{Spec, SpecError};

/// Degrees Celsius of a simulated device that draws nothing, degrees per watt, and the time constant of its heating
/// in seconds: round figures of the order of an air-cooled board.
const TEMPERATURE: (f64, f64, f64) = (30.0, 0.1, 20.0);

/// Simulated devices.
#[derive(Debug)]
pub struct SimulatedMeter {
    spec: Spec,
    opened_ns: i64,
    devices: Vec<DeviceInfo>,
}

/// Begins a simulation.
pub fn open(spec: &Spec) -> SimulatedMeter {
    SimulatedMeter {
        opened_ns: now_ns(),
        devices: (0..spec.devices).map(|index| describe(spec, index)).collect(),
        spec: spec.clone(),
    }
}

/// The true energy of a window of one simulated device in joules, whatever was read of it.
pub fn true_energy_j(spec: &Spec, from_ns: i64, to_ns: i64) -> f64 {
    spec.signal.energy_j(from_ns, to_ns)
}

impl Meter for SimulatedMeter {
    fn devices(&self) -> &[DeviceInfo] {
        &self.devices
    }

    fn read(&mut self, device: usize, depth: Depth) -> Result<Sample, ReadError> {
        self.read_at(now_ns(), device, depth)
    }
}

impl SimulatedMeter {
    fn read_at(&self, t_ns: i64, device: usize, depth: Depth) -> Result<Sample, ReadError> {
        let age_s = lem_measure::units::seconds(t_ns - self.opened_ns);
        if self.spec.lost_after_s.is_some_and(|lost_s| age_s >= lost_s) {
            return Err(ReadError::DeviceLost(format!("simulated device {device} was lost as specified")));
        }
        let updated_ns = self.updated_ns(t_ns);
        let counter_j = self.spec.signal.energy_j(self.updated_ns(self.opened_ns), updated_ns);
        let mut sample = Sample::at(t_ns).with(Channel::Energy, counter_j);
        if depth > Depth::Edge {
            sample.set(Channel::Power, self.spec.signal.power_w(updated_ns));
        }
        if depth == Depth::Full {
            let (ambient_c, c_per_w, tau_s) = TEMPERATURE;
            sample.set(
                Channel::Temperature,
                ambient_c + c_per_w * self.spec.signal.lagged_w(updated_ns, tau_s),
            );
        }
        Ok(sample)
    }

    /// When the sensor last moved.
    fn updated_ns(&self, t_ns: i64) -> i64 {
        match i64::from(self.spec.update_ms) * 1_000_000 {
            0 => t_ns,
            period_ns => t_ns - t_ns.rem_euclid(period_ns),
        }
    }
}

fn describe(spec: &Spec, index: u32) -> DeviceInfo {
    DeviceInfo {
        id: format!("simulated:{index}"),
        name: format!("Simulated device {index}"),
        kind: DeviceKind::Gpu,
        source: PowerSource::Simulated,
        provenance: Provenance::Simulated,
        index: Some(index),
        channels: vec![Channel::Power, Channel::Energy, Channel::Temperature],
        power_averaging_ms: None,
        facts: BTreeMap::from([("signal".to_owned(), spec.to_string())]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(text: &str) -> SimulatedMeter {
        open(&text.parse().expect("a spec"))
    }

    #[test]
    fn the_counter_tells_the_true_energy_up_to_its_last_move() {
        let spec: Spec = "sine:period=0.7,update_ms=20".parse().expect("a spec");
        let meter = open(&spec);
        let read_j =
            |t_ns| meter.read_at(t_ns, 0, Depth::Edge).expect("read").get(Channel::Energy).expect("energy");
        let start_ns = meter.opened_ns - meter.opened_ns % 20_000_000;
        let (from_ns, to_ns) = (start_ns + 40_000_000, start_ns + 1_240_000_000);
        let truth_j = true_energy_j(&spec, from_ns, to_ns);
        assert!((read_j(to_ns) - read_j(from_ns) - truth_j).abs() < 1e-9);
        assert!(
            (read_j(to_ns + 19_999_999) - read_j(to_ns)).abs() < 1e-12,
            "it stands still between its moves"
        );
    }

    #[test]
    fn a_device_is_lost_when_its_time_has_come() {
        let meter = meter("constant:lost_after_s=1");
        assert!(meter.read_at(meter.opened_ns + 999_999_999, 0, Depth::Full).is_ok());
        let lost = meter.read_at(meter.opened_ns + 1_000_000_000, 0, Depth::Full);
        assert!(matches!(lost, Err(ReadError::DeviceLost(_))));
    }

    #[test]
    fn every_device_says_that_it_is_simulated() {
        let meter = meter("constant:devices=3");
        assert_eq!(meter.devices().len(), 3);
        assert!(meter.devices().iter().all(|d| d.provenance == Provenance::Simulated));
    }
}
