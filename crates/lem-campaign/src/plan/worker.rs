//! From a planned experiment to the message that a worker reads. The vocabulary of files and that of workers are kept
//! apart on purpose; this is the one place where they meet.

use lem_protocol::{
    Convergence, Decoding, Experiment, PROTOCOL_VERSION, PromptOrder, PromptSource, Traffic, Warmup, Workload,
};
use lem_spec::campaign::{ExperimentSpec, Prompts};

/// What a worker is asked to do in one run. `seed` is used unless the experiment has its own.
pub fn worker_experiment(spec: &ExperimentSpec, run_id: &str, seed: u64) -> Experiment {
    Experiment {
        protocol: PROTOCOL_VERSION,
        run_id: run_id.to_owned(),
        backend: spec.backend.clone(),
        model: spec.model.clone(),
        precision: spec.precision.clone(),
        adapter: spec.adapter.clone(),
        workload: Workload {
            prompts: prompts(&spec.prompts),
            sample_size: spec.sample_size,
            order: order(spec.order),
            traffic: spec.traffic.as_ref().map(traffic),
            max_input_tokens: spec.max_input_tokens,
            max_output_tokens: spec.max_output_tokens,
            min_output_tokens: spec.min_output_tokens,
        },
        warmup: warmup(&spec.warmup),
        decoding: Decoding {
            do_sample: spec.decoding.do_sample,
            temperature: spec.decoding.temperature,
            top_k: spec.decoding.top_k,
            top_p: spec.decoding.top_p,
            repetition_penalty: spec.decoding.repetition_penalty,
        },
        batch_size: spec.batch_size,
        streaming: spec.streaming,
        seed: spec.random_seed.unwrap_or(seed),
        idle_s: spec.idle_s,
        context_s: spec.context_s,
        options: spec.options.clone(),
    }
}

fn prompts(prompts: &Prompts) -> PromptSource {
    match prompts.clone() {
        Prompts::Builtin => PromptSource::Builtin,
        Prompts::File { path, column } => PromptSource::File { path, column },
        Prompts::Dataset { name, subset, split, column } => {
            PromptSource::Dataset { name, subset, split, column }
        }
    }
}

fn order(order: lem_spec::campaign::PromptOrder) -> PromptOrder {
    match order {
        lem_spec::campaign::PromptOrder::Interleaved => PromptOrder::Interleaved,
        lem_spec::campaign::PromptOrder::Grouped => PromptOrder::Grouped,
        lem_spec::campaign::PromptOrder::Shuffled => PromptOrder::Shuffled,
    }
}

fn traffic(traffic: &lem_spec::campaign::Traffic) -> Traffic {
    use lem_spec::campaign::Traffic as Written;
    match traffic.clone() {
        Written::Closed { concurrency } => Traffic::Closed { concurrency },
        Written::Poisson { requests_per_s } => Traffic::Poisson { requests_per_s },
        Written::Gamma { requests_per_s, burstiness } => Traffic::Gamma { requests_per_s, burstiness },
        Written::Constant { requests_per_s } => Traffic::Constant { requests_per_s },
        Written::Trace { path } => Traffic::Trace { path },
    }
}

fn warmup(warmup: &lem_spec::campaign::Warmup) -> Warmup {
    Warmup {
        // The run decides: it depends on how gaps end.
        hold: false,
        prompts: warmup.prompts,
        timeout_s: warmup.timeout_s,
        convergence: warmup.convergence.as_ref().map(|convergence| Convergence {
            cv_threshold: convergence.cv_threshold,
            window: convergence.window,
            max_prompts: convergence.max_prompts,
        }),
    }
}
