//! How far the figures of a run can be trusted, as data: a list of checks, each with a verdict and its reason, and a
//! grade that follows from them.
//!
//! Pure: facts go in, a report comes out, and nothing is read, timed or hidden. A run is never deleted or left out
//! because of its grade; whoever compares runs decides that. `docs/quality.md` lists every check with its limits and
//! where they come from.
//!
//! Deliberately not here: statistics of repeated runs (outliers and the effect of order come in as results), and how
//! facts about processes, the host and the worker are found out.

mod campaign;
pub mod catalogue;
mod checks;
mod facts;
mod judge;
mod observe;
mod series;
#[cfg(test)]
mod tests;
mod timing;
mod xid;

use serde::{Deserialize, Serialize};

pub use campaign::{ExperimentReport, ExperimentRuns, OrderEffect, RunFigures, campaign_report};
pub use catalogue::Kind;
pub use facts::{
    Baseline, BaselineKind, Batch, DeviceFacts, EccErrors, ForeignProcess, GapOutcome, Host, LogSigns,
    Method, Requests, RunFacts, SamplerFacts, Temperatures, ThermalMode, Throttling, Truncation, WarmUp,
};
pub use timing::Sampling;
pub use xid::{xid_in_words, xid_meaning};

/// What one check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename = "QualityVerdict", rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing speaks against the run.
    Pass,
    /// Short of what is recommended; usable.
    Warn,
    /// Far short of it: between what is warned of and what is refused.
    Poor,
    /// The figures of the run do not mean what they say.
    Invalid,
    /// What the check needs is not known. It does not lower the grade, and is told so that nobody takes it for a pass.
    Unknown,
}

impl Verdict {
    /// The name in the database and in exports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Poor => "poor",
            Self::Invalid => "invalid",
            Self::Unknown => "unknown",
        }
    }

    /// The order in which verdicts of several devices outweigh each other. Unknown outweighs a pass: a check passes
    /// when it was made on every device.
    fn severity(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Unknown => 1,
            Self::Warn => 2,
            Self::Poor => 3,
            Self::Invalid => 4,
        }
    }
}

/// The grade of a run or of an experiment; the worst comes last in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename = "QualityGrade", rename_all = "snake_case")]
pub enum Grade {
    /// Every check that could be made passed.
    A,
    /// The worst is a warning.
    B,
    /// The worst is a poor one.
    C,
    /// At least one check says that the figures are not valid.
    Invalid,
}

impl Grade {
    /// The grade that follows from checks.
    pub fn of(checks: &[Check]) -> Self {
        let any = |verdict| checks.iter().any(|check| check.verdict == verdict);
        if any(Verdict::Invalid) {
            Self::Invalid
        } else if any(Verdict::Poor) {
            Self::C
        } else if any(Verdict::Warn) {
            Self::B
        } else {
            Self::A
        }
    }

    /// What a person reads.
    pub fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::Invalid => "invalid",
        }
    }
}

/// One check of a run or of an experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, specta::Type)]
#[serde(rename = "QualityCheck")]
pub struct Check {
    /// Which check: one of [`catalogue::RUN`] or [`catalogue::EXPERIMENT`], stable across versions.
    pub id: String,
    /// The figure that was judged, where there is one: that of the worst device. Always finite.
    pub value: Option<f64>,
    /// The unit of `value`; empty for numbers without one.
    pub unit: String,
    /// The limits, for a person to read.
    pub threshold: String,
    /// What the check says.
    pub verdict: Verdict,
    /// Why, in a sentence.
    pub why: String,
}

/// The quality of a run. Checks that no device of the run can have are left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, specta::Type)]
#[serde(rename = "QualityReport")]
pub struct Report {
    /// What follows from the checks.
    pub grade: Grade,
    /// The checks, in the order of [`catalogue::RUN`].
    pub checks: Vec<Check>,
}

impl Report {
    /// The check with this id, where it was made.
    pub fn check(&self, id: &str) -> Option<&Check> {
        self.checks.iter().find(|check| check.id == id)
    }

    /// Whether figures that subtract the baseline should be withheld, because the baseline drifted by more than 10 %
    /// (Poor in `baseline`). Energy as measured is not concerned.
    pub fn withholds_adjusted_energy(&self) -> bool {
        self.check("baseline").is_some_and(|check| check.verdict == Verdict::Poor)
    }
}

/// Makes every check of a run.
pub fn run_report(facts: &RunFacts) -> Report {
    let checks = checks::run(facts);
    Report { grade: Grade::of(&checks), checks }
}
