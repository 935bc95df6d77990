//! The energy of a window, from the counter and from power, each with an uncertainty.
//!
//! The counter is the primary figure and the integral of power the check; both are kept. The stated uncertainty is
//! expanded (k = 2, about 95 %) and covers what the trace can know: where the edges of the window fall between
//! updates of the sensor. It does not cover the sensor's own gain, which is constant for one board and was found
//! to be up to about 5 % against an external meter (Yang, Adamek and Armour, SC24, arXiv 2312.02741): compare one
//! board with itself.

use serde::{Deserialize, Serialize};

use crate::counter::{Tick, Ticks};
use crate::device::{DeviceInfo, Provenance};
use crate::integral;
use crate::sample::Channel;
use crate::trace::Trace;
use crate::units::{Joules, seconds};

/// Coverage factor of every stated uncertainty: about 95 % of a normal distribution.
pub const COVERAGE_FACTOR: f64 = 2.0;

/// The least relative uncertainty of an energy that comes from a model of utilization: such estimates were found to be
/// off by 27 to 37 % (arXiv 2506.14551) and by up to 40 % (arXiv 2509.22092).
pub const ESTIMATE_UNCERTAINTY: f64 = 0.4;

/// An energy and its expanded uncertainty (k = 2).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EnergyEstimate {
    /// The energy.
    pub energy: Joules,
    /// Half the width of the interval that holds the energy with about 95 % probability, sensor gain excepted.
    pub uncertainty: Joules,
}

/// The energy of one device in one window.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct WindowEnergy {
    /// From the energy counter; absent without one, when it was reset, or when the trace does not reach the edges.
    pub counter: Option<EnergyEstimate>,
    /// From integrated power; absent without power, or when the trace does not reach the edges.
    pub integral: Option<EnergyEstimate>,
}

impl WindowEnergy {
    /// The figure to report: the counter's, else the integral's.
    pub fn best(&self) -> Option<EnergyEstimate> {
        self.counter.or(self.integral)
    }

    /// What the reported figure was taken from.
    pub fn method(&self) -> Option<&'static str> {
        self.counter.map(|_| "counter").or(self.integral.map(|_| "power"))
    }
}

/// Cuts the window `[start_ns, end_ns]` out of the trace of a device.
///
/// Averaged power describes the past, on average half its window ago, and is moved back by that much. An estimate is
/// given the uncertainty of its model, beside which that of the edges is nothing.
pub fn window_energy(device: &DeviceInfo, trace: &Trace, start_ns: i64, end_ns: i64) -> WindowEnergy {
    let found = from_trace(trace, start_ns, end_ns, device.power_averaging_ms);
    match device.provenance {
        Provenance::Measured | Provenance::Simulated => found,
        Provenance::Estimated => {
            WindowEnergy { counter: found.counter.map(estimated), integral: found.integral.map(estimated) }
        }
    }
}

fn estimated(found: EnergyEstimate) -> EnergyEstimate {
    let of_model = found.energy.0 * ESTIMATE_UNCERTAINTY;
    EnergyEstimate { uncertainty: Joules(found.uncertainty.0.max(of_model)), ..found }
}

fn from_trace(trace: &Trace, start_ns: i64, end_ns: i64, power_averaging_ms: Option<u32>) -> WindowEnergy {
    if end_ns <= start_ns {
        return WindowEnergy::default();
    }
    WindowEnergy {
        counter: from_counter(trace, start_ns, end_ns),
        integral: integral::from_power(trace, Channel::Power, start_ns, end_ns, power_averaging_ms),
    }
}

fn from_counter(trace: &Trace, start_ns: i64, end_ns: i64) -> Option<EnergyEstimate> {
    let curve = Curve::new(&Ticks::find(trace)?)?;
    let (start, end) = (curve.at(start_ns)?, curve.at(end_ns)?);
    Some(EnergyEstimate {
        energy: Joules((end.energy_j - start.energy_j).max(0.0)),
        uncertainty: Joules(COVERAGE_FACTOR * start.standard_error_j.hypot(end.standard_error_j)),
    })
}

/// Energy over time as straight lines between ticks.
struct Curve {
    ticks: Vec<Tick>,
    period_ns: i64,
}

/// The counter as it would have read at a moment between ticks, with its standard error.
struct Edge {
    energy_j: f64,
    standard_error_j: f64,
}

