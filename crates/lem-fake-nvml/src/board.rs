//! One simulated GPU: what its sensors show at a time. Pure: times are passed in.
//!
//! The sensors are those that were measured on real boards (Yang, Adamek, Armour: "Part-time Power Measurements",
//! SC24, arXiv 2312.02741): they update at intervals, and average over a window that may be shorter or longer.

use crate::config::{Architecture, GpuConfig};

/// When a reading is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Moment {
    /// `CLOCK_MONOTONIC` in nanoseconds.
    pub(crate) t_ns: i64,
    /// The same clock when the library was initialised.
    pub(crate) init_ns: i64,
}

impl Moment {
    /// Whether a time that is given in seconds after initialisation has come, and when it was.
    fn since(self, after_s: Option<f64>) -> Option<i64> {
        let at_ns = self.init_ns + nanoseconds(after_s?);
        (self.t_ns >= at_ns).then_some(at_ns)
    }
}

/// A simulated GPU.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Board {
    pub(crate) config: GpuConfig,
    pub(crate) index: u32,
}

/// Sensors of a generation: update interval and window of the immediate reading in milliseconds, whether fields 186
/// and 185 exist, and whether `nvmlDeviceGetPowerUsage` averages over a second.
struct Sensors {
    update_ms: u32,
    window_ms: u32,
    instant: bool,
    average: bool,
    usage_is_average: bool,
}

/// The window of averaged readings (nvml.h, field 185).
pub(crate) const AVERAGE_MS: u32 = 1000;

impl Board {
    /// Whether the GPU has fallen off the bus.
    pub(crate) fn is_lost(&self, at: Moment) -> bool {
        at.since(self.config.lost_after_s).is_some()
    }

    /// The first critical error that occurs later than `after_ns` and has occurred by now: when, and its number.
    pub(crate) fn next_xid(&self, after_ns: i64, at: Moment) -> Option<(i64, u64)> {
        let occurred =
            self.config.xids.iter().filter_map(|xid| Some((at.since(Some(xid.after_s))?, xid.xid)));
        occurred.filter(|(t_ns, _)| *t_ns > after_ns).min()
    }

    /// The energy counter in mJ, where there is one: whole millijoules as of its last move.
    pub(crate) fn counter_mj(&self, at: Moment) -> Option<u64> {
        if !self.config.counter_present {
            return None;
        }
        let phase_ns = i64::from(self.config.counter_phase_ms) * 1_000_000;
        let moved_ns = last_update(at.t_ns - phase_ns, self.config.counter_update_ms) + phase_ns;
        let zero_ns = at.since(self.config.reset_after_s).unwrap_or(0);
        let energy_j = self.config.signal.energy_j(zero_ns, moved_ns.max(zero_ns));
        Some(whole(energy_j * (1.0 + self.config.gain_error) * 1000.0))
    }

    /// Field 186 in mW.
    pub(crate) fn instant_mw(&self, at: Moment) -> Option<u32> {
        let present = self.config.instant_present.unwrap_or(self.sensors().instant);
        present.then(|| self.immediate_mw(at))
    }

    /// Field 185 in mW.
    pub(crate) fn average_mw(&self, at: Moment) -> Option<u32> {
        let present = self.config.average_present.unwrap_or(self.sensors().average);
        present.then(|| self.sensed_mw(at, AVERAGE_MS))
    }

    /// `nvmlDeviceGetPowerUsage` in mW.
    pub(crate) fn usage_mw(&self, at: Moment) -> Option<u32> {
        let averaged = self.sensors().usage_is_average;
        let read = || if averaged { self.sensed_mw(at, AVERAGE_MS) } else { self.immediate_mw(at) };
        self.config.power_present.then(read)
    }

    /// Whether `nvmlDeviceGetPowerUsage` averages over a second.
    pub(crate) fn usage_is_average(&self) -> bool {
        self.sensors().usage_is_average
    }

    /// Temperature in whole degrees Celsius, as sensors show it.
    pub(crate) fn temperature_c(&self, at: Moment) -> Option<u32> {
        let config = &self.config;
        let heat_w = config.signal.lagged_w(at.t_ns, config.time_constant_s);
        let present = config.temperature_present;
        present.then(|| narrow(whole(config.ambient_c + config.c_per_w * heat_w)))
    }

