//! What came before the window: the pause, the warm-up and the baseline.

use crate::quality::catalogue as kinds;
use crate::quality::facts::{Baseline, BaselineKind, GapOutcome, RunFacts, WarmUp};
use crate::quality::judge::{AtMost, Finding, pass_or_warn};
use crate::quality::{Check, Verdict};

const DRIFT: AtMost = AtMost { pass: 5.0, warn: 10.0, poor: f64::INFINITY };

/// A baseline may be this old, in seconds.
const AGE_S: f64 = 7200.0;

pub(super) fn checks(facts: &RunFacts) -> Vec<Check> {
    let waited = facts.gap != Some(GapOutcome::None);
    let checks = [
        waited.then(|| kinds::GAP.check(gap(facts.gap))),
        Some(kinds::WARM_UP.check(warm_up(facts.warm_up))),
        facts.baseline.map(|found| kinds::BASELINE.check(baseline(found))),
    ];
    checks.into_iter().flatten().collect()
}

fn gap(outcome: Option<GapOutcome>) -> Finding {
    let (verdict, why) = match outcome {
        None => return Finding::unknown("It is not known how the pause before the run ended."),
        Some(GapOutcome::None) => (Verdict::Pass, "There was no pause to wait out."),
        Some(GapOutcome::Elapsed) => (Verdict::Pass, "The pause before the run was waited out."),
        Some(GapOutcome::Settled) => (Verdict::Pass, "The device had settled before the run."),
        Some(GapOutcome::Maximum) => {
            (Verdict::Warn, "The device had not settled when the longest pause was over.")
        }
        Some(GapOutcome::Skipped) => (Verdict::Warn, "The pause before the run was skipped."),
    };
    Finding::bare(verdict, why)
}

fn warm_up(outcome: Option<WarmUp>) -> Finding {
    let (verdict, why) = match outcome {
        None => return Finding::unknown("It is not known how warm-up ended."),
        Some(WarmUp::Fixed) => {
            return Finding::unknown(
                "Warm-up had a fixed length; whether latencies were stable was not asked.",
            );
        }
        Some(WarmUp::Converged) => (Verdict::Pass, "Latencies were stable when the window began."),
        Some(WarmUp::CapHit) => (Verdict::Warn, "Warm-up ended at its limit before latencies were stable."),
        Some(WarmUp::Nothing) => (Verdict::Warn, "There was no warm-up."),
    };
    Finding::bare(verdict, why)
}

/// Energy as measured does not depend on the baseline, so the worst is poor; adjusted energy is withheld then.
fn baseline(found: Baseline) -> Finding {
    let kind = match found.kind {
        BaselineKind::Bare => "bare",
        BaselineKind::Context => "context",
        BaselineKind::Loaded => "loaded",
    };
    let age = format!("The baseline ({kind}) was {:.0} min old", found.age_s / 60.0);
    let fresh = found.age_s <= AGE_S;
    let Some(drift) = found.drift else {
        let why = format!("{age} and was not measured again.");
        return Finding::bare(if fresh { Verdict::Unknown } else { Verdict::Warn }, why);
    };
    let percent = drift.abs() * 100.0;
    let by_drift = DRIFT.judge(percent);
    let verdict = if by_drift == Verdict::Pass { pass_or_warn(fresh) } else { by_drift };
    Finding::of(percent, verdict, format!("{age} and had drifted by {percent:.1} %."))
}
