"""From names and options to a model that is ready: device, number format, quantization, adapter, compilation.

Imported only when a model is loaded; torch and transformers are heavy.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional

import torch
import transformers

from ... import failure
from ...experiment import Experiment
from ...memory import require_memory
from .. import experts, facts, installed
from ..base import ModelFacts
from . import extra


@dataclass
class Model:
    """A loaded model and what belongs to it."""

    network: Any
    tokenizer: Any
    device: Any
    """Where inputs go."""
    gpus: Sequence[int]
    """The GPUs that compute; empty on the CPU."""
    facts: ModelFacts
    quantization: Optional[dict[str, Any]]
    adapter: Optional[dict[str, Any]] = None
    assistant: Any = None
    assistant_tokenizer: Any = None


def load(experiment: Experiment, given: dict[str, Any], further: extra.Extra) -> Model:
    """Loads the model of `experiment` with the options `given` and the settings `further`."""
    device = choose_device(given)
    if "threads" in given:
        torch.set_num_threads(given["threads"])
    of_files = further.of_files()
    config = transformers.AutoConfig.from_pretrained(experiment.model, **of_files)
    tokenizer = load_tokenizer(experiment.model, of_files)
    require_files(experiment.model)
    require_room(experiment, config, device)
    quantization = quantization_of(given)
    arguments = {**further.loading, **placement(given, device), **number_format(experiment)}
    if "attn_implementation" in given:
        arguments["attn_implementation"] = given["attn_implementation"]
    if quantization is not None:
        arguments["quantization_config"] = quantization
    network = load_network(experiment.model, arguments)
    if device.type == "cuda" and getattr(network, "hf_device_map", None) is None and quantization is None:
        network = network.to(device)
    network.eval()
    model = Model(
        network=network,
        tokenizer=tokenizer,
        device=network.device,
        gpus=gpus_of(network, device),
        facts=facts_of(network, experiment.model, of_files),
        quantization=quantization.to_diff_dict() if quantization is not None else quantized_by_model(network),
    )
    # Before there is an adapter: it wraps the network, whose own forward pass is the one that generates.
    if given.get("torch_compile"):
        compile_network(model, given)
    if experiment.adapter:
        add_adapter(model, experiment.adapter)
    if "assisted_generation" in given:
        add_assistant(model, given["assisted_generation"]["model"], number_format(experiment))
    return model


def load_network(name: str, arguments: dict[str, Any]) -> Any:
    """The model; an attention that is unknown or not installed is told apart from other failures."""
    try:
        return transformers.AutoModelForCausalLM.from_pretrained(name, **arguments)
    except (ValueError, ImportError) as error:
        wanted = arguments.get("attn_implementation", "")
        if wanted and ("attn_implementation" in str(error) or "flash" in str(error).lower()):
            raise failure.unsupported(
                f"pytorch.attn_implementation is {wanted}, which cannot be used here: {failure.summary(error)}"
            ) from error
        raise


def choose_device(given: dict[str, Any]) -> Any:
    """The device that the options name: a GPU where there is one, unless they say otherwise."""
    wanted = given.get("device", "auto")
    has_gpu = torch.cuda.is_available()
    if wanted == "cuda" and not has_gpu:
        raise failure.unsupported("pytorch.device is cuda, but PyTorch sees no GPU here; use cpu or auto")
    device = torch.device("cuda" if has_gpu and wanted != "cpu" else "cpu")
    if device.type == "cpu":
        for name in ("max_memory", "load_in_4bit", "load_in_8bit"):
            if given.get(name):
                raise failure.unsupported(f"pytorch.{name} needs a GPU, and this run computes on the CPU")
    return device


def load_tokenizer(name: str, of_files: dict[str, Any]) -> Any:
    """The model's tokenizer; batches are padded on the left, where a decoder expects it."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(name, padding_side="left", **of_files)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def number_format(experiment: Experiment) -> dict[str, Any]:
    """The argument for the number format; without a precision, the one in which the model was published."""
    name = "dtype" if installed.release("transformers") >= (4, 56) else "torch_dtype"
    return {name: getattr(torch, experiment.precision) if experiment.precision else "auto"}


def placement(given: dict[str, Any], device: Any) -> dict[str, Any]:
    """Where the weights go: on the CPU as they come, on the one GPU, or spread over all that are visible."""
    arguments: dict[str, Any] = {}
    if installed.release("transformers") < (5, 0):
        arguments["low_cpu_mem_usage"] = given.get("low_cpu_mem_usage", True)
    elif given.get("low_cpu_mem_usage") is False:
        raise failure.unsupported(
            "pytorch.low_cpu_mem_usage is false; transformers 5 always loads weights without a second copy in memory"
        )
    if device.type == "cpu":
        return arguments
    installed.require("accelerate", "placing weights on GPUs", "pip install accelerate")
    is_spread = torch.cuda.device_count() > 1 or "max_memory" in given
    arguments["device_map"] = "auto" if is_spread else {"": 0}
    if "max_memory" in given:
        limits = given["max_memory"].items()
        arguments["max_memory"] = {int(name) if str(name).isdigit() else name: value for name, value in limits}
    return arguments


def gpus_of(network: Any, device: Any) -> list[int]:
    """The GPUs that compute: the first one, where inputs go, and every other one that holds weights."""
    if device.type == "cpu":
        return []
    return sorted({0} | {weight.device.index for weight in network.parameters() if weight.device.type == "cuda"})


def outside_gpus(network: Any) -> list[str]:
    """Where weights lie that were to be placed on GPUs and found no room there."""
    places = getattr(network, "hf_device_map", None) or {}
    return sorted({"cpu", "disk"} & {str(place) for place in places.values()})


