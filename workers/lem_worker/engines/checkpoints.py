"""Facts about a model from the headers of its weight files: for engines that keep the model in another process.

The header of a safetensors file lists every tensor with its shape and number format; no weight is read.
"""

from __future__ import annotations

import json
import math
import os
import re
from dataclasses import dataclass
from typing import Any, Optional

from . import experts
from .base import ModelFacts
from .experts import Shapes
from .facts import ELEMENT_BYTES, text_config, weight_files

MAX_HEADER_BYTES = 100 << 20
"""The longest header that the format allows."""

_INPUT_EMBEDDING = re.compile(r"(^|\.)(embed_tokens|wte|word_embeddings|tok_embeddings|embed_in)\.weight$")
_OUTPUT_HEAD = re.compile(r"(^|\.)(lm_head|embed_out|output)\.weight$")


@dataclass(frozen=True)
class Counted:
    """What the tensors of a checkpoint add up to."""

    parameters: int
    embeddings: int
    """Of the input embedding, and of the output head where it has weights of its own."""


def shapes(folder: Optional[str]) -> Optional[dict[str, list[int]]]:
    """The shape of each tensor of the checkpoint in `folder`; `None` where it cannot be told."""
    found: dict[str, list[int]] = {}
    try:
        for path in weight_files(folder) if folder else ():
            for name, tensor in header(path).items():
                found[name] = [int(length) for length in tensor["shape"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found or None


def count(tensors: Shapes, tied: bool) -> Counted:
    """What `tensors` add up to.

    `tied` says that the output head shares the weights of the input embedding: a copy in the file is not another one.
    """
    parameters = embeddings = 0
    for name, shape in tensors.items():
        size = math.prod(shape)
        is_head = _OUTPUT_HEAD.search(name) is not None
        if is_head and tied:
            continue
        parameters += size
        if is_head or _INPUT_EMBEDDING.search(name):
            embeddings += size
    return Counted(parameters, embeddings)


def add_counts(known: ModelFacts, folder: Optional[str], config: Any, dtype: str) -> None:
    """Adds to `known` what follows from the checkpoint in `folder` for a model that computes in `dtype`."""
    tensors = shapes(folder)
    if tensors is None:
        return
    counted = count(tensors, bool(getattr(text_config(config), "tie_word_embeddings", False)))
    body = counted.parameters - counted.embeddings
    known.parameters = counted.parameters
    known.non_embedding_parameters = body
    known.active_non_embedding_parameters = experts.active_parameters(config, tensors, body)
    known.weight_bytes = counted.parameters * ELEMENT_BYTES.get(dtype, 0) or None


def is_quantized(folder: Optional[str]) -> bool:
    """Whether NVIDIA's Model Optimizer quantized the checkpoint: it says so in a file beside the configuration."""
    return folder is not None and os.path.exists(os.path.join(folder, "hf_quant_config.json"))


def header(path: str) -> dict[str, Any]:
    """The tensors of a safetensors file by name."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > MAX_HEADER_BYTES:
            raise ValueError(f"{path} is no safetensors file")
        tensors = json.loads(file.read(length))
    tensors.pop("__metadata__", None)
    return tensors


def folder_of(name: str, revision: Optional[str] = None) -> Optional[str]:
    """Where the files of a model lie: the local folder, or the hub's cache; `None` where they are not there."""
    if os.path.isdir(name):
        return os.path.abspath(name)
    try:
        from huggingface_hub import snapshot_download

        return snapshot_download(name, revision=revision, local_files_only=True)
    except Exception:
        return None
