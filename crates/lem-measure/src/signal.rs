//! Power as a function of time whose energy is known exactly.
//!
//! Every signal is a periodic function of absolute time, so that anyone who knows it can compute the true energy of
//! any window. The simulated meter and the simulated GPU share it, and so agree.

use serde::{Deserialize, Serialize};

use crate::units::{nanoseconds, seconds};

/// Power over time. It repeats for ever and has its phase 0 at time 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "shape", rename_all = "snake_case", deny_unknown_fields)]
pub enum Signal {
    /// The same power always.
    Constant {
        /// Watts.
        watts: f64,
    },
    /// `mean_w + amplitude_w * sin(2 pi t / period_s)`.
    Sine {
        /// Watts.
        mean_w: f64,
        /// Watts, at most the mean.
        amplitude_w: f64,
        /// Seconds.
        period_s: f64,
    },
    /// `high_w` for the first `duty` of each period, `low_w` for the rest.
    Square {
        /// Watts.
        low_w: f64,
        /// Watts.
        high_w: f64,
        /// Seconds.
        period_s: f64,
        /// Share of the period, between 0 and 1.
        duty: f64,
    },
    /// One level after the other, then from the start.
    Steps {
        /// The levels, at least one.
        steps: Vec<Step>,
    },
    /// One straight line after the other, then from the start.
    Ramps {
        /// The lines, at least one.
        ramps: Vec<Ramp>,
    },
}

/// A level of power that is held for a while.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Watts.
    pub watts: f64,
    /// How long, in seconds.
    pub seconds: f64,
}

/// A straight line from one power to another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ramp {
    /// Watts at its start.
    pub from_w: f64,
    /// Watts at its end.
    pub to_w: f64,
    /// How long, in seconds.
    pub seconds: f64,
}

/// A straight line of [`Signal::pieces`]: watts at both ends, and its length in nanoseconds.
type Piece = (f64, f64, i64);

impl Signal {
    /// Says what is wrong with a signal that cannot be: powers that are negative or not finite, periods below 1 ms.
    pub fn check(&self) -> Result<(), String> {
        match self {
            Self::Constant { watts } => power("watts", *watts),
            Self::Sine { mean_w, amplitude_w, period_s } => {
                power("mean", *mean_w)?;
                power("amplitude", *amplitude_w)?;
                duration("period", *period_s)?;
                let reaches_zero = amplitude_w > mean_w;
                if reaches_zero { Err("amplitude must not exceed the mean".into()) } else { Ok(()) }
            }
            Self::Square { low_w, high_w, period_s, duty } => {
                power("low", *low_w)?;
                power("high", *high_w)?;
                duration("period", *period_s)?;
                let share = (0.0..=1.0).contains(duty);
                if share { Ok(()) } else { Err(format!("duty must be between 0 and 1, not {duty}")) }
            }
            Self::Steps { steps } if steps.is_empty() => Err("steps must not be empty".into()),
            Self::Steps { steps } => steps.iter().try_for_each(|step| {
                power("watts", step.watts)?;
                duration("seconds", step.seconds)
            }),
            Self::Ramps { ramps } if ramps.is_empty() => Err("ramps must not be empty".into()),
            Self::Ramps { ramps } => ramps.iter().try_for_each(|ramp| {
                power("from_w", ramp.from_w)?;
                power("to_w", ramp.to_w)?;
                duration("seconds", ramp.seconds)
            }),
        }
    }

    /// Power at a time, in watts.
    pub fn power_w(&self, t_ns: i64) -> f64 {
        let phase_ns = t_ns.rem_euclid(self.period_ns());
        if let Self::Sine { mean_w, amplitude_w, .. } = self {
            return mean_w + amplitude_w * self.angle(phase_ns).sin();
        }
        let mut start_ns = 0;
        for piece in self.pieces() {
            if phase_ns < start_ns + piece.2 {
                return along(piece, phase_ns - start_ns);
            }
            start_ns += piece.2;
        }
        0.0
    }

