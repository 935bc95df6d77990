"""What a model's Hugging Face configuration and files say of it, the same for every engine."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Sequence
from typing import Any, Optional

SAMPLE_BYTES = 1 << 20
"""How much is read at the beginning, in the middle and at the end of a file."""

ELEMENT_BYTES = {
    "float32": 4,
    "float": 4,
    "float16": 2,
    "half": 2,
    "bfloat16": 2,
    "fp8": 1,
    "fp8_e4m3": 1,
    "fp8_e5m2": 1,
    "float8_e4m3fn": 1,
    "float8_e5m2": 1,
    "int8": 1,
}
"""Bytes of one element by the names that engines use."""


def text_config(config: Any) -> Any:
    """The part of a configuration that describes the language model, where a model has several parts."""
    inner = getattr(config, "get_text_config", None)
    return inner() if callable(inner) else config


def layers_of(config: Any) -> Optional[int]:
    """Transformer layers."""
    return whole(text_config(config), "num_hidden_layers")


def hidden_size_of(config: Any) -> Optional[int]:
    """Size of the hidden state."""
    return whole(text_config(config), "hidden_size")


def context_of(config: Any) -> Optional[int]:
    """The most tokens that prompt and output may have together."""
    return whole(text_config(config), "max_position_embeddings")


def vocabulary_of(config: Any) -> Optional[int]:
    """Tokens that the model knows."""
    return whole(text_config(config), "vocab_size")


def attention_width(config: Any) -> Optional[int]:
    """Query heads times the size of a head; `None` with latent attention, whose heads have several sizes."""
    part = text_config(config)
    heads, hidden = whole(part, "num_attention_heads"), whole(part, "hidden_size")
    if not heads or getattr(part, "kv_lora_rank", None):
        return None
    head_size = whole(part, "head_dim") or (hidden // heads if hidden else None)
    return heads * head_size if head_size else None


def kv_bytes_per_token(config: Any, element_bytes: Optional[int]) -> Optional[int]:
    """Bytes that one token takes in the cache of keys and values, all layers together.

    `None` where the usual formula does not hold: latent attention keeps something else.
    """
    part = text_config(config)
    layers, hidden = whole(part, "num_hidden_layers"), whole(part, "hidden_size")
    heads = whole(part, "num_attention_heads")
    if not layers or not hidden or not heads or not element_bytes or getattr(part, "kv_lora_rank", None):
        return None
    kinds: Sequence[str] = getattr(part, "layer_types", None) or ()
    if kinds:
        # Of linear attention and state-space layers, nothing grows with the tokens.
        layers = sum("attention" in kind and "linear" not in kind for kind in kinds)
    kv_heads = whole(part, "num_key_value_heads") or heads
    head_size = whole(part, "head_dim") or hidden // heads
    return layers * 2 * kv_heads * head_size * element_bytes


def revision_of(path: Optional[str]) -> Optional[str]:
    """Which model it was: the commit that a path into the hub's cache names, else a hash over a folder's files."""
    if not path or not os.path.isdir(path):
        return None
    commit = re.search(r"/snapshots/([0-9a-f]{40})/?$", path)
    if commit:
        return commit.group(1)
    files = [os.path.join(path, name) for name in ("config.json", "tokenizer.json")] + weight_files(path)
    try:
        return sampled_sha256([name for name in files if os.path.exists(name)])
    except OSError:
        return None


def sampled_sha256(paths: Sequence[str]) -> str:
    """A hash over the names, the sizes, and the first, middle and last mebibyte of files.

    It is cheap even for large files; weights that were trained further differ everywhere, so samples tell models apart.
    The candle worker computes the same one.
    """
    digest = hashlib.sha256()
    for path in paths:
        size = os.path.getsize(path)
        digest.update(os.fsencode(os.path.basename(path)) + b"\0" + size.to_bytes(8, "little"))
        last = max(size - SAMPLE_BYTES, 0)
        with open(path, "rb") as file:
            for start in (0, last // 2, last):
                file.seek(start)
                digest.update(file.read(SAMPLE_BYTES))
    return f"sampled-sha256:{digest.hexdigest()}"


def weight_files(folder: str) -> list[str]:
    """The files with weights in a folder: those of the index, else the single file."""
    index = os.path.join(folder, "model.safetensors.index.json")
    single = os.path.join(folder, "model.safetensors")
    if os.path.exists(index):
        with open(index, "rb") as file:
            names = set(json.load(file).get("weight_map", {}).values())
        return [os.path.join(folder, name) for name in sorted(names)]
    return [single] if os.path.exists(single) else []


def whole(config: Any, name: str) -> Optional[int]:
    """The whole number called `name` in a configuration, where there is one."""
    value = getattr(config, name, None)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
