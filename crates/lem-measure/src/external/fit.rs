//! By how much the clock of an external meter is off: the offset at which its power follows that of the devices best.
//!
//! The devices are a part of what the meter sees, so its power rises and falls with theirs. The offset with the highest
//! Pearson correlation is also the one with the least squares of a straight line between the two powers.

use super::{MAX_HOLE, Readings, interval_ns};
use crate::curve::{Curve, Knot};
use crate::sample::Channel;
use crate::trace::Trace;
use crate::units::{nanoseconds, seconds};

/// Offsets are looked for up to here, in seconds to either side.
pub const SEARCH_S: f64 = 120.0;

/// The least correlation that is taken for following each other: half of the meter's variance is then the devices'.
pub const LEAST_CORRELATION: f64 = 0.7;

/// Another offset that fits so nearly as well leaves open which is right: a load that repeats itself has many.
const TOO_CLOSE: f64 = 0.05;

/// The least share of the devices' trace that the meter has to cover.
const LEAST_COVERED: f64 = 0.8;

/// The least points of a grid: two intervals of the meter, which is where a correlation begins to mean anything.
const LEAST_POINTS: usize = 8;

/// Powers are compared as means over at least this: no finer than the sensors of devices resolve.
const LEAST_INTERVAL_NS: i64 = 200_000_000;

/// The most points of a grid: a day at half a second.
const MAX_POINTS: i64 = 200_000;

/// An offset that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    /// To be added to the meter's times, in seconds.
    pub offset_s: f64,
    /// Its expanded uncertainty in seconds: at the offsets that far away the squares of the residuals are larger by four
    /// of their variances (the likelihood ratio's 95 % for one parameter); never less than half an interval of the meter.
    pub uncertainty_s: f64,
    /// Pearson's coefficient between both powers at that offset.
    pub correlation: f64,
}

/// Why no offset was found.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum NoFit {
    /// They have too little time in common.
    #[error("the meter and the devices have too little time in common")]
    Apart,
    /// The power of the devices, or that of the meter, does not change.
    #[error("the power of the devices or of the meter hardly changes, so no offset fits better than another")]
    Flat,
    /// The meter does not follow the devices.
    #[error("the meter's power does not follow that of the devices (best correlation {0:.2})")]
    Unlike(f64),
    /// Several offsets fit.
    #[error("the offsets {0:+.1} s and {1:+.1} s fit about equally well")]
    Ambiguous(f64, f64),
}

/// The power of all devices together over time: of those without a reading of power, the rise of their counter.
pub fn summed(traces: &[Trace]) -> Vec<(i64, f64)> {
    let curves: Vec<Curve> = traces.iter().filter_map(energy).collect();
    let begin_ns = curves.iter().map(|curve| curve.reach_ns().0).max().unwrap_or(0);
    let end_ns = curves.iter().map(|curve| curve.reach_ns().1).min().unwrap_or(0);
    let Some(longest) = traces.iter().max_by_key(|trace| trace.samples().len()) else { return Vec::new() };
    let times = longest.between(begin_ns, end_ns).iter().map(|sample| sample.t_ns);
    // A sum that leaves a device out would be a step that is none.
    let power = |t_ns: i64| curves.iter().map(|curve| curve.power_at_w(t_ns)).sum::<Option<f64>>();
    times.filter_map(|t_ns| Some((t_ns, power(t_ns)?))).collect()
}

fn energy(trace: &Trace) -> Option<Curve> {
    let power: Vec<(i64, f64)> = trace.channel(Channel::Power).collect();
    if power.len() >= 2 {
        return Curve::new(super::knots(&power), 0);
    }
    let counter = trace.channel(Channel::Energy);
    Curve::new(counter.map(|(t_ns, energy_j)| Knot { t_ns, half_width_ns: 0, energy_j }).collect(), 0)
}