impl Curve {
    /// Extends the ticks by one before the first and one after the last, a period away: ticks are regular, and a
    /// window may begin right after sampling began.
    fn new(found: &Ticks) -> Option<Self> {
        let (first, last, before_j) = (*found.ticks.first()?, *found.ticks.last()?, found.before_j?);
        let period_ns = found.period_ns()?;
        let mut ticks = Vec::with_capacity(found.ticks.len() + 2);
        ticks.push(Tick { t_ns: first.t_ns - period_ns, energy_j: before_j, ..first });
        ticks.extend_from_slice(&found.ticks);
        let previous_j = ticks[ticks.len() - 2].energy_j;
        let span_ns = last.t_ns - ticks[ticks.len() - 2].t_ns;
        let next_j = last.energy_j + (last.energy_j - previous_j) * seconds(period_ns) / seconds(span_ns);
        let half_width_ns = last.half_width_ns + period_ns / 2;
        ticks.push(Tick { t_ns: last.t_ns + period_ns, energy_j: next_j, half_width_ns });
        Some(Self { ticks, period_ns })
    }

    /// Interpolates; `None` where the trace says nothing (more than half a period outside of its ticks).
    ///
    /// The error has two parts, both taken as uniform within their bounds: when the two ticks happened, and that
    /// power may have changed between them (at most by what it differs from its neighbours).
    fn at(&self, t_ns: i64) -> Option<Edge> {
        let slack_ns = self.period_ns / 2;
        let (first, last) = (self.ticks.first()?, self.ticks.last()?);
        if t_ns < first.t_ns - slack_ns || t_ns > last.t_ns + slack_ns {
            return None;
        }
        let after = self.ticks.partition_point(|tick| tick.t_ns <= t_ns).clamp(1, self.ticks.len() - 1);
        let (a, b) = (self.ticks[after - 1], self.ticks[after]);
        let span_s = seconds(b.t_ns - a.t_ns);
        let fraction = seconds(t_ns - a.t_ns) / span_s;
        let power_w = (b.energy_j - a.energy_j) / span_s;
        let timing_j = power_w
            * ((1.0 - fraction) * seconds(a.half_width_ns)).hypot(fraction * seconds(b.half_width_ns))
            / 3f64.sqrt();
        let shape_j =
            self.power_step_w(after, power_w) * span_s * (fraction * (1.0 - fraction)).abs() / 3f64.sqrt();
        Some(Edge {
            energy_j: a.energy_j + (b.energy_j - a.energy_j) * fraction,
            standard_error_j: timing_j.hypot(shape_j),
        })
    }

