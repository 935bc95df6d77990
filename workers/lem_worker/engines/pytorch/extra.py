"""The option `extra`: settings of transformers that have no option of their own, each given to whom it belongs.

A setting of generation goes to `generate()`, a setting of loading to `from_pretrained()`, an attribute of the model's
configuration to the configuration. Anything else is refused: transformers would pass over some of them in silence.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ... import failure
from ...signature import parameters_of, unknown_name

RESERVED = {
    "max_new_tokens": "max_output_tokens sets it",
    "max_length": "max_output_tokens sets the length",
    "min_new_tokens": "min_output_tokens sets it",
    "min_length": "min_output_tokens sets the length",
    "do_sample": "decoding sets it",
    "temperature": "decoding sets it",
    "top_k": "decoding sets it",
    "top_p": "decoding sets it",
    "repetition_penalty": "decoding sets it",
    "num_beams": "pytorch.beam_search sets it",
    "num_return_sequences": "one answer for each request is what is counted",
    "max_time": "it would end answers by the clock, so that runs differ",
    "stop_strings": "what follows a stop string could not be told from padding",
    "streamer": "streaming sets it",
    "stopping_criteria": "it is code",
    "logits_processor": "it is code",
    "assistant_model": "pytorch.assisted_generation sets it",
    "dtype": "precision sets it",
    "torch_dtype": "precision sets it",
    "attn_implementation": "pytorch.attn_implementation sets it",
    "max_memory": "pytorch.max_memory sets it",
    "device_map": "pytorch.device and pytorch.max_memory say where the weights go",
    "tp_plan": "tensors are not split between processes; pytorch.tensor_parallel_size says why",
    "tp_size": "tensors are not split between processes; pytorch.tensor_parallel_size says why",
    "output_loading_info": "it changes what loading gives",
    "low_cpu_mem_usage": "pytorch.low_cpu_mem_usage sets it",
    "cache_implementation": "pytorch.cache_implementation sets it",
    "use_cache": "pytorch.use_cache sets it",
    "token": "HF_TOKEN is read from the environment; a token does not belong into a campaign",
    "use_auth_token": "HF_TOKEN is read from the environment; a token does not belong into a campaign",
}

SHARED_WITH_TOKENIZER = ("revision", "trust_remote_code", "cache_dir", "subfolder", "local_files_only", "code_revision")
"""Settings of loading that say which files are meant, and so hold for the tokenizer and the configuration too."""


@dataclass
class Extra:
    """The settings of `extra`, by whom they belong to."""

    loading: dict[str, Any] = field(default_factory=dict)
    generation: dict[str, Any] = field(default_factory=dict)

    def of_files(self) -> dict[str, Any]:
        """Those that say which files are meant."""
        return {name: value for name, value in self.loading.items() if name in SHARED_WITH_TOKENIZER}


def split(written: Mapping[str, Any], generation: Iterable[str], loading: Iterable[str]) -> Extra:
    """`written` by whom each setting belongs to; `generation` and `loading` are the names that transformers knows."""
    generation_names, loading_names = set(generation), set(loading)
    found = Extra()
    for name, value in written.items():
        if name in RESERVED:
            raise failure.unsupported(f"pytorch.extra.{name} cannot be set: {RESERVED[name]}")
        if name in generation_names:
            found.generation[name] = value
        elif name in loading_names:
            found.loading[name] = value
        else:
            known = (generation_names | loading_names) - set(RESERVED)
            raise failure.unsupported(unknown_name(f"pytorch.extra.{name}", name, known))
    return found


def generation_names(config_class: type) -> list[str]:
    """The settings of transformers' `GenerationConfig`."""
    return [name for name in vars(config_class()) if not name.startswith("_") and name != "transformers_version"]


def loading_names(from_pretrained: Any) -> list[str]:
    """The settings of `from_pretrained`: those of its signature, and those that it takes out of its `**kwargs`."""
    inner = inspect.unwrap(from_pretrained)
    popped = re.findall(r"""kwargs\.pop\(\s*["'](\w+)["']""", inspect.getsource(inner))
    named = [name for name in parameters_of(inner) if name not in ("cls", "pretrained_model_name_or_path")]
    return [name for name in {*named, *popped} if not name.startswith("_")]
