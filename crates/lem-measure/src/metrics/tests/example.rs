//! One run, in numbers that can be followed by hand: Llama-2-7B in `bfloat16` on one H100.
//!
//! A layer has 4 × 4096² + 3 × 4096 × 11008 + 2 × 4096 = 202 383 360 parameters; 32 of them and the last normalization
//! have 6 476 271 616; both embeddings of 32 000 tokens add 262 144 000.

use crate::metrics::{
    Derived, Experts, FootprintSettings, Gpu, Input, ModelFacts, RunFacts, RunMetrics, Sequence, derive,
};
use crate::parts::{Part, WindowPart};

pub(super) const PARAMETERS: f64 = 6_738_415_616.0;
pub(super) const BODY: f64 = 6_476_271_616.0;

pub(super) fn gpu(name: &str) -> Gpu {
    Gpu { name: name.into(), is_split: false }
}

/// A part of the window, with an uncertainty of 10 %.
pub(super) fn part(part: Part, seconds: f64, energy_j: Option<f64>) -> WindowPart {
    WindowPart {
        part,
        seconds,
        stretches: 1,
        energy_j,
        energy_uncertainty_j: energy_j.map(|j| 0.1 * j),
        withheld: energy_j.is_none().then(|| "its one stretch is too short".into()),
    }
}

/// A batch of eight requests of 512 and 128 tokens, in 4 s and with 2000 J ± 20 J.
pub(super) fn run() -> RunFacts {
    let request = Sequence { input_tokens: 512, output_tokens: 128, in_window: None };
    RunFacts {
        model: ModelFacts {
            parameters: Some(PARAMETERS),
            non_embedding_parameters: Some(BODY),
            experts: Some(Experts::Dense),
            layers: Some(32),
            attention_width: Some(4096),
            kv_bytes_per_token: Some(524_288.0),
            weight_bytes: Some(2.0 * PARAMETERS),
        },
        input_tokens: 4096.0,
        output_tokens: 1024.0,
        unfinished_tokens: 0.0,
        requests: vec![request; 8],
        window_s: Some(4.0),
        energy_j: Some(2000.0),
        energy_uncertainty_j: Some(20.0),
        parts: vec![part(Part::Prefill, 0.5, Some(300.0)), part(Part::Decode, 3.5, Some(1700.0))],
        parts_withheld: None,
        gpus: vec![gpu("NVIDIA H100 80GB HBM3")],
        precision: Some("bfloat16".into()),
        batch: Some(8),
        drafts: false,
    }
}

/// What follows from the run after a change, without settings.
pub(super) fn after(change: impl FnOnce(&mut RunFacts)) -> RunMetrics {
    let mut run = run();
    change(&mut run);
    derive(&run, &FootprintSettings::default())
}

#[track_caller]
pub(super) fn assert_value(derived: &Derived, expected: f64) {
    let value = derived.value.unwrap_or_else(|| panic!("no value: {:?}", derived.missing));
    assert!((value - expected).abs() <= expected.abs() * 1e-12, "{value} is not {expected}");
}

/// That there is no value, because of these inputs alone.
#[track_caller]
pub(super) fn assert_lacks(derived: &Derived, inputs: &[Input]) {
    assert_eq!(derived.value, None);
    let lacking: Vec<Input> = derived.missing.iter().map(|missing| missing.input).collect();
    assert_eq!(lacking, inputs, "{:?}", derived.missing);
}

#[track_caller]
pub(super) fn reason(derived: &Derived) -> &str {
    assert_eq!((derived.value, derived.missing.len()), (None, 1), "{:?}", derived.missing);
    &derived.missing[0].reason
}

/// All values of a run.
pub(super) fn all(metrics: &RunMetrics) -> [&Derived; 14] {
    [
        &metrics.parameter_flops,
        &metrics.attention_flops,
        &metrics.total_flops,
        &metrics.flops_per_second,
        &metrics.flops_per_joule,
        &metrics.mfu,
        &metrics.mfu_with_attention,
        &metrics.mbu,
        &metrics.prefill_joules_per_input_token,
        &metrics.decode_joules_per_output_token,
        &metrics.carbon_g,
        &metrics.energy_cost,
        &metrics.device_cost,
        &metrics.total_cost,
    ]
}
