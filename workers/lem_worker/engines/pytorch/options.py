"""The options of the section `pytorch`: what each is called, what it may be, and what it needs."""

from __future__ import annotations

from typing import Any

from ... import batches, failure, options
from ...experiment import Experiment

BEAM_SEARCH = {
    "enabled": options.flag(),
    "num_beams": options.whole(1, 64),
    "length_penalty": options.number(-100),
    "early_stopping": options.either(options.flag(), options.one_of("never")),
    "no_repeat_ngram_size": options.whole(0),
}

ASSISTED_GENERATION = {"model": options.text(), "num_tokens": options.whole(1, 1024)}

TABLE = {
    # The engine reads it and sends it as the experiment's batch size.
    "batch_size": options.whole(1),
    "batching_strategy": options.one_of(*batches.STRATEGIES),
    "max_tokens_per_batch": options.whole(1),
    "num_processes": options.refused(
        "this worker is one process; more than one would be several runs at once, which a campaign can plan as such",
        unless=(1,),
    ),
    "device": options.one_of("auto", "cpu", "cuda"),
    "threads": options.whole(1, 1024),
    "tensor_parallel_size": options.refused(
        "transformers splits tensors between processes, one a GPU, and this worker is one process; without it, layers "
        "are spread over all visible GPUs, and the vllm and tensorrt workers do split tensors",
        unless=(1,),
    ),
    "load_in_4bit": options.flag(),
    "load_in_8bit": options.flag(),
    "bnb_4bit_compute_dtype": options.one_of("float16", "bfloat16", "float32"),
    "bnb_4bit_quant_type": options.one_of("nf4", "fp4"),
    "bnb_4bit_use_double_quant": options.flag(),
    "attn_implementation": options.text(),
    "torch_compile": options.either(
        options.flag(),
        options.one_of("default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs"),
    ),
    "torch_compile_backend": options.text(),
    "use_cache": options.flag(),
    "cache_implementation": options.text(),
    "low_cpu_mem_usage": options.flag(),
    "max_memory": options.mapping(),
    "min_p": options.number(0, 1),
    "no_repeat_ngram_size": options.whole(0),
    "output_scores": options.flag(),
    "return_dict_in_generate": options.flag(),
    "beam_search": options.section(BEAM_SEARCH),
    "assisted_generation": options.section(ASSISTED_GENERATION),
    "use_bettertransformer": options.refused(
        "BetterTransformer was removed from transformers; attn_implementation: sdpa does what it did", unless=(False,)
    ),
    "extra": options.mapping(),
}


def check(experiment: Experiment) -> dict[str, Any]:
    """The options of `experiment`, checked, together with what they exclude."""
    given = options.check("pytorch", experiment.options, TABLE)
    _check_batching(given, experiment)
    _check_quantization(given)
    _check_generation(given, experiment)
    _check_extra(given)
    if "torch_compile_backend" in given and not given.get("torch_compile"):
        raise failure.unsupported("pytorch.torch_compile_backend has no effect without pytorch.torch_compile")
    if "return_dict_in_generate" not in given and given.get("output_scores"):
        given["return_dict_in_generate"] = True
    return given


def _check_batching(given: dict[str, Any], experiment: Experiment) -> None:
    strategy = given.get("batching_strategy", "static")
    batches.check(strategy, given.get("max_tokens_per_batch"), "pytorch")
    if experiment.workload.traffic is not None and strategy != "static":
        raise failure.unsupported(
            f"pytorch.batching_strategy is {strategy}, which has no effect with traffic: requests are served one by one"
        )


def _check_quantization(given: dict[str, Any]) -> None:
    if given.get("load_in_4bit") and given.get("load_in_8bit"):
        raise failure.unsupported("pytorch.load_in_4bit and pytorch.load_in_8bit exclude each other; use one of them")
    settings = [name for name in given if name.startswith("bnb_4bit_")]
    if settings and not given.get("load_in_4bit"):
        raise failure.unsupported(f"pytorch.{settings[0]} has no effect without pytorch.load_in_4bit: true")


def _check_generation(given: dict[str, Any], experiment: Experiment) -> None:
    beams, assistant = beam_search(given), given.get("assisted_generation")
    if "no_repeat_ngram_size" in given and "no_repeat_ngram_size" in beams:
        raise failure.unsupported(
            "pytorch.no_repeat_ngram_size and pytorch.beam_search.no_repeat_ngram_size set the same; give one of them"
        )
    if beams and experiment.streaming:
        raise failure.unsupported(
            "streaming cannot be measured with pytorch.beam_search: which token comes first is known only at the end"
        )
    if assistant is None:
        return
    if "model" not in assistant:
        raise failure.unsupported("pytorch.assisted_generation needs a model that assists")
    if beams:
        raise failure.unsupported("pytorch.assisted_generation and pytorch.beam_search exclude each other")
    if experiment.batch_size > 1:
        raise failure.unsupported(
            f"pytorch.assisted_generation works on one request at a time, but batch_size is {experiment.batch_size}"
        )


def _check_extra(given: dict[str, Any]) -> None:
    """Refuses a setting of `extra` that another option sets as well: only one of them could be obeyed."""
    options_by_setting = {name: name for name in given}
    options_by_setting.update((name, f"beam_search.{name}") for name in given.get("beam_search", {}))
    options_by_setting.update(
        ("quantization_config", name) for name in ("load_in_4bit", "load_in_8bit") if given.get(name)
    )
    for name in given.get("extra", {}):
        if name in options_by_setting:
            raise failure.unsupported(
                f"pytorch.extra.{name} contradicts pytorch.{options_by_setting[name]}; give one of them"
            )


def beam_search(given: dict[str, Any]) -> dict[str, Any]:
    """The settings of beam search; empty where there is none."""
    written = given.get("beam_search", {})
    if not written.get("enabled", bool(written)) or written.get("num_beams", 4) == 1:
        return {}
    return {"num_beams": 4, **{name: value for name, value in written.items() if name != "enabled"}}
