//! The experiment as this worker will carry it out: every value checked before anything is loaded.

use std::time::Duration;

use candle_core::DType;
use lem_protocol::{Experiment, PromptOrder, PromptSource};
use serde_json::{Map, Value};

use crate::failure::Failure;

/// The options of the section `candle` that this worker knows.
const OPTIONS: [&str; 1] = ["threads"];

/// More threads than this are a typing error.
const MAX_THREADS: u32 = 1024;

/// What was resolved from an experiment.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Threads that compute; `None` leaves it to candle, or to `RAYON_NUM_THREADS`.
    pub(crate) threads: Option<u32>,
    /// Number format of the weights, where the campaign names one.
    pub(crate) precision: Option<DType>,
    pub(crate) idle: Duration,
    pub(crate) context: Duration,
    pub(crate) warmup_timeout: Duration,
}

impl Settings {
    /// Checks `experiment`; the failure names the value, and the range or the names that are allowed.
    pub(crate) fn of(experiment: &Experiment) -> Result<Self, Failure> {
        experiment.check()?;
        check_workload(experiment)?;
        Ok(Self {
            threads: threads(&experiment.options)?,
            precision: experiment.precision.as_deref().map(precision).transpose()?,
            idle: seconds("idle_s", experiment.idle_s)?,
            context: seconds("context_s", experiment.context_s)?,
            warmup_timeout: seconds("warmup.timeout_s", experiment.warmup.timeout_s)?,
        })
    }
}

/// The name of a number format in campaigns and results.
pub(crate) fn precision_name(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 => "float32",
        DType::F16 => "float16",
        DType::BF16 => "bfloat16",
        other => other.as_str(),
    }
}

fn precision(name: &str) -> Result<DType, Failure> {
    [DType::F32, DType::F16, DType::BF16].into_iter().find(|&dtype| precision_name(dtype) == name).ok_or_else(
        || {
            Failure::unsupported(format!(
                "precision is {name}; the candle worker knows float32, float16 and bfloat16"
            ))
        },
    )
}

fn threads(options: &Map<String, Value>) -> Result<Option<u32>, Failure> {
    if let Some(unknown) = options.keys().find(|key| !OPTIONS.contains(&key.as_str())) {
        return Err(Failure::unsupported(format!(
            "the option candle.{unknown} is not known; known options are: {}",
            OPTIONS.join(", ")
        )));
    }
    let Some(value) = options.get("threads").filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let threads = value.as_u64().and_then(|threads| u32::try_from(threads).ok());
    threads.filter(|threads| (1..=MAX_THREADS).contains(threads)).map(Some).ok_or_else(|| {
        Failure::unsupported(format!(
            "candle.threads is {value}; a whole number from 1 to {MAX_THREADS} is needed"
        ))
    })
}

fn check_workload(experiment: &Experiment) -> Result<(), Failure> {
    let workload = &experiment.workload;
    if experiment.adapter.is_some() {
        return Err(Failure::unsupported("adapter is given; the candle worker loads no adapters"));
    }
    if workload.traffic.is_some() {
        return Err(Failure::unsupported(
            "traffic is given; the candle worker takes one request after the other",
        ));
    }
    if workload.order != PromptOrder::Interleaved {
        return Err(Failure::unsupported(
            "the candle worker takes prompts in the order of the data (interleaved)",
        ));
    }
    if experiment.batch_size > 1 {
        return Err(Failure::unsupported(format!(
            "batch_size is {}; the candle worker processes one request at a time: use 1",
            experiment.batch_size
        )));
    }
    if let PromptSource::Dataset { name, .. } = &workload.prompts {
        return Err(Failure::unsupported(format!(
            "the candle worker loads no datasets ({name}); export the prompts to a .txt, .jsonl or .csv file and name \
             that, or use the built-in prompts"
        )));
    }
    Ok(())
}

fn seconds(name: &str, value: f64) -> Result<Duration, Failure> {
    Duration::try_from_secs_f64(value)
        .map_err(|_| Failure::unsupported(format!("{name} is {value}; seconds from 0 are needed")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lem_protocol::{Convergence, MAX_STREAMED_TOKENS};
    use serde_json::json;

    fn experiment() -> Experiment {
        Experiment::plain("test", "candle", "synthetic/llama-15m")
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
    fn a_plain_experiment_is_accepted() {
        let settings = Settings::of(&experiment()).unwrap();
        assert_eq!(settings.threads, None);
        assert_eq!(settings.precision, None, "the model decides");
    }

    #[test]
    fn every_value_out_of_range_is_refused_by_name() {
        let dataset =
            PromptSource::Dataset { name: "alpaca".into(), subset: None, split: None, column: None };
        let refusals = [
            refusal(|e| e.protocol = 9),
            refusal(|e| e.workload.sample_size = 0),
            refusal(|e| e.batch_size = 8),
            refusal(|e| e.workload.min_output_tokens = 5),
            refusal(|e| e.workload.max_output_tokens = MAX_STREAMED_TOKENS + 1),
            refusal(|e| e.workload.prompts = dataset),
            refusal(|e| e.warmup.convergence = Some(convergence(0.05, 1, 9))),
            refusal(|e| e.warmup.convergence = Some(convergence(0.0, 3, 9))),
            refusal(|e| e.warmup.convergence = Some(convergence(0.05, 5, 3))),
            refusal(|e| e.warmup.timeout_s = -1.0),
            refusal(|e| e.idle_s = f64::NAN),
            refusal(|e| e.decoding.temperature = -0.5),
            refusal(|e| e.decoding.top_p = 0.0),
            refusal(|e| e.decoding.repetition_penalty = f64::INFINITY),
            refusal(|e| e.precision = Some("int4".into())),
            refusal(|e| drop(e.options.insert("thread".into(), json!(2)))),
            refusal(|e| drop(e.options.insert("threads".into(), json!(0)))),
            refusal(|e| drop(e.options.insert("threads".into(), json!("all")))),
        ];
        insta::assert_snapshot!(refusals.join("\n"));
    }

    #[test]
    fn threads_of_null_are_left_to_candle() {
        let mut experiment = experiment();
        experiment.options.insert("threads".into(), Value::Null);
        assert_eq!(Settings::of(&experiment).unwrap().threads, None);
    }
}
