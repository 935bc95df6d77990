//! A derived value with what made it, and the reasons of one that is missing.

use serde::{Deserialize, Serialize};

use super::formula::Formula;

/// A value that follows from others by a formula; or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, specta::Type)]
pub struct Derived {
    /// The value in the unit of its formula; absent where `missing` says why.
    pub value: Option<f64>,
    /// Expanded uncertainty (k = 2) in the unit of the value: what that of the energy makes of it, to first order.
    /// Absent where no energy goes into the value, and where its uncertainty is not known.
    pub uncertainty: Option<f64>,
    /// The formula.
    pub formula: Formula,
    /// Whether a model of the work stands in for a measurement: such a value is an estimate and must say so.
    pub modelled: bool,
    /// Every input that is missing, with its reason; empty where there is a value.
    pub missing: Vec<Missing>,
    /// What was assumed for this value, as sentences.
    pub notes: Vec<String>,
}

/// An input that a value lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Missing {
    /// Which.
    pub input: Input,
    /// Why, for a person to read.
    pub reason: String,
}

/// What a value can lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// How many parameters the model has.
    Parameters,
    /// Whether all of them work on every token, or which do.
    Experts,
    /// Layers and width of attention.
    AttentionShape,
    /// Bytes of the weights.
    WeightBytes,
    /// Tokens that were processed.
    Tokens,
    /// How long the context of each token was.
    Contexts,
    /// How many sequences shared a step.
    Batch,
    /// The length of the window.
    Window,
    /// The energy of the window, or of a part of it.
    Energy,
    /// Which of the window was prefill and which was decode.
    Parts,
    /// The number format of the computation.
    Precision,
    /// Which GPUs the model ran on.
    Gpus,
    /// The peak of a GPU.
    Peak,
    /// A setting.
    Setting,
    /// None: the inputs contradict each other.
    Contradiction,
}

/// A value, or every input that it lacks.
pub(super) type Known<T> = Result<T, Vec<Missing>>;

/// The absence of one input.
pub(super) fn missing<T>(input: Input, reason: impl Into<String>) -> Known<T> {
    Err(vec![Missing { input, reason: reason.into() }])
}

/// A value that must be above zero and finite; anything else is not known.
pub(super) fn positive(value: Option<f64>, input: Input, reason: impl Into<String>) -> Known<f64> {
    match value.filter(|value| value.is_finite() && *value > 0.0) {
        Some(value) => Ok(value),
        None => missing(input, reason),
    }
}

/// Both values, or what either lacks, each reason once.
pub(super) fn both<A, B>(a: Known<A>, b: Known<B>) -> Known<(A, B)> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(mut a), Err(b)) => {
            let new: Vec<Missing> = b.into_iter().filter(|reason| !a.contains(reason)).collect();
            a.extend(new);
            Err(a)
        }
        (Err(lacking), Ok(_)) | (Ok(_), Err(lacking)) => Err(lacking),
    }
}

impl Derived {
    /// A value without a stated uncertainty. One that is no number is withheld: a chart would draw it.
    pub(super) fn of(formula: Formula, value: Known<f64>) -> Self {
        let value = value.and_then(|value| {
            let reason = "the formula gives no finite number for these inputs";
            if value.is_finite() { Ok(value) } else { missing(Input::Contradiction, reason) }
        });
        let (value, missing) = match value {
            Ok(value) => (Some(value), Vec::new()),
            Err(missing) => (None, missing),
        };
        let modelled = formula.is_modelled();
        Self { value, uncertainty: None, formula, modelled, missing, notes: Vec::new() }
    }

    /// A share of a peak. Above 1, the run or the peak is not what was assumed, so that there is no number.
    pub(super) fn share(formula: Formula, value: Known<f64>) -> Self {
        let value = value.and_then(|share| {
            let percent = 100.0 * share;
            let reason = format!(
                "the inputs contradict each other: they give {percent:.0} % of what the devices can do"
            );
            if share <= 1.0 { Ok(share) } else { missing(Input::Contradiction, reason) }
        });
        Self::of(formula, value)
    }

    /// With an uncertainty that is this share of the value.
    pub(super) fn with_relative_uncertainty(mut self, share: Option<f64>) -> Self {
        self.uncertainty = self.value.and_then(|value| Some(value.abs() * share?)).filter(|u| u.is_finite());
        self
    }

    /// With a sentence about what was assumed, where there is a value.
    pub(super) fn noting(mut self, note: Option<impl Into<String>>) -> Self {
        if self.value.is_some() {
            self.notes.extend(note.map(Into::into));
        }
        self
    }
}
