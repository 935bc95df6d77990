"""A line of a worker's output as an event: the reader's side of the protocol, for tests and for authors of workers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Callable

from .protocol import PHASES

ERROR_KINDS = ("out_of_memory", "model_not_found", "unsupported_parameter", "engine")


class Garbled(Exception):
    """A line that is not an event. `code` is the reason, the same for every implementation of the protocol."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def parse_event(line: bytes) -> dict[str, Any]:
    """The event that `line` holds; the fields of the event are known to be there and to have their types."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Garbled("not_utf8", str(error)) from error
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except ValueError as error:
        raise Garbled("not_json", str(error)) from error
    if not isinstance(value, dict):
        raise Garbled("not_json", "another kind of JSON value")
    name = value.get("event")
    if not isinstance(name, str) or name not in _FIELDS:
        raise Garbled("unknown_event", f"the unknown event {json.dumps(name)}")
    if "t_ns" not in value:
        raise Garbled("missing_time", "there is no t_ns")
    _check_fields(name, value)
    return value


def _check_fields(name: str, value: Mapping[str, Any]) -> None:
    for field, holds in {"t_ns": _is_time, **_FIELDS[name]}.items():
        if not holds(value.get(field)):
            raise Garbled("invalid_event", f"{name}: {field} is {json.dumps(value.get(field))}")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _is_time(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def _unsigned(bits: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**bits


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _are_numbers(value: Any) -> bool:
    return isinstance(value, list) and all(_is_number(item) for item in value)


def _one_of(*names: str) -> Callable[[Any], bool]:
    return lambda value: value in names


def _optional(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or holds(value)


_u32, _u64 = _unsigned(32), _unsigned(64)


def _are_counts(value: Any) -> bool:
    return isinstance(value, dict) and all(_u64(value.get(name)) for name in ("input_tokens", "output_tokens"))


_FIELDS: Mapping[str, Mapping[str, Callable[[Any], bool]]] = {
    "hello": {"protocol": _u32, "engine": _is_text, "versions": _is_object},
    "phase": {"phase": _one_of(*PHASES), "edge": _one_of("begin", "end")},
    "progress": {"done": _u32, "total": _optional(_u32)},
    "request": {
        "index": _u32,
        "input_tokens": _u32,
        "output_tokens": _u32,
        "start_ns": _optional(_is_time),
        "waited_ms": _optional(_is_number),
        "latency_ms": _is_number,
        "ttft_ms": _optional(_is_number),
        "itl_ms": _optional(_are_numbers),
        "in_window": _optional(_are_counts),
    },
    "warning": {"message": _is_text},
    "result": {
        "requests": _u32,
        "input_tokens": _u64,
        "output_tokens": _u64,
        "unfinished": _optional(_are_counts),
        "effective_parameters": _optional(_is_object),
        "model": _optional(_is_object),
        "peak_memory_bytes": _optional(_u64),
        "warmup_converged": _optional(lambda value: isinstance(value, bool)),
    },
    "error": {"kind": _one_of(*ERROR_KINDS), "message": _is_text, "peak_memory_bytes": _optional(_u64)},
}
