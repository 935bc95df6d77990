//! How devices look at rest, and whether they are back there.
//!
//! Thermometers of GPUs have steps of one degree, so that a slope over less than that is noise: steady means that a
//! whole span went by without moving by more than one step.

use lem_measure::{Channel, Trace};

/// A temperature that has moved by this much or less is steady, in degrees.
const STEADY_C: f64 = 1.0;

/// A cooled device has been steady for this long.
const COOL_SPAN_NS: i64 = 10_000_000_000;

/// A device that rests, or that is as hot as it will get, has been steady for this long: cooling and warming slow down
/// long before they end.
pub(super) const PLATEAU_SPAN_NS: i64 = 60_000_000_000;

/// Power at rest is the mean over this long.
const POWER_SPAN_NS: i64 = 5_000_000_000;

/// Thermometers are read about twice a second; a span of readings may miss this much of its beginning.
const SLACK_NS: i64 = 1_500_000_000;

/// Power is back when it is no more than this above the reference, in watts, or [`POWER_SHARE`] of it if that is more.
const POWER_SLACK_W: f64 = 2.0;

/// See [`POWER_SLACK_W`].
const POWER_SHARE: f64 = 0.05;

/// Each device at rest: its temperature and power, where it has them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reference(Vec<(Option<f64>, Option<f64>)>);

impl Reference {
    /// Takes the present state as the reference.
    pub(super) fn take(traces: &[Trace], now_ns: i64) -> Self {
        let looks = traces.iter().map(|trace| look(trace, now_ns));
        Self(looks.collect())
    }

    /// The temperature of each device, in degrees Celsius.
    pub(super) fn temperatures_c(&self) -> Vec<Option<f64>> {
        self.0.iter().map(|look| look.0).collect()
    }

    /// The temperature of the hottest device, in degrees Celsius.
    pub(super) fn hottest_c(&self) -> Option<f64> {
        self.0.iter().filter_map(|look| look.0).reduce(f64::max)
    }

    /// Whether every device is back: no more than `tolerance_c` above its temperature, steady, and its power as low.
    /// Devices that say neither are not judged; where none can be, the answer is no.
    pub(super) fn is_back(&self, traces: &[Trace], now_ns: i64, tolerance_c: f64) -> bool {
        let each = self.0.iter().zip(traces);
        let verdicts: Vec<(Option<bool>, Option<bool>)> = each
            .map(|(reference, trace)| {
                let (temperature_c, power_w) = look(trace, now_ns);
                let cool = both(reference.0, temperature_c)
                    .map(|(then, now)| now <= then + tolerance_c && is_steady(trace, now_ns, COOL_SPAN_NS));
                let idle = both(reference.1, power_w)
                    .map(|(then, now)| now <= then + POWER_SLACK_W.max(then * POWER_SHARE));
                (cool, idle)
            })
            .collect();
        let judged = verdicts.iter().any(|(cool, idle)| cool.is_some() || idle.is_some());
        judged && verdicts.iter().all(|(cool, idle)| cool.unwrap_or(true) && idle.unwrap_or(true))
    }
}

/// Whether every thermometer has been steady for `span_ns`. A machine without any is steady once the span has passed.
pub(super) fn is_plateau(traces: &[Trace], now_ns: i64, span_ns: i64) -> bool {
    traces.iter().all(|trace| {
        let began_ns = trace.samples().first().map_or(now_ns, |sample| sample.t_ns);
        let has_thermometer = trace.channel(Channel::Temperature).next_back().is_some();
        if has_thermometer { is_steady(trace, now_ns, span_ns) } else { began_ns <= now_ns - span_ns }
    })
}

/// The last temperature, and the mean power of the last seconds.
fn look(trace: &Trace, now_ns: i64) -> (Option<f64>, Option<f64>) {
    let recent = trace.between(now_ns - POWER_SPAN_NS, now_ns);
    let powers: Vec<f64> = recent.iter().filter_map(|sample| sample.get(Channel::Power)).collect();
    (trace.last_before(Channel::Temperature, now_ns), lem_measure::stats::mean(&powers))
}