    /// Share of the power limit that is drawn, in percent: what stands for utilization here.
    pub(crate) fn utilization_pct(&self, at: Moment) -> u32 {
        let share = self.config.signal.power_w(at.t_ns) / self.config.power_limit_w.max(1.0);
        narrow(whole((share * 100.0).min(100.0)))
    }

    /// Time held down by the power limit since time 0, in nanoseconds.
    pub(crate) fn power_violation_ns(&self, at: Moment) -> u64 {
        whole(seconds(at.t_ns) * self.config.throttled_share * 1e9)
    }

    /// The numbers of `nvmlDeviceGetArchitecture` and the CUDA compute capability.
    pub(crate) fn generation(&self) -> (u32, (i32, i32)) {
        match self.config.architecture {
            Architecture::Pascal => (4, (6, 0)),
            Architecture::Volta => (5, (7, 0)),
            Architecture::Turing => (6, (7, 5)),
            Architecture::Ampere => (7, (8, 0)),
            Architecture::Ga10x => (7, (8, 6)),
            Architecture::Ada => (8, (8, 9)),
            Architecture::Hopper => (9, (9, 0)),
            Architecture::Blackwell => (10, (10, 0)),
        }
    }

    /// Whether MIG is enabled, on boards that have it.
    pub(crate) fn mig(&self) -> Option<bool> {
        let has = matches!(
            self.config.architecture,
            Architecture::Ampere | Architecture::Hopper | Architecture::Blackwell
        );
        self.config.mig.or(has.then_some(false))
    }

    /// The power limit in mW.
    pub(crate) fn power_limit_mw(&self) -> u32 {
        narrow(whole(self.config.power_limit_w * 1000.0))
    }

    /// The UUID, in the form that NVML uses.
    pub(crate) fn uuid(&self) -> String {
        let default = || format!("GPU-1e30fa4e-0000-4000-8000-{:012x}", self.index);
        self.config.uuid.clone().unwrap_or_else(default)
    }

    /// The address on the PCI bus: domain 0, one bus for each GPU.
    pub(crate) fn bus(&self) -> u32 {
        self.index + 1
    }

    fn sensors(&self) -> Sensors {
        let sensors = |update_ms, window_ms, instant, average, usage_is_average| Sensors {
            update_ms,
            window_ms,
            instant,
            average,
            usage_is_average,
        };
        match self.config.architecture {
            Architecture::Pascal | Architecture::Volta => sensors(20, 10, false, false, false),
            Architecture::Turing => sensors(100, 100, false, false, false),
            Architecture::Ampere => sensors(100, 25, true, false, false),
            Architecture::Ga10x | Architecture::Ada => sensors(100, 100, true, true, true),
            Architecture::Hopper | Architecture::Blackwell => sensors(100, 25, true, true, true),
        }
    }

    fn immediate_mw(&self, at: Moment) -> u32 {
        self.sensed_mw(at, self.config.instant_window_ms.unwrap_or(self.sensors().window_ms))
    }

    /// The mean over a window that ended with the last update, of power as the sensor follows it: its lag obeys
    /// `response * d(lagged)/dt = power - lagged`, so the mean of the lag is that of power less what it still owes.
    fn sensed_mw(&self, at: Moment, window_ms: u32) -> u32 {
        let (config, seen_ns) = (&self.config, i64::from(window_ms) * 1_000_000);
        let phase_ns = i64::from(config.sensor_phase_ms) * 1_000_000;
        let interval_ms = config.sensor_update_ms.unwrap_or(self.sensors().update_ms);
        let to_ns = last_update(at.t_ns - phase_ns, interval_ms) + phase_ns;
        let response_s = config.response_ms * 1e-3;
        let lagged_w = |t_ns| config.signal.lagged_w(t_ns, response_s);
        let watts = if response_s > 0.0 && seen_ns > 0 {
            let owed_j = response_s * (lagged_w(to_ns) - lagged_w(to_ns - seen_ns));
            config.signal.average_w(to_ns, seen_ns) - owed_j / seconds(seen_ns)
        } else if response_s > 0.0 {
            lagged_w(to_ns)
        } else {
            config.signal.average_w(to_ns, seen_ns)
        };
        narrow(whole((watts * (1.0 + config.gain_error) * 1000.0).round()))
    }
}

