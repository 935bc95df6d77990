//! What one GPU can tell, found out once.
//!
//! Only an answer of the kind "not supported" makes a capability absent; one that failed for a passing reason is kept
//! and asked again at every reading.

use lem_measure::{Channel, Sample};
use nvml_wrapper::Device;
use nvml_wrapper::enum_wrappers::device::{Clock, PerformancePolicy, TemperatureSensor};
use nvml_wrapper::enums::device::SampleValue;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::structs::device::FieldId;
use nvml_wrapper::sys_exports::field_id::{
    NVML_FI_DEV_MEMORY_TEMP, NVML_FI_DEV_POWER_AVERAGE, NVML_FI_DEV_POWER_INSTANT,
    NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION,
};

use super::error::{is_absent, is_lost};
use crate::meter::Depth;

/// The way to a reading that NVML offers twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Via {
    /// A field of `nvmlDeviceGetFieldValues`, which are read together in one call.
    Field,
    /// A call of its own, on older drivers.
    Call,
}

/// What one GPU can tell.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Capabilities {
    /// The way to [`Channel::Energy`].
    pub(super) energy: Option<Via>,
    /// The way to [`Channel::Power`].
    pub(super) power: Option<Via>,
    /// Whether [`Channel::PowerAverage`] exists.
    pub(super) power_average: bool,
    /// Whether [`Channel::MemoryTemperature`] exists.
    pub(super) memory_temperature: bool,
    /// The calls that work, read now and then.
    pub(super) calls: Vec<Call>,
}

impl Capabilities {
    /// Asks a GPU for everything once. Fails only where the GPU is gone.
    pub(super) fn probe(gpu: &Device<'_>) -> Result<Self, NvmlError> {
        let energy_field = exists(read_field(gpu, NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION))?;
        let power_field = exists(read_field(gpu, NVML_FI_DEV_POWER_INSTANT).and_then(positive))?;
        let energy = if energy_field {
            Some(Via::Field)
        } else {
            exists(gpu.total_energy_consumption())?.then_some(Via::Call)
        };
        let power =
            if power_field { Some(Via::Field) } else { exists(power_by_call(gpu))?.then_some(Via::Call) };
        let mut calls = Vec::new();
        for call in Call::ALL {
            if exists(call.read(gpu, &mut Sample::at(0)))? {
                calls.push(call);
            }
        }
        Ok(Self {
            energy,
            power,
            power_average: exists(read_field(gpu, NVML_FI_DEV_POWER_AVERAGE).and_then(positive))?,
            memory_temperature: exists(read_field(gpu, NVML_FI_DEV_MEMORY_TEMP).and_then(positive))?,
            calls,
        })
    }

    /// The channels that exist.
    pub(super) fn channels(&self) -> Vec<Channel> {
        let exists = |channel: &Channel| match channel {
            Channel::Energy => self.energy.is_some(),
            Channel::Power => self.power.is_some(),
            Channel::PowerAverage => self.power_average,
            Channel::MemoryTemperature => self.memory_temperature,
            other => self.calls.iter().any(|call| call.channels().contains(other)),
        };
        Channel::ALL.into_iter().filter(exists).collect()
    }

    /// The fields to read at a depth, all in one call.
    pub(super) fn fields(&self, depth: Depth) -> Vec<FieldId> {
        let counted = self.energy.is_some();
        let wanted = [
            (NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION, self.energy == Some(Via::Field)),
            (NVML_FI_DEV_POWER_INSTANT, self.power == Some(Via::Field) && (depth > Depth::Edge || !counted)),
            (NVML_FI_DEV_POWER_AVERAGE, self.power_average && depth > Depth::Edge),
            (NVML_FI_DEV_MEMORY_TEMP, self.memory_temperature && depth == Depth::Full),
        ];
        wanted.into_iter().filter(|(_, wanted)| *wanted).map(|(id, _)| FieldId(id)).collect()
    }
}

/// Turns the answer to a probe into a capability; fails where the GPU is gone.
fn exists<T>(answer: Result<T, NvmlError>) -> Result<bool, NvmlError> {
    match answer {
        Ok(_) => Ok(true),
        Err(error) if is_lost(&error) => Err(error),
        Err(error) => Ok(!is_absent(&error)),
    }
}