def quantization_of(given: dict[str, Any]) -> Any:
    """The configuration of bitsandbytes; `None` where weights stay as they are."""
    if not given.get("load_in_4bit") and not given.get("load_in_8bit"):
        return None
    installed.require("bitsandbytes", "quantizing weights on load", "pip install bitsandbytes")
    if given.get("load_in_8bit"):
        return transformers.BitsAndBytesConfig(load_in_8bit=True)
    return transformers.BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_compute_dtype=getattr(torch, given.get("bnb_4bit_compute_dtype", "float16")),
        bnb_4bit_quant_type=given.get("bnb_4bit_quant_type", "nf4"),
        bnb_4bit_use_double_quant=given.get("bnb_4bit_use_double_quant", False),
    )


def quantized_by_model(network: Any) -> Optional[dict[str, Any]]:
    """The quantization that a model was published with."""
    written = getattr(network.config, "quantization_config", None)
    return written.to_dict() if written is not None and hasattr(written, "to_dict") else written


def require_files(name: str) -> None:
    """Refuses a local folder whose index names files that are not there, as after a download that broke off."""
    missing = [path for path in facts.weight_files(name) if not os.path.exists(path)]
    if missing:
        raise failure.model_not_found(f"the model {name} is not complete: {os.path.basename(missing[0])} is missing")


def require_room(experiment: Experiment, config: Any, device: Any) -> None:
    """Refuses weights for which the host has no room, where it can be known before they are read."""
    if device.type != "cpu" or not os.path.isdir(experiment.model):
        return
    stored = facts.ELEMENT_BYTES.get(str(getattr(config, "dtype", None)).replace("torch.", ""), 0)
    wanted = facts.ELEMENT_BYTES.get(experiment.precision or "", stored)
    size = sum(os.path.getsize(name) for name in facts.weight_files(experiment.model))
    require_memory(size * wanted // stored if stored else size, experiment.model)


def facts_of(network: Any, name: str, of_files: dict[str, Any]) -> ModelFacts:
    """What is known of a model before an adapter is added to it."""
    config = network.config
    parameters = network.num_parameters()
    body = parameters - embedding_parameters(network)
    shapes = shapes_of(network)
    dtype = str(network.dtype).replace("torch.", "")
    # Without quantization of its own, the cache has the format of the activations, which is that of the weights.
    return ModelFacts(
        parameters=parameters,
        non_embedding_parameters=body,
        mixture_of_experts=experts.is_mixture(config, shapes),
        active_non_embedding_parameters=experts.active_parameters(config, shapes, body),
        layers=facts.layers_of(config),
        attention_width=facts.attention_width(config),
        dtype=dtype,
        revision=revision_of(name, of_files),
        hidden_size=facts.hidden_size_of(config),
        kv_bytes_per_token=facts.kv_bytes_per_token(config, facts.ELEMENT_BYTES.get(dtype)),
        weight_bytes=sum(weight.numel() * weight.element_size() for weight in network.parameters()),
    )


def shapes_of(network: Any) -> Optional[dict[str, tuple[int, ...]]]:
    """The shape of each weight by its name; `None` where weights are packed, so that shapes are not the model's."""
    shapes = {name: tuple(weight.shape) for name, weight in network.named_parameters()}
    return shapes if sum(map(math.prod, shapes.values())) == network.num_parameters() else None


def embedding_parameters(network: Any) -> int:
    """Parameters of the input embedding, and of the output head where it has weights of its own."""
    weights = {}
    for module in (network.get_input_embeddings(), network.get_output_embeddings()):
        weight = getattr(module, "weight", None)
        if weight is not None:
            weights[id(weight)] = weight.numel()
    return sum(weights.values())


def revision_of(name: str, of_files: dict[str, Any]) -> Optional[str]:
    """The commit of a model from the hub, or a hash over the files of a local folder."""
    if os.path.isdir(name):
        return facts.revision_of(os.path.abspath(name))
    from transformers.utils import cached_file

    found = cached_file(name, "config.json", _raise_exceptions_for_missing_entries=False, **of_files)
    return facts.revision_of(os.path.dirname(found)) if found else None


def add_adapter(model: Model, name: str) -> None:
    """Puts a LoRA adapter beside the weights; it is not merged into them."""
    installed.require("peft", f"the adapter {name}", "pip install peft")
    import peft

    try:
        model.network = peft.PeftModel.from_pretrained(model.network, name)
    except (OSError, ValueError) as error:
        raise failure.model_not_found(f"the adapter {name} cannot be loaded: {failure.summary(error)}") from error
    model.network.eval()
    settings = model.network.peft_config["default"]
    model.adapter = {
        "name": name,
        "type": str(getattr(settings.peft_type, "value", settings.peft_type)),
        "rank": getattr(settings, "r", None),
        "merged": False,
        "revision": facts.revision_of(os.path.abspath(name)) if os.path.isdir(name) else None,
    }


def add_assistant(model: Model, name: str, dtype: dict[str, Any]) -> None:
    """Loads the model that drafts tokens; its tokenizer is needed where the two do not share one."""
    model.assistant = transformers.AutoModelForCausalLM.from_pretrained(name, **dtype).to(model.device).eval()
    if facts.vocabulary_of(model.assistant.config) != facts.vocabulary_of(model.network.config):
        model.assistant_tokenizer = load_tokenizer(name, {})


def compile_network(model: Model, given: dict[str, Any]) -> None:
    """Compiles the forward pass; the first requests of the warm-up pay for it."""
    mode = given["torch_compile"]
    arguments: dict[str, Any] = {} if mode is True else {"mode": mode}
    if "torch_compile_backend" in given:
        arguments["backend"] = given["torch_compile_backend"]
    model.network.forward = torch.compile(model.network.forward, **arguments)