    /// Energy between two times in joules: the integral of [`Self::power_w`], in closed form. Whole periods are
    /// counted as whole numbers, so that it is as exact late in the life of a machine as early.
    pub fn energy_j(&self, from_ns: i64, to_ns: i64) -> f64 {
        let period_ns = self.period_ns();
        let periods = to_ns.div_euclid(period_ns) - from_ns.div_euclid(period_ns);
        let part = |t_ns: i64| self.energy_within_j(t_ns.rem_euclid(period_ns));
        float(periods) * self.energy_within_j(period_ns) + part(to_ns) - part(from_ns)
    }

    /// Mean power over the `window_ns` before a time: what an averaging sensor shows. Power itself for a window of 0.
    pub fn average_w(&self, t_ns: i64, window_ns: i64) -> f64 {
        if window_ns <= 0 {
            return self.power_w(t_ns);
        }
        self.energy_j(t_ns - window_ns, t_ns) / seconds(window_ns)
    }

    /// The signal through a first-order lag, in watts: what the heat of a body with time constant `tau_s` follows.
    /// In closed form, in the steady state that a signal without beginning is always in.
    pub fn lagged_w(&self, t_ns: i64, tau_s: f64) -> f64 {
        let phase_ns = t_ns.rem_euclid(self.period_ns());
        if tau_s <= 0.0 {
            return self.power_w(t_ns);
        }
        if let Self::Sine { mean_w, amplitude_w, .. } = self {
            let lag = std::f64::consts::TAU * tau_s / seconds(self.period_ns());
            return mean_w + amplitude_w / lag.hypot(1.0) * (self.angle(phase_ns) - lag.atan()).sin();
        }
        // Over one period the lag forgets exp(-T/tau) of its start; the start that returns to itself follows.
        let forgotten = (-seconds(self.period_ns()) / tau_s).exp();
        let start_w = self.lag_from(0.0, self.period_ns(), tau_s) / (1.0 - forgotten);
        self.lag_from(start_w, phase_ns, tau_s)
    }

    /// Follows the lines for `phase_ns` from the start of a period.
    fn lag_from(&self, start_w: f64, phase_ns: i64, tau_s: f64) -> f64 {
        let mut left_ns = phase_ns;
        self.pieces().into_iter().fold(start_w, |lagged_w, piece| {
            let here_ns = piece.2.min(left_ns);
            left_ns -= here_ns;
            if here_ns == 0 {
                return lagged_w;
            }
            // Behind a line of this slope the lag settles `tau` late.
            let behind_w = (piece.1 - piece.0) / seconds(piece.2) * tau_s;
            let settling_w = (lagged_w - piece.0 + behind_w) * (-seconds(here_ns) / tau_s).exp();
            along(piece, here_ns) - behind_w + settling_w
        })
    }

    /// Energy of the first `phase_ns` of a period.
    fn energy_within_j(&self, phase_ns: i64) -> f64 {
        if let Self::Sine { mean_w, amplitude_w, .. } = self {
            let swing_s = seconds(self.period_ns()) / std::f64::consts::TAU;
            return mean_w * seconds(phase_ns) + amplitude_w * swing_s * (1.0 - self.angle(phase_ns).cos());
        }
        let mut left_ns = phase_ns;
        let parts = self.pieces().into_iter().map(|piece| {
            let here_ns = piece.2.min(left_ns);
            left_ns -= here_ns;
            f64::midpoint(piece.0, along(piece, here_ns)) * seconds(here_ns)
        });
        parts.sum()
    }

