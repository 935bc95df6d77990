//! The thermal gap before a run: the device returns towards its state before the last run.

use super::campaign::{Rig, RunError};
use super::control::Control;
use super::event::{CampaignEvent, GapEnd};
use super::recording::Recording;
use crate::plan::remaining_gap;

/// A gap to wait out.
pub(super) struct Gap<'a> {
    pub(super) run_id: &'a str,
    pub(super) planned_s: f64,
    pub(super) source: String,
    /// When the last run ended; `None` before the first run, which has no gap.
    pub(super) since_ns: Option<i64>,
}

/// Waits out a gap, recording all the while: the cooling curve belongs to the run that follows. Time that has passed
/// since the last run counts.
pub(super) async fn wait(
    gap: Gap<'_>,
    rig: &Rig<'_>,
    control: &Control,
    recording: &mut Recording<'_>,
) -> Result<GapEnd, RunError> {
    let elapsed_s = |now: i64| gap.since_ns.map(|since| lem_measure::units::seconds(now - since));
    let now_ns = rig.clock.now_ns();
    let remaining_s = elapsed_s(now_ns).map_or(0.0, |elapsed| remaining_gap(gap.planned_s, elapsed));
    let because = if remaining_s > 0.0 {
        rig.tell(CampaignEvent::GapStarted {
            run_id: gap.run_id.into(),
            planned_s: gap.planned_s,
            remaining_s,
            source: gap.source,
        })
        .await?;
        #[expect(clippy::cast_possible_truncation, reason = "a gap of 292 years would be needed")]
        let until_ns = now_ns + (remaining_s * 1e9) as i64;
        let waited = async {
            tokio::select! {
                biased;
                () = control.stopped() => GapEnd::Stopped,
                () = control.skipped() => GapEnd::Skipped,
                () = rig.clock.sleep_until(until_ns) => GapEnd::Elapsed,
            }
        };
        recording.during(waited).await?
    } else {
        GapEnd::None
    };
    let actual_s = elapsed_s(rig.clock.now_ns());
    rig.tell(CampaignEvent::GapEnded { run_id: gap.run_id.into(), actual_s, because }).await?;
    Ok(because)
}
