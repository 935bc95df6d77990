"""What engines share that compute in processes of their own, vLLM and TensorRT-LLM: batches offline, requests that
overlap on an event loop, what their processes said, and the order in which all of it begins and ends.
"""

from __future__ import annotations

import asyncio
import gc
import math
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Callable, Optional

from .. import batches, failure, processes, serving
from ..clock import now_ns
from ..experiment import Experiment
from . import opening
from .base import Generation, Loaded, OutOfTime, Request, Warn
from .said import Said

REFUSALS = ("ValidationError", "ValueError", "TypeError", "NotImplementedError", "KeyError")
"""Classes of what is raised while an engine starts when it refuses its settings."""


class Separate:
    """An engine in other processes.

    Batches that are not streamed are offline work, a call for a batch. With streaming or traffic the engine is online:
    requests are sent as they come, and it processes together what overlaps.
    """

    serves_together = True
    title: str
    """The name in messages."""
    parallel_options: Sequence[str] = ()
    """Options whose product is the number of GPUs."""
    environment: Mapping[str, str] = {}
    """Variables that are set before the engine is imported, unless they are set already."""

    def __init__(self) -> None:
        self._given: dict[str, Any] = {}
        self._experiment: Any = None
        self._settings: Any = None
        self._adapter: Any = None
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._said: Optional[Said] = None
        self._starting = False

    def device_opened(self, warn: Warn) -> AbstractContextManager[Optional[str]]:
        """Opens as many GPUs as the engine will use, in another process: the engine's own open them when it loads."""
        return opening.opened_elsewhere(self._gpus(), warn)

    def load(self, experiment: Experiment, warn: Warn) -> Loaded:
        """Imports the engine, starts it and waits until it is ready."""
        for name, value in self.environment.items():
            os.environ.setdefault(name, value)
        self._said = Said()
        self._experiment = experiment
        if self._is_online():
            self._loop = asyncio.new_event_loop()
        self._starting = True
        self._start(experiment)
        self._starting = False
        return self._ready(experiment, warn)

    def batches(self, requests: Sequence[Request]) -> list[list[Request]]:
        """So many requests at a time as the batch size says; the engine schedules them itself."""
        return batches.batches(requests, "static", self._experiment.batch_size)

    def generate(self, requests: Sequence[Request], deadline_ns: Optional[int] = None) -> list[Generation]:
        """Processes `requests` together and waits for all of them."""
        if self._is_online():
            return self.run(self._together(requests, deadline_ns))
        start_ns = now_ns()
        outputs = self._answers(requests)
        latency_ns = now_ns() - start_ns
        return [
            Generation(list(output.outputs[0].token_ids), latency_ns, start_ns=start_ns) for output in outputs
        ]

    def run(self, work: Any) -> Any:
        """Runs an awaitable on the loop on which answers are awaited."""
        assert self._loop is not None
        return self._loop.run_until_complete(work)

    def peak_memory_bytes(self) -> Optional[int]:
        """Not known: the engine computes in another process, and reserves its memory in advance."""
        return None

    def explain(self, error: BaseException) -> BaseException:
        """What the engine's processes said, where that tells more; refused settings are told apart."""
        if isinstance(error, failure.Failure) or self._said is None:
            return error
        reason = self._said.reason(error)
        is_known = reason is not error or failure.is_out_of_memory(error) or failure.is_model_not_found(error)
        if self._starting and not is_known and type(error).__name__ in REFUSALS:
            return failure.unsupported(f"{self.title} refuses these settings: {failure.summary(error)}")
        return reason

    def unload(self) -> None:
        """Shuts the engine down; its processes end, and with them the GPU's memory is free."""
        self._stop()
        if self._loop is not None:
            self._loop.close()
            self._loop = None
        gc.collect()
        processes.end_descendants()
        if self._said is not None:
            self._said.close()
            self._said = None

    def stream(self, request: Request) -> AsyncIterator[Sequence[int]]:
        """The new tokens of `request` each time that the engine gives some."""
        raise NotImplementedError

    def _gpus(self) -> int:
        """How many GPUs the options ask for."""
        return math.prod(self._given.get(name, 1) for name in self.parallel_options)

    def _start(self, experiment: Experiment) -> None:
        """Starts the engine with the settings that the options become."""
        raise NotImplementedError

    def _ready(self, experiment: Experiment, warn: Warn) -> Loaded:
        """Prepares what requests need, and tells what is known of the model."""
        raise NotImplementedError

    def _answers(self, requests: Sequence[Request]) -> Sequence[Any]:
        """The engine's outputs for `requests`, offline."""
        raise NotImplementedError

    def _stop(self) -> None:
        """Shuts down what was started; does nothing the second time."""
        raise NotImplementedError

    def _is_online(self) -> bool:
        return self._experiment.streaming or self._experiment.workload.traffic is not None

    async def _together(self, requests: Sequence[Request], deadline_ns: Optional[int]) -> list[Generation]:
        left_s = None if deadline_ns is None else max((deadline_ns - now_ns()) / 1e9, 0.001)
        try:
            return await asyncio.wait_for(serving.at_once(self, requests), left_s)  # type: ignore[arg-type]
        except asyncio.TimeoutError:
            raise OutOfTime from None


def refused_sampling(title: str, error: Exception) -> failure.Failure:
    """What `error`, which was raised when the parameters of sampling were made, means for the run."""
    return failure.unsupported(f"{title} refuses the settings of sampling: {failure.summary(error)}")


def encoder(name: str, of_files: Mapping[str, Any]) -> Callable[[str], list[int]]:
    """Token ids of a text by the tokenizer called `name`, with its special tokens and not cut."""
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(name, **of_files)
    return lambda text: list(tokenizer(text, add_special_tokens=True, truncation=False)["input_ids"])
