//! The simulated GPU for Rust: readings at any time that is asked for, without the C ABI and without waiting.

use lem_measure::signal::Signal;

use crate::board::{Board, Moment};
use crate::config::Config;

/// A simulated GPU. Times are `CLOCK_MONOTONIC` in nanoseconds, as its signal's.
#[derive(Debug, Clone, PartialEq)]
pub struct Gpu(Board);

impl Gpu {
    /// The first GPU of a configuration, in the JSON of the library.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let config = Config::from_json(text)?.gpus.into_iter().next().ok_or("there is no GPU")?;
        Ok(Self(Board { config, index: 0 }))
    }

    /// The energy counter in joules, where there is one.
    pub fn counter_j(&self, t_ns: i64) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "2^53 mJ are 300 years at 1 kW")]
        self.0.counter_mj(at(t_ns)).map(|mj| mj as f64 * 1e-3)
    }

    /// The most immediate power in watts: field 186, else `nvmlDeviceGetPowerUsage`.
    pub fn power_w(&self, t_ns: i64) -> Option<f64> {
        self.0.instant_mw(at(t_ns)).or_else(|| self.0.usage_mw(at(t_ns))).map(watts)
    }

    /// Power averaged over a second in watts: field 185.
    pub fn average_w(&self, t_ns: i64) -> Option<f64> {
        self.0.average_mw(at(t_ns)).map(watts)
    }

    /// The averaging window of [`Self::power_w`] in milliseconds, where nvml.h documents one.
    pub fn power_averaging_ms(&self) -> Option<u32> {
        let averaged = self.0.instant_mw(at(0)).is_none() && self.0.usage_is_average();
        averaged.then_some(crate::board::AVERAGE_MS)
    }

    /// The CUDA compute capability.
    pub fn compute_capability(&self) -> String {
        let (major, minor) = self.0.generation().1;
        format!("{major}.{minor}")
    }

    /// The true power.
    pub fn signal(&self) -> &Signal {
        &self.0.config.signal
    }
}

fn at(t_ns: i64) -> Moment {
    Moment { t_ns, init_ns: 0 }
}

fn watts(milliwatts: u32) -> f64 {
    f64::from(milliwatts) * 1e-3
}
