//! One GPU while it is being read.

use lem_measure::{Channel, DeviceInfo, Sample};
use nvml_wrapper::Device;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::structs::device::FieldId;
use nvml_wrapper::sys_exports::field_id::{
    NVML_FI_DEV_MEMORY_TEMP, NVML_FI_DEV_POWER_AVERAGE, NVML_FI_DEV_POWER_INSTANT,
    NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION,
};

use super::capabilities::{Capabilities, Via, field_value, float, power_by_call};
use super::error::is_lost;
use crate::clock::{now_ns, promptly};
use crate::meter::{Depth, ReadError};

/// One GPU: how to read it, and what its counter last said.
#[derive(Debug)]
pub(super) struct Board {
    pub(super) index: u32,
    label: String,
    can: Capabilities,
    /// The fields of each depth, made once because reading must cost little.
    fields: [Vec<FieldId>; 3],
    counter: Counter,
}

/// The energy counter, which must not go back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counter {
    /// Nothing was read yet.
    Fresh,
    /// The last reading in mJ.
    At(u64),
    /// It went back once: no energy is taken from it any more, so that no window can span the step.
    Ended,
}

/// What was gathered in one reading.
#[derive(Debug)]
struct Reading {
    sample: Sample,
    counter_mj: Option<u64>,
    lost: Option<NvmlError>,
    failed: Option<NvmlError>,
}

impl Board {
    pub(super) fn new(info: &DeviceInfo, index: u32, can: Capabilities) -> Self {
        Self {
            index,
            label: format!("{} ({})", info.name, info.id),
            fields: [Depth::Edge, Depth::Power, Depth::Full].map(|depth| can.fields(depth)),
            can,
            counter: Counter::Fresh,
        }
    }

    /// Reads the GPU. The sample's time is the middle of the calls that read power and energy.
    pub(super) fn read(&mut self, gpu: &Device<'_>, depth: Depth) -> Result<Sample, ReadError> {
        // A counter that has ended cannot show an edge; power can.
        let depth = if self.counter == Counter::Ended { depth.max(Depth::Power) } else { depth };
        let (mut reading, t_ns) = promptly(now_ns, || {
            let mut reading = Reading::new();
            self.read_power_and_energy(gpu, depth, &mut reading);
            reading
        });
        reading.sample.t_ns = t_ns;
        if depth == Depth::Full {
            for call in &self.can.calls {
                let answer = call.read(gpu, &mut reading.sample);
                reading.note(answer);
            }
        }
        self.conclude(reading)
    }

    fn read_power_and_energy(&self, gpu: &Device<'_>, depth: Depth, reading: &mut Reading) {
        let fields = &self.fields[depth as usize];
        if !fields.is_empty() {
            match gpu.field_values_for(fields) {
                Ok(answers) => answers.into_iter().for_each(|answer| match answer {
                    Ok(field) => reading.field(field.field.0, field.value.map(|value| field_value(&value))),
                    Err(error) => reading.note(Err(error)),
                }),
                Err(error) => reading.note(Err(error)),
            }
        }
        if self.can.energy == Some(Via::Call) {
            reading.field(NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION, gpu.total_energy_consumption().map(Some));
        }
        if self.can.power == Some(Via::Call) && (depth > Depth::Edge || self.can.energy.is_none()) {
            reading.field(NVML_FI_DEV_POWER_INSTANT, power_by_call(gpu).map(Some));
        }
    }

    /// Decides what a reading is worth.
    fn conclude(&mut self, mut reading: Reading) -> Result<Sample, ReadError> {
        if let Some(error) = &reading.lost {
            return Err(self.failed(error));
        }
        if let Some(counter_mj) = reading.counter_mj {
            match self.counter {
                Counter::At(last_mj) if counter_mj < last_mj => {
                    self.counter = Counter::Ended;
                    return Err(self.went_back(last_mj, counter_mj));
                }
                Counter::Ended => {}
                Counter::Fresh | Counter::At(_) => {
                    self.counter = Counter::At(counter_mj);
                    reading.sample.set(Channel::Energy, float(counter_mj) * 1e-3);
                }
            }
        }
        let sample = reading.sample;
        if Channel::ALL.into_iter().any(|channel| sample.get(channel).is_some()) {
            return Ok(sample);
        }
        match &reading.failed {
            Some(error) => Err(self.failed(error)),
            None => Err(ReadError::Transient(format!("{} told nothing", self.label))),
        }
    }

    fn went_back(&self, last_mj: u64, counter_mj: u64) -> ReadError {
        let (from, to) = (float(last_mj) * 1e-3, float(counter_mj) * 1e-3);
        ReadError::Transient(format!(
            "{}: the energy counter went back from {from} J to {to} J (the driver was reloaded or the GPU was \
             reset); it is not used any more, and energy is taken from power. Enable persistence mode \
             (`sudo nvidia-smi -pm 1`) so that the driver stays loaded",
            self.label
        ))
    }

    /// What an error means for the caller.
    pub(super) fn failed(&self, error: &NvmlError) -> ReadError {
        if is_lost(error) {
            ReadError::DeviceLost(format!(
                "{} is lost: {}. Look for Xid messages with `dmesg | grep -i nvrm`; the GPU has to be \
                 reset or the machine restarted",
                self.label,
                loss(error)
            ))
        } else {
            ReadError::Transient(format!("{} could not be read: {error}", self.label))
        }
    }
}