/// How well the meter follows the devices when `offset_s` is added to its times; `None` where they have too little in
/// common, or either does not change.
pub fn correlation(readings: &Readings, devices: &Readings, offset_s: f64) -> Option<f64> {
    Both::new(readings, devices)?.correlation(offset_s)
}

/// Looks for the offset up to [`SEARCH_S`].
pub fn fit(readings: &Readings, devices: &Readings) -> Result<Fit, NoFit> {
    let both = Both::new(readings, devices).ok_or(NoFit::Apart)?;
    if both.is_flat() {
        return Err(NoFit::Flat);
    }
    let step_s = seconds(both.step_ns);
    let tried = both.all();
    let best = tried.iter().enumerate().max_by(|a, b| a.1.1.total_cmp(&b.1.1));
    let (at, &(offset_s, correlation)) = best.ok_or(NoFit::Apart)?;
    if correlation < LEAST_CORRELATION {
        return Err(NoFit::Unlike(correlation));
    }
    let around = |least: f64| {
        let begin = tried[..at].iter().rposition(|&(_, r)| r < least).map_or(0, |before| before + 1);
        let end = tried[at..].iter().position(|&(_, r)| r < least).map_or(tried.len(), |after| at + after);
        begin..end
    };
    let peak = around(correlation - 2.0 * TOO_CLOSE);
    let beside = tried.iter().enumerate().filter(|(index, _)| !peak.contains(index)).map(|(_, other)| other);
    if let Some(&(other_s, _)) = beside.clone().find(|&&(_, r)| r > correlation - TOO_CLOSE) {
        return Err(NoFit::Ambiguous(offset_s, other_s));
    }
    let as_good = around(both.as_good_as(correlation));
    let half_s = (tried[as_good.end - 1].0 - offset_s).max(offset_s - tried[as_good.start].0) + step_s;
    Ok(Fit { offset_s, uncertainty_s: half_s.max(seconds(both.interval_ns) / 2.0), correlation })
}

/// Two powers on one grid: the devices' as means over an interval of the meter.
struct Both<'a> {
    begin_ns: i64,
    step_ns: i64,
    interval_ns: i64,
    devices_w: Vec<f64>,
    readings: &'a Readings,
}

impl<'a> Both<'a> {
    fn new(readings: &'a Readings, devices: &Readings) -> Option<Self> {
        let interval_ns = interval_ns(readings)?.max(LEAST_INTERVAL_NS);
        let curve = Curve::new(super::knots(devices), 0)?;
        let half_ns = interval_ns / 2;
        let (first_ns, last_ns) = curve.reach_ns();
        let (begin_ns, end_ns) = (first_ns + half_ns, last_ns - half_ns);
        let step_ns = (interval_ns / 4).max((end_ns - begin_ns) / MAX_POINTS);
        let mean_w = |t_ns: i64| {
            let (from, to) = (curve.at(t_ns - half_ns, 0.0)?, curve.at(t_ns + half_ns, 0.0)?);
            Some((to.energy_j - from.energy_j) / seconds(interval_ns))
        };
        let points = (end_ns - begin_ns) / step_ns;
        let devices_w: Vec<f64> =
            (0..=points).filter_map(|point| mean_w(begin_ns + point * step_ns)).collect();
        (devices_w.len() >= LEAST_POINTS).then_some(Self {
            begin_ns,
            step_ns,
            interval_ns,
            devices_w,
            readings,
        })
    }

    /// Whether the devices' power changes by less than a hundredth of itself, or the meter's not at all.
    fn is_flat(&self) -> bool {
        if self.readings.windows(2).all(|pair| pair[0].1.total_cmp(&pair[1].1).is_eq()) {
            return true;
        }
        let (mean, deviation) =
            (crate::stats::mean(&self.devices_w), crate::stats::standard_deviation(&self.devices_w));
        mean.zip(deviation).is_none_or(|(mean, deviation)| deviation < 0.01 * mean)
    }

