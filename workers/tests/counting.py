"""An engine in pure Python that answers every prompt by counting: for tests of everything around an engine.

`python -m tests.counting` is a worker. Options of the section steer what goes wrong:

| option | effect |
|---|---|
| token_ms | how long a token takes |
| together | requests that overlap are processed together |
| fails | `memory`, `host_memory`, `model`, `pipe`, `trace`, `unload`: where and how it fails |
| prints | it prints to standard output, in three ways |
| child | it starts a process that ignores SIGTERM, and another one that makes itself independent |
| grouped | tokens come two at a time |
| shut | its device cannot be opened without a model |
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, Optional

from lem_worker import batches, options
from lem_worker.__main__ import serve
from lem_worker.clock import now_ns
from lem_worker.engines.base import Generation, Loaded, ModelFacts, OutOfTime, Request, Warn
from lem_worker.experiment import Experiment

TABLE = {
    "token_ms": options.number(0),
    "together": options.flag(),
    "fails": options.one_of("memory", "host_memory", "model", "pipe", "trace", "unload"),
    "prints": options.flag(),
    "child": options.flag(),
    "grouped": options.flag(),
    "shut": options.flag(),
}

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


class OutOfMemoryError(RuntimeError):
    """Named like PyTorch's."""


class Counting:
    """Answers with the numbers 0, 1, 2, ... as tokens."""

    name = "counting"
    serves_together = False
    memory_options: Sequence[str] = ()

    def __init__(self) -> None:
        self._given: dict[str, Any] = {}
        self._experiment: Optional[Experiment] = None
        self._loop: Optional[asyncio.AbstractEventLoop] = None

    def versions(self) -> Mapping[str, str]:
        return {"counting": "1.2.3"}

    def check(self, experiment: Experiment) -> None:
        self._given = options.check("counting", experiment.options, TABLE)
        self.serves_together = self._given.get("together", False)

    @contextlib.contextmanager
    def device_opened(self, warn: Warn) -> Iterator[Optional[str]]:
        if self._given.get("shut"):
            warn("no context baseline can be taken: the device is shut")
        yield None if self._given.get("shut") else "the tests"

    def load(self, experiment: Experiment, warn: Warn) -> Loaded:
        self._experiment = experiment
        fails = self._given.get("fails")
        if self._given.get("prints"):
            print("printed by Python")
            os.write(1, b"written to descriptor 1\n")
            subprocess.run(["echo", "said by a child"], check=True)
        if self._given.get("child"):
            subprocess.Popen([sys.executable, "-c", STUBBORN])
            subprocess.Popen(["sh", "-c", f"setsid {sys.executable} -c '{STUBBORN}' & sleep 0.2"]).wait()
        if fails == "model":
            raise OSError(f"{experiment.model} is not a local folder and is not a valid model identifier")
        if fails == "host_memory":
            raise MemoryError
        if fails == "pipe":
            raise BrokenPipeError("a process of the engine is gone")
        return Loaded(
            encode=lambda text: [1, *(2 + len(word) for word in text.split())],
            context_tokens=100,
            vocabulary=1000,
            facts=ModelFacts(parameters=3, layers=1, dtype="int64"),
        )

    def batches(self, requests: Sequence[Request]) -> list[list[Request]]:
        assert self._experiment is not None
        return batches.batches(requests, "static", self._experiment.batch_size)

    def generate(self, requests: Sequence[Request], deadline_ns: Optional[int] = None) -> list[Generation]:
        if self._given.get("fails") == "memory":
            raise OutOfMemoryError("Tried to allocate 2.00 GiB. The token is hf_abcdefghijklmnopqrstuvwx.")
        if self._given.get("fails") == "trace":
            raise RuntimeError("a tensor has the wrong shape")
        start_ns = now_ns()
        times = []
        for _ in range(self._length()):
            time.sleep(self._given.get("token_ms", 0) / 1000)
            times.append(now_ns() - start_ns)
            if deadline_ns is not None and now_ns() >= deadline_ns:
                raise OutOfTime
        tokens = list(range(self._length()))
        return [Generation(tokens, times[-1], times[0], list(times), start_ns) for _ in requests]

    async def stream(self, request: Request) -> AsyncIterator[Sequence[int]]:
        step = 2 if self._given.get("grouped") else 1
        tokens = list(range(self._length()))
        for start in range(0, len(tokens), step):
            await asyncio.sleep(self._given.get("token_ms", 0) / 1000)
            yield tokens[start : start + step]

    def run(self, work: Any) -> Any:
        self._loop = self._loop or asyncio.new_event_loop()
        return self._loop.run_until_complete(work)

    def forget(self, warn: Warn) -> None:
        pass

    def effective_parameters(self) -> dict[str, Any]:
        return {"counts_from": 0}

    def peak_memory_bytes(self) -> Optional[int]:
        return 4096

    def explain(self, error: BaseException) -> BaseException:
        return error

    def unload(self) -> None:
        if self._given.get("fails") == "unload":
            raise RuntimeError("it does not let go")

    def _length(self) -> int:
        assert self._experiment is not None
        return self._experiment.workload.max_output_tokens


if __name__ == "__main__":
    code = serve(Counting())
    sys.stderr.flush()
    os._exit(code)
