"""Settings of engines as plain data that JSON can hold, bounded in depth and size."""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Mapping
from typing import Any

MAX_DEPTH = 4
MAX_ITEMS = 200
MAX_CHARS = 500


def plain(value: Any, depth: int = 0) -> Any:
    """`value` as JSON can hold it: what has no plain form is shown as its text, and what is too deep is left out."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, enum.Enum):
        return plain(value.value if isinstance(value.value, (str, int)) else value.name, depth)
    if isinstance(value, str):
        return value[:MAX_CHARS]
    if depth >= MAX_DEPTH:
        return "…"
    if isinstance(value, Mapping):
        items = list(value.items())[:MAX_ITEMS]
        return {str(name): plain(item, depth + 1) for name, item in items}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value, key=str) if isinstance(value, (set, frozenset)) else list(value)
        return [plain(item, depth + 1) for item in items[:MAX_ITEMS]]
    fields = fields_with_values(value)
    return str(value)[:MAX_CHARS] if fields is None else plain(fields, depth)


def fields_with_values(value: Any) -> dict[str, Any] | None:
    """The public fields of a dataclass, a pydantic model or a msgspec structure; `None` for anything else."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
    else:
        kind = type(value)
        names = list(getattr(kind, "model_fields", None) or getattr(kind, "__struct_fields__", None) or ())
    if not names:
        return None
    return {name: getattr(value, name, None) for name in names if not name.startswith("_")}
