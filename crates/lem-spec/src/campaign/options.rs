//! The options in the sections of the known backends, by name.
//!
//! Only names: what values they take, the worker knows, and it refuses what it cannot do.

/// The backends whose options are known.
pub const BACKENDS: &[&str] = &["pytorch", "vllm", "tensorrt", "candle"];

/// The options in the section of a backend, by name; `None` for a backend that anyone may have added.
pub(super) fn option_names(backend: &str) -> Option<&'static [&'static str]> {
    match backend {
        "pytorch" => Some(PYTORCH),
        "vllm" => Some(VLLM),
        "tensorrt" => Some(TENSORRT),
        "candle" => Some(&["batch_size", "threads"]),
        _ => None,
    }
}

const PYTORCH: &[&str] = &[
    "assisted_generation",
    "attn_implementation",
    "batch_size",
    "batching_strategy",
    "beam_search",
    "bnb_4bit_compute_dtype",
    "bnb_4bit_quant_type",
    "bnb_4bit_use_double_quant",
    "cache_implementation",
    "device",
    "extra",
    "load_in_4bit",
    "load_in_8bit",
    "low_cpu_mem_usage",
    "max_memory",
    "max_tokens_per_batch",
    "min_p",
    "no_repeat_ngram_size",
    "num_processes",
    "output_scores",
    "return_dict_in_generate",
    "tensor_parallel_size",
    "threads",
    "torch_compile",
    "torch_compile_backend",
    "use_bettertransformer",
    "use_cache",
];

const VLLM: &[&str] = &[
    "attention",
    "batch_size",
    "block_size",
    "cpu_offload_gb",
    "disable_custom_all_reduce",
    "distributed_backend",
    "enable_chunked_prefill",
    "enable_prefix_caching",
    "enforce_eager",
    "extra",
    "gpu_memory_utilization",
    "kv_cache_dtype",
    "load_format",
    "logit_bias",
    "logprobs",
    "lora",
    "max_model_len",
    "max_num_batched_tokens",
    "max_num_seqs",
    "min_p",
    "pipeline_parallel_size",
    "quantization",
    "speculative",
    "swap_space",
    "tensor_parallel_size",
];

const TENSORRT: &[&str] = &[
    "backend",
    "batch_size",
    "builder_opt_level",
    "calibration",
    "draft_model",
    "enable_chunked_context",
    "enable_kv_cache_reuse",
    "engine_cache_dir",
    "engine_path",
    "extra_build_args",
    "extra_runtime_args",
    "force_rebuild",
    "gpu_memory_utilization",
    "kv_cache_type",
    "max_batch_size",
    "max_input_len",
    "max_num_tokens",
    "max_output_len",
    "multiple_profiles",
    "num_draft_tokens",
    "pp_size",
    "quantization",
    "strongly_typed",
    "tp_size",
];
