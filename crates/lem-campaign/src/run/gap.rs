//! The thermal gap before a run: the device returns towards its state before the last run.
//!
//! A fixed gap lasts as long as was planned. An adaptive one lasts until temperature and power are back where they were
//! before the first run; that reference is taken when the machine has come to rest before it.

use lem_measure::Trace;
use lem_spec::campaign::{Thermal, ThermalMode};

use super::campaign::{Rig, RunError};
use super::control::Control;
use super::event::{CampaignEvent, CoolTarget, GapEnd};
use super::follow::nanoseconds;
use super::recording::Recording;
use super::rest::{PLATEAU_SPAN_NS, Reference, is_plateau};
use crate::plan::remaining_gap;

/// How often an adaptive gap looks at the devices.
const LOOK_NS: i64 = 500_000_000;

/// What an adaptive gap waits for must hold for this long.
const HOLD_NS: i64 = 5_000_000_000;

/// A gap to wait out.
pub(super) struct Gap<'a> {
    pub(super) run_id: &'a str,
    pub(super) planned_s: f64,
    pub(super) source: String,
    /// When the last run ended; `None` before the first run, which has no gap.
    pub(super) since_ns: Option<i64>,
}

/// How the gaps of a campaign end, and what they return to.
pub(super) struct Thermals {
    spec: Thermal,
    reference: Option<Reference>,
}

impl Thermals {
    pub(super) fn new(spec: Thermal) -> Self {
        Self { spec, reference: None }
    }

    /// Whether devices are to be measured hot: without gaps, after a warm-up that lasts until they are.
    pub(super) fn stay_hot(&self) -> bool {
        self.spec.mode.value == ThermalMode::Hot
    }

    /// How gaps end.
    pub(super) fn mode(&self) -> ThermalMode {
        self.spec.mode.value
    }

    /// What each device returns to, where that was taken.
    pub(super) fn references_c(&self) -> Option<Vec<Option<f64>>> {
        self.reference.as_ref().map(Reference::temperatures_c)
    }

    /// The longest that warming or cooling may take, in seconds.
    pub(super) fn max_s(&self) -> f64 {
        self.spec.max_s.value
    }

    /// Waits out a gap, recording all the while: the cooling curve belongs to the run that follows. Time that has
    /// passed since the last run counts.
    pub(super) async fn wait(
        &mut self,
        gap: Gap<'_>,
        rig: &Rig<'_>,
        control: &Control,
        recording: &mut Recording<'_>,
    ) -> Result<GapEnd, RunError> {
        let start_c = recording.hottest_c();
        let because = match self.spec.mode.value {
            ThermalMode::Fixed | ThermalMode::Hot => fixed(&gap, rig, control, recording).await?,
            ThermalMode::Adaptive => self.adaptive(&gap, rig, control, recording).await?,
        };
        let reference_c = self.reference.as_ref().and_then(Reference::hottest_c);
        let end_c = recording.hottest_c();
        rig.tell(CampaignEvent::GapEnded {
            run_id: gap.run_id.into(),
            actual_s: gap.elapsed_s(rig.clock.now_ns()),
            because,
            mode: self.spec.mode.value,
            start_temperature_c: start_c,
            end_temperature_c: end_c,
            reference_temperature_c: reference_c,
        })
        .await?;
        if because == GapEnd::Maximum {
            rig.warn(gap.run_id, self.too_long(reference_c, end_c)).await?;
        }
        Ok(because)
    }

    async fn adaptive(
        &mut self,
        gap: &Gap<'_>,
        rig: &Rig<'_>,
        control: &Control,
        recording: &mut Recording<'_>,
    ) -> Result<GapEnd, RunError> {
        let began_ns = gap.since_ns.filter(|_| self.reference.is_some()).unwrap_or(rig.clock.now_ns());
        let passed_s = lem_measure::units::seconds(rig.clock.now_ns() - began_ns);
        rig.tell(CampaignEvent::GapStarted {
            run_id: gap.run_id.into(),
            planned_s: self.spec.max_s.value,
            remaining_s: remaining_gap(self.spec.max_s.value, passed_s),
            source: self.spec.max_s.source.to_string(),
            mode: ThermalMode::Adaptive,
            targets: self.targets(),
        })
        .await?;
        let bounds = Bounds {
            least_ns: began_ns + nanoseconds(self.spec.min_s.value),
            most_ns: began_ns + nanoseconds(self.spec.max_s.value),
        };
        let tolerance_c = self.spec.tolerance_c.value;
        let because = if let Some(reference) = &self.reference {
            let back = |traces: &[Trace], now_ns| reference.is_back(traces, now_ns, tolerance_c);
            until(back, HOLD_NS, bounds, rig, control, recording).await?
        } else {
            let rest = |traces: &[Trace], now_ns| is_plateau(traces, now_ns, PLATEAU_SPAN_NS);
            until(rest, 0, bounds, rig, control, recording).await?
        };
        if self.reference.is_none() && because != GapEnd::Stopped {
            self.reference = Some(Reference::take(recording.traces(), rig.clock.now_ns()));
        }
        Ok(because)
    }

