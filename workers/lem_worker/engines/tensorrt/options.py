"""The options of the section `tensorrt`, and what they are called by TensorRT-LLM.

TensorRT-LLM computes with one of two backends. `pytorch`, its default since 1.0, loads a checkpoint and runs it.
`tensorrt` builds an engine first; what only a built engine has (calibration, the builder's settings, an engine's path)
asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ... import failure, options
from ...experiment import Experiment
from ...signature import require_known, unknown_name

CALIBRATION = {
    "dataset": options.text(),
    "split": options.refused("TensorRT-LLM calibrates with the split train", unless=("train",)),
    "num_samples": options.whole(1),
    "max_length": options.whole(1),
}

QUANTIZATION = {
    "fp8": "FP8",
    "int8_sq": "W8A8_SQ_PER_CHANNEL",
    "int8_weight_only": "W8A16",
    "int4_awq": "W4A16_AWQ",
    "int4_gptq": "W4A16_GPTQ",
}
"""TensorRT-LLM's names of the algorithms (`QuantAlgo`)."""

TABLE = {
    "backend": options.one_of("pytorch", "tensorrt"),
    "engine_path": options.text(),
    "force_rebuild": options.flag(),
    "engine_cache_dir": options.text(),
    "max_batch_size": options.whole(1),
    "max_input_len": options.whole(1),
    "max_output_len": options.whole(1),
    "builder_opt_level": options.whole(0, 5),
    "strongly_typed": options.flag(),
    "multiple_profiles": options.refused("the worker builds engines with one profile", unless=(False,)),
    "tp_size": options.whole(1, 1024),
    "pp_size": options.whole(1, 1024),
    "quantization": options.one_of("none", *QUANTIZATION),
    "calibration": options.section(CALIBRATION),
    "kv_cache_type": options.one_of("paged", "continuous"),
    "enable_chunked_context": options.flag(),
    "enable_kv_cache_reuse": options.flag(),
    "gpu_memory_utilization": options.number(0.01, 1),
    "max_num_tokens": options.whole(1),
    "draft_model": options.text(),
    "num_draft_tokens": options.whole(1, 1024),
    "extra_build_args": options.mapping(),
    "extra_runtime_args": options.mapping(),
}

BUILD_ONLY = (
    "engine_path",
    "force_rebuild",
    "engine_cache_dir",
    "builder_opt_level",
    "strongly_typed",
    "calibration",
    "extra_build_args",
)
"""Options that only a built engine has."""

RENAMED = {
    "max_batch_size": "max_batch_size",
    "max_input_len": "max_input_len",
    "tp_size": "tensor_parallel_size",
    "pp_size": "pipeline_parallel_size",
    "enable_chunked_context": "enable_chunked_prefill",
    "max_num_tokens": "max_num_tokens",
}

RESERVED = {
    **options.RESERVED,
    "backend": "tensorrt.backend sets it",
    "tokenizer": "the worker needs the model's own tokenizer",
    "exclude_input_from_output": "prompts would be counted as output",
    "include_stop_str_in_output": "end tokens are counted",
}


@dataclass
class Settings:
    """What the options become, in TensorRT-LLM's own names, by the class that takes them."""

    llm: dict[str, Any] = field(default_factory=dict)
    kv_cache: dict[str, Any] = field(default_factory=dict)
    build: dict[str, Any] = field(default_factory=dict)
    calibration: dict[str, Any] = field(default_factory=dict)
    sampling: dict[str, Any] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    """The option of the campaign for each setting."""

    def set(self, place: dict[str, Any], setting: str, value: Any, option: str) -> None:
        """Puts a setting where it belongs."""
        place[setting] = value
        self.options[setting] = f"tensorrt.{option}"


def check(experiment: Experiment) -> dict[str, Any]:
    """The options of `experiment`, checked, together with what they exclude."""
    given = options.check("tensorrt", experiment.options, TABLE)
    if experiment.precision == "float32":
        raise failure.unsupported("precision is float32; TensorRT-LLM computes with float16 or bfloat16")
    if "num_draft_tokens" in given and "draft_model" not in given:
        raise failure.unsupported("tensorrt.num_draft_tokens has no effect without tensorrt.draft_model")
    if "calibration" in given and given.get("quantization", "none") == "none":
        raise failure.unsupported("tensorrt.calibration has no effect without tensorrt.quantization")
    if given.get("force_rebuild") and "engine_path" in given:
        raise failure.unsupported("tensorrt.engine_path names a built engine; tensorrt.force_rebuild contradicts it")
    if backend_of(given) == "pytorch":
        _check_for_pytorch(given)
    return given