    /// The largest difference between the mean power up to tick `after` and that of the neighbouring intervals.
    fn power_step_w(&self, after: usize, power_w: f64) -> f64 {
        let mean_w = |end: usize| {
            let (a, b) = (self.ticks.get(end.checked_sub(1)?)?, self.ticks.get(end)?);
            Some((b.energy_j - a.energy_j) / seconds(b.t_ns - a.t_ns))
        };
        [mean_w(after - 1), mean_w(after + 1)]
            .into_iter()
            .flatten()
            .map(|neighbour| (neighbour - power_w).abs())
            .fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sample::Sample;

    const MS: i64 = 1_000_000;

    /// A counter that ticks every `period_ms`, read every `poll_ms` from 0 to `end_ms`, of a load with `power_w(t)`.
    fn counter_trace(
        period_ms: i64,
        phase_ms: i64,
        poll_ms: i64,
        end_ms: i64,
        energy_j: impl Fn(f64) -> f64,
    ) -> Trace {
        Trace::new((0..=end_ms / poll_ms).map(|i| {
            let t_ms = i * poll_ms;
            let tick_ms = (t_ms - phase_ms).div_euclid(period_ms) * period_ms + phase_ms;
            Sample::at(t_ms * MS).with(Channel::Energy, 1e6 + energy_j(seconds(tick_ms * MS)))
        }))
    }

    fn assert_within(estimate: EnergyEstimate, truth_j: f64) {
        let error_j = (estimate.energy.0 - truth_j).abs();
        assert!(
            error_j <= estimate.uncertainty.0,
            "{estimate:?} is not within its uncertainty of {truth_j} J"
        );
    }

    #[test]
    fn a_constant_power_gives_power_times_time_far_below_one_tick() {
        let trace = counter_trace(100, 37, 50, 12_000, |t| 200.0 * t);
        let found = from_trace(&trace, 1_013 * MS, 11_013 * MS, None).counter.expect("covered");
        assert!((found.energy.0 - 2_000.0).abs() < 1.0, "{found:?}");
        assert_within(found, 2_000.0);
    }

    #[test]
    fn dense_polling_narrows_the_uncertainty() {
        let coarse =
            from_trace(&counter_trace(100, 37, 50, 3_000, |t| 200.0 * t), 505 * MS, 2_505 * MS, None);
        let dense = from_trace(&counter_trace(100, 37, 2, 3_000, |t| 200.0 * t), 505 * MS, 2_505 * MS, None);
        let (coarse, dense) = (coarse.counter.expect("covered"), dense.counter.expect("covered"));
        assert!(dense.uncertainty.0 < coarse.uncertainty.0 / 10.0, "{dense:?} {coarse:?}");
        assert_within(dense, 400.0);
    }

    #[test]
    fn a_window_may_begin_with_the_first_reading() {
        let trace = counter_trace(100, 37, 2, 3_000, |t| 150.0 * t);
        assert_within(from_trace(&trace, 0, 2_000 * MS, None).counter.expect("covered"), 300.0);
    }

    #[test]
    fn a_window_outside_of_the_trace_has_no_energy() {
        let trace = counter_trace(100, 0, 50, 1_000, |t| 200.0 * t);
        assert_eq!(from_trace(&trace, 500 * MS, 3_000 * MS, None), WindowEnergy::default());
        assert_eq!(from_trace(&trace, 700 * MS, 700 * MS, None), WindowEnergy::default());
    }

    #[test]
    fn the_counter_is_preferred_and_the_integral_is_kept() {
        let estimate = |j| Some(EnergyEstimate { energy: Joules(j), uncertainty: Joules(0.1) });
        let both = WindowEnergy { counter: estimate(10.0), integral: estimate(11.0) };
        assert_eq!((both.best(), both.method()), (estimate(10.0), Some("counter")));
        let power = WindowEnergy { counter: None, ..both };
        assert_eq!((power.best(), power.method()), (estimate(11.0), Some("power")));
        assert_eq!(WindowEnergy::default().best(), None);
    }

    #[test]
    fn an_estimate_has_the_uncertainty_of_its_model() {
        let device = |provenance| DeviceInfo {
            id: "estimate:cpu".into(),
            name: "CPU".into(),
            kind: crate::DeviceKind::Cpu,
            source: crate::PowerSource::Estimate,
            provenance,
            index: None,
            channels: vec![Channel::Energy],
            power_averaging_ms: None,
            facts: std::collections::BTreeMap::default(),
        };
        let trace = counter_trace(100, 0, 2, 3_000, |t| 50.0 * t);
        let best = |provenance| {
            window_energy(&device(provenance), &trace, 500 * MS, 2_500 * MS).best().expect("covered")
        };
        let estimated = best(Provenance::Estimated);
        assert!((estimated.uncertainty.0 - 0.4 * estimated.energy.0).abs() < 1e-9, "{estimated:?}");
        assert!(best(Provenance::Measured).uncertainty.0 < 0.5);
    }

    proptest! {
        #[test]
        fn windows_that_meet_add_up(
            phase in 0i64..100, start in 0i64..1_000, middle in 1_100i64..3_000, end in 3_100i64..4_500
        ) {
            let trace = counter_trace(100, phase, 7, 5_000, |t| 90.0 * t + 20.0 * t.sin());
            let part = |a: i64, b: i64| from_trace(&trace, a * MS, b * MS, None).counter.expect("covered").energy.0;
            prop_assert!((part(start, middle) + part(middle, end) - part(start, end)).abs() < 1e-6);
        }

        #[test]
        fn the_uncertainty_covers_a_varying_load(
            phase in 0i64..100, start in 200i64..1_500, length in 1_000i64..6_000, swing in 0.0f64..80.0
        ) {
            let energy = |t: f64| 100.0 * t - swing / 7.0 * (7.0 * t).cos();
            let trace = counter_trace(100, phase, 20, 8_000, energy);
            let (a, b) = (start * MS, (start + length) * MS);
            let found = from_trace(&trace, a, b, None).counter.expect("covered");
            let truth = energy(seconds(b)) - energy(seconds(a));
            // Twice the k = 2 interval: a property must hold for every case, not for 95 of 100.
            prop_assert!((found.energy.0 - truth).abs() <= 2.0 * found.uncertainty.0 + 1e-3, "{found:?} {truth}");
        }
    }
}
