//! What the devices draw without work, and what of a run's energy lies above it.
//!
//! Three kinds are told apart, because a device context alone was found to cost 26 to 66 W (arXiv 2605.23918): `bare` is
//! taken by the engine between two runs, `context` and `loaded` are phases of the run's own worker. The adjusted energy
//! covers the measurement window alone, and is withheld when its baseline is not to be trusted.

use lem_measure::units::seconds;
use lem_measure::{Channel, DeviceInfo, EnergyEstimate, Joules, Trace, energy, stats};
use lem_spec::campaign::{Baseline, BaselineKind, BaselineStrategy};
use serde::Serialize;

use super::campaign::{Rig, RunError};
use super::control::Control;
use super::event::CampaignEvent;
use super::follow::nanoseconds;
use super::outcome::total;
use super::recording::Recording;

/// A short look at whether a baseline still holds, in seconds.
const LOOK_S: f64 = 5.0;

/// A baseline taken at a temperature that differs by more than this is looked at again, in degrees.
const TEMPERATURE_SLACK_C: f64 = 5.0;

/// A phase shorter than this says nothing about power, in seconds.
const LEAST_S: f64 = 2.0;

/// What all devices together draw without work.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IdlePower {
    /// What ran meanwhile.
    pub kind: BaselineKind,
    /// Mean power in watts.
    pub power_w: f64,
    /// Its expanded uncertainty in watts (k = 2): where the edges of the stretch fall, sensor gain excepted.
    pub uncertainty_w: f64,
    /// Standard deviation of the power readings in watts, devices added in squares; absent without power readings.
    pub sd_w: Option<f64>,
    /// Temperature of the hottest device at the end, in degrees Celsius.
    pub temperature_c: Option<f64>,
    /// When the stretch began, `CLOCK_MONOTONIC` in nanoseconds.
    pub start_ns: i64,
    /// When it ended.
    pub end_ns: i64,
}

/// A baseline as it applies to a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunBaseline {
    /// The baseline.
    #[serde(flatten)]
    pub idle: IdlePower,
    /// Whether it is the one that the campaign asked for.
    pub chosen: bool,
    /// From its end to the begin of the window, in seconds.
    pub age_s: f64,
    /// By which share the last look at it differed; absent where none was taken.
    pub drift: Option<f64>,
    /// Energy of the window above the baseline.
    pub adjusted: Option<EnergyEstimate>,
    /// Why there is no adjusted energy.
    pub withheld: Option<String>,
}

/// The power of a stretch over all devices; `None` where one of them has no energy, or the stretch is too short.
pub(super) fn idle_power(
    kind: BaselineKind,
    devices: &[DeviceInfo],
    traces: &[Trace],
    (start_ns, end_ns): (i64, i64),
) -> Option<IdlePower> {
    let length_s = seconds(end_ns - start_ns);
    if length_s < LEAST_S {
        return None;
    }
    let each = || devices.iter().zip(traces);
    let found = total(each().map(|(device, trace)| energy::window_energy(device, trace, start_ns, end_ns)))?;
    let spreads = each().map(|(_, trace)| {
        let inside = trace.between(start_ns, end_ns).iter();
        let powers: Vec<f64> = inside.filter_map(|sample| sample.get(Channel::Power)).collect();
        stats::standard_deviation(&powers)
    });
    let squares: Option<f64> = spreads.map(|spread| spread.map(|sd| sd * sd)).sum();
    let temperatures = each().filter_map(|(_, trace)| trace.last_before(Channel::Temperature, end_ns));
    Some(IdlePower {
        kind,
        power_w: found.energy.0 / length_s,
        uncertainty_w: found.uncertainty.0 / length_s,
        sd_w: squares.map(f64::sqrt),
        temperature_c: temperatures.reduce(f64::max),
        start_ns,
        end_ns,
    })
}

