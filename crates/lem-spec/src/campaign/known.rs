//! Every key that the campaign dialect knows: its path, what may stand there, and what this version does with it.
//!
//! The one list: reading, refusing and suggesting all follow it. A key that is not here draws a warning; a key that is
//! here but that this version cannot execute is refused, except at the value at which it asks for nothing, so that
//! files written for earlier tools load.

use super::thermal::{BASELINE_KINDS, BASELINE_STRATEGIES, THERMAL_MODES};

/// One known key.
#[derive(Debug)]
pub(super) struct Known {
    /// Dotted path from the top of the campaign or of the experiment.
    pub(super) path: &'static str,
    /// What may stand there.
    pub(super) kind: Kind,
    /// What is done with it.
    pub(super) handling: Handling,
}

/// What may stand at a key. `null` may stand anywhere and means that the key is not given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// True or false.
    Bool,
    /// A whole number within both bounds.
    Integer(i64, i64),
    /// A finite number within both bounds.
    Number(f64, f64),
    /// A finite number above 0, up to the bound.
    Positive(f64),
    /// Text that is not empty and has no control characters: much of it is shown in terminals.
    Text,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A list of texts; one text is a list of one.
    Texts,
    /// A list of whole numbers from 0; one number is a list of one.
    Indices,
    /// Anything: read elsewhere, or kept as it is.
    Any,
}

/// What this version does with a known key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Handling {
    /// It does what the key says.
    Executed,
    /// It keeps the value, which is not meant to do anything.
    Recorded,
    /// It reads the value, which acts only together with a switch that is refused when on.
    Dormant,
    /// It accepts these values, which ask for nothing, and refuses others with the reason.
    Only(&'static [&'static str], &'static str),
    /// It accepts the value without following it, and says so once unless the value is one of these.
    Noted(&'static [&'static str], &'static str),
}

/// The largest number of seconds: about 31 years. Above it, clocks' own types overflow.
pub(super) const MAX_SECONDS: f64 = 1e9;
/// The most cycles.
pub(super) const MAX_CYCLES: i64 = 1000;
/// Counts of tokens, prompts and the like; far above anything that runs, far below overflow.
const MANY: i64 = 1_000_000_000;
const COUNT: Kind = Kind::Integer(1, MANY);
const COUNT_OR_NONE: Kind = Kind::Integer(0, MANY);
const SEED: Kind = Kind::Integer(0, i64::MAX);
const SECONDS: Kind = Kind::Number(0.0, MAX_SECONDS);

/// The ways to order runs, as they are written.
pub(super) const STRUCTURES: &[&str] = &["interleaved", "shuffled", "grouped", "reverse", "latin_square"];
/// Number formats of weights.
pub const PRECISIONS: &[&str] = &["float32", "float16", "bfloat16"];

/// Orders of prompts.
pub(super) const PROMPT_ORDERS: &[&str] = &["interleaved", "grouped", "shuffled"];
/// Ways in which requests arrive.
pub(super) const TRAFFIC: &[&str] = &["closed", "poisson", "gamma", "constant", "trace"];

/// Presets of the decoder.
pub const DECODER_PRESETS: &[&str] = &["deterministic", "standard", "creative", "factual"];
/// Names of datasets that workers know.
pub const DATASETS: &[&str] = &["ai-energy-score", "alpaca", "sharegpt", "gsm8k", "mmlu"];

const NO_SCHEDULE: &str =
    "campaigns start when they are told to; start this one from cron or a systemd timer";
const NO_RATE: &str = "say when requests arrive with `traffic: {type: poisson, requests_per_s: 2}`";
const NO_HEALTH_CHECK: &str =
    "a container is looked at before each run, and workers take their memory with them when they end";
const NO_STATE_FILES: &str =
    "runs are recorded in the project's database, which `results_dir` in .lem-config.yaml places";
const NO_BASELINE: &str =
    "a baseline is for all experiments of a campaign: write `measurement: {baseline: {enabled: true}}`";
const ONE_INTERVAL: &str = "the power trace is always recorded, at `measurement.interval_ms` of the campaign";

const fn executed(path: &'static str, kind: Kind) -> Known {
    Known { path, kind, handling: Handling::Executed }
}

const fn recorded(path: &'static str, kind: Kind) -> Known {
    Known { path, kind, handling: Handling::Recorded }
}

const fn dormant(path: &'static str, kind: Kind) -> Known {
    Known { path, kind, handling: Handling::Dormant }
}

const fn only(
    path: &'static str,
    kind: Kind,
    accepted: &'static [&'static str],
    reason: &'static str,
) -> Known {
    Known { path, kind, handling: Handling::Only(accepted, reason) }
}