/// What a loss looks like from here, in words.
fn loss(error: &NvmlError) -> String {
    match error {
        NvmlError::GpuLost => "it fell off the bus or stopped answering".into(),
        NvmlError::ResetRequired => "it has failed and waits for a reset".into(),
        NvmlError::DriverNotLoaded | NvmlError::Uninitialized => "the NVIDIA driver was unloaded".into(),
        NvmlError::LibRmVersionMismatch => "the NVIDIA driver was replaced by another release".into(),
        other => other.to_string(),
    }
}

impl Reading {
    fn new() -> Self {
        Self { sample: Sample::at(0), counter_mj: None, lost: None, failed: None }
    }

    /// Takes the answer for one field; a power of 0 W is no reading, because no board draws nothing.
    fn field(&mut self, id: u32, answer: Result<Option<u64>, NvmlError>) {
        let value = match answer {
            Ok(Some(value)) => value,
            Ok(None) => return,
            Err(error) => return self.note(Err(error)),
        };
        match id {
            NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION => self.counter_mj = Some(value),
            NVML_FI_DEV_POWER_INSTANT if value > 0 => self.sample.set(Channel::Power, float(value) * 1e-3),
            NVML_FI_DEV_POWER_AVERAGE if value > 0 => {
                self.sample.set(Channel::PowerAverage, float(value) * 1e-3);
            }
            NVML_FI_DEV_MEMORY_TEMP => self.sample.set(Channel::MemoryTemperature, float(value)),
            _ => {}
        }
    }

    /// Remembers why something could not be read.
    fn note(&mut self, answer: Result<(), NvmlError>) {
        match answer {
            Ok(()) => {}
            Err(error) if is_lost(&error) => self.lost = Some(error),
            Err(error) => self.failed = Some(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lem_measure::{DeviceKind, PowerSource, Provenance};

    fn board() -> Board {
        let info = DeviceInfo {
            id: "GPU-1".into(),
            name: "Board".into(),
            kind: DeviceKind::Gpu,
            source: PowerSource::Nvml,
            provenance: Provenance::Measured,
            index: Some(0),
            channels: vec![Channel::Energy, Channel::Power],
            power_averaging_ms: None,
            facts: std::collections::BTreeMap::default(),
        };
        let can = Capabilities {
            energy: Some(Via::Field),
            power: Some(Via::Field),
            power_average: false,
            memory_temperature: false,
            calls: Vec::new(),
        };
        Board::new(&info, 0, can)
    }

    fn reading(counter_mj: u64) -> Reading {
        let mut reading = Reading::new();
        reading.field(NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION, Ok(Some(counter_mj)));
        reading.field(NVML_FI_DEV_POWER_INSTANT, Ok(Some(100_000)));
        reading
    }

    #[test]
    fn a_counter_that_goes_back_ends_and_is_told_once() {
        let mut board = board();
        let energy = |read: Result<Sample, ReadError>| read.map(|sample| sample.get(Channel::Energy));
        assert_eq!(energy(board.conclude(reading(5_000))), Ok(Some(5.0)));
        let told = board.conclude(reading(10)).expect_err("the step must be told");
        insta::assert_snapshot!(told.to_string());
        assert!(matches!(told, ReadError::Transient(_)), "power goes on");
        let after = board.conclude(reading(9_000)).expect("power is still read");
        assert_eq!(
            after.get(Channel::Energy),
            None,
            "a later reading above the old one must not hide the step"
        );
        assert_eq!(after.get(Channel::Power), Some(100.0));
    }

    #[test]
    fn a_gpu_that_fell_off_the_bus_is_lost_and_not_merely_failing() {
        let mut board = board();
        let mut gone = Reading::new();
        gone.field(NVML_FI_DEV_POWER_INSTANT, Err(NvmlError::GpuLost));
        let error = board.conclude(gone).expect_err("lost");
        insta::assert_snapshot!(error.to_string());
        assert!(matches!(error, ReadError::DeviceLost(_)));
    }

    #[test]
    fn an_unknown_error_of_everything_is_passing_and_of_one_channel_is_none() {
        let mut board = board();
        let mut all = Reading::new();
        all.field(NVML_FI_DEV_POWER_INSTANT, Err(NvmlError::Unknown));
        assert!(matches!(board.conclude(all), Err(ReadError::Transient(_))));
        let mut one = reading(1);
        one.note(Err(NvmlError::Unknown));
        assert_eq!(board.conclude(one).expect("the rest is there").get(Channel::Power), Some(100.0));
    }

    #[test]
    fn no_power_is_no_reading() {
        let mut reading = Reading::new();
        reading.field(NVML_FI_DEV_POWER_INSTANT, Ok(Some(0)));
        assert_eq!(reading.sample.get(Channel::Power), None);
    }

    #[test]
    fn an_edge_costs_one_field() {
        let board = board();
        assert_eq!(board.fields[Depth::Edge as usize], [FieldId(NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION)]);
        assert_eq!(board.fields[Depth::Power as usize].len(), 2);
    }
}
