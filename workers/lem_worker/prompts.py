"""The prompts of a run as token ids, cut to the workload's limit and known to fit into the model."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Callable, Optional

from . import datasets, failure, files
from .decoding import sha256_of_tokens
from .engines.base import Loaded, Request
from .experiment import Experiment, Workload
from .records import Record, ordered

BUILTIN_PATH = os.path.join(os.path.dirname(__file__), "data", "prompts.jsonl")
"""Prompts written for this project, with a category each."""


@dataclass(frozen=True)
class Source:
    """Prompts as texts, as many as there will be requests at most, and where they came from."""

    records: Sequence[Record]
    facts: dict[str, Any]


@dataclass(frozen=True)
class Prompts:
    """The prompts of one run; at least one."""

    tokens: Sequence[Sequence[int]]
    facts: dict[str, Any]
    """Where they came from and what was done to them, for the effective parameters."""

    def request(self, index: int) -> Request:
        """The request at position `index` of the workload; after the last prompt, the first comes again."""
        return Request(index, self.tokens[index % len(self.tokens)])


def read_source(experiment: Experiment, warn: Callable[[str], None]) -> Source:
    """The texts of the workload's prompts, in its order. Nothing of the engine is needed yet."""
    workload = experiment.workload
    records, facts = _texts(workload)
    if not records:
        raise failure.unsupported(f"there is no prompt in {facts['source']}")
    records = records[: workload.sample_size]
    if workload.order == "grouped" and not any(record.group for record in records):
        warn(f"{facts['source']} does not say what its prompts belong to; their order is kept")
    # The same prompts in another order: an order that changed which prompts are taken would not be comparable.
    records = ordered(records, workload.order, experiment.seed)
    facts = {**facts, "order": workload.order, "distinct": len(records), "sha256": _sha256_of_texts(records)}
    return Source(records, facts)


def prepare(source: Source, workload: Workload, loaded: Loaded) -> Prompts:
    """Turns texts into tokens, and refuses what does not fit into the model together with the output asked for."""
    tokens = [loaded.encode(record.text) for record in source.records]
    limit = workload.max_input_tokens
    cut = sum(len(prompt) > limit for prompt in tokens)
    tokens = [prompt[:limit] for prompt in tokens]
    for number, prompt in enumerate(tokens, 1):
        _check_prompt(prompt, number, workload, loaded)
    facts = {**source.facts, "cut": cut, "token_sha256": sha256_of_tokens(tokens)}
    return Prompts(tokens, facts)


def _texts(workload: Workload) -> tuple[list[Record], dict[str, Any]]:
    prompts = workload.prompts
    if prompts.type == "builtin":
        with open(BUILTIN_PATH, "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        return files.read(BUILTIN_PATH, "prompt"), {"source": "built-in prompts", "file_sha256": digest}
    if prompts.type == "file":
        return files.read(prompts.path, prompts.column), {"source": f"file {prompts.path}"}
    found = datasets.load(prompts, workload.sample_size)
    facts: dict[str, Any] = {"source": f"dataset {found.facts['dataset']}", **found.facts}
    if found.skipped:
        facts["rows_without_prompt"] = found.skipped
    return found.records, facts


def _sha256_of_texts(records: Sequence[Record]) -> str:
    """SHA-256 over the prompts: of each, the length in bytes as 64 bits, little-endian, and the UTF-8 text."""
    digest = hashlib.sha256()
    for record in records:
        text = record.text.encode("utf-8", "surrogatepass")
        digest.update(len(text).to_bytes(8, "little"))
        digest.update(text)
    return digest.hexdigest()


def _check_prompt(prompt: Sequence[int], number: int, workload: Workload, loaded: Loaded) -> None:
    if not prompt:
        raise failure.unsupported(f"prompt {number} gives no tokens")
    needed = len(prompt) + workload.max_output_tokens
    context: Optional[int] = loaded.context_tokens
    if context is not None and needed > context:
        raise failure.unsupported(
            f"prompt {number} has {len(prompt)} tokens and max_output_tokens is {workload.max_output_tokens}: together "
            f"{needed}, and the model's context holds {context}; lower max_input_tokens or max_output_tokens"
        )
    largest = max(prompt)
    if loaded.vocabulary is not None and largest >= loaded.vocabulary:
        raise failure.model_not_found(
            f"the tokenizer gives token {largest}, but the model knows {loaded.vocabulary} tokens: they do not belong "
            "together"
        )
