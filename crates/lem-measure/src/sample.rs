//! One reading of one device.

use serde::{Deserialize, Serialize};

/// A quantity that a device can report over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, specta::Type)]
#[serde(rename = "DeviceChannel")]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Power in watts: the most immediate reading that the source has.
    Power,
    /// Power in watts averaged by the source over about one second.
    PowerAverage,
    /// Energy counter in joules since an arbitrary zero; never decreases within a trace.
    Energy,
    /// Temperature in degrees Celsius.
    Temperature,
    /// Temperature of the device memory in degrees Celsius.
    MemoryTemperature,
    /// Clock of the streaming multiprocessors in MHz.
    SmClock,
    /// Memory clock in MHz.
    MemoryClock,
    /// Share of the time in which the device was busy, in percent.
    Utilization,
    /// Share of the time in which device memory was read or written, in percent.
    MemoryUtilization,
    /// Device memory in use, in bytes.
    MemoryUsed,
    /// Bits of the reasons why clocks are held down (`nvmlClocksEventReasons`, an integer below 2^53).
    ThrottleReasons,
    /// Time spent held down by the power limit, in seconds since an arbitrary zero.
    PowerViolation,
    /// Time spent held down by temperature, in seconds since an arbitrary zero.
    ThermalViolation,
}

impl Channel {
    /// Every channel, in the order of storage.
    pub const ALL: [Self; 13] = [
        Self::Power,
        Self::PowerAverage,
        Self::Energy,
        Self::Temperature,
        Self::MemoryTemperature,
        Self::SmClock,
        Self::MemoryClock,
        Self::Utilization,
        Self::MemoryUtilization,
        Self::MemoryUsed,
        Self::ThrottleReasons,
        Self::PowerViolation,
        Self::ThermalViolation,
    ];

    /// How many channels there are.
    pub const COUNT: usize = Self::ALL.len();

    /// The name used in exports, with its unit.
    pub fn name(self) -> &'static str {
        match self {
            Self::Power => "power_w",
            Self::PowerAverage => "power_average_w",
            Self::Energy => "energy_j",
            Self::Temperature => "temperature_c",
            Self::MemoryTemperature => "memory_temperature_c",
            Self::SmClock => "sm_clock_mhz",
            Self::MemoryClock => "memory_clock_mhz",
            Self::Utilization => "utilization_pct",
            Self::MemoryUtilization => "memory_utilization_pct",
            Self::MemoryUsed => "memory_used_bytes",
            Self::ThrottleReasons => "throttle_reasons",
            Self::PowerViolation => "power_violation_s",
            Self::ThermalViolation => "thermal_violation_s",
        }
    }

    /// The smallest step that storage keeps: 1 mW, 1 uJ, 0.1 degrees, 1 MHz, 0.1 %, 1 byte, 1 bit, 1 us. Every
    /// source that is supported reports in steps at least this coarse.
    pub fn resolution(self) -> f64 {
        match self {
            Self::Power | Self::PowerAverage => 1e-3,
            Self::Energy | Self::PowerViolation | Self::ThermalViolation => 1e-6,
            Self::Temperature | Self::MemoryTemperature | Self::Utilization | Self::MemoryUtilization => 0.1,
            Self::SmClock | Self::MemoryClock | Self::MemoryUsed | Self::ThrottleReasons => 1.0,
        }
    }
}

/// One reading of one device: a time and the channels that were read then.
///
/// Channels that change slowly are read less often than power, so most samples hold only some of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// When the reading was taken: the middle of the call, `CLOCK_MONOTONIC`, in nanoseconds.
    pub t_ns: i64,
    values: [f64; Channel::COUNT],
}

impl Sample {
    /// A sample without any reading yet.
    pub fn at(t_ns: i64) -> Self {
        Self { t_ns, values: [f64::NAN; Channel::COUNT] }
    }

    /// The reading of `channel`, if it was taken.
    pub fn get(&self, channel: Channel) -> Option<f64> {
        let value = self.values[channel as usize];
        (!value.is_nan()).then_some(value)
    }

    /// Records a reading. A value that is not finite is no reading and is dropped.
    pub fn set(&mut self, channel: Channel, value: f64) {
        self.values[channel as usize] = if value.is_finite() { value } else { f64::NAN };
    }

    /// [`Self::set`], for building a sample in one expression.
    #[must_use]
    pub fn with(mut self, channel: Channel, value: f64) -> Self {
        self.set(channel, value);
        self
    }
}
