//! The values in force for one experiment, and the flat view of them that results carry.
//!
//! Defaults are those of the experiment dialect: 512 tokens in, 128 out, one prompt, 5 to 50 warm-up prompts until
//! latencies vary by less than 5 %, within 30 s.

use serde_json::{Map, Value};

use super::names;
use super::overrides::Overrides;
use super::resolve::{WARMUP_PROMPTS, WARMUP_TIMEOUT_S};
use super::spec::{Convergence, Decoding, ExperimentSpec, PromptOrder, Prompts, Warmup};
use super::thermal::BaselineKind;
use super::written::{Campaign, WrittenDecoder, WrittenExperiment};
use crate::settings::Settings;

/// `max_output_tokens` unless written.
pub(super) const MAX_OUTPUT_TOKENS: u32 = 128;
/// `warmup.max_prompts` unless written.
pub(super) const WARMUP_MAX_PROMPTS: u32 = 50;

/// Everything above and below an experiment.
pub(super) struct Layers<'a> {
    pub(super) campaign: &'a Campaign,
    pub(super) overrides: &'a Overrides,
    pub(super) settings: &'a Settings,
}

impl Layers<'_> {
    /// The backend of an experiment.
    pub(super) fn backend<'w>(&'w self, written: &'w WrittenExperiment) -> &'w str {
        written.backend.as_deref().unwrap_or(&self.settings.default_backend.value)
    }

    /// The model of an experiment, if anything names one.
    pub(super) fn model<'w>(&'w self, written: &'w WrittenExperiment) -> Option<&'w str> {
        let top = self.campaign.model.as_ref().map(|model| model.value.as_str());
        self.overrides.model.as_deref().or(written.model.as_deref()).or(top)
    }

    /// The experiment with everything filled in; its name may still be that of another. `None` without a model.
    pub(super) fn spec(&self, written: &WrittenExperiment) -> Option<ExperimentSpec> {
        let backend = self.backend(written).to_owned();
        let model = self.model(written)?.to_owned();
        let in_campaign = self.campaign.num_samples.map(|samples| samples.value);
        let mut spec = ExperimentSpec {
            name: String::new(),
            precision: precision(written, &backend),
            adapter: written.adapter.clone(),
            prompts: self.prompts(written),
            order: written.order.unwrap_or_default(),
            traffic: written.traffic.clone(),
            sample_size: self.overrides.sample_size.or(in_campaign).or(written.sample_size).unwrap_or(1),
            max_input_tokens: written.max_input_tokens.unwrap_or(512),
            max_output_tokens: written.max_output_tokens.unwrap_or(MAX_OUTPUT_TOKENS),
            min_output_tokens: written.min_output_tokens.unwrap_or(0),
            warmup: self.warmup(written),
            decoding: decoding(&written.decoder),
            batch_size: written.batch_size.unwrap_or_else(|| batch_size(&backend, &written.options)),
            streaming: written.streaming.unwrap_or(false),
            random_seed: written.random_seed,
            idle_s: written.idle_s.unwrap_or_else(|| self.baseline_s(BaselineKind::Loaded)),
            context_s: written.context_s.unwrap_or_else(|| self.baseline_s(BaselineKind::Context)),
            gpus: written.gpus.clone(),
            options: written.options.clone(),
            parameters: Map::new(),
            backend,
            model,
        };
        spec.parameters = parameters(&spec, &written.extra);
        spec.name = names::name(&written.naming, &spec.backend, &spec.model, &spec.parameters);
        Some(spec)
    }

    /// A baseline that the worker idles for is taken for as long as the campaign says, unless the experiment says.
    fn baseline_s(&self, kind: BaselineKind) -> f64 {
        self.campaign.baseline.filter(|baseline| baseline.kind == kind).map_or(0.0, |it| it.duration_s)
    }

    /// The command line and the top of the campaign speak for all experiments.
    fn prompts(&self, written: &WrittenExperiment) -> Prompts {
        let common = self.overrides.dataset.as_deref().map(Prompts::named);
        let in_campaign = || self.campaign.dataset.as_ref().map(|dataset| dataset.value.clone());
        common.or_else(in_campaign).or_else(|| written.prompts.clone()).unwrap_or_default()
    }

    /// An experiment's own `warmup` wins over `execution` of the campaign, since it may be what is being compared; the
    /// command line wins over both.
    fn warmup(&self, written: &WrittenExperiment) -> Warmup {
        let (own, execution, overrides) = (&written.warmup, &self.campaign.execution, self.overrides);
        let enabled = own.enabled.unwrap_or(true);
        let in_campaign = execution.warmup_prompts.map(|prompts| prompts.value);
        let prompts = match overrides.warmup_prompts {
            Some(prompts) => prompts,
            None if !enabled => 0,
            None => own.min_prompts.or(in_campaign).unwrap_or(WARMUP_PROMPTS),
        };
        let timeout_in_campaign = execution.warmup_timeout_s.map(|timeout| timeout.value);
        let converge = enabled && prompts > 0 && own.convergence_detection.unwrap_or(true);
        Warmup {
            prompts,
            timeout_s: overrides.warmup_timeout_s.or(timeout_in_campaign).unwrap_or(WARMUP_TIMEOUT_S),
            convergence: converge.then(|| Convergence {
                cv_threshold: own.cv_threshold.unwrap_or(0.05),
                window: own.window_size.unwrap_or(5),
                max_prompts: own.max_prompts.unwrap_or(WARMUP_MAX_PROMPTS).max(prompts),
            }),
        }
    }
}

