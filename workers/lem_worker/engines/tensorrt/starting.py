"""From options to a running `tensorrt_llm.LLM`. Imported only when a model is loaded."""

from __future__ import annotations

import importlib
from typing import Any

from ... import failure
from ...experiment import Experiment
from ...signature import fields_of
from . import options


def classes(backend: str) -> dict[str, Any]:
    """The classes of the installed release that take settings, by the part of `options.Settings` that goes to them."""
    llmapi = importlib.import_module("tensorrt_llm.llmapi")
    arguments = importlib.import_module("tensorrt_llm.llmapi.llm_args")
    found = {
        "llm": getattr(arguments, "TorchLlmArgs", None)
        if backend == "pytorch"
        else getattr(arguments, "TrtLlmArgs", None),
        "kv_cache": llmapi.KvCacheConfig,
        "sampling": importlib.import_module("tensorrt_llm").SamplingParams,
    }
    if backend == "tensorrt":
        found["build"] = getattr(llmapi, "BuildConfig", None)
        found["calibration"] = getattr(llmapi, "CalibConfig", None)
    for name, kind in found.items():
        if kind is None:
            raise failure.unsupported(
                f"this release of TensorRT-LLM has no backend {backend} any more ({name}); remove "
                "the options that need it"
            )
    return found


def known_fields(kinds: dict[str, Any]) -> dict[str, list[str]]:
    """The names of the settings that each of `kinds` knows."""
    return {name: [field for field in fields_of(kind) if not field.startswith("_")] for name, kind in kinds.items()}


def start(experiment: Experiment, given: dict[str, Any], found: options.Settings, kinds: dict[str, Any]) -> Any:
    """Builds or loads the engine and starts its processes."""
    backend = options.backend_of(given)
    arguments: dict[str, Any] = {"dtype": experiment.precision or "auto", **found.llm}
    if found.kv_cache:
        arguments["kv_cache_config"] = kinds["kv_cache"](**found.kv_cache)
    if "draft_model" in given:
        arguments["speculative_config"] = draft(given)
    if experiment.adapter:
        arguments["lora_config"] = lora_config(experiment.adapter)
    if backend == "pytorch":
        return importlib.import_module("tensorrt_llm").LLM(model=experiment.model, **arguments)
    arguments.update(built(given, found, kinds))
    module = importlib.import_module("tensorrt_llm._tensorrt_engine")
    return module.LLM(model=given.get("engine_path", experiment.model), **arguments)


def built(given: dict[str, Any], found: options.Settings, kinds: dict[str, Any]) -> dict[str, Any]:
    """The arguments that only a built engine has."""
    llmapi = importlib.import_module("tensorrt_llm.llmapi")
    arguments: dict[str, Any] = {}
    if found.build:
        settings = dict(found.build)
        if "kv_cache_type" in settings:
            settings["kv_cache_type"] = llmapi.KVCacheType(settings["kv_cache_type"])
        sizes = ("max_batch_size", "max_input_len", "max_seq_len", "max_num_tokens")
        settings.update({name: found.llm[name] for name in sizes if name in found.llm})
        arguments["build_config"] = kinds["build"](**settings)
    if given.get("quantization", "none") != "none":
        algorithm = llmapi.QuantAlgo[options.QUANTIZATION[given["quantization"]]]
        arguments["quant_config"] = llmapi.QuantConfig(quant_algo=algorithm)
    if found.calibration:
        arguments["calib_config"] = kinds["calibration"](calib_batch_size=1, **found.calibration)
    if "engine_cache_dir" in given and not given.get("force_rebuild"):
        arguments["enable_build_cache"] = llmapi.BuildCacheConfig(cache_root=given["engine_cache_dir"])
    return arguments


def draft(given: dict[str, Any]) -> Any:
    """The configuration of a model that drafts tokens; the name of its path changed with 1.2."""
    kind = importlib.import_module("tensorrt_llm.llmapi").DraftTargetDecodingConfig
    names = fields_of(kind)
    path = "speculative_model" if "speculative_model" in names else "speculative_model_dir"
    return kind(**{"max_draft_len": given.get("num_draft_tokens", 5), path: given["draft_model"]})


def lora_config(adapter: str) -> Any:
    """The configuration for an adapter; its class has moved from release to release."""
    for name in ("tensorrt_llm.lora_helper", "tensorrt_llm.lora_manager", "tensorrt_llm._torch.peft.lora.config"):
        try:
            return importlib.import_module(name).LoraConfig(lora_dir=[adapter], max_loras=1, max_cpu_loras=1)
        except (ImportError, AttributeError):
            continue
    raise failure.unsupported(f"this release of TensorRT-LLM takes no adapter, but the campaign names {adapter}")


def adapter_request(adapter: str) -> Any:
    """What each request carries to use the adapter."""
    return importlib.import_module("tensorrt_llm.executor").LoRARequest(adapter, 1, adapter)
