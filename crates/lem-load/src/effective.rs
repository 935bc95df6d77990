//! Every parameter as it was in force, for the result.

use serde_json::{Map, Value, json};

use crate::counting::Counting;
use crate::load::{Outcome, Plan};
use crate::traffic::described;

/// What was in force in this run, but for what it gave.
pub(crate) fn parameters(plan: &Plan<'_>, outcome: &Outcome, counting: &Counting) -> Map<String, Value> {
    let (experiment, workload) = (plan.experiment, &plan.experiment.workload);
    let mut token_counting = counting.described();
    if counting.counts_output {
        token_counting["output_of_unfinished"] = outcome.window.counting_of_unfinished().into();
    } else {
        token_counting["output_of_unfinished"] = token_counting["output"].clone();
    }
    let (most, mean) = outcome.concurrency;
    let sent = plan.template.sent();
    let value = json!({
        "model": plan.template.model(),
        "api": plan.api.name(),
        "base_url": plan.server.shown(),
        "traffic": described(&plan.settings.traffic),
        "concurrency": { "max": most, "mean": mean },
        "request": sent,
        "left_to_the_server": left_to_the_server(plan),
        "streaming": experiment.streaming,
        "seed": experiment.seed,
        "sample_size": workload.sample_size,
        "max_input_tokens": "not enforced: the server holds the tokenizer",
        "max_output_tokens": sent.get("max_tokens"),
        "min_output_tokens": sent.get("min_tokens").unwrap_or(&0.into()),
        "idle_s": experiment.idle_s,
        "warmup_requests": outcome.warmup_requests,
        "warmup_held_requests": outcome.held_requests,
        "requests_sent": outcome.sent,
        "prompts": plan.prompts.facts,
        "token_counting": token_counting,
        "window": "steady state: requests are sent without a break before and in it; it opens when warm-up is over and, \
                   with closed traffic, every slot has had a token, and closes when the last measured request has \
                   finished; those that are under way then are cut short",
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
