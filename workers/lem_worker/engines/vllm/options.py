"""The options of the section `vllm`, and what they are called by vLLM.

Names of vLLM's settings change from release to release: what an option becomes is checked against the installed one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ... import failure, options
from ...experiment import Experiment
from ...signature import require_known, unknown_name

ATTENTION = {
    "backend": options.text(),
    "flash_version": options.whole(2, 9),
    "disable_sliding_window": options.flag(),
}

SPECULATIVE = {
    "model": options.text(),
    "num_tokens": options.whole(1, 1024),
    "method": options.text(),
    "prompt_lookup_min": options.whole(1),
    "prompt_lookup_max": options.whole(1),
    "draft_tp_size": options.whole(1),
}

LORA = {
    "enabled": options.flag(),
    "max_loras": options.whole(1),
    "max_rank": options.whole(1),
    "extra_vocab_size": options.whole(0),
}

TABLE = {
    "max_num_seqs": options.whole(1),
    "max_num_batched_tokens": options.whole(1),
    "gpu_memory_utilization": options.number(0.01, 1),
    "swap_space": options.number(0),
    "cpu_offload_gb": options.number(0),
    "tensor_parallel_size": options.whole(1, 1024),
    "pipeline_parallel_size": options.whole(1, 1024),
    "distributed_backend": options.one_of("mp", "ray"),
    "disable_custom_all_reduce": options.flag(),
    "enable_prefix_caching": options.flag(),
    "enable_chunked_prefill": options.flag(),
    "kv_cache_dtype": options.text(),
    "block_size": options.whole(1),
    "max_model_len": options.whole(1),
    "enforce_eager": options.flag(),
    "attention": options.section(ATTENTION),
    "quantization": options.text(),
    "load_format": options.text(),
    "min_p": options.number(0, 1),
    "logprobs": options.whole(0),
    "logit_bias": options.mapping(),
    "speculative": options.section(SPECULATIVE),
    "lora": options.section(LORA),
    "extra": options.mapping(),
}

PLAIN = (
    "max_num_seqs",
    "max_num_batched_tokens",
    "gpu_memory_utilization",
    "swap_space",
    "cpu_offload_gb",
    "tensor_parallel_size",
    "pipeline_parallel_size",
    "disable_custom_all_reduce",
    "enable_prefix_caching",
    "enable_chunked_prefill",
    "kv_cache_dtype",
    "block_size",
    "max_model_len",
    "enforce_eager",
    "quantization",
    "load_format",
)
"""Options that vLLM calls the same."""

RESERVED = {
    **options.RESERVED,
    "hf_token": "HF_TOKEN is read from the environment; a token does not belong into a campaign",
    "disable_log_stats": "the worker sets it",
    "enable_lora": "adapter or vllm.lora sets it",
    "tokenizer_mode": "the worker reads the tokenizer with transformers, and vLLM gets token ids",
    "output_kind": "streaming sets it",
}


@dataclass
class Settings:
    """What the options become, in vLLM's own names, each with the option that it comes from."""

    engine: dict[str, Any] = field(default_factory=dict)
    sampling: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    """The option of the campaign for each setting."""

    def set(self, place: dict[str, Any], setting: str, value: Any, option: str) -> None:
        """Puts a setting into `engine` or `sampling`."""
        place[setting] = value
        self.options[setting] = f"vllm.{option}"


def check(experiment: Experiment) -> dict[str, Any]:
    """The options of `experiment`, checked, together with what they exclude."""
    given = options.check("vllm", experiment.options, TABLE)
    if experiment.adapter and given.get("lora", {}).get("enabled") is False:
        raise failure.unsupported(f"the adapter {experiment.adapter} needs vllm.lora, but vllm.lora.enabled is false")
    speculative = given.get("speculative")
    if speculative is not None and "model" not in speculative and "method" not in speculative:
        raise failure.unsupported("vllm.speculative needs a model that drafts tokens, or a method such as ngram")
    for token in given.get("logit_bias", {}):
        if not str(token).lstrip("-").isdigit():
            raise failure.unsupported(f"vllm.logit_bias names {token}; token ids are needed")
    return given