def backend_of(given: Mapping[str, Any]) -> str:
    """The backend: the one that is named, else the one that the other options need."""
    if "backend" in given:
        return given["backend"]
    needs_build = any(name in given for name in BUILD_ONLY) or given.get("kv_cache_type") == "continuous"
    return "tensorrt" if needs_build or given.get("quantization", "none") != "none" else "pytorch"


def _check_for_pytorch(given: Mapping[str, Any]) -> None:
    for name in BUILD_ONLY:
        if name in given:
            raise failure.unsupported(f"tensorrt.{name} is for a built engine; it needs tensorrt.backend: tensorrt")
    if given.get("kv_cache_type") == "continuous":
        raise failure.unsupported("tensorrt.kv_cache_type is continuous, which needs tensorrt.backend: tensorrt")
    if given.get("quantization", "none") != "none":
        raise failure.unsupported(
            f"tensorrt.quantization is {given['quantization']}, but TensorRT-LLM's PyTorch backend takes quantization "
            "from the checkpoint: name a model that was quantized before, or use tensorrt.backend: tensorrt"
        )


def settings(
    given: Mapping[str, Any], experiment: Experiment, fields: Mapping[str, Iterable[str]], release: str
) -> Settings:
    """The options in TensorRT-LLM's names. What the installed release lacks is refused.

    `fields` are the names that each class of the installed release knows, under the names of `Settings`' parts.
    """
    known = {name: set(names) for name, names in fields.items()}
    found = Settings()
    for name, setting in RENAMED.items():
        if name in given:
            found.set(found.llm, setting, given[name], name)
    if "max_output_len" in given:
        inputs = given.get("max_input_len", experiment.workload.max_input_tokens)
        found.set(found.llm, "max_seq_len", inputs + given["max_output_len"], "max_output_len")
    # TensorRT-LLM reuses blocks by default; then warm-up would do part of what is measured.
    reuse = given.get("enable_kv_cache_reuse", False)
    found.set(found.kv_cache, "enable_block_reuse", reuse, "enable_kv_cache_reuse")
    if "gpu_memory_utilization" in given:
        share = given["gpu_memory_utilization"]
        found.set(found.kv_cache, "free_gpu_memory_fraction", share, "gpu_memory_utilization")
    _build(found, given)
    _extra(found, given, known)
    for part in ("llm", "kv_cache", "build", "calibration", "sampling"):
        named = {setting: found.options[setting] for setting in getattr(found, part)}
        require_known(named, known.get(part, ()), release)
    return found


def _build(found: Settings, given: Mapping[str, Any]) -> None:
    if "builder_opt_level" in given:
        found.set(found.build, "builder_opt", given["builder_opt_level"], "builder_opt_level")
    if "strongly_typed" in given:
        found.set(found.build, "strongly_typed", given["strongly_typed"], "strongly_typed")
    if given.get("kv_cache_type") == "continuous":
        found.set(found.build, "kv_cache_type", "continuous", "kv_cache_type")
    names = {"dataset": "calib_dataset", "num_samples": "calib_batches", "max_length": "calib_max_seq_length"}
    for name, setting in names.items():
        if name in given.get("calibration", {}):
            found.set(found.calibration, setting, given["calibration"][name], f"calibration.{name}")


def _extra(found: Settings, given: Mapping[str, Any], known: Mapping[str, set[str]]) -> None:
    for name, value in given.get("extra_build_args", {}).items():
        _require_free(found, name, f"extra_build_args.{name}")
        found.set(found.build, name, value, f"extra_build_args.{name}")
    for name, value in given.get("extra_runtime_args", {}).items():
        option = f"extra_runtime_args.{name}"
        _require_free(found, name, option)
        part = next((part for part in ("llm", "kv_cache", "sampling") if name in known.get(part, ())), None)
        if part is None:
            names = set().union(*(known.get(part, ()) for part in ("llm", "kv_cache", "sampling"))) - set(RESERVED)
            raise failure.unsupported(unknown_name(f"tensorrt.{option}", name, names))
        found.set(getattr(found, part), name, value, option)


def _require_free(found: Settings, name: str, option: str) -> None:
    if name in RESERVED:
        raise failure.unsupported(f"tensorrt.{option} cannot be set: {RESERVED[name]}")
    if name in found.options:
        raise failure.unsupported(f"tensorrt.{option} contradicts {found.options[name]}; give one of them")
