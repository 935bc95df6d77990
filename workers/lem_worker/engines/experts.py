"""Mixtures of experts: whether a model is one, and how many of its parameters a token passes through.

The shapes of tensors tell it exactly where they name the experts as checkpoints of transformers do: `experts.7.up_proj`
is of one expert, and `experts.gate_up_proj` holds all of them, one behind the other. Whatever else does not fit is not
guessed at.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from .facts import layers_of, text_config, whole

Shapes = Mapping[str, Sequence[int]]
"""The shape of each tensor of a model, by its name."""

COUNTS = ("num_local_experts", "num_experts", "n_routed_experts")
"""The names under which configurations say how many experts there are."""

USED = "num_experts_per_tok"

# Experts that every token passes through are called `shared_experts`.
_ROUTED = re.compile(r"(?:^|\.)experts\.(?:(\d+)\.)?")
_LAYER = re.compile(r"(?:^|\.)layers\.(\d+)\.")


def is_mixture(config: Any, shapes: Optional[Shapes] = None) -> Optional[bool]:
    """Whether the model is a mixture of experts; `None` where neither its configuration nor its tensors tell."""
    count = _count(config)
    if count is not None:
        return count > 1
    if not shapes:
        return None
    return any("expert" in name for name in shapes)


def active_parameters(config: Any, shapes: Optional[Shapes], non_embedding: int) -> Optional[int]:
    """Of the `non_embedding` parameters of a mixture, those that one token passes through.

    `None` for other models, and where they cannot be told exactly.
    """
    count, used = _count(config), whole(text_config(config), USED)
    if not shapes or count is None or count < 2 or not used or used > count or _has_further_layers(config, shapes):
        return None
    routed = 0
    for name, shape in shapes.items():
        found = _ROUTED.search(name)
        if found is None:
            continue
        is_one_of_them = int(found.group(1)) < count if found.group(1) else list(shape[:1]) == [count]
        if not is_one_of_them:
            return None
        routed += math.prod(shape)
    if routed == 0 or routed % count:
        return None
    return non_embedding - routed + routed // count * used


def _count(config: Any) -> Optional[int]:
    part = text_config(config)
    return next((count for count in (whole(part, name) for name in COUNTS) if count is not None), None)


def _has_further_layers(config: Any, shapes: Shapes) -> bool:
    """Whether there are layers behind the last one, as those that predict several tokens: engines may not use them."""
    layers = layers_of(config)
    found = (_LAYER.search(name) for name in shapes)
    return layers is None or any(int(layer.group(1)) >= layers for layer in found if layer)
