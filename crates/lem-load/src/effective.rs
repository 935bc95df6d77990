//! Every parameter as it was in force, for the result.

use serde_json::{Map, Value, json};

use crate::counting::Counting;
use crate::load::{Outcome, Plan};
use crate::traffic::described;

/// What was in force in this run, but for what it gave.
pub(crate) fn parameters(plan: &Plan<'_>, outcome: &Outcome, counting: &Counting) -> Map<String, Value> {
    let (experiment, workload) = (plan.experiment, &plan.experiment.workload);
    let mut token_counting = counting.described();
    token_counting["output_of_unfinished"] = outcome.window.counting_of_unfinished().into();
    let (most, mean) = outcome.concurrency;
    let value = json!({
        "model": plan.template.model(),
        "api": plan.api.name(),
        "base_url": plan.server.shown(),
        "traffic": described(&plan.settings.traffic),
        "concurrency": { "max": most, "mean": mean },
        "request": plan.template.sent(),
        "left_to_the_server": left_to_the_server(plan),
        "streaming": experiment.streaming,
        "seed": experiment.seed,
        "sample_size": workload.sample_size,
        "max_input_tokens": "not enforced: the server holds the tokenizer",
        "max_output_tokens": workload.max_output_tokens,
        "min_output_tokens": workload.min_output_tokens,
        "idle_s": experiment.idle_s,
        "warmup_requests": outcome.warmup_requests,
        "requests_sent": outcome.sent,
        "prompts": plan.prompts.facts,
        "token_counting": token_counting,
        "window": "steady state: requests are sent without a break before, in and after it; it opens when warm-up is over \
                   and, with closed traffic, every slot has had a token, and closes when the last measured request has \
                   finished",
    });
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// What bears on the choice of tokens and is not sent, because it asks for nothing and OpenAI's API does not know it. A
/// server has defaults of its own for it (vLLM takes them from the model's `generation_config.json`).
fn left_to_the_server(plan: &Plan<'_>) -> Vec<&'static str> {
    let sent = plan.template.sent();
    ["top_k", "repetition_penalty"].into_iter().filter(|name| !sent.contains_key(*name)).collect()
}