    /// The meter's power at a moment of its own clock; `None` outside of its readings and in their holes.
    fn meter_w(&self, t_ns: i64) -> Option<f64> {
        let after = self.readings.partition_point(|&(at_ns, _)| at_ns <= t_ns);
        let (a, b) = (self.readings.get(after.checked_sub(1)?)?, self.readings.get(after)?);
        let share = seconds(t_ns - a.0) / seconds(b.0 - a.0);
        (b.0 - a.0 <= MAX_HOLE * self.interval_ns).then_some(a.1 + (b.1 - a.1) * share)
    }

    fn correlation(&self, offset_s: f64) -> Option<f64> {
        let shifted_ns = self.begin_ns - nanoseconds(offset_s);
        self.correlated((0..).map(|point| self.meter_w(shifted_ns + point * self.step_ns)))
    }

    /// The correlation at each offset that is a whole number of steps. The meter is read once for all of them.
    fn all(&self) -> Vec<(f64, f64)> {
        let reach = (nanoseconds(SEARCH_S) / self.step_ns).max(1);
        let points = i64::try_from(self.devices_w.len()).unwrap_or(i64::MAX);
        let meter_w: Vec<Option<f64>> = (-reach..points + reach)
            .map(|point| self.meter_w(self.begin_ns + point * self.step_ns))
            .collect();
        let offsets = (0..).zip((-reach..=reach).rev());
        let of = |(skipped, offset): (usize, i64)| {
            Some((seconds(offset * self.step_ns), self.correlated(meter_w[skipped..].iter().copied())?))
        };
        let mut all: Vec<(f64, f64)> = offsets.filter_map(of).collect();
        all.reverse();
        all
    }

    /// The correlation of the devices with what the meter read at each point of the grid.
    fn correlated(&self, meter_w: impl Iterator<Item = Option<f64>>) -> Option<f64> {
        let pairs: Vec<(f64, f64)> = self
            .devices_w
            .iter()
            .zip(meter_w)
            .filter_map(|(&devices_w, meter_w)| Some((devices_w, meter_w?)))
            .collect();
        #[expect(clippy::cast_precision_loss, reason = "far fewer points than 2^52")]
        let covered = pairs.len() as f64 / self.devices_w.len() as f64;
        if covered < LEAST_COVERED { None } else { pearson(&pairs) }
    }

    /// The correlation below which the squares of the residuals are larger by four of their variances.
    #[expect(clippy::cast_precision_loss, reason = "far fewer readings than 2^52")]
    fn as_good_as(&self, best: f64) -> f64 {
        let span_ns = self.step_ns * i64::try_from(self.devices_w.len()).unwrap_or(i64::MAX);
        let readings = (span_ns as f64 / self.interval_ns as f64).max(1.0);
        let residual = (1.0 - best * best).max(1e-6) * (1.0 + 4.0 / readings);
        (1.0 - residual).max(0.0).sqrt()
    }
}

