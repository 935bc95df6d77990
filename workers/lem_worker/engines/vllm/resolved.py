"""What vLLM resolved: its configuration as plain data, and the facts about the model that follow from it."""

from __future__ import annotations

from typing import Any, Optional

from .. import checkpoints, experts, facts
from ..base import ModelFacts
from ..plain import fields_with_values, plain

PARTS = (
    "model_config",
    "cache_config",
    "parallel_config",
    "scheduler_config",
    "load_config",
    "attention_config",
    "compilation_config",
    "lora_config",
    "speculative_config",
    "kernel_config",
    "optimization_level",
)
"""The parts of vLLM's configuration that decide what is computed and how."""

SECRET = ("hf_token",)
NOISE = ("hf_config", "hf_text_config", "hf_image_processor_config", "multimodal_config", "static_forward_context")
"""Large objects that describe the model, or hold state."""


def parameters_of(config: Any, sampling: Any) -> dict[str, Any]:
    """VLLM's configuration and the sampling parameters of every request."""
    parts = {}
    for name in PARTS:
        part = getattr(config, name, None)
        if part is None:
            continue
        fields = fields_with_values(part)
        parts[name] = part if fields is None else {k: v for k, v in fields.items() if k not in SECRET + NOISE}
    model = config.model_config
    return {
        "precision": _dtype(model.dtype),
        "context_tokens": model.max_model_len,
        "quantization": getattr(model, "quantization", None),
        "vllm": plain(parts),
        "sampling_params": plain(fields_with_values(sampling)),
    }


def facts_of(config: Any, folder: Optional[str]) -> ModelFacts:
    """What is known of the model: from its configuration, and from the headers of its weight files in `folder`."""
    model = config.model_config
    hf_config, dtype = model.hf_config, _dtype(model.dtype)
    written = getattr(config.cache_config, "cache_dtype", "auto")
    kv_dtype = dtype if str(written) == "auto" else str(written)
    known = ModelFacts(
        mixture_of_experts=experts.is_mixture(hf_config, checkpoints.shapes(folder)),
        layers=facts.layers_of(hf_config),
        attention_width=facts.attention_width(hf_config),
        dtype=getattr(model, "quantization", None) or dtype,
        revision=facts.revision_of(folder),
        hidden_size=facts.hidden_size_of(hf_config),
        kv_bytes_per_token=facts.kv_bytes_per_token(hf_config, facts.ELEMENT_BYTES.get(kv_dtype)),
    )
    # Quantized weights are packed several to an element, so that shapes do not tell how many there are.
    if getattr(model, "quantization", None):
        return known
    checkpoints.add_counts(known, folder, hf_config, dtype)
    return known


def _dtype(dtype: Any) -> str:
    return str(dtype).replace("torch.", "")
