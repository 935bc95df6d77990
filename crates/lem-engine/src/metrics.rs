//! What follows from a run and is measured by nobody: operations, utilization, carbon and cost. See
//! [`lem_measure::metrics`] for the formulas.

use lem_measure::DeviceKind;
use lem_measure::metrics::{
    self, Experts, FootprintSettings, Gpu, ModelFacts, RunFacts, RunMetrics, Sequence,
};
use lem_protocol::WorkerResult;
use lem_store::{RunDetail, RunDevice};
use serde_json::Value;

use crate::Engine;
use crate::error::Error;

/// Options under which tokens are guessed ahead, so that a step may give several; vLLM and TensorRT-LLM have them in their
/// own configuration.
const DRAFTS: [&str; 5] = [
    "/assistant",
    "/assisted_generation",
    "/speculative",
    "/vllm/speculative_config",
    "/tensorrt_llm/speculative_config",
];

impl Engine {
    /// Everything that is derived from a run, with the reason where something is not.
    pub async fn run_metrics(&self, run: &str) -> Result<RunMetrics, Error> {
        let detail = self.result(run).await?;
        let footprint = self.settings()?.settings.footprint;
        let settings = FootprintSettings {
            carbon_intensity_gco2_kwh: footprint.carbon_intensity_gco2_kwh.value,
            datacenter_pue: footprint.datacenter_pue.value,
            price_per_kwh: footprint.price_per_kwh.value,
            device_price_per_hour: footprint.device_price_per_hour.value,
        };
        Ok(metrics::derive(&facts(&detail), &settings))
    }
}

fn facts(detail: &RunDetail) -> RunFacts {
    let result: Option<WorkerResult> = detail
        .record
        .result
        .as_ref()
        .and_then(|stored| serde_json::from_value(stored.get("result")?.clone()).ok());
    let effective = |name: &str| result.as_ref().and_then(|result| result.effective_parameters.get(name));
    let drafts = result.as_ref().is_some_and(drafts);
    let row = &detail.row;
    RunFacts {
        model: result.as_ref().map(model).unwrap_or_default(),
        // Without tokens nothing that rests on them is derived.
        input_tokens: row.input_tokens.map_or(0.0, real),
        output_tokens: row.output_tokens.map_or(0.0, real),
        unfinished_tokens: result
            .as_ref()
            .and_then(|result| result.unfinished)
            .map_or(0.0, |tokens| real(tokens.input_tokens) + real(tokens.output_tokens)),
        requests: detail.request_records.iter().map(sequence).collect(),
        window_s: row.window_s,
        energy_j: row.energy_j,
        energy_uncertainty_j: row.energy_uncertainty_j,
        parts: detail.window_parts.clone(),
        parts_withheld: detail.record.parts_withheld.clone(),
        gpus: detail.devices.iter().filter(|device| device.kind == DeviceKind::Gpu).map(gpu).collect(),
        precision: precision(result.as_ref()),
        batch: effective("batch_size")
            // Such batches are made up anew, of as many requests as fit.
            .filter(|_| !drafts && effective("max_tokens_per_batch").is_none_or(Value::is_null))
            .filter(|_| detail.record.parameters.get("traffic.type").is_none())
            .and_then(Value::as_u64)
            .and_then(|batch| u32::try_from(batch).ok()),
        drafts,
    }
}

fn drafts(result: &WorkerResult) -> bool {
    let effective = Value::Object(result.effective_parameters.clone());
    DRAFTS.into_iter().any(|path| effective.pointer(path).is_some_and(|it| !it.is_null()))
}

/// The format that is computed in; not known of quantized weights, whose arithmetic is the engine's choice.
fn precision(result: Option<&WorkerResult>) -> Option<String> {
    let result = result?;
    let effective = |name: &str| result.effective_parameters.get(name).and_then(Value::as_str);
    if effective("quantization").is_some_and(|quantization| quantization != "none") {
        return None;
    }
    effective("precision").map(str::to_owned).or_else(|| result.model.dtype.clone())
}

fn model(result: &WorkerResult) -> ModelFacts {
    let model = &result.model;
    let active = model.active_non_embedding_parameters.map(real);
    ModelFacts {
        parameters: model.parameters.map(real),
        non_embedding_parameters: model.non_embedding_parameters.map(real),
        experts: model.mixture_of_experts.map(|is_mixture| {
            if is_mixture {
                Experts::Mixture { active_non_embedding_parameters: active }
            } else {
                Experts::Dense
            }
        }),
        layers: model.layers,
        attention_width: model.attention_width,
        kv_bytes_per_token: model.kv_bytes_per_token.map(real),
        weight_bytes: model.weight_bytes.map(real),
    }
}

fn sequence(request: &lem_store::Request) -> Sequence {
    Sequence {
        input_tokens: request.input_tokens,
        output_tokens: request.output_tokens,
        in_window: request.in_window,
    }
}

fn gpu(device: &RunDevice) -> Gpu {
    let mig = device.info.get("facts").and_then(|facts| facts.get("mig")).and_then(Value::as_str);
    Gpu { name: device.name.clone(), is_split: mig == Some("enabled") }
}

#[expect(clippy::cast_precision_loss, reason = "counts and sizes stay far below 2^53")]
fn real(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_model_that_drafts_is_found_wherever_its_engine_says_so() {
        let with = |parameters: Value| {
            let Value::Object(effective_parameters) = parameters else {
                unreachable!("written as an object")
            };
            drafts(&WorkerResult { effective_parameters, ..WorkerResult::default() })
        };
        assert!(with(json!({ "assistant": { "model": "small" } })));
        assert!(with(json!({ "vllm": { "speculative_config": { "method": "ngram" } } })));
        assert!(with(json!({ "tensorrt_llm": { "speculative_config": { "max_draft_len": 3 } } })));
        assert!(!with(json!({ "assistant": null, "vllm": { "speculative_config": null }, "batch_size": 4 })));
    }
}
