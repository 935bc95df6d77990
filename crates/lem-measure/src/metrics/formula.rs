//! The formulas by name, with what a reader needs to check a number: the expression, the unit, the source, and what is
//! left out.

use serde::{Deserialize, Serialize};

/// Which formula made a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Formula {
    /// Operations of the multiplications with weights.
    ParameterFlops,
    /// Operations of attention over the context.
    AttentionFlops,
    /// Both.
    TotalFlops,
    /// Parameter operations per second.
    FlopsPerSecond,
    /// Parameter operations per joule.
    FlopsPerJoule,
    /// Model FLOPs utilization by parameter operations.
    Mfu,
    /// Model FLOPs utilization with those of attention.
    MfuWithAttention,
    /// Model bandwidth utilization of decoding.
    Mbu,
    /// Energy of prefill for each token of the prompts.
    PrefillJoulesPerInputToken,
    /// Energy of decode for each token that it gave.
    DecodeJoulesPerOutputToken,
    /// Emissions.
    Carbon,
    /// What the energy costs.
    EnergyCost,
    /// What the devices cost.
    DeviceCost,
    /// Both costs.
    TotalCost,
}

/// A formula for a person to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct FormulaText {
    /// Which.
    pub formula: Formula,
    /// The expression in words and signs.
    pub expression: String,
    /// The unit of the value; `1` for a share.
    pub unit: String,
    /// Where it is from.
    pub source: String,
    /// What it leaves out.
    pub leaves_out: String,
}

const KAPLAN: &str = "Kaplan et al. 2020, arXiv 2001.08361, section 2.1";
const PALM: &str = "Chowdhery et al. 2022 (PaLM), arXiv 2204.02311, appendix B";
const OUTSIDE_OF_WEIGHTS: &str = "attention over the context, embedding lookups, the output head, softmax, \
    normalization, activations, positions, sampling; padding, adapters, drafted and dropped tokens";
const OUTSIDE_OF_PRODUCTS: &str = "embedding lookups, the output head, softmax, normalization, activations, positions, \
    sampling; padding, adapters, drafted and dropped tokens";

impl Formula {
    /// All of them, in the order of a page.
    pub const ALL: [Self; 14] = [
        Self::ParameterFlops,
        Self::AttentionFlops,
        Self::TotalFlops,
        Self::FlopsPerSecond,
        Self::FlopsPerJoule,
        Self::Mfu,
        Self::MfuWithAttention,
        Self::Mbu,
        Self::PrefillJoulesPerInputToken,
        Self::DecodeJoulesPerOutputToken,
        Self::Carbon,
        Self::EnergyCost,
        Self::DeviceCost,
        Self::TotalCost,
    ];

    /// Whether a model of the work stands in for a measurement of it.
    pub fn is_modelled(self) -> bool {
        match self {
            Self::ParameterFlops
            | Self::AttentionFlops
            | Self::TotalFlops
            | Self::FlopsPerSecond
            | Self::FlopsPerJoule
            | Self::Mfu
            | Self::MfuWithAttention
            | Self::Mbu => true,
            Self::PrefillJoulesPerInputToken
            | Self::DecodeJoulesPerOutputToken
            | Self::Carbon
            | Self::EnergyCost
            | Self::DeviceCost
            | Self::TotalCost => false,
        }
    }

    /// The formula for a person to read.
    pub fn text(self) -> FormulaText {
        FormulaText {
            formula: self,
            expression: self.expression().into(),
            unit: self.unit().into(),
            source: self.source().into(),
            leaves_out: self.leaves_out().into(),
        }
    }

    fn expression(self) -> &'static str {
        match self {
            Self::ParameterFlops => "2 × non-embedding parameters × (input + output tokens)",
            Self::AttentionFlops => "4 × layers × (heads × head size) × sum of the context of every token",
            Self::TotalFlops => "parameter FLOPs + attention FLOPs",
            Self::FlopsPerSecond => "parameter FLOPs / window",
            Self::FlopsPerJoule => "parameter FLOPs / energy",
            Self::Mfu => "parameter FLOPs / window / sum of the GPUs' dense peaks",
            Self::MfuWithAttention => "total FLOPs / window / sum of the GPUs' dense peaks",
            Self::Mbu => {
                "(decoding steps × weight bytes + cached bytes read) / window / sum of the GPUs' bandwidths"
            }
            Self::PrefillJoulesPerInputToken => "energy of prefill / input tokens",
            Self::DecodeJoulesPerOutputToken => "energy of decode / (output tokens - requests)",
            Self::Carbon => "energy in kWh × PUE × carbon intensity",
            Self::EnergyCost => "energy in kWh × PUE × price per kWh",
            Self::DeviceCost => "price per device and hour × devices × window in hours",
            Self::TotalCost => "energy cost + device cost",
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::ParameterFlops | Self::AttentionFlops | Self::TotalFlops => "FLOP",
            Self::FlopsPerSecond => "FLOP/s",
            Self::FlopsPerJoule => "FLOP/J",
            Self::Mfu | Self::MfuWithAttention | Self::Mbu => "1",
            Self::PrefillJoulesPerInputToken | Self::DecodeJoulesPerOutputToken => "J/token",
            Self::Carbon => "gCO2e",
            Self::EnergyCost | Self::DeviceCost | Self::TotalCost => "currency",
        }
    }

    fn source(self) -> &'static str {
        match self {
            Self::ParameterFlops | Self::FlopsPerSecond | Self::FlopsPerJoule => KAPLAN,
            Self::AttentionFlops | Self::TotalFlops | Self::Mfu | Self::MfuWithAttention => PALM,
            Self::Mbu => "Databricks 2023, LLM Inference Performance Engineering: Best Practices",
            Self::PrefillJoulesPerInputToken | Self::DecodeJoulesPerOutputToken => {
                "times of the requests, as the worker told them"
            }
            Self::Carbon => "PUE: ISO/IEC 30134-2; carbon intensity: a setting",
            Self::EnergyCost | Self::DeviceCost | Self::TotalCost => "prices: settings",
        }
    }

    fn leaves_out(self) -> &'static str {
        match self {
            Self::ParameterFlops | Self::FlopsPerSecond | Self::FlopsPerJoule | Self::Mfu => {
                OUTSIDE_OF_WEIGHTS
            }
            Self::AttentionFlops => "projections (they are weights), softmax and masks",
            Self::TotalFlops | Self::MfuWithAttention => OUTSIDE_OF_PRODUCTS,
            Self::Mbu => {
                "prefill, activations, writes, half of the embeddings, and steps of a batch that was not full"
            }
            Self::PrefillJoulesPerInputToken | Self::DecodeJoulesPerOutputToken => {
                "the time between requests; devices that are not measured"
            }
            Self::Carbon => "devices that are not measured, and the making of the hardware",
            Self::EnergyCost => "devices that are not measured",
            Self::DeviceCost => "loading, warm-up and gaps: the window alone is counted",
            Self::TotalCost => "devices that are not measured; loading, warm-up and gaps",
        }
    }
}
