//! The energy of a window, from the counter and from power, each with an uncertainty.
//!
//! The counter is the primary figure and the integral of power the check; both are kept. The stated uncertainty is
//! expanded (k = 2, about 95 %) and covers what the trace can know: where the edges of the window fall between
//! updates of the sensor. It does not cover the sensor's own gain, which is constant for one board and was found
//! to be up to about 5 % against an external meter (Yang, Adamek and Armour, SC24, arXiv 2312.02741): compare one
//! board with itself.

use serde::{Deserialize, Serialize};

use crate::curve::{Curve, Edge, Knot, median};
use crate::device::{DeviceInfo, Provenance};
use crate::sample::Channel;
use crate::sensor::Sensor;
use crate::ticks::{Tick, Ticks};
use crate::trace::Trace;
use crate::units::{Joules, seconds};
use crate::{counter, integral};

/// Coverage factor of every stated uncertainty: about 95 % of a normal distribution.
pub const COVERAGE_FACTOR: f64 = 2.0;

/// The least relative uncertainty of an energy that comes from a model of utilization: such estimates were found to be
/// off by 27 to 37 % (arXiv 2506.14551) and by up to 40 % (arXiv 2509.22092).
pub const ESTIMATE_UNCERTAINTY: f64 = 0.4;

/// How many periods of the counter before and after an edge tell how power swings there.
const BESIDE: i64 = 10;

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
/// An estimate is given the uncertainty of its model, beside which that of the edges is nothing.
pub fn window_energy(device: &DeviceInfo, trace: &Trace, start_ns: i64, end_ns: i64) -> WindowEnergy {
    let found = from_trace(trace, Sensor::of(device), start_ns, end_ns);
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

fn from_trace(trace: &Trace, sensor: Sensor, start_ns: i64, end_ns: i64) -> WindowEnergy {
    if end_ns <= start_ns {
        return WindowEnergy::default();
    }
    WindowEnergy {
        counter: from_counter(trace, start_ns, end_ns),
        integral: integral::from_power(trace, sensor, start_ns, end_ns),
    }
}

fn from_counter(trace: &Trace, start_ns: i64, end_ns: i64) -> Option<EnergyEstimate> {
    let mut ticks = counter::ticks(trace)?;
    let period_ns = ticks.period_ns()?;
    let first = ticks.ticks.first()?;
    let still_ns = first.t_ns - first.half_width_ns;
    ticks.place(period_ns);
    let curve =
        counted(&ticks, period_ns, still_ns, trace.channel(Channel::Power).next().map(|(_, watts)| watts))?;
    let edge = |t_ns: i64| curve.at(t_ns, uneven_w(&curve, trace, period_ns, t_ns));
    let (start, end) = (edge(start_ns)?, edge(end_ns)?);
    // What was counted is certain, and when is not: uniform within the bounds of the ticks.
    let timing_j = |edge: Edge| (edge.power_w + edge.step_w) * edge.timing_s / 3f64.sqrt();
    let errors = [start.shape_j, end.shape_j, timing_j(start), timing_j(end)];
    let standard_error_j = errors.iter().map(|error| error * error).sum::<f64>().sqrt();
    Some(EnergyEstimate {
        energy: Joules((end.energy_j - start.energy_j).max(0.0)),
        uncertainty: Joules(COVERAGE_FACTOR * standard_error_j),
    })
}

/// How much power swings between the ticks beside an edge, as far as readings of power show it: a sensor that sees a part
/// of each period then tells something else than the counter does. The median takes no step or spike for swinging.
fn uneven_w(curve: &Curve, trace: &Trace, period_ns: i64, t_ns: i64) -> f64 {
    let beside = trace.between(t_ns - BESIDE * period_ns, t_ns + BESIDE * period_ns);
    let differences = beside
        .iter()
        .filter_map(|sample| Some((sample.get(Channel::Power)? - curve.power_at_w(sample.t_ns)?).abs()));
    median(&mut differences.collect::<Vec<f64>>()).unwrap_or(0.0)
}

/// The ticks of a counter as energy over time. Ticks are regular, and a window may begin right after sampling began and
/// end right before it ended, so there is one more of them before the first and one after the last; the power that was
/// read first says what was drawn before. Until `still_ns` the counter was seen not to move.
fn counted(found: &Ticks, period_ns: i64, still_ns: i64, first_w: Option<f64>) -> Option<Curve> {
    let (first, last) = (found.ticks.first()?, found.ticks.last()?);
    let knot =
        |tick: &Tick| Knot { t_ns: tick.t_ns, half_width_ns: tick.half_width_ns, energy_j: tick.value };
    // Ticks that were not seen hide between that moment and the first one that was.
    let hidden = (first.t_ns - still_ns) / period_ns;
    let before_ns = first.t_ns - (hidden + 1) * period_ns;
    let before = Knot { t_ns: before_ns, energy_j: found.before?, ..knot(first) };
    let earlier = first_w.map(|watts| Knot {
        t_ns: before.t_ns - period_ns,
        energy_j: before.energy_j - watts * seconds(period_ns),
        ..before
    });
    let mut knots: Vec<Knot> =
        earlier.into_iter().chain([before]).chain(found.ticks.iter().map(knot)).collect();
    let previous = knots[knots.len() - 2];
    let power_w = (last.value - previous.energy_j) / seconds(last.t_ns - previous.t_ns);
    knots.push(Knot {
        t_ns: last.t_ns + period_ns,
        half_width_ns: last.half_width_ns + period_ns / 2,
        energy_j: last.value + power_w * seconds(period_ns),
    });
    Curve::new(knots, period_ns / 2)
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
        let found = from_trace(&trace, Sensor::default(), 1_013 * MS, 11_013 * MS).counter.expect("covered");
        assert!((found.energy.0 - 2_000.0).abs() < 1.0, "{found:?}");
        assert_within(found, 2_000.0);
    }

    #[test]
    fn dense_polling_narrows_the_uncertainty() {
        let coarse = from_trace(
            &counter_trace(100, 37, 50, 3_000, |t| 200.0 * t),
            Sensor::default(),
            505 * MS,
            2_505 * MS,
        );
        let dense = from_trace(
            &counter_trace(100, 37, 2, 3_000, |t| 200.0 * t),
            Sensor::default(),
            505 * MS,
            2_505 * MS,
        );
        let (coarse, dense) = (coarse.counter.expect("covered"), dense.counter.expect("covered"));
        assert!(dense.uncertainty.0 < coarse.uncertainty.0 / 10.0, "{dense:?} {coarse:?}");
        assert_within(dense, 400.0);
    }

    #[test]
    fn a_window_may_begin_with_the_first_reading() {
        let trace = counter_trace(100, 37, 2, 3_000, |t| 150.0 * t);
        assert_within(from_trace(&trace, Sensor::default(), 0, 2_000 * MS).counter.expect("covered"), 300.0);
    }

    #[test]
    fn a_window_outside_of_the_trace_has_no_energy() {
        let trace = counter_trace(100, 0, 50, 1_000, |t| 200.0 * t);
        assert_eq!(from_trace(&trace, Sensor::default(), 500 * MS, 3_000 * MS), WindowEnergy::default());
        assert_eq!(from_trace(&trace, Sensor::default(), 700 * MS, 700 * MS), WindowEnergy::default());
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
            let part = |a: i64, b: i64| from_trace(&trace, Sensor::default(), a * MS, b * MS).counter.expect("covered").energy.0;
            prop_assert!((part(start, middle) + part(middle, end) - part(start, end)).abs() < 1e-6);
        }

        #[test]
        fn the_uncertainty_covers_a_varying_load(
            phase in 0i64..100, start in 200i64..1_500, length in 1_000i64..6_000, swing in 0.0f64..80.0
        ) {
            let energy = |t: f64| 100.0 * t - swing / 7.0 * (7.0 * t).cos();
            let trace = counter_trace(100, phase, 20, 8_000, energy);
            let (a, b) = (start * MS, (start + length) * MS);
            let found = from_trace(&trace, Sensor::default(), a, b).counter.expect("covered");
            let truth = energy(seconds(b)) - energy(seconds(a));
            // Twice the k = 2 interval: a property must hold for every case, not for 95 of 100.
            prop_assert!((found.energy.0 - truth).abs() <= 2.0 * found.uncertainty.0 + 1e-3, "{found:?} {truth}");
        }
    }
}