/// No board draws 0 W and no memory in use is at 0 degrees: some drivers answer 0 where there is no sensor.
fn positive(value: u64) -> Result<u64, NvmlError> {
    if value > 0 { Ok(value) } else { Err(NvmlError::NotSupported) }
}

/// One field of one GPU.
fn read_field(gpu: &Device<'_>, id: u32) -> Result<u64, NvmlError> {
    let answers = gpu.field_values_for(&[FieldId(id)])?;
    let answer = answers.into_iter().next().ok_or(NvmlError::NotSupported)??;
    field_value(&answer.value?).ok_or(NvmlError::NotSupported)
}

/// The value of a field as the whole number that all fields read here are.
pub(super) fn field_value(value: &SampleValue) -> Option<u64> {
    match *value {
        SampleValue::U32(value) => Some(u64::from(value)),
        SampleValue::U64(value) => Some(value),
        SampleValue::I64(value) => u64::try_from(value).ok(),
        SampleValue::F64(_) => None,
    }
}

/// `nvmlDeviceGetPowerUsage` in mW.
pub(super) fn power_by_call(gpu: &Device<'_>) -> Result<u64, NvmlError> {
    gpu.power_usage().map(u64::from).and_then(positive)
}

/// A reading that has a call of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Temperature,
    SmClock,
    MemoryClock,
    Utilization,
    MemoryUsed,
    ThrottleReasons,
    PowerViolation,
    ThermalViolation,
}

impl Call {
    const ALL: [Self; 8] = [
        Self::Temperature,
        Self::SmClock,
        Self::MemoryClock,
        Self::Utilization,
        Self::MemoryUsed,
        Self::ThrottleReasons,
        Self::PowerViolation,
        Self::ThermalViolation,
    ];

    /// What the call tells.
    fn channels(self) -> &'static [Channel] {
        match self {
            Self::Temperature => &[Channel::Temperature],
            Self::SmClock => &[Channel::SmClock],
            Self::MemoryClock => &[Channel::MemoryClock],
            Self::Utilization => &[Channel::Utilization, Channel::MemoryUtilization],
            Self::MemoryUsed => &[Channel::MemoryUsed],
            Self::ThrottleReasons => &[Channel::ThrottleReasons],
            Self::PowerViolation => &[Channel::PowerViolation],
            Self::ThermalViolation => &[Channel::ThermalViolation],
        }
    }

    /// Makes the call and records what it tells.
    pub(super) fn read(self, gpu: &Device<'_>, sample: &mut Sample) -> Result<(), NvmlError> {
        let value = match self {
            Self::Temperature => f64::from(gpu.temperature(TemperatureSensor::Gpu)?),
            Self::SmClock => f64::from(gpu.clock_info(Clock::SM)?),
            Self::MemoryClock => f64::from(gpu.clock_info(Clock::Memory)?),
            Self::Utilization => {
                let rates = gpu.utilization_rates()?;
                sample.set(Channel::MemoryUtilization, f64::from(rates.memory));
                f64::from(rates.gpu)
            }
            Self::MemoryUsed => float(gpu.memory_info()?.used),
            Self::ThrottleReasons => float(gpu.current_throttle_reasons()?.bits()),
            Self::PowerViolation => violation_s(gpu, PerformancePolicy::Power)?,
            Self::ThermalViolation => violation_s(gpu, PerformancePolicy::Thermal)?,
        };
        sample.set(self.channels()[0], value);
        Ok(())
    }
}

/// Time held down by a policy, in seconds (`nvmlViolationTime_t::violationTime` is in nanoseconds).
fn violation_s(gpu: &Device<'_>, policy: PerformancePolicy) -> Result<f64, NvmlError> {
    Ok(float(gpu.violation_status(policy)?.violation_time) * 1e-9)
}

/// A whole number as a float.
#[expect(clippy::cast_precision_loss, reason = "bytes, bits and millijoules stay below 2^53")]
pub(super) fn float(value: u64) -> f64 {
    value as f64
}