    /// The straight lines of one period; none for a sine.
    fn pieces(&self) -> Vec<Piece> {
        match self {
            Self::Constant { watts } => vec![(*watts, *watts, self.period_ns())],
            Self::Sine { .. } => Vec::new(),
            Self::Square { low_w, high_w, duty, .. } => {
                let high_ns = nanoseconds(seconds(self.period_ns()) * duty);
                vec![(*high_w, *high_w, high_ns), (*low_w, *low_w, self.period_ns() - high_ns)]
            }
            Self::Steps { steps } => {
                steps.iter().map(|step| (step.watts, step.watts, nanoseconds(step.seconds))).collect()
            }
            Self::Ramps { ramps } => {
                ramps.iter().map(|ramp| (ramp.from_w, ramp.to_w, nanoseconds(ramp.seconds))).collect()
            }
        }
    }

    fn period_ns(&self) -> i64 {
        let period_ns = match self {
            Self::Constant { .. } => 1_000_000_000,
            Self::Sine { period_s, .. } | Self::Square { period_s, .. } => nanoseconds(*period_s),
            Self::Steps { steps } => steps.iter().map(|step| nanoseconds(step.seconds)).sum(),
            Self::Ramps { ramps } => ramps.iter().map(|ramp| nanoseconds(ramp.seconds)).sum(),
        };
        period_ns.max(1)
    }

    fn angle(&self, phase_ns: i64) -> f64 {
        std::f64::consts::TAU * seconds(phase_ns) / seconds(self.period_ns())
    }
}

/// Power so long after the start of a line; the line itself where it has no length.
fn along((from_w, to_w, length_ns): Piece, after_ns: i64) -> f64 {
    if length_ns == 0 { from_w } else { from_w + (to_w - from_w) * float(after_ns) / float(length_ns) }
}

fn power(name: &str, watts: f64) -> Result<(), String> {
    let possible = watts.is_finite() && (0.0..=1e6).contains(&watts);
    if possible { Ok(()) } else { Err(format!("{name} must be between 0 and 1000000 W, not {watts}")) }
}

fn duration(name: &str, seconds: f64) -> Result<(), String> {
    let possible = (0.001..=86_400.0).contains(&seconds);
    if possible { Ok(()) } else { Err(format!("{name} must be between 0.001 and 86400 s, not {seconds}")) }
}