    /// When each device counts as cool; one without a thermometer is not asked.
    fn targets(&self) -> Vec<Option<CoolTarget>> {
        let target =
            |reference_c| CoolTarget { reference_c, cool_at_c: reference_c + self.spec.tolerance_c.value };
        let references_c = self.references_c().unwrap_or_default();
        references_c.into_iter().map(|reference_c| reference_c.map(target)).collect()
    }

    fn too_long(&self, reference_c: Option<f64>, end_c: Option<f64>) -> String {
        let celsius =
            |value: Option<f64>| value.map_or("unknown".to_owned(), |value| format!("{value:.0} °C"));
        format!(
            "the devices had not come to rest after {} s (thermal.max_seconds): {} at the start of the run, {} before the \
             first run",
            self.spec.max_s.value,
            celsius(end_c),
            celsius(reference_c),
        )
    }
}

impl Gap<'_> {
    fn elapsed_s(&self, now_ns: i64) -> Option<f64> {
        self.since_ns.map(|since| lem_measure::units::seconds(now_ns - since))
    }
}

async fn fixed(
    gap: &Gap<'_>,
    rig: &Rig<'_>,
    control: &Control,
    recording: &mut Recording<'_>,
) -> Result<GapEnd, RunError> {
    let now_ns = rig.clock.now_ns();
    let remaining_s = gap.elapsed_s(now_ns).map_or(0.0, |elapsed| remaining_gap(gap.planned_s, elapsed));
    if remaining_s <= 0.0 {
        return Ok(GapEnd::None);
    }
    rig.tell(CampaignEvent::GapStarted {
        run_id: gap.run_id.into(),
        planned_s: gap.planned_s,
        remaining_s,
        source: gap.source.clone(),
        mode: ThermalMode::Fixed,
        targets: Vec::new(),
    })
    .await?;
    let waited = interrupted_by(control, rig.clock.sleep_until(now_ns + nanoseconds(remaining_s)));
    Ok(recording.during(waited).await?.unwrap_or(GapEnd::Elapsed))
}

/// The earliest and the latest end of a gap.
#[derive(Clone, Copy)]
struct Bounds {
    least_ns: i64,
    most_ns: i64,
}

/// Waits until something has been so for `hold_ns`, within bounds.
async fn until(
    is_so: impl Fn(&[Trace], i64) -> bool,
    hold_ns: i64,
    bounds: Bounds,
    rig: &Rig<'_>,
    control: &Control,
    recording: &mut Recording<'_>,
) -> Result<GapEnd, RunError> {
    let mut so_since_ns = None;
    loop {
        let now_ns = rig.clock.now_ns();
        so_since_ns = is_so(recording.traces(), now_ns).then(|| so_since_ns.unwrap_or(now_ns));
        if so_since_ns.is_some_and(|since| now_ns - since >= hold_ns) && now_ns >= bounds.least_ns {
            return Ok(GapEnd::Cooled);
        }
        if now_ns >= bounds.most_ns || recording.lost().is_some() {
            return Ok(GapEnd::Maximum);
        }
        let next = rig.clock.sleep_until((now_ns + LOOK_NS).min(bounds.most_ns));
        if let Some(end) = recording.during(interrupted_by(control, next)).await? {
            return Ok(end);
        }
    }
}

/// Waits; gives why someone did not want to.
async fn interrupted_by(control: &Control, wait: impl Future<Output = ()>) -> Option<GapEnd> {
    tokio::select! {
        biased;
        () = control.stopped() => Some(GapEnd::Stopped),
        () = control.skipped() => Some(GapEnd::Skipped),
        () = wait => None,
    }
}

#[cfg(test)]
mod tests {
    use lem_measure::{Channel, Sample};

    use super::*;

    #[test]
    fn a_device_is_waited_for_to_its_own_temperature_and_one_without_a_thermometer_is_not() {
        let mut thermals = Thermals::new(Thermal::default());
        assert_eq!(thermals.targets(), [], "there is nothing to come back to before the first run");
        let warm = |celsius| Trace::new([Sample::at(0).with(Channel::Temperature, celsius)]);
        thermals.reference = Some(Reference::take(&[warm(36.0), Trace::default(), warm(41.0)], 1));
        let target = |reference_c, cool_at_c| Some(CoolTarget { reference_c, cool_at_c });
        assert_eq!(thermals.targets(), [target(36.0, 39.0), None, target(41.0, 44.0)]);
    }
}