/// Applies a baseline to the window of a run.
pub(super) fn applied(
    idle: IdlePower,
    spec: Option<&Baseline>,
    drift: Option<f64>,
    (start_ns, end_ns): (i64, i64),
    energy: Option<EnergyEstimate>,
) -> RunBaseline {
    let length_s = seconds(end_ns - start_ns);
    let drifted = spec.filter(|spec| drift.is_some_and(|drift| drift > spec.drift_threshold));
    let below = energy.map(|energy| EnergyEstimate {
        energy: Joules(energy.energy.0 - idle.power_w * length_s),
        uncertainty: Joules(energy.uncertainty.0.hypot(idle.uncertainty_w * length_s)),
    });
    let withheld = match (drifted, &below) {
        (Some(spec), _) => Some(drift_reason(drift.unwrap_or_default(), spec.drift_threshold)),
        (None, None) => Some("the energy of the window is not known".to_owned()),
        (None, Some(below)) if below.energy.0 < 0.0 => Some(format!(
            "the devices drew no more than the baseline of {:.1} W: what ran beside them then may have ended",
            idle.power_w
        )),
        (None, Some(_)) => None,
    };
    RunBaseline {
        chosen: spec.is_some_and(|spec| spec.kind == idle.kind),
        age_s: seconds(start_ns - idle.end_ns),
        drift,
        adjusted: below.filter(|_| withheld.is_none()),
        withheld,
        idle,
    }
}

fn drift_reason(drift: f64, threshold: f64) -> String {
    format!("the baseline drifted by {:.1} %, more than {:.1} %", drift * 100.0, threshold * 100.0)
}

/// The `bare` baseline of a campaign: taken, kept, and looked at.
pub(super) struct Bare {
    spec: Option<Baseline>,
    /// Devices that stay hot are at rest before the first run only.
    once: bool,
    latest: Option<IdlePower>,
    drift: Option<f64>,
    /// The runs that used it since it was last known to hold.
    unconfirmed: Vec<String>,
}

/// What is due before a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    Nothing,
    Look,
    Take,
}

impl Bare {
    pub(super) fn new(spec: Option<Baseline>, once: bool) -> Self {
        Self { spec, once, latest: None, drift: None, unconfirmed: Vec::new() }
    }

    /// Takes or looks at the baseline where that is due; returns early when the campaign is stopped. `busy` says who
    /// else is on the devices: then there is no bare baseline to be had.
    pub(super) async fn prepare(
        &mut self,
        run_id: &str,
        busy: Option<String>,
        rig: &Rig<'_>,
        control: &Control,
        recording: &mut Recording<'_>,
    ) -> Result<(), RunError> {
        let Some(spec) = self.spec else { return Ok(()) };
        let mut due = self.due(&spec, rig.clock.now_ns(), recording.hottest_c());
        if due == Due::Nothing {
            return Ok(());
        }
        if let Some(busy) = busy {
            if due == Due::Take {
                // One that is to be replaced is served to no further run.
                self.latest = None;
            }
            return rig.warn(run_id, format!("no bare baseline was taken: {busy}")).await;
        }
        if due == Due::Look {
            let Some(look) = stretch(run_id, LOOK_S, rig, control, recording).await? else { return Ok(()) };
            due = self.judge(&spec, &look, rig).await?;
        }
        if due == Due::Take
            && let Some(taken) = stretch(run_id, spec.duration_s, rig, control, recording).await?
        {
            self.latest = Some(taken.clone());
            self.drift = None;
            self.unconfirmed.clear();
            rig.tell(CampaignEvent::BaselineTaken { run_id: run_id.into(), baseline: taken }).await?;
        }
        Ok(())
    }

    /// The baseline for a run, and how far it was off when last looked at.
    pub(super) fn serve(&mut self, run_id: &str) -> Option<(IdlePower, Option<f64>)> {
        let latest = self.latest.clone()?;
        self.unconfirmed.push(run_id.to_owned());
        Some((latest, self.drift))
    }