/// Whether the temperature was known for the whole span and moved by no more than a step.
fn is_steady(trace: &Trace, now_ns: i64, span_ns: i64) -> bool {
    let from_ns = now_ns - span_ns;
    let readings = trace.between(from_ns, now_ns).iter();
    let known: Vec<(i64, f64)> =
        readings.filter_map(|sample| Some((sample.t_ns, sample.get(Channel::Temperature)?))).collect();
    let reaches_back = known.first().is_some_and(|first| first.0 <= from_ns + SLACK_NS);
    let (low, high) = known.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (_, value)| {
        (low.min(*value), high.max(*value))
    });
    reaches_back && high - low <= STEADY_C
}

fn both<T>(a: Option<T>, b: Option<T>) -> Option<(T, T)> {
    Some((a?, b?))
}

#[cfg(test)]
mod tests {
    use lem_measure::Sample;

    use super::*;

    const S: i64 = 1_000_000_000;

    fn trace(temperatures: impl Fn(i64) -> f64, seconds: i64) -> Trace {
        let half_seconds = 0..=seconds * 2;
        Trace::new(
            half_seconds.map(|i| Sample::at(i * S / 2).with(Channel::Temperature, temperatures(i / 2))),
        )
    }

    /// Cools from 70 to 35 °C in steps of one degree with a time constant of 20 s, and draws 60 W, or 120 W at first.
    fn cooling(busy_s: i64, seconds: i64) -> Trace {
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let celsius = |s: i64| (35.0 + 35.0 * (-(s as f64) / 20.0).exp()).round();
        let half_seconds = 0..=seconds * 2;
        Trace::new(half_seconds.map(|i| {
            let watts = if i / 2 < busy_s { 120.0 } else { 60.0 };
            Sample::at(i * S / 2).with(Channel::Temperature, celsius(i / 2)).with(Channel::Power, watts)
        }))
    }

    #[test]
    fn a_device_is_back_when_it_is_cool_and_steady_and_idle() {
        let reference = Reference(vec![(Some(35.0), Some(60.0))]);
        let back_at = |busy_s, now_s: i64| reference.is_back(&[cooling(busy_s, now_s)], now_s * S, 3.0);
        assert!(!back_at(0, 30), "43 °C");
        assert!(!back_at(0, 49), "38 °C, and it was 40 °C ten seconds before");
        assert!(back_at(0, 70), "36 °C");
        assert!(!back_at(100, 70), "something still draws 120 W");
        assert!(!back_at(66, 70), "it did a moment ago");
    }

    #[test]
    fn every_device_must_be_back_and_one_that_says_nothing_is_not_asked() {
        let cool = || cooling(0, 120);
        let hot = trace(|_| 60.0, 120);
        let both = Reference(vec![(Some(35.0), Some(60.0)); 2]);
        assert!(both.is_back(&[cool(), cool()], 120 * S, 3.0));
        assert!(!both.is_back(&[cool(), hot], 120 * S, 3.0));
        let mute = Reference(vec![(Some(35.0), Some(60.0)), (None, None)]);
        assert!(mute.is_back(&[cool(), Trace::default()], 120 * S, 3.0));
        assert!(!Reference(vec![(None, None)]).is_back(&[Trace::default()], 120 * S, 3.0), "nobody can tell");
    }

    #[test]
    fn a_machine_without_thermometers_has_rested_when_the_time_has_passed() {
        let power =
            |seconds: i64| Trace::new((0..=seconds).map(|s| Sample::at(s * S).with(Channel::Power, 20.0)));
        assert!(!is_plateau(&[power(30)], 30 * S, PLATEAU_SPAN_NS));
        assert!(is_plateau(&[power(61)], 61 * S, PLATEAU_SPAN_NS));
    }

    #[test]
    fn a_flicker_of_one_step_is_steady_and_a_slow_fall_of_two_is_not() {
        let flicker = trace(|s| 40.0 + f64::from(u8::from(s % 2 == 0)), 60);
        assert!(is_steady(&flicker, 60 * S, PLATEAU_SPAN_NS));
        let fall = trace(|s| if s < 20 { 42.0 } else { 40.0 }, 60);
        assert!(!is_steady(&fall, 60 * S, PLATEAU_SPAN_NS));
        assert!(is_steady(&fall, 60 * S, COOL_SPAN_NS), "the last ten seconds are");
    }

    #[test]
    fn what_is_not_known_for_the_whole_span_is_not_steady() {
        assert!(!is_steady(&trace(|_| 40.0, 5), 5 * S, COOL_SPAN_NS));
        assert!(!is_steady(&Trace::default(), 100 * S, COOL_SPAN_NS));
    }
}
