"""Prompts from a dataset of the Hugging Face hub, or from a local folder with one, through the package `datasets`.

The package is optional: files and the built-in prompts do without. `HF_TOKEN` is read by the package itself.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Any, Optional

from . import failure
from .experiment import PromptSource
from .records import COLUMNS, GROUPS, Record, find_column, prompt_in


@dataclass(frozen=True)
class Alias:
    """A well-known dataset and where its prompts are."""

    name: str
    subset: Optional[str] = None
    split: str = "train"
    column: Optional[str] = None
    file: Optional[str] = None
    """One file of the repository, where the repository holds several that do not belong together."""


ALIASES = {
    "ai-energy-score": Alias("AIEnergyScore/text_generation", column="text"),
    "alpaca": Alias("tatsu-lab/alpaca", column="instruction"),
    "sharegpt": Alias(
        "anon8231489123/ShareGPT_Vicuna_unfiltered",
        column="conversations",
        file="ShareGPT_V3_unfiltered_cleaned_split.json",
    ),
    "gsm8k": Alias("openai/gsm8k", subset="main", column="question"),
    "mmlu": Alias("cais/mmlu", subset="all", split="test", column="question"),
}


@dataclass(frozen=True)
class Found:
    """Prompts of a dataset, and what is known of where they came from."""

    records: list[Record]
    skipped: int
    """Rows before the last one taken that hold no prompt."""
    facts: dict[str, Any]


def resolve(source: PromptSource) -> Alias:
    """What `source` means: an alias, in either spelling, or a name; fields that are given win."""
    alias = ALIASES.get(source.name.lower().replace("_", "-"), Alias(source.name))
    return Alias(
        name=alias.name,
        subset=source.subset or alias.subset,
        split=source.split or alias.split,
        column=source.column or alias.column,
        file=alias.file,
    )


def load(source: PromptSource, count: int) -> Found:
    """The first `count` prompts of the dataset, or all where there are fewer."""
    if importlib.util.find_spec("datasets") is None:
        raise failure.missing_package("datasets", f"the dataset {source.name}", "pip install datasets")
    import datasets

    wanted = resolve(source)
    try:
        data = datasets.load_dataset(
            wanted.name, wanted.subset, split=wanted.split, **({"data_files": wanted.file} if wanted.file else {})
        )
    except Exception as error:
        raise failure.unsupported(
            f"the dataset {wanted.name} (subset {wanted.subset}, split {wanted.split}) cannot be loaded: "
            f"{failure.summary(error)}. Check the name, the subset and the split; a dataset that was never downloaded "
            "needs a network"
        ) from error
    column = _column_of(wanted, list(data.column_names))
    records, skipped = _take(data, column, find_column(data.column_names, GROUPS), count)
    facts = {
        "dataset": wanted.name,
        "subset": wanted.subset,
        "split": wanted.split,
        "column": column,
        "rows": len(data),
        "fingerprint": getattr(data, "_fingerprint", None),
    }
    return Found(records, skipped, {name: value for name, value in facts.items() if value is not None})


def _column_of(wanted: Alias, names: list[str]) -> str:
    column = wanted.column or find_column(names)
    if column is None:
        raise failure.unsupported(
            f"the dataset {wanted.name} has no column called {', '.join(COLUMNS)}; name the one with the prompts as "
            f"`column`. The columns are: {', '.join(names)}"
        )
    if column not in names:
        raise failure.unsupported(
            f'the dataset {wanted.name} has no column "{column}"; the columns are: {", ".join(names)}'
        )
    return column


def _take(data: Any, column: str, group: Optional[str], count: int) -> tuple[list[Record], int]:
    records: list[Record] = []
    skipped = 0
    for row in data:
        if len(records) == count:
            break
        prompt = prompt_in(row[column])
        if prompt is None:
            skipped += 1
            continue
        kind = row.get(group) if group else None
        records.append(Record(prompt, None if kind is None else str(kind)))
    return records, skipped
