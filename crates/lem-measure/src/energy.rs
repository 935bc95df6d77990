//! The energy of a window, from the counter and from power, each with an uncertainty.
//!
//! The counter is the primary figure and the integral of power the check; both are kept. The stated uncertainty is
//! expanded (k = 2, about 95 %) and covers what the trace can know: where the edges of the window fall between
//! updates of the sensor. It does not cover the sensor's own gain, which is constant for one board and was found
//! to be up to about 5 % against an external meter (Yang, Adamek and Armour, SC24, arXiv 2312.02741): compare one
//! board with itself.

use serde::{Deserialize, Serialize};

use crate::counter;
use crate::curve::{Curve, Edge, Knot, median};
use crate::device::{DeviceInfo, Provenance};
use crate::integral::Power;
use crate::sample::Channel;
use crate::sensor::Sensor;
use crate::ticks::{Tick, Ticks};
use crate::trace::Trace;
use crate::units::{Joules, seconds};

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
    DeviceEnergy::of(device, trace).between(start_ns, end_ns)
}

/// The energy of one device over time: its trace, prepared once and cut as often as wanted.
pub struct DeviceEnergy<'a> {
    trace: &'a Trace,
    provenance: Provenance,
    counter: Option<Counted>,
    power: Option<Power>,
}

impl<'a> DeviceEnergy<'a> {
    /// Prepares the trace of a device.
    pub fn of(device: &DeviceInfo, trace: &'a Trace) -> Self {
        Self::prepare(trace, Sensor::of(device), device.provenance)
    }

    fn prepare(trace: &'a Trace, sensor: Sensor, provenance: Provenance) -> Self {
        Self { trace, provenance, counter: Counted::of(trace), power: Power::of(trace, sensor) }
    }

    /// The energy of the window `[start_ns, end_ns]`, as [`window_energy`] gives it.
    pub fn between(&self, start_ns: i64, end_ns: i64) -> WindowEnergy {
        if end_ns <= start_ns {
            return WindowEnergy::default();
        }
        WindowEnergy {
            counter: self.by_counter(start_ns, end_ns),
            integral: self
                .power
                .as_ref()
                .and_then(|power| power.between(start_ns, end_ns))
                .map(|e| self.own(e)),
        }
    }

    /// The energy of each stretch inside of a window, by the method and at the level that the energy of the window is
    /// reported by, so that stretches that fill the window add up to it. `None` where the window has no energy.
    ///
    /// Uncertainties are those of each stretch by itself. What makes one wrong makes those beside it wrong as well (a
    /// tick that is placed too late, a sensor that sees a part of the time), so that they are not independent.
    pub fn stretches(&self, window: (i64, i64), stretches: &[(i64, i64)]) -> Option<Vec<EnergyEstimate>> {
        let each = stretches.iter();
        if self.by_counter(window.0, window.1).is_some() {
            return each.map(|(start_ns, end_ns)| self.by_counter(*start_ns, *end_ns)).collect();
        }
        let cut = self.power.as_ref()?.within(window.0, window.1)?;
        each.map(|(start_ns, end_ns)| Some(self.own(cut.between(*start_ns, *end_ns)?))).collect()
    }

    /// How far apart the moments are that the energy of a window rests on: moves of the counter, updates or readings of
    /// power, the averaging of power where that is longer; in nanoseconds. `None` where the window has no energy.
    pub fn spacing_ns(&self, window: (i64, i64)) -> Option<i64> {
        let best = self.between(window.0, window.1);
        match (&self.counter, &self.power) {
            (Some(counter), _) if best.counter.is_some() => Some(counter.spacing_ns),
            (_, Some(power)) if best.integral.is_some() => Some(power.spacing_ns()),
            _ => None,
        }
    }

    fn by_counter(&self, start_ns: i64, end_ns: i64) -> Option<EnergyEstimate> {
        self.counter.as_ref()?.between(self.trace, start_ns, end_ns).map(|found| self.own(found))
    }

    /// An estimate is as uncertain as its model at least.
    fn own(&self, found: EnergyEstimate) -> EnergyEstimate {
        match self.provenance {
            Provenance::Measured | Provenance::Simulated => found,
            Provenance::Estimated => {
                let of_model = found.energy.0 * ESTIMATE_UNCERTAINTY;
                EnergyEstimate { uncertainty: Joules(found.uncertainty.0.max(of_model)), ..found }
            }
        }
    }
}

/// A counter as energy over time.
struct Counted {
    curve: Curve,
    period_ns: i64,
    spacing_ns: i64,
}

impl Counted {
    fn of(trace: &Trace) -> Option<Self> {
        let mut ticks = counter::ticks(trace)?;
        let period_ns = ticks.period_ns()?;
        let first = ticks.ticks.first()?;
        let still_ns = first.t_ns - first.half_width_ns;
        ticks.place(period_ns);
        let first_w = trace.channel(Channel::Power).next().map(|(_, watts)| watts);
        let curve = counted(&ticks, period_ns, still_ns, first_w)?;
        // Several moves hide between two readings of a sensor that is faster than the sampling.
        let spacing_ns = ticks.usual_gap_ns().unwrap_or(period_ns).max(period_ns);
        Some(Self { curve, period_ns, spacing_ns })
    }

    fn between(&self, trace: &Trace, start_ns: i64, end_ns: i64) -> Option<EnergyEstimate> {
        let (curve, period_ns) = (&self.curve, self.period_ns);
        let edge = |t_ns: i64| curve.at(t_ns, uneven_w(curve, trace, period_ns, t_ns));
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

    fn from_trace(trace: &Trace, sensor: Sensor, start_ns: i64, end_ns: i64) -> WindowEnergy {
        DeviceEnergy::prepare(trace, sensor, Provenance::Measured).between(start_ns, end_ns)
    }

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