#[expect(clippy::cast_precision_loss, reason = "spans in ns and counts of periods stay far below 2^53")]
fn float(value: i64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND_NS: i64 = 1_000_000_000;

    fn signals() -> impl Strategy<Value = Signal> {
        let watts = 0.0..700.0_f64;
        prop_oneof![
            watts.clone().prop_map(|watts| Signal::Constant { watts }),
            (watts.clone(), 0.0..1.0_f64, 0.05..5.0_f64).prop_map(|(mean_w, share, period_s)| Signal::Sine {
                mean_w,
                amplitude_w: mean_w * share,
                period_s
            }),
            (watts.clone(), watts.clone(), 0.05..5.0_f64, 0.0..1.0_f64)
                .prop_map(|(low_w, high_w, period_s, duty)| Signal::Square { low_w, high_w, period_s, duty }),
            prop::collection::vec((watts.clone(), 0.05..2.0_f64), 1..5).prop_map(|steps| Signal::Steps {
                steps: steps.into_iter().map(|(watts, seconds)| Step { watts, seconds }).collect()
            }),
            prop::collection::vec((watts.clone(), watts, 0.05..2.0_f64), 1..5).prop_map(|ramps| {
                let ramp = |(from_w, to_w, seconds)| Ramp { from_w, to_w, seconds };
                Signal::Ramps { ramps: ramps.into_iter().map(ramp).collect() }
            }),
        ]
    }

    proptest! {
        #[test]
        fn the_closed_form_is_the_integral_of_power(signal in signals(), from_ms in 0_i64..1_000_000, span_ms in 1_i64..3000) {
            prop_assert_eq!(signal.check(), Ok(()));
            let (from_ns, step_ns) = (from_ms * 1_000_000, 100_000);
            let midpoints = (0..span_ms * 10).map(|i| from_ns + i * step_ns + step_ns / 2);
            let numeric_j: f64 = midpoints.map(|t_ns| signal.power_w(t_ns) * 1e-4).sum();
            let exact_j = signal.energy_j(from_ns, from_ns + span_ms * 1_000_000);
            // Each of at most 4 jumps in 50 ms is misplaced by up to half a step of the numeric sum.
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let jumps = (span_ms / 50 + 1) as f64 * 4.0;
            prop_assert!((numeric_j - exact_j).abs() <= jumps * 700.0 * 1e-4 + 1e-3, "{numeric_j} {exact_j}");
        }

        #[test]
        fn energy_adds_up_over_split_windows_late_in_the_life_of_a_machine(signal in signals(), cut_ms in 0_i64..1000) {
            let from_ns = 400 * 86_400 * SECOND_NS + 123;
            let (cut_ns, to_ns) = (from_ns + cut_ms * 1_000_000, from_ns + SECOND_NS);
            let whole_j = signal.energy_j(from_ns, to_ns);
            let parts_j = signal.energy_j(from_ns, cut_ns) + signal.energy_j(cut_ns, to_ns);
            prop_assert!((whole_j - parts_j).abs() < 1e-8);
        }

        #[test]
        fn the_lag_solves_its_equation(signal in signals(), t_ms in 1000_i64..100_000, tau_s in 0.5..30.0_f64) {
            // d(lagged)/dt = (power - lagged) / tau, integrated over a window: the change of the lag times tau is the
            // energy of the window less that of the lag.
            let (from_ns, to_ns) = (t_ms * 1_000_000, t_ms * 1_000_000 + SECOND_NS / 4);
            let lag_j: f64 = (0..250).map(|i| signal.lagged_w(from_ns + i * 1_000_000 + 500_000, tau_s) * 1e-3).sum();
            let change_j = (signal.lagged_w(to_ns, tau_s) - signal.lagged_w(from_ns, tau_s)) * tau_s;
            prop_assert!((signal.energy_j(from_ns, to_ns) - lag_j - change_j).abs() < 0.01);
        }
    }

    #[test]
    fn a_constant_has_the_energy_of_its_power() {
        let signal = Signal::Constant { watts: 250.0 };
        assert!((signal.energy_j(123, 123 + 4 * SECOND_NS) - 1000.0).abs() < 1e-9);
        assert!((signal.average_w(17, SECOND_NS) - 250.0).abs() < 1e-9);
        assert!((signal.lagged_w(17, 20.0) - 250.0).abs() < 1e-9);
    }

    #[test]
    fn a_square_is_high_first() {
        let signal = Signal::Square { low_w: 50.0, high_w: 300.0, period_s: 1.0, duty: 0.25 };
        assert_eq!(signal.power_w(0).to_bits(), 300.0_f64.to_bits());
        assert_eq!(signal.power_w(SECOND_NS / 4).to_bits(), 50.0_f64.to_bits());
        assert!((signal.energy_j(0, SECOND_NS) - 112.5).abs() < 1e-9);
    }

    #[test]
    fn signals_that_cannot_be_are_refused() {
        let bad = [
            Signal::Constant { watts: f64::NAN },
            Signal::Constant { watts: -1.0 },
            Signal::Sine { mean_w: 1.0, amplitude_w: 2.0, period_s: 1.0 },
            Signal::Square { low_w: 1.0, high_w: 2.0, period_s: 0.0, duty: 0.5 },
            Signal::Square { low_w: 1.0, high_w: 2.0, period_s: 1.0, duty: 1.5 },
            Signal::Steps { steps: Vec::new() },
            Signal::Ramps { ramps: Vec::new() },
            Signal::Ramps { ramps: vec![Ramp { from_w: 1.0, to_w: -1.0, seconds: 1.0 }] },
        ];
        for signal in bad {
            assert!(signal.check().is_err(), "{signal:?}");
        }
    }
}