/// Pearson's coefficient; `None` where either side does not change.
fn pearson(pairs: &[(f64, f64)]) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "far fewer pairs than 2^52")]
    let count = pairs.len() as f64;
    let mean = |side: fn(&(f64, f64)) -> f64| pairs.iter().map(side).sum::<f64>() / count;
    let (mean_a, mean_b) = (mean(|pair| pair.0), mean(|pair| pair.1));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in pairs {
        ab += (a - mean_a) * (b - mean_b);
        aa += (a - mean_a).powi(2);
        bb += (b - mean_b).powi(2);
    }
    let coefficient = ab / (aa * bb).sqrt();
    coefficient.is_finite().then_some(coefficient)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Sample;

    const SECOND: i64 = 1_000_000_000;
    const MS: i64 = 1_000_000;

    /// Loading, a pause, inference, a pause: what a run looks like.
    fn run_w(t_s: f64) -> f64 {
        match t_s {
            8.0..14.0 => 120.0,
            17.0..47.0 => 300.0,
            _ => 60.0,
        }
    }

    /// The trace of a device at 20 Hz over a minute, by its power or by its counter.
    fn device(channel: Channel, watts: impl Fn(f64) -> f64) -> Trace {
        let mut energy_j = 0.0;
        Trace::new((0..1200).map(|tick| {
            let power_w = watts(f64::from(tick) / 20.0);
            energy_j += power_w / 20.0;
            let value = if channel == Channel::Energy { energy_j } else { power_w };
            Sample::at(i64::from(tick) * 50 * MS).with(channel, value)
        }))
    }

    /// A meter at the wall, read each second over five minutes around the run: means of the second before, behind a power
    /// supply, its clock `late_s` ahead.
    fn meter(late_s: f64, watts: impl Fn(f64) -> f64) -> Vec<(i64, f64)> {
        let read = |second: i32| {
            let mean = (0..20).map(|i| watts(f64::from(second) - f64::from(i) / 20.0)).sum::<f64>() / 20.0;
            (i64::from(second) * SECOND + nanoseconds(late_s), 90.0 + mean / 0.92)
        };
        (-120..180).map(read).collect()
    }

    fn found(late_s: f64, watts: impl Fn(f64) -> f64 + Copy) -> Result<Fit, NoFit> {
        fit(&meter(late_s, watts), &summed(&[device(Channel::Power, watts)]))
    }

    #[test]
    fn the_offset_of_a_clock_is_found_within_its_uncertainty() {
        for late_s in [0.0, 3.2, -47.9] {
            let fit = found(late_s, run_w).expect("a run has steps");
            // A mean of the second before stands for half a second earlier, which the offset takes back as well.
            assert!((fit.offset_s + late_s + 0.5).abs() <= fit.uncertainty_s, "{late_s}: {fit:?}");
            assert!(fit.correlation > 0.98 && fit.uncertainty_s < 1.5, "{fit:?}");
        }
    }

    #[test]
    fn a_wrong_clock_is_seen_by_a_low_correlation() {
        let devices = summed(&[device(Channel::Power, run_w)]);
        let (right, wrong) = (meter(0.0, run_w), meter(9.0, run_w));
        let of = |readings: &[(i64, f64)]| correlation(readings, &devices, 0.0).expect("covered");
        assert!(of(&right) > 0.97 && of(&wrong) < 0.7, "{} {}", of(&right), of(&wrong));
    }

    #[test]
    fn even_power_a_strange_meter_and_a_load_that_repeats_give_no_offset() {
        assert_eq!(found(0.0, |_| 300.0), Err(NoFit::Flat));
        let even: Vec<(i64, f64)> = meter(0.0, run_w).into_iter().map(|(t_ns, _)| (t_ns, 400.0)).collect();
        assert_eq!(fit(&even, &summed(&[device(Channel::Power, run_w)])), Err(NoFit::Flat));
        let devices = summed(&[device(Channel::Power, run_w)]);
        let strange = meter(0.0, |t| if t.rem_euclid(9.0) < 4.0 { 200.0 } else { 50.0 });
        assert!(matches!(fit(&strange, &devices), Err(NoFit::Unlike(_))), "{:?}", fit(&strange, &devices));
        let repeating = found(0.0, |t| if t.rem_euclid(20.0) < 10.0 { 300.0 } else { 60.0 });
        assert!(matches!(repeating, Err(NoFit::Ambiguous(..))), "{repeating:?}");
        let elsewhere: Vec<(i64, f64)> =
            meter(0.0, run_w).into_iter().map(|(t_ns, watts)| (t_ns + 3600 * SECOND, watts)).collect();
        assert_eq!(fit(&elsewhere, &devices), Err(NoFit::Apart));
    }

    #[test]
    fn devices_are_added_up_whether_they_tell_power_or_count_energy() {
        let devices = [device(Channel::Power, |_| 200.0), device(Channel::Energy, |_| 50.0)];
        let summed = summed(&devices);
        assert!(summed.len() > 1000);
        let wrong = summed.iter().find(|(_, watts)| (watts - 250.0).abs() > 1e-6);
        assert_eq!(wrong, None);
    }
}