const fn noted(
    path: &'static str,
    kind: Kind,
    quiet: &'static [&'static str],
    reason: &'static str,
) -> Known {
    Known { path, kind, handling: Handling::Noted(quiet, reason) }
}

/// The keys of a campaign file.
pub(super) const CAMPAIGN: &[Known] = &[
    executed("campaign_name", Kind::Text),
    executed("model", Kind::Text),
    executed("dataset", Kind::Text),
    executed("num_samples", COUNT),
    executed("configs", Kind::Any),
    executed("grid", Kind::Any),
    executed("experiments", Kind::Any),
    executed("runner", Kind::Any),
    executed("group_by", Kind::Texts),
    recorded("schema_version", Kind::Any),
    executed("execution.cycles", Kind::Integer(1, MAX_CYCLES)),
    executed("execution.cycles.min", Kind::Integer(3, MAX_CYCLES)),
    executed("execution.cycles.max", Kind::Integer(3, MAX_CYCLES)),
    executed("execution.cycles.target_ci_percent", Kind::Positive(100.0)),
    executed("execution.structure", Kind::OneOf(STRUCTURES)),
    executed("execution.seed", SEED),
    executed("execution.warmup_prompts", COUNT_OR_NONE),
    executed("execution.warmup_timeout_seconds", SECONDS),
    executed("execution.config_gap_seconds", SECONDS),
    executed("execution.cycle_gap_seconds", SECONDS),
    executed("execution.run_timeout_seconds", Kind::Positive(MAX_SECONDS)),
    executed("execution.silence_timeout_seconds", Kind::Positive(MAX_SECONDS)),
    executed("execution.max_consecutive_failures", COUNT),
    executed("thermal.mode", Kind::OneOf(THERMAL_MODES)),
    executed("thermal.min_seconds", Kind::Number(0.0, 86_400.0)),
    executed("thermal.max_seconds", Kind::Positive(86_400.0)),
    executed("thermal.tolerance_c", Kind::Number(0.5, 20.0)),
    executed("measurement.devices", Kind::Any),
    executed("measurement.interval_ms", Kind::Integer(5, 1000)),
    executed("measurement.baseline", Kind::Bool),
    executed("measurement.baseline.enabled", Kind::Bool),
    executed("measurement.baseline.kind", Kind::OneOf(BASELINE_KINDS)),
    executed("measurement.baseline.duration_seconds", Kind::Number(5.0, 600.0)),
    executed("measurement.baseline.strategy", Kind::OneOf(BASELINE_STRATEGIES)),
    executed("measurement.baseline.cache_ttl_seconds", SECONDS),
    executed("measurement.baseline.validation_interval", COUNT),
    executed("measurement.baseline.drift_threshold", Kind::Positive(1.0)),
    only("schedule.enabled", Kind::Bool, &["false"], NO_SCHEDULE),
    only("schedule.at", Kind::Text, &[], NO_SCHEDULE),
    only("schedule.days", Kind::Texts, &[], NO_SCHEDULE),
    only("daemon.enabled", Kind::Bool, &["false"], NO_SCHEDULE),
    dormant("daemon.at", Kind::Text),
    dormant("daemon.interval", Kind::Text),
    dormant("daemon.total_duration", Kind::Text),
    dormant("daemon.quiet", Kind::Bool),
    recorded("health_check.enabled", Kind::Bool),
    only("health_check.interval_experiments", COUNT_OR_NONE, &["0"], NO_HEALTH_CHECK),
    only("health_check.gpu_memory_threshold_pct", Kind::Number(50.0, 100.0), &["90"], NO_HEALTH_CHECK),
    executed("health_check.restart_on_failure", Kind::Bool),
    executed("health_check.max_restarts", COUNT_OR_NONE),
    executed("cold_start.force_cold_start", Kind::Bool),
    executed("cold_start.restart_container", Kind::Bool),
    only("io.results_dir", Kind::Text, &["results"], NO_STATE_FILES),
    only(
        "io.configs_dir",
        Kind::Text,
        &["configs"],
        "files under `configs` are found from the campaign file's folder",
    ),
    only("io.state_dir", Kind::Text, &[".state"], NO_STATE_FILES),
    only("io.manifest_filename", Kind::Text, &["campaign_manifest.json"], NO_STATE_FILES),
];

