//! From a figure to a verdict, and from several devices to one.

use super::facts::DeviceFacts;
use super::{Check, Kind, Verdict};

/// What was found about one device, or about the run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Finding {
    value: Option<f64>,
    verdict: Verdict,
    why: String,
}

impl Finding {
    /// A verdict with its figure.
    pub(super) fn of(value: f64, verdict: Verdict, why: impl Into<String>) -> Self {
        Self { value: Some(value), verdict, why: why.into() }
    }

    /// A verdict on something that is not a number.
    pub(super) fn bare(verdict: Verdict, why: impl Into<String>) -> Self {
        Self { value: None, verdict, why: why.into() }
    }

    /// Something that is needed is not known.
    pub(super) fn unknown(why: impl Into<String>) -> Self {
        Self::bare(Verdict::Unknown, why)
    }

    /// The same with a figure, which is told although it could not be judged.
    pub(super) fn with_value(self, value: f64) -> Self {
        Self { value: Some(value), ..self }
    }
}

impl Kind {
    /// The check with what was found. JSON has no infinities, so a figure that is not finite is left to the sentence.
    pub(super) fn check(&self, found: Finding) -> Check {
        Check {
            id: self.id.into(),
            value: found.value.filter(|value| value.is_finite()),
            unit: self.unit.into(),
            threshold: self.threshold.into(),
            verdict: found.verdict,
            why: found.why,
        }
    }

    /// The check with the worst of what was found on the devices to which it applies, the first of equals; `None`
    /// where it applies to none.
    pub(super) fn worst<'a>(
        &self,
        devices: impl IntoIterator<Item = &'a DeviceFacts>,
        judge: impl Fn(&DeviceFacts) -> Finding,
    ) -> Option<Check> {
        let mut found = devices.into_iter().map(judge);
        let first = found.next()?;
        let worst =
            found.fold(
                first,
                |worst, next| {
                    if next.verdict.severity() > worst.verdict.severity() { next } else { worst }
                },
            );
        Some(self.check(worst))
    }
}

/// Limits of a figure of which less is better; each is within its verdict, and what lies above the last is invalid.
#[derive(Debug, Clone, Copy)]
pub(super) struct AtMost {
    /// The most that passes.
    pub(super) pass: f64,
    /// The most that is a warning.
    pub(super) warn: f64,
    /// The most that is poor: `warn` where there is no such range, infinity where nothing is invalid.
    pub(super) poor: f64,
}

impl AtMost {
    /// The verdict on a figure; one that is no number is not known.
    pub(super) fn judge(self, value: f64) -> Verdict {
        match value {
            v if v.is_nan() => Verdict::Unknown,
            v if v <= self.pass => Verdict::Pass,
            v if v <= self.warn => Verdict::Warn,
            v if v <= self.poor => Verdict::Poor,
            _ => Verdict::Invalid,
        }
    }
}

/// Limits of a figure of which more is better; see [`AtMost`].
#[derive(Debug, Clone, Copy)]
pub(super) struct AtLeast {
    /// The least that passes.
    pub(super) pass: f64,
    /// The least that is a warning.
    pub(super) warn: f64,
    /// The least that is poor: `warn` where there is no such range.
    pub(super) poor: f64,
}

impl AtLeast {
    /// The verdict on a figure; one that is no number is not known.
    pub(super) fn judge(self, value: f64) -> Verdict {
        let Self { pass, warn, poor } = self;
        AtMost { pass: -pass, warn: -warn, poor: -poor }.judge(-value)
    }
}

/// Passes or warns.
pub(super) fn pass_or_warn(passes: bool) -> Verdict {
    if passes { Verdict::Pass } else { Verdict::Warn }
}

/// Passes or is invalid.
pub(super) fn pass_or_invalid(passes: bool) -> Verdict {
    if passes { Verdict::Pass } else { Verdict::Invalid }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_belongs_to_the_better_verdict() {
        let least = AtLeast { pass: 30.0, warn: 10.0, poor: 2.0 };
        let verdicts = [30.0, 29.9, 10.0, 9.9, 2.0, 1.9].map(|v| least.judge(v));
        assert_eq!(verdicts.map(Verdict::name), ["pass", "warn", "warn", "poor", "poor", "invalid"]);
        let most = AtMost { pass: 2.0, warn: 5.0, poor: 10.0 };
        let verdicts = [2.0, 2.1, 5.0, 5.1, 10.0, 10.1].map(|v| most.judge(v));
        assert_eq!(verdicts.map(Verdict::name), ["pass", "warn", "warn", "poor", "poor", "invalid"]);
    }

    #[test]
    fn no_number_is_not_known_and_never_a_pass() {
        assert_eq!(AtMost { pass: 1.0, warn: 2.0, poor: 3.0 }.judge(f64::NAN), Verdict::Unknown);
        assert_eq!(AtLeast { pass: 3.0, warn: 2.0, poor: 1.0 }.judge(f64::NAN), Verdict::Unknown);
        assert_eq!(AtLeast { pass: 3.0, warn: 2.0, poor: 1.0 }.judge(f64::NEG_INFINITY), Verdict::Invalid);
    }
}
