"""The campaign's section for an engine, checked against a table: every key is known and every value has its range.

A table names each option with a check. What a check says stands behind "is ...; " in the message, e.g. "a whole number
from 1 is needed". `null` means that an option is not given.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Callable, Optional

from . import failure
from .signature import unknown_name

Check = Callable[[Any, str], Any]
"""Takes a value and its name; gives the value that is in force, or raises a failure."""

Table = Mapping[str, Check]

RESERVED: Mapping[str, str] = {
    "model": "the campaign's model sets it",
    "dtype": "precision sets it",
    "seed": "the campaign's seed sets it",
    "skip_tokenizer_init": "the worker needs the tokenizer",
    "max_tokens": "max_output_tokens sets it",
    "min_tokens": "min_output_tokens sets it",
    "temperature": "decoding sets it",
    "top_k": "decoding sets it",
    "top_p": "decoding sets it",
    "repetition_penalty": "decoding sets it",
    "n": "one answer for each request is what is counted",
    "best_of": "one answer for each request is what is counted",
    "truncate_prompt_tokens": "max_input_tokens cuts prompts, and counts what is left",
    "detokenize": "text is not made",
    "stop": "it needs text, and text is not made",
}
"""What engines that make tokens from token ids have in common and no section can give, with the reason."""


def check(section: str, options: Mapping[str, Any], table: Table) -> dict[str, Any]:
    """The options that are given, in their checked form. A key that `table` lacks is refused with suggestions."""
    checked = {}
    for name, value in options.items():
        if name not in table:
            raise failure.unsupported(unknown_name(f"{section}.{name}", name, list(table)))
        if value is not None:
            checked[name] = table[name](value, f"{section}.{name}")
    return checked


def flag() -> Check:
    """True or false."""
    return lambda value, name: _require(isinstance(value, bool), value, name, "true or false is needed")


def whole(least: int, most: Optional[int] = None) -> Check:
    """A whole number in a range, ends included."""
    needed = f"a whole number {_range(least, most)} is needed"

    def checked(value: Any, name: str) -> Any:
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        return _require(is_whole and _within(value, least, most), value, name, needed)

    return checked


def number(least: float, most: Optional[float] = None) -> Check:
    """A finite number in a range, ends included."""
    needed = f"a number {_range(least, most)} is needed"

    def checked(value: Any, name: str) -> Any:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        return _require(is_number and _within(value, least, most), value, name, needed)

    return checked


def text() -> Check:
    """A text that is not empty."""
    return lambda value, name: _require(isinstance(value, str) and value != "", value, name, "a text is needed")


def one_of(*names: str) -> Check:
    """One of some names."""
    needed = f"one of these is needed: {', '.join(names)}"
    return lambda value, name: _require(value in names, value, name, needed)


def either(*checks: Check) -> Check:
    """What one of `checks` accepts; the last one's message when none does."""

    def checked(value: Any, name: str) -> Any:
        for alternative in checks[:-1]:
            try:
                return alternative(value, name)
            except failure.Failure:
                pass
        return checks[-1](value, name)

    return checked


def section(table: Table) -> Check:
    """Options of their own, checked against `table`."""

    def checked(value: Any, name: str) -> dict[str, Any]:
        _require(isinstance(value, dict), value, name, "a mapping is needed")
        return check(name, value, table)

    return checked


def mapping() -> Check:
    """Any keys; somebody else checks them."""
    return lambda value, name: _require(isinstance(value, dict), value, name, "a mapping is needed")


def anything() -> Check:
    """Any value; the engine checks it."""
    return lambda value, _: value


def refused(reason: str, unless: tuple[Any, ...] = ()) -> Check:
    """A value that is refused with `reason`, but for those that ask for nothing."""

    def checked(value: Any, name: str) -> Any:
        if value in unless:
            return value
        raise failure.unsupported(f"{name} is {shown(value)}; {reason}")

    return checked


def shown(value: Any) -> str:
    """A value as a campaign would write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _require(holds: bool, value: Any, name: str, needed: str) -> Any:
    if holds:
        return value
    raise failure.unsupported(f"{name} is {shown(value)}; {needed}")


def _within(value: float, least: float, most: Optional[float]) -> bool:
    return value >= least and (most is None or value <= most)


def _range(least: float, most: Optional[float]) -> str:
    return f"from {least:g}" if most is None else f"from {least:g} to {most:g}"