/// Engines that batch by themselves are given as many requests as they may take at once: what their section says, else
/// the dialect's defaults. Others get one.
fn batch_size(backend: &str, options: &Map<String, Value>) -> u32 {
    let (option, default) = match backend {
        "vllm" => ("max_num_seqs", 256),
        "tensorrt" => ("max_batch_size", 8),
        _ => return 1,
    };
    options.get(option).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok()).unwrap_or(default)
}

/// The dialect's default, half precision, is one of its own three backends; others are asked for nothing.
fn precision(written: &WrittenExperiment, backend: &str) -> Option<String> {
    let default = matches!(backend, "pytorch" | "vllm" | "tensorrt").then(|| "float16".to_owned());
    written.precision.clone().or(default)
}

/// Presets come first, single values on top. A temperature of 0 means the most probable token, whatever `do_sample` says.
fn decoding(written: &WrittenDecoder) -> Decoding {
    let plain =
        Decoding { do_sample: true, temperature: 1.0, top_k: 50, top_p: 1.0, repetition_penalty: 1.0 };
    let base = match written.preset.as_deref() {
        Some("deterministic") => Decoding { temperature: 0.0, do_sample: false, ..plain },
        Some("standard") => Decoding { top_p: 0.95, ..plain },
        Some("creative") => Decoding { temperature: 0.8, top_p: 0.9, repetition_penalty: 1.1, ..plain },
        Some("factual") => Decoding { temperature: 0.3, ..plain },
        _ => plain,
    };
    let temperature = written.temperature.unwrap_or(base.temperature);
    Decoding {
        do_sample: written.do_sample.unwrap_or(base.do_sample) && temperature > 0.0,
        temperature,
        top_k: written.top_k.unwrap_or(base.top_k),
        top_p: written.top_p.unwrap_or(base.top_p),
        repetition_penalty: written.repetition_penalty.unwrap_or(base.repetition_penalty),
    }
}

/// The flat view: every value in force by its dotted path, options of the backend under its name.
fn parameters(spec: &ExperimentSpec, extra: &Map<String, Value>) -> Map<String, Value> {
    let mut flat = Map::new();
    for (key, value) in extra {
        flatten(key, value, &mut flat);
    }
    for (key, value) in &spec.options {
        flatten(&format!("{}.{key}", spec.backend), value, &mut flat);
    }
    let mut put = |key: &str, value: Value| {
        flat.insert(key.to_owned(), value);
    };
    put("max_input_tokens", spec.max_input_tokens.into());
    put("max_output_tokens", spec.max_output_tokens.into());
    put("min_output_tokens", spec.min_output_tokens.into());
    put("num_input_prompts", spec.sample_size.into());
    put("batch_size", spec.batch_size.into());
    put("streaming", spec.streaming.into());
    put("idle_seconds", spec.idle_s.into());
    if spec.context_s > 0.0 {
        put("context_seconds", spec.context_s.into());
    }
    put("decoder.do_sample", spec.decoding.do_sample.into());
    put("decoder.temperature", spec.decoding.temperature.into());
    put("decoder.top_k", spec.decoding.top_k.into());
    put("decoder.top_p", spec.decoding.top_p.into());
    put("decoder.repetition_penalty", spec.decoding.repetition_penalty.into());
    put("warmup.min_prompts", spec.warmup.prompts.into());
    put("warmup.timeout_seconds", spec.warmup.timeout_s.into());
    put("warmup.convergence_detection", spec.warmup.convergence.is_some().into());
    if let Some(convergence) = &spec.warmup.convergence {
        put("warmup.cv_threshold", convergence.cv_threshold.into());
        put("warmup.window_size", convergence.window.into());
        put("warmup.max_prompts", convergence.max_prompts.into());
    }
    if let Some(precision) = &spec.precision {
        put("fp_precision", precision.as_str().into());
    }
    if let Some(seed) = spec.random_seed {
        put("random_seed", seed.into());
    }
    if let Some(gpus) = &spec.gpus {
        put("gpus", gpus.as_slice().into());
    }
    put_prompts(&spec.prompts, &mut put);
    if spec.order != PromptOrder::default() {
        put("prompts.order", spec.order.name().into());
    }
    if let Some(adapter) = &spec.adapter {
        put("adapter", adapter.as_str().into());
    }
    if let Some(Value::Object(traffic)) = spec.traffic.as_ref().and_then(|t| serde_json::to_value(t).ok()) {
        for (key, value) in traffic {
            put(&format!("traffic.{key}"), value);
        }
    }
    flat
}

fn put_prompts(prompts: &Prompts, put: &mut dyn FnMut(&str, Value)) {
    let (kind, parts) = match prompts {
        Prompts::Builtin => ("builtin", Vec::new()),
        Prompts::File { path, column } => {
            ("file", vec![("prompts.path", Some(path)), ("prompts.column", column.as_ref())])
        }
        Prompts::Dataset { name, subset, split, column } => (
            "dataset",
            vec![
                ("dataset.name", Some(name)),
                ("dataset.subset", subset.as_ref()),
                ("dataset.split", split.as_ref()),
                ("dataset.column", column.as_ref()),
            ],
        ),
    };
    put("prompts.type", kind.into());
    for (key, value) in parts {
        if let Some(value) = value {
            put(key, value.as_str().into());
        }
    }
}

fn flatten(path: &str, value: &Value, flat: &mut Map<String, Value>) {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                flatten(&format!("{path}.{key}"), value, flat);
            }
        }
        _ => {
            flat.insert(path.to_owned(), value.clone());
        }
    }
}