/// The last multiple of an interval; the time itself for an interval of 0.
fn last_update(t_ns: i64, interval_ms: u32) -> i64 {
    match i64::from(interval_ms) * 1_000_000 {
        0 => t_ns,
        step_ns => t_ns - t_ns.rem_euclid(step_ns),
    }
}

/// The whole part of a number; 0 for a negative one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, as is wanted"
)]
fn whole(value: f64) -> u64 {
    value.floor() as u64
}

fn narrow(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "2^53 ns are 104 days; the rest is a simulation's rounding")]
fn seconds(ns: i64) -> f64 {
    ns as f64 * 1e-9
}

#[expect(clippy::cast_possible_truncation, reason = "the cast saturates")]
fn nanoseconds(seconds: f64) -> i64 {
    (seconds * 1e9) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use lem_measure::signal::Signal;
    use proptest::prelude::*;

    fn board(config: GpuConfig) -> Board {
        Board { config, index: 0 }
    }

    fn at(t_ms: i64) -> Moment {
        Moment { t_ns: t_ms * 1_000_000, init_ns: 0 }
    }

    #[test]
    fn the_counter_stands_still_between_its_moves() {
        let signal = Signal::Constant { watts: 300.0 };
        let board = board(GpuConfig { signal, counter_phase_ms: 30, ..GpuConfig::default() });
        assert_eq!(board.counter_mj(at(1_030)), Some(309_000));
        assert_eq!(board.counter_mj(at(1_129)), Some(309_000));
        assert_eq!(board.counter_mj(at(1_130)), Some(339_000));
    }

    #[test]
    fn a_reset_starts_the_counter_again() {
        let signal = Signal::Constant { watts: 100.0 };
        let board = board(GpuConfig { signal, reset_after_s: Some(5.0), ..GpuConfig::default() });
        assert_eq!(board.counter_mj(at(4_900)), Some(490_000));
        assert_eq!(board.counter_mj(at(5_000)), Some(0));
        assert_eq!(board.counter_mj(at(5_200)), Some(20_000));
    }

    #[test]
    fn an_averaged_reading_lags_and_an_immediate_one_does_not() {
        let signal = Signal::Square { low_w: 100.0, high_w: 400.0, period_s: 8.0, duty: 0.5 };
        let board = board(GpuConfig { signal, ..GpuConfig::default() });
        assert_eq!(board.instant_mw(at(8_100)), Some(400_000));
        assert_eq!(board.average_mw(at(8_100)), Some(130_000), "a tenth of the second was high");
        assert_eq!(board.usage_mw(at(8_100)), board.average_mw(at(8_100)), "Hopper's usage is averaged");
    }

    #[test]
    fn a_sensor_that_responds_slowly_settles_on_the_same_power() {
        let signal = Signal::Square { low_w: 100.0, high_w: 400.0, period_s: 8.0, duty: 0.5 };
        let board = board(GpuConfig { signal, response_ms: 100.0, ..GpuConfig::default() });
        let read = |t_ms| board.instant_mw(at(t_ms)).expect("a reading");
        assert!((200_000..300_000).contains(&read(8_100)), "a time constant after the step: {}", read(8_100));
        assert!((399_999..=400_000).contains(&read(11_900)), "{}", read(11_900));
    }

    #[test]
    fn a_gain_is_wrong_for_power_and_energy_alike() {
        let signal = Signal::Constant { watts: 200.0 };
        let board = board(GpuConfig { signal, gain_error: -0.05, ..GpuConfig::default() });
        assert_eq!(
            (board.instant_mw(at(1_000)), board.counter_mj(at(1_000))),
            (Some(190_000), Some(190_000))
        );
    }

    #[test]
    fn older_boards_have_no_power_fields() {
        let board = board(GpuConfig { architecture: Architecture::Volta, ..GpuConfig::default() });
        assert_eq!((board.instant_mw(at(1000)), board.average_mw(at(1000))), (None, None));
        assert!(board.usage_mw(at(1000)).is_some());
    }

    proptest! {
        #[test]
        fn the_counter_never_goes_back(t_ms in 0_i64..10_000_000, later_ms in 0_i64..10_000) {
            let board = board(GpuConfig::default());
            prop_assert!(board.counter_mj(at(t_ms)) <= board.counter_mj(at(t_ms + later_ms)));
        }
    }
}