    fn due(&self, spec: &Baseline, now_ns: i64, hottest_c: Option<f64>) -> Due {
        let Some(latest) = &self.latest else { return Due::Take };
        if self.once {
            return Due::Nothing;
        }
        let too_old = seconds(now_ns - latest.end_ns) > spec.ttl_s;
        let elsewhere = matches!((hottest_c, latest.temperature_c), (Some(now), Some(then)) if
            (now - then).abs() > TEMPERATURE_SLACK_C);
        let interval = usize::try_from(spec.validation_interval).unwrap_or(usize::MAX);
        match spec.strategy {
            BaselineStrategy::Fresh => Due::Take,
            BaselineStrategy::Cached | BaselineStrategy::Validated if too_old => Due::Take,
            BaselineStrategy::Validated if elsewhere || self.unconfirmed.len() >= interval => Due::Look,
            BaselineStrategy::Cached | BaselineStrategy::Validated => Due::Nothing,
        }
    }

    /// Compares a look with the baseline. One that no longer holds is taken anew, and what was computed with it since
    /// it was last confirmed is withdrawn.
    async fn judge(&mut self, spec: &Baseline, look: &IdlePower, rig: &Rig<'_>) -> Result<Due, RunError> {
        let Some(drift) = self.drifted(spec, look) else { return Ok(Due::Nothing) };
        let runs = std::mem::take(&mut self.unconfirmed);
        let reason = drift_reason(drift, spec.drift_threshold);
        rig.tell(CampaignEvent::BaselineDrifted { runs, drift, reason }).await?;
        Ok(Due::Take)
    }

    /// By how much the baseline was found to be off, if it no longer holds. It is forgotten then: no run may rest on it,
    /// also when taking another one fails.
    fn drifted(&mut self, spec: &Baseline, look: &IdlePower) -> Option<f64> {
        let latest = self.latest.as_ref()?;
        let drift = (look.power_w - latest.power_w).abs() / latest.power_w.max(f64::MIN_POSITIVE);
        if drift > spec.drift_threshold {
            self.latest = None;
            return Some(drift);
        }
        self.drift = Some(drift);
        self.unconfirmed.clear();
        None
    }
}

