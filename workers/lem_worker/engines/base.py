"""What the loop of a run needs of an engine. Nothing here knows of a protocol, of phases or of energy."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Callable, Optional, Protocol

from ..experiment import Experiment

Warn = Callable[[str], None]
"""Takes a sentence that a reader of the results should know."""


class OutOfTime(Exception):
    """A warm-up request was stopped because its time was over."""


@dataclass(frozen=True)
class Request:
    """One request: its position in the workload, from 0, and its prompt as token ids."""

    index: int
    tokens: Sequence[int]


@dataclass
class Generation:
    """What one request gave.

    Times are nanoseconds after the request was sent, or after it was due where arrivals are scheduled, but for the two
    that say when that was.
    """

    tokens: Sequence[int]
    """Generated tokens; an end token, where there is one, is among them."""
    latency_ns: int
    first_token_ns: Optional[int] = None
    """Absent where the engine cannot tell, or nobody asked."""
    token_ns: Optional[list[int]] = None
    """One for each token; absent where tokens came in groups."""
    start_ns: Optional[int] = None
    """When the request was given to the engine, by the clock."""
    waited_ns: int = 0
    """How long after it was due that was: the part of the other times that lies before `start_ns`."""


@dataclass
class ModelFacts:
    """What is known of a loaded model. Parts that an engine cannot tell are absent."""

    parameters: Optional[int] = None
    non_embedding_parameters: Optional[int] = None
    """Without the input embedding, and without the output head where it has weights of its own."""
    mixture_of_experts: Optional[bool] = None
    """Whether a token passes through some of the parameters only."""
    active_non_embedding_parameters: Optional[int] = None
    """Of the non-embedding parameters of a mixture, those that one token passes through."""
    layers: Optional[int] = None
    attention_width: Optional[int] = None
    """Query heads times the size of a head."""
    dtype: Optional[str] = None
    revision: Optional[str] = None
    hidden_size: Optional[int] = None
    kv_bytes_per_token: Optional[int] = None
    """Layers times 2 (keys and values) times KV heads times head size times the bytes of one element."""
    weight_bytes: Optional[int] = None

    def known(self) -> dict[str, Any]:
        """The facts that are known, by their names in the protocol."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass
class Loaded:
    """What an engine says of a model that is ready for requests."""

    encode: Callable[[str], list[int]]
    """Token ids of a text, with the special tokens that the model wants around it, not cut."""
    context_tokens: Optional[int]
    """The most tokens that prompt and output may have together, where there is a limit."""
    vocabulary: Optional[int]
    """Tokens that the model knows."""
    facts: ModelFacts = field(default_factory=ModelFacts)


class Engine(Protocol):
    """An engine under measurement. It is used by one thread, in the order of its methods here."""

    name: str
    """The name in the protocol."""
    serves_together: bool
    """Whether requests that overlap in time are processed together; such an engine is a `StreamingEngine`."""
    memory_options: Sequence[str]
    """Options of the engine whose lower values need less memory."""

    def versions(self) -> Mapping[str, str]:
        """Versions of the packages that matter, without importing them."""

    def check(self, experiment: Experiment) -> None:
        """Refuses what can be refused without importing anything heavy."""

    def device_opened(self, warn: Warn) -> AbstractContextManager[Optional[str]]:
        """Opens the device as far as it can be without a model, for as long as the engine waits; gives where, in words.

        Its work is finished when the context is entered. `None`, with a warning, where it cannot be opened.
        """

    def load(self, experiment: Experiment, warn: Warn) -> Loaded:
        """Imports the engine and loads the model of `experiment`. Device work is finished when it returns."""

    def batches(self, requests: Sequence[Request]) -> list[list[Request]]:
        """How `requests` are put together when they are processed one batch after the other."""

    def generate(self, requests: Sequence[Request], deadline_ns: Optional[int] = None) -> list[Generation]:
        """Processes `requests` together; one generation for each, in order.

        Device work is finished when it returns, as far as the engine can tell. An engine that can stop raises
        `OutOfTime` once the clock has passed `deadline_ns`.
        """

    def forget(self, warn: Warn) -> None:
        """Forgets earlier requests: what is measured shall not find its prompts in a cache that warm-up filled."""

    def effective_parameters(self) -> dict[str, Any]:
        """Every setting as the engine resolved it."""

    def peak_memory_bytes(self) -> Optional[int]:
        """Peak memory of the device, else of the process, so far; `None` where it cannot be told."""

    def explain(self, error: BaseException) -> BaseException:
        """`error`, which this engine raised, or what is known to have led to it."""

    def unload(self) -> None:
        """Gives memory back and ends every process that the engine started. Safe to call in any state, and twice."""


class StreamingEngine(Engine, Protocol):
    """An engine that processes overlapping requests together and tells tokens as they come."""

    def stream(self, request: Request) -> AsyncIterator[Sequence[int]]:
        """Generates for `request`; gives the new tokens each time that there are some."""

    def run(self, work: Any) -> Any:
        """Runs an awaitable to its end on the engine's event loop and gives what it gives."""
