//! What follows from a run by a formula: floating point operations, how much of the devices they use, carbon and cost.
//!
//! Nothing here is measured but the energy and the window that come in. Each value says which formula made it, whether a
//! model of the work stands in for a measurement, and, where it is missing, why. Not in here: statistics over runs, and
//! default figures for what depends on a place (carbon intensity, prices): without a setting there is no number.
//! The formulas, their sources and the table of peaks are written down in `docs/metrics.md`.

use serde::{Deserialize, Serialize};

use crate::parts::WindowPart;

mod bandwidth;
mod derived;
mod flops;
mod footprint;
mod formula;
pub mod peaks;
mod phases;
mod precision;
mod sequence;
mod utilization;

#[cfg(test)]
mod tests;

pub use derived::{Derived, Input, Missing};
pub use footprint::FootprintSettings;
pub use formula::{Formula, FormulaText};
pub use precision::Precision;
pub use sequence::{Sequence, TokensInWindow};

/// What is known of a run. What is not known is absent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, specta::Type)]
pub struct RunFacts {
    /// The model that ran.
    pub model: ModelFacts,
    /// Prompt tokens in the window, those of unfinished requests included.
    pub input_tokens: f64,
    /// Generated tokens in the window, those of unfinished requests included.
    pub output_tokens: f64,
    /// Those of both that belong to requests which were under way when the window ended.
    pub unfinished_tokens: f64,
    /// Each request that finished in the window.
    pub requests: Vec<Sequence>,
    /// Length of the measurement window in seconds.
    pub window_s: Option<f64>,
    /// Energy of the window in joules.
    pub energy_j: Option<f64>,
    /// Expanded uncertainty of the energy (k = 2) in joules.
    pub energy_uncertainty_j: Option<f64>,
    /// The window by what its requests were doing; empty where it could not be divided.
    pub parts: Vec<WindowPart>,
    /// Why it could not be.
    pub parts_withheld: Option<String>,
    /// The GPUs that the model ran on; none for a run on the CPU.
    pub gpus: Vec<Gpu>,
    /// The number format that the model computes in, in the words of its engine (`bfloat16`, `fp8`, `awq`).
    pub precision: Option<String>,
    /// The most sequences that shared one decoding step: the batch size of batches, or the concurrency of a closed loop.
    /// Absent where it is not known, and where one step gives a sequence several tokens.
    pub batch: Option<u32>,
    /// Whether one step may give a sequence several tokens (a model that drafts).
    pub drafts: bool,
}

/// What is known of the model of a run.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, specta::Type)]
pub struct ModelFacts {
    /// Parameters in all.
    pub parameters: Option<f64>,
    /// Parameters without the input embedding, and without the output head where it has weights of its own.
    pub non_embedding_parameters: Option<f64>,
    /// Whether every parameter works on every token; absent where nobody said.
    pub experts: Option<Experts>,
    /// Transformer layers with full attention.
    pub layers: Option<u32>,
    /// Attention heads times the size of a head. It is often, and not always, the width of the residual stream.
    pub attention_width: Option<u32>,
    /// Bytes that a token occupies in the cache of keys and values, all layers together.
    pub kv_bytes_per_token: Option<f64>,
    /// Bytes of the weights.
    pub weight_bytes: Option<f64>,
}

/// Which of a model's parameters work on a token.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, specta::Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Experts {
    /// All of them.
    Dense,
    /// Those of the experts that a router chose.
    Mixture {
        /// Non-embedding parameters that work on one token.
        active_non_embedding_parameters: Option<f64>,
    },
}

/// A GPU that the model ran on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Gpu {
    /// The name that NVML gives it, e.g. `NVIDIA H100 80GB HBM3`.
    pub name: String,
    /// Whether the board is split by MIG, so that the run had a part of it.
    pub is_split: bool,
}

/// Everything that is derived from one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, specta::Type)]
pub struct RunMetrics {
    /// Operations of the multiplications with weights, in FLOP.
    pub parameter_flops: Derived,
    /// Operations of attention over the context, in FLOP.
    pub attention_flops: Derived,
    /// Both, in FLOP.
    pub total_flops: Derived,
    /// Parameter operations per second, in FLOP/s.
    pub flops_per_second: Derived,
    /// Parameter operations per joule, in FLOP/J.
    pub flops_per_joule: Derived,
    /// Model FLOPs utilization by parameter operations: a share from 0 to 1.
    pub mfu: Derived,
    /// Model FLOPs utilization with those of attention: a share from 0 to 1.
    pub mfu_with_attention: Derived,
    /// Model bandwidth utilization of decoding, from below: a share from 0 to 1. Modelled, not measured.
    pub mbu: Derived,
    /// Energy of prefill for each token of the prompts, in J/token.
    pub prefill_joules_per_input_token: Derived,
    /// Energy of decode for each token that it gave, in J/token.
    pub decode_joules_per_output_token: Derived,
    /// Emissions in gCO2e.
    pub carbon_g: Derived,
    /// What the energy costs, in the currency of its price.
    pub energy_cost: Derived,
    /// What the devices cost over the window, in the currency of their price.
    pub device_cost: Derived,
    /// Both costs.
    pub total_cost: Derived,
}

/// Derives everything that follows from a run.
pub fn derive(run: &RunFacts, settings: &FootprintSettings) -> RunMetrics {
    let flops = flops::of(run);
    let cost = footprint::cost(run, settings);
    RunMetrics {
        flops_per_second: utilization::flops_per_second(run, &flops.parameters),
        flops_per_joule: utilization::flops_per_joule(run, &flops.parameters),
        mfu: utilization::mfu(run, &flops.parameters, Formula::Mfu),
        mfu_with_attention: utilization::mfu(run, &flops.total, Formula::MfuWithAttention),
        mbu: bandwidth::mbu(run),
        prefill_joules_per_input_token: phases::prefill_joules_per_input_token(run),
        decode_joules_per_output_token: phases::decode_joules_per_output_token(run),
        carbon_g: footprint::carbon_g(run, settings),
        energy_cost: cost.energy,
        device_cost: cost.devices,
        total_cost: cost.total,
        parameter_flops: Derived::of(Formula::ParameterFlops, flops.parameters),
        attention_flops: Derived::of(Formula::AttentionFlops, flops.attention),
        total_flops: Derived::of(Formula::TotalFlops, flops.total),
    }
}

impl RunFacts {
    /// The window in seconds, where it has a length.
    fn window(&self) -> derived::Known<f64> {
        let reason = "the length of the measurement window is not known";
        derived::positive(self.window_s, Input::Window, reason)
    }

    /// The energy in joules. An energy of nothing is no reading.
    fn energy(&self) -> derived::Known<f64> {
        derived::positive(self.energy_j, Input::Energy, "the run has no energy")
    }

    /// The uncertainty of the energy as a share of it.
    fn relative_energy_uncertainty(&self) -> Option<f64> {
        let energy_j = self.energy().ok()?;
        let share = self.energy_uncertainty_j.filter(|j| *j >= 0.0)? / energy_j;
        share.is_finite().then_some(share)
    }
}
