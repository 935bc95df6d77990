//! The experiment as it will be carried out: every value checked before the server is asked for anything.

use std::time::Duration;

use lem_protocol::{Experiment, PromptSource, Traffic, Warmup};
use serde_json::{Map, Value};

use crate::failure::Failure;

/// The options that are known.
const OPTIONS: [&str; 2] = ["extra_body", "system_prompt"];

/// The fields of a request that are not for `extra_body`, because what is measured depends on them: with several answers to
/// one prompt, or with the prompt in the answer, chunks are not the tokens of one answer.
const OWN_FIELDS: [&str; 8] =
    ["best_of", "echo", "max_completion_tokens", "messages", "model", "n", "prompt", "stream"];

/// More requests under way, or more of them in a second, are a typing error.
const MAX_LOAD: f64 = 100_000.0;

/// What was resolved from an experiment.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) idle: Duration,
    pub(crate) warmup_timeout: Duration,
    pub(crate) traffic: Traffic,
    pub(crate) system_prompt: Option<String>,
    pub(crate) extra_body: Map<String, Value>,
    /// What a reader of the results should know.
    pub(crate) warnings: Vec<String>,
}

impl Settings {
    /// Checks `experiment`; the failure names the value, and the range or the names that are allowed.
    pub(crate) fn of(experiment: &Experiment) -> Result<Self, Failure> {
        experiment.check()?;
        check_prompts(&experiment.workload.prompts)?;
        check_what_the_server_decides(experiment)?;
        let traffic = experiment.workload.traffic.clone().unwrap_or(Traffic::Closed { concurrency: 1 });
        check_traffic(&traffic)?;
        check_hold(&experiment.warmup, &traffic)?;
        check_options(&experiment.backend, &experiment.options)?;
        let precision = experiment.precision.as_ref().map(|precision| {
            format!("precision is {precision}, but the server decides: its weights are as it loaded them")
        });
        let context = (experiment.context_s > 0.0).then(|| {
            "context_s has no effect: a server has loaded its model before it can be reached, so that no context baseline \
             can be taken"
                .to_owned()
        });
        Ok(Self {
            idle: seconds("idle_s", experiment.idle_s)?,
            warmup_timeout: seconds("warmup.timeout_s", experiment.warmup.timeout_s)?,
            traffic,
            system_prompt: experiment.options.get("system_prompt").and_then(Value::as_str).map(str::to_owned),
            extra_body: experiment
                .options
                .get("extra_body")
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default(),
            warnings: precision.into_iter().chain(context).collect(),
        })
    }
}

fn check_options(backend: &str, options: &Map<String, Value>) -> Result<(), Failure> {
    if let Some(unknown) = options.keys().find(|key| !OPTIONS.contains(&key.as_str())) {
        return Err(Failure::unsupported(format!(
            "the option {backend}.{unknown} is not known; known options are: {}. What the server itself understands \
             goes into {backend}.extra_body, and how it is started belongs to its service",
            OPTIONS.join(", ")
        )));
    }
    let given = |name: &str| options.get(name).filter(|value| !value.is_null());
    if let Some(value) = given("system_prompt").filter(|value| !value.is_string()) {
        return Err(Failure::unsupported(format!("{backend}.system_prompt is {value}; a text is needed")));
    }
    let Some(extra) = given("extra_body") else { return Ok(()) };
    let Some(extra) = extra.as_object() else {
        return Err(Failure::unsupported(format!("{backend}.extra_body is {extra}; a mapping is needed")));
    };
    match OWN_FIELDS.into_iter().find(|field| extra.contains_key(*field)) {
        Some(field) => Err(Failure::unsupported(format!(
            "{backend}.extra_body.{field} cannot be given: the campaign says it elsewhere, or the measurement needs it"
        ))),
        None => Ok(()),
    }
}

fn check_prompts(prompts: &PromptSource) -> Result<(), Failure> {
    if let PromptSource::Dataset { name, .. } = prompts {
        return Err(Failure::unsupported(format!(
            "a server is asked with prompts of a file, and not of a dataset ({name}); export the prompts to a .txt, \
             .jsonl or .csv file and name that, or use the built-in prompts"
        )));
    }
    Ok(())
}

fn check_what_the_server_decides(experiment: &Experiment) -> Result<(), Failure> {
    if experiment.batch_size > 1 {
        return Err(Failure::unsupported(format!(
            "batch_size is {0}, but a server batches by itself; say how many requests are under way with \
             `traffic: {{type: closed, concurrency: {0}}}`",
            experiment.batch_size
        )));
    }
    match &experiment.adapter {
        Some(adapter) => Err(Failure::unsupported(format!(
            "the adapter {adapter} cannot be loaded from here; let the server serve it (vllm serve --lora-modules), and \
             name it as `model`"
        ))),
        None => Ok(()),
    }
}