/// The keys of an experiment: a config file, `grid.shared`, overrides, an inline experiment. The section named after
/// the backend is apart, see [`super::options`].
pub(super) const EXPERIMENT: &[Known] = &[
    executed("config_name", Kind::Text),
    executed("model_name", Kind::Text),
    executed("backend", Kind::Text),
    recorded("schema_version", Kind::Any),
    recorded("extra_metadata", Kind::Any),
    executed("adapter", Kind::Text),
    executed("fp_precision", Kind::OneOf(PRECISIONS)),
    executed("max_input_tokens", COUNT),
    executed("max_output_tokens", COUNT),
    executed("min_output_tokens", COUNT_OR_NONE),
    executed("num_input_prompts", COUNT),
    executed("batch_size", COUNT),
    executed("batching.batch_size", COUNT),
    only(
        "batching.strategy",
        Kind::Text,
        &["static"],
        "batches are of a fixed size; put the strategy in the backend's section",
    ),
    only("num_processes", COUNT, &["1"], "one worker process does a run"),
    executed("gpus", Kind::Indices),
    executed("random_seed", SEED),
    executed("streaming", Kind::Bool),
    only(
        "streaming_warmup_requests",
        COUNT_OR_NONE,
        &["5"],
        "warm-up is set by `warmup.min_prompts` for streaming too",
    ),
    executed("idle_seconds", Kind::Number(0.0, 86_400.0)),
    executed("context_seconds", Kind::Number(0.0, 86_400.0)),
    only("save_outputs", Kind::Bool, &["false"], "generated text is not stored"),
    only("decode_token_to_text", Kind::Bool, &["false"], "generated text is not stored"),
    only("query_rate", Kind::Number(0.0, 1e9), &["1"], NO_RATE),
    executed("dataset.name", Kind::Text),
    executed("dataset.sample_size", COUNT),
    executed("dataset.subset", Kind::Text),
    executed("dataset.split", Kind::Text),
    executed("dataset.column", Kind::Text),
    executed("dataset.order", Kind::OneOf(PROMPT_ORDERS)),
    executed("prompts.type", Kind::OneOf(&["builtin", "file", "huggingface"])),
    executed("prompts.path", Kind::Text),
    executed("prompts.dataset", Kind::Text),
    executed("prompts.subset", Kind::Text),
    executed("prompts.split", Kind::Text),
    executed("prompts.column", Kind::Text),
    executed("prompts.sample_size", COUNT),
    executed("prompts.order", Kind::OneOf(PROMPT_ORDERS)),
    executed("prompts.shuffle", Kind::Bool),
    noted("prompts.seed", SEED, &["42"], "prompts are shuffled by `random_seed`, or the campaign's seed"),
    executed("decoder.preset", Kind::OneOf(DECODER_PRESETS)),
    executed("decoder.temperature", Kind::Number(0.0, 2.0)),
    executed("decoder.do_sample", Kind::Bool),
    executed("decoder.top_k", COUNT_OR_NONE),
    executed("decoder.top_p", Kind::Positive(1.0)),
    executed("decoder.repetition_penalty", Kind::Number(0.1, 10.0)),
    executed("warmup.enabled", Kind::Bool),
    executed("warmup.convergence_detection", Kind::Bool),
    executed("warmup.cv_threshold", Kind::Positive(1.0)),
    executed("warmup.max_prompts", Kind::Integer(1, 200)),
    executed("warmup.window_size", Kind::Integer(3, 20)),
    executed("warmup.min_prompts", Kind::Integer(0, 200)),
    noted("baseline.enabled", Kind::Bool, &["false"], NO_BASELINE),
    only("baseline.required", Kind::Bool, &["false"], NO_BASELINE),
    dormant("baseline.duration_sec", Kind::Number(5.0, 120.0)),
    dormant("baseline.cache_ttl_sec", SECONDS),
    dormant("baseline.sample_interval_ms", Kind::Integer(50, 1000)),
    recorded("timeseries.enabled", Kind::Bool),
    recorded("timeseries.save", Kind::Bool),
    noted("timeseries.sample_interval_ms", Kind::Integer(50, 5000), &["100"], ONE_INTERVAL),
    executed("traffic.type", Kind::OneOf(TRAFFIC)),
    executed("traffic.concurrency", Kind::Integer(1, 65_536)),
    executed("traffic.requests_per_s", Kind::Positive(1e6)),
    executed("traffic.burstiness", Kind::Positive(1e6)),
    executed("traffic.path", Kind::Text),
    executed("traffic_simulation.enabled", Kind::Bool),
    executed("traffic_simulation.mode", Kind::OneOf(&["poisson", "constant"])),
    executed("traffic_simulation.target_qps", Kind::Positive(1e6)),
    noted(
        "traffic_simulation.seed",
        SEED,
        &["42"],
        "arrivals are drawn from `random_seed`, or the campaign's seed",
    ),
    only("schedule.enabled", Kind::Bool, &["false"], NO_SCHEDULE),
    dormant("schedule.interval", Kind::Text),
    dormant("schedule.at", Kind::Text),
    dormant("schedule.days", Kind::Texts),
    dormant("schedule.total_duration", Kind::Text),
    only("io.results_dir", Kind::Text, &[], NO_STATE_FILES),
];
