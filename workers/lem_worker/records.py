"""A prompt with the name of the part of the data that it comes from, and how both are found in a record.

Datasets keep their prompts under many names, and as texts, as messages, or as whole conversations.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

COLUMNS = ("text", "prompt", "question", "instruction", "input", "content", "conversations", "messages")
"""The names under which prompts are kept, in the order in which they are looked for."""

GROUPS = ("category", "source", "subject", "task")
"""The names under which data says what kind of prompt it is, in the order in which they are looked for."""

_HUMANS = ("human", "user")


@dataclass(frozen=True)
class Record:
    """A prompt, and the part of the data that it comes from where the data says so."""

    text: str
    group: Optional[str] = None


def find_column(names: Iterable[str], known: Sequence[str] = COLUMNS) -> Optional[str]:
    """The first of `known` among `names`, in any case; `None` when there is none."""
    by_lower_case = {name.lower(): name for name in reversed(list(names))}
    return next((by_lower_case[name] for name in known if name in by_lower_case), None)


def prompt_in(value: Any) -> Optional[str]:
    """The prompt that `value` holds: a text, a message, or the first human turn of a conversation.

    `None` when there is no text.
    """
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, Mapping):
        content = value.get("content", value.get("text", value.get("value")))
        return content if isinstance(content, str) and content.strip() else None
    if isinstance(value, (list, tuple)):
        return next((prompt_in(turn) for turn in value if _is_human(turn) and prompt_in(turn)), None)
    return None


def ordered(records: Sequence[Record], order: str, seed: int) -> list[Record]:
    """`records` as they are (`interleaved`), by their groups (`grouped`, stable), or shuffled by `seed`."""
    if order == "grouped":
        return sorted(records, key=lambda record: record.group or "")
    if order == "shuffled":
        # Written out: `random.shuffle` may change between releases of Python, `random.random` does not.
        source = random.Random(seed)
        return [record for _, record in sorted(((source.random(), record) for record in records), key=_first)]
    return list(records)


def _first(pair: tuple[float, Record]) -> float:
    return pair[0]


def _is_human(turn: Any) -> bool:
    return isinstance(turn, Mapping) and str(turn.get("from") or turn.get("role") or "").lower() in _HUMANS