/// Records the devices at rest for a while; `None` when the campaign was stopped meanwhile, or a device has no energy.
async fn stretch(
    run_id: &str,
    length_s: f64,
    rig: &Rig<'_>,
    control: &Control,
    recording: &mut Recording<'_>,
) -> Result<Option<IdlePower>, RunError> {
    rig.tell(CampaignEvent::BaselineStarted { run_id: run_id.into(), seconds: length_s }).await?;
    let start_ns = rig.clock.now_ns();
    recording.refine();
    let end_ns = start_ns + nanoseconds(length_s);
    let tail_ns = recording.tail_ns(rig.interval_ms);
    for until_ns in [end_ns, end_ns + tail_ns] {
        let waited = async {
            tokio::select! {
                biased;
                () = control.stopped() => true,
                () = rig.clock.sleep_until(until_ns) => false,
            }
        };
        if recording.during(waited).await? {
            return Ok(None);
        }
        recording.refine();
    }
    let found = idle_power(BaselineKind::Bare, recording.devices(), recording.traces(), (start_ns, end_ns));
    if found.is_none() {
        let message = "no baseline could be taken: a device has no energy for that time".to_owned();
        rig.warn(run_id, message).await?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idle(power_w: f64, temperature_c: f64) -> IdlePower {
        IdlePower {
            kind: BaselineKind::Bare,
            power_w,
            uncertainty_w: 0.5,
            sd_w: None,
            temperature_c: Some(temperature_c),
            start_ns: 0,
            end_ns: 30_000_000_000,
        }
    }

    fn spec(strategy: BaselineStrategy) -> Baseline {
        Baseline {
            kind: BaselineKind::Bare,
            duration_s: 30.0,
            strategy,
            ttl_s: 3_600.0,
            validation_interval: 2,
            drift_threshold: 0.1,
        }
    }

    fn energy(energy_j: f64, uncertainty_j: f64) -> EnergyEstimate {
        EnergyEstimate { energy: Joules(energy_j), uncertainty: Joules(uncertainty_j) }
    }

    const WINDOW: (i64, i64) = (90_000_000_000, 100_000_000_000);

    #[test]
    fn the_adjusted_energy_is_that_of_the_window_above_the_baseline() {
        let found = applied(
            idle(60.0, 30.0),
            Some(&spec(BaselineStrategy::Fresh)),
            None,
            WINDOW,
            Some(energy(2_000.0, 12.0)),
        );
        assert_eq!(
            found.adjusted,
            Some(energy(1_400.0, 13.0)),
            "2000 J - 60 W x 10 s; 12 J and 0.5 W x 10 s in squares"
        );
        assert!((found.age_s - 60.0).abs() < 1e-9);
        assert_eq!((found.chosen, found.withheld), (true, None));
    }

    #[test]
    fn a_baseline_that_drifted_or_lies_above_the_energy_gives_no_adjusted_energy() {
        let spec = spec(BaselineStrategy::Validated);
        let drifted = applied(idle(60.0, 30.0), Some(&spec), Some(0.11), WINDOW, Some(energy(2_000.0, 1.0)));
        assert_eq!(drifted.adjusted, None);
        assert_eq!(drifted.withheld.as_deref(), Some("the baseline drifted by 11.0 %, more than 10.0 %"));
        let holds = applied(idle(60.0, 30.0), Some(&spec), Some(0.09), WINDOW, Some(energy(2_000.0, 1.0)));
        assert!(holds.adjusted.is_some(), "{holds:?}");
        let above = applied(idle(250.0, 30.0), Some(&spec), None, WINDOW, Some(energy(2_000.0, 1.0)));
        assert!(above.adjusted.is_none() && above.withheld.is_some(), "{above:?}");
    }

    #[test]
    fn a_fresh_baseline_is_taken_each_time_a_cached_one_when_it_is_old_and_a_validated_one_is_looked_at() {
        let bare = |strategy, unconfirmed: usize| Bare {
            latest: Some(idle(60.0, 30.0)),
            unconfirmed: vec![String::new(); unconfirmed],
            ..Bare::new(Some(spec(strategy)), false)
        };
        let due = |strategy, unconfirmed, now_s: i64, temperature_c| {
            bare(strategy, unconfirmed).due(&spec(strategy), now_s * 1_000_000_000, Some(temperature_c))
        };
        assert_eq!(due(BaselineStrategy::Fresh, 0, 40, 30.0), Due::Take);
        assert_eq!(due(BaselineStrategy::Cached, 9, 40, 50.0), Due::Nothing);
        assert_eq!(due(BaselineStrategy::Cached, 0, 4_000, 30.0), Due::Take);
        assert_eq!(due(BaselineStrategy::Validated, 1, 40, 30.0), Due::Nothing);
        assert_eq!(due(BaselineStrategy::Validated, 2, 40, 30.0), Due::Look);
        assert_eq!(
            due(BaselineStrategy::Validated, 0, 40, 36.0),
            Due::Look,
            "it was taken at another temperature"
        );
        assert_eq!(due(BaselineStrategy::Validated, 0, 4_000, 30.0), Due::Take);
        let first = Bare::new(Some(spec(BaselineStrategy::Cached)), false);
        assert_eq!(first.due(&spec(BaselineStrategy::Cached), 0, None), Due::Take);
    }

    #[test]
    fn a_baseline_that_was_found_not_to_hold_is_served_to_no_further_run() {
        let spec = spec(BaselineStrategy::Validated);
        let mut bare = Bare { latest: Some(idle(60.0, 30.0)), ..Bare::new(Some(spec), false) };
        assert_eq!(bare.drifted(&spec, &idle(63.0, 30.0)), None, "5 %");
        let (_, drift) = bare.serve("run-1").expect("it holds");
        assert!(drift.is_some_and(|drift| (drift - 0.05).abs() < 1e-9), "{drift:?}");
        assert!(bare.drifted(&spec, &idle(72.0, 30.0)).is_some(), "20 %");
        assert_eq!(bare.unconfirmed, ["run-1"], "what rests on it is known, to be withdrawn");
        assert!(bare.serve("run-2").is_none());
        assert_eq!(bare.due(&spec, 0, None), Due::Take);
    }
}