def settings(
    given: dict[str, Any],
    experiment: Experiment,
    engine_fields: Iterable[str],
    sampling_fields: Iterable[str],
    release: str,
) -> Settings:
    """The options in vLLM's names. What the installed release lacks is refused."""
    known_engine, known_sampling = set(engine_fields), set(sampling_fields)
    found = Settings()
    for name in PLAIN:
        if name in given:
            found.set(found.engine, name, given[name], name)
    if "distributed_backend" in given:
        found.set(found.engine, "distributed_executor_backend", given["distributed_backend"], "distributed_backend")
    _attention(found, given.get("attention", {}), known_engine)
    _speculative(found, given.get("speculative"))
    _lora(found, given.get("lora", {}), experiment)
    for name in ("min_p", "logprobs"):
        if name in given:
            found.set(found.sampling, name, given[name], name)
    if given.get("logit_bias"):
        bias = {int(token): value for token, value in given["logit_bias"].items()}
        found.set(found.sampling, "logit_bias", bias, "logit_bias")
    _extra(found, given.get("extra", {}), known_engine, known_sampling)
    require_known({name: found.options[name] for name in found.engine}, known_engine, release)
    require_known({name: found.options[name] for name in found.sampling}, known_sampling, release)
    return found


def files_of_tokenizer(engine: dict[str, Any]) -> dict[str, Any]:
    """Those of vLLM's settings that say which files the tokenizer is made of, as transformers calls them."""
    found = {name: engine[name] for name in ("revision", "trust_remote_code") if name in engine}
    if "tokenizer_revision" in engine:
        found["revision"] = engine["tokenizer_revision"]
    return found


def _attention(found: Settings, written: dict[str, Any], known: set[str]) -> None:
    backend, flash_version = written.get("backend"), written.get("flash_version")
    if backend is not None and backend != "auto":
        if "attention_backend" in known:
            found.set(found.engine, "attention_backend", backend, "attention.backend")
        else:
            found.environment["VLLM_ATTENTION_BACKEND"] = backend
    if flash_version is not None:
        if "attention_config" in known:
            config = {"flash_attn_version": flash_version}
            # vLLM refuses the backend beside a configuration of attention.
            if found.engine.pop("attention_backend", None) is not None:
                config["backend"] = backend
            found.set(found.engine, "attention_config", config, "attention.flash_version")
        else:
            found.environment["VLLM_FLASH_ATTN_VERSION"] = str(flash_version)
    if "disable_sliding_window" in written:
        value = written["disable_sliding_window"]
        found.set(found.engine, "disable_sliding_window", value, "attention.disable_sliding_window")


def _speculative(found: Settings, written: Any) -> None:
    if written is None:
        return
    names = {
        "model": "model",
        "method": "method",
        "prompt_lookup_min": "prompt_lookup_min",
        "prompt_lookup_max": "prompt_lookup_max",
        "draft_tp_size": "draft_tensor_parallel_size",
    }
    config = {names[name]: value for name, value in written.items() if name in names}
    config["num_speculative_tokens"] = written.get("num_tokens", 5)
    found.set(found.engine, "speculative_config", config, "speculative")


def _lora(found: Settings, written: dict[str, Any], experiment: Experiment) -> None:
    if not experiment.adapter and not written.get("enabled", bool(written)):
        return
    found.set(found.engine, "enable_lora", True, "lora.enabled" if written else "adapter")
    names = {"max_loras": "max_loras", "max_rank": "max_lora_rank", "extra_vocab_size": "lora_extra_vocab_size"}
    for name, setting in names.items():
        if name in written:
            found.set(found.engine, setting, written[name], f"lora.{name}")


def _extra(found: Settings, written: dict[str, Any], known_engine: set[str], known_sampling: set[str]) -> None:
    for name, value in written.items():
        option = f"extra.{name}"
        if name in RESERVED:
            raise failure.unsupported(f"vllm.{option} cannot be set: {RESERVED[name]}")
        if name in found.options:
            raise failure.unsupported(f"vllm.{option} contradicts {found.options[name]}; give one of them")
        if name in known_engine:
            found.set(found.engine, name, value, option)
        elif name in known_sampling:
            found.set(found.sampling, name, value, option)
        else:
            known = (known_engine | known_sampling) - set(RESERVED)
            raise failure.unsupported(unknown_name(f"vllm.{option}", name, known))