fn check_traffic(traffic: &Traffic) -> Result<(), Failure> {
    let within = |name: &str, value: f64, least: f64, most: f64| {
        if value.is_finite() && value >= least && value <= most {
            return Ok(());
        }
        Err(Failure::unsupported(format!("traffic.{name} is {value}; it must be from {least} to {most}")))
    };
    let rate = |requests_per_s: f64| within("requests_per_s", requests_per_s, 1e-6, MAX_LOAD);
    match *traffic {
        Traffic::Closed { concurrency } => within("concurrency", concurrency.into(), 1.0, MAX_LOAD),
        Traffic::Poisson { requests_per_s } | Traffic::Constant { requests_per_s } => rate(requests_per_s),
        Traffic::Gamma { requests_per_s, burstiness } => {
            rate(requests_per_s)?;
            within("burstiness", burstiness, 1e-3, 1e6)
        }
        Traffic::Trace { .. } => Ok(()),
    }
}

fn check_hold(warmup: &Warmup, traffic: &Traffic) -> Result<(), Failure> {
    match traffic {
        Traffic::Trace { path } if warmup.hold => Err(Failure::unsupported(format!(
            "warmup.hold keeps the load going until the device has its temperature, and the trace {path} has no further \
             arrivals to wait with; use other traffic, or do not wait for a temperature under load"
        ))),
        _ => Ok(()),
    }
}

fn seconds(name: &str, value: f64) -> Result<Duration, Failure> {
    Duration::try_from_secs_f64(value)
        .map_err(|_| Failure::unsupported(format!("{name} is {value}; seconds from 0 are needed")))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use lem_protocol::{Convergence, Decoding, MAX_STREAMED_TOKENS};
    use serde_json::json;

    /// A plain experiment of one request, from which tests differ.
    pub(crate) fn experiment() -> Experiment {
        Experiment {
            decoding: Decoding { top_k: 0, ..Decoding::default() },
            ..Experiment::plain("test", "vllm", "tiny")
        }
    }

    fn refusal(change: impl FnOnce(&mut Experiment)) -> String {
        let mut experiment = experiment();
        change(&mut experiment);
        Settings::of(&experiment).expect_err("the experiment is refused").message
    }

    fn convergence(cv_threshold: f64, window: u32, max_prompts: u32) -> Convergence {
        Convergence { cv_threshold, window, max_prompts }
    }

    #[test]
    fn without_traffic_one_request_is_under_way_at_a_time() {
        let settings = Settings::of(&experiment()).unwrap();
        assert_eq!(settings.traffic, Traffic::Closed { concurrency: 1 });
        assert!(settings.warnings.is_empty());
    }

    #[test]
    fn every_value_that_cannot_be_carried_out_is_refused_by_name() {
        let dataset =
            PromptSource::Dataset { name: "alpaca".into(), subset: None, split: None, column: None };
        let gamma = |requests_per_s, burstiness| Some(Traffic::Gamma { requests_per_s, burstiness });
        let refusals = [
            refusal(|e| e.protocol = 9),
            refusal(|e| e.workload.sample_size = 0),
            refusal(|e| e.batch_size = 8),
            refusal(|e| e.adapter = Some("my-lora".into())),
            refusal(|e| e.workload.min_output_tokens = 5),
            refusal(|e| e.workload.max_output_tokens = MAX_STREAMED_TOKENS + 1),
            refusal(|e| e.workload.prompts = dataset),
            refusal(|e| e.workload.traffic = Some(Traffic::Closed { concurrency: 0 })),
            refusal(|e| e.workload.traffic = gamma(f64::NAN, 1.0)),
            refusal(|e| e.workload.traffic = gamma(1.0, 0.0)),
            refusal(|e| e.warmup.convergence = Some(convergence(0.05, 1, 9))),
            refusal(|e| e.warmup.convergence = Some(convergence(0.0, 3, 9))),
            refusal(|e| e.warmup.convergence = Some(convergence(0.05, 5, 3))),
            refusal(|e| e.warmup.timeout_s = -1.0),
            refusal(|e| e.idle_s = f64::NAN),
            refusal(|e| e.context_s = -1.0),
            refusal(|e| {
                e.warmup.hold = true;
                e.workload.traffic = Some(Traffic::Trace { path: "trace.txt".into() });
            }),
            refusal(|e| e.decoding.temperature = -0.5),
            refusal(|e| e.decoding.top_p = 0.0),
            refusal(|e| drop(e.options.insert("extra_boby".into(), json!({})))),
            refusal(|e| drop(e.options.insert("extra_body".into(), json!(4)))),
            refusal(|e| drop(e.options.insert("extra_body".into(), json!({"stream": false})))),
            refusal(|e| drop(e.options.insert("extra_body".into(), json!({"n": 4})))),
            refusal(|e| drop(e.options.insert("system_prompt".into(), json!(["x"])))),
        ];
        insta::assert_snapshot!(refusals.join("\n"));
    }

    #[test]
    fn a_server_has_no_context_baseline_and_that_is_said() {
        let mut experiment = experiment();
        experiment.context_s = 5.0;
        let warnings = Settings::of(&experiment).unwrap().warnings;
        assert!(
            warnings[0].starts_with("context_s has no effect: a server has loaded its model"),
            "{warnings:?}"
        );
    }

    #[test]
    fn a_precision_is_not_in_our_hands_and_that_is_said() {
        let mut experiment = experiment();
        experiment.precision = Some("float16".into());
        let warnings = Settings::of(&experiment).unwrap().warnings;
        assert_eq!(
            warnings,
            ["precision is float16, but the server decides: its weights are as it loaded them"]
        );
    }
}
