"""Requests that arrive at their own times, or together: who is served when, and what each of them waits.

All times of a generation count from the moment at which its request was due, so time in a queue is part of the latency.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from typing import Any, Callable, Optional

from . import failure
from .clock import now_ns
from .engines.base import Engine, Generation, Request, StreamingEngine

Finish = Callable[[Request, Generation], None]
"""Takes each request with what it gave, when it is finished."""

Times = Optional[Sequence[int]]
"""Nanoseconds after the start at which each request is due; `None` for closed traffic."""

CANCEL_S = 1.0
"""So long may requests that were cancelled take to end; an engine that is broken may never answer."""


def one_after_another(
    engine: Engine, requests: Sequence[Request], times_ns: Times, concurrency: int, finish: Finish
) -> None:
    """Serves one request at a time, in the order of their arrival; the others wait.

    With closed traffic of n, the first n are due at once and each later one when the nth before it is finished.
    """
    start_ns = now_ns()
    finished_ns: list[int] = []
    for position, request in enumerate(requests):
        if times_ns is not None:
            due_ns = start_ns + times_ns[position]
        else:
            due_ns = start_ns if position < concurrency else finished_ns[position - concurrency]
        time.sleep(max(due_ns - now_ns(), 0) / 1e9)
        waited_ns = max(now_ns() - due_ns, 0)
        generation = later(engine.generate([request])[0], waited_ns)
        finished_ns.append(due_ns + generation.latency_ns)
        finish(request, generation)


def later(generation: Generation, waited_ns: int) -> Generation:
    """`generation` of a request that waited before it was sent."""
    first_ns, token_ns = generation.first_token_ns, generation.token_ns
    return Generation(
        tokens=generation.tokens,
        latency_ns=generation.latency_ns + waited_ns,
        first_token_ns=None if first_ns is None else first_ns + waited_ns,
        token_ns=None if token_ns is None else [time + waited_ns for time in token_ns],
        start_ns=generation.start_ns,
        waited_ns=generation.waited_ns + waited_ns,
    )


async def overlapping(
    engine: StreamingEngine, requests: Sequence[Request], times_ns: Times, concurrency: int, finish: Finish
) -> None:
    """Sends each request when it is due, and lets the engine process what overlaps together."""
    start_ns = now_ns()
    if times_ns is None:
        waiting = iter(requests)
        await _all(_client(engine, waiting, start_ns, finish) for _ in range(min(concurrency, len(requests))))
        return
    due = ((request, start_ns + time_ns) for request, time_ns in zip(requests, times_ns))
    await _as_they_arrive(engine, due, finish)


async def at_once(engine: StreamingEngine, requests: Sequence[Request]) -> list[Generation]:
    """All of `requests` sent together; what each gave, in their order."""
    start_ns = now_ns()
    return await _all(_timed(engine, request, start_ns) for request in requests)


async def _client(engine: StreamingEngine, waiting: Iterator[Request], start_ns: int, finish: Finish) -> None:
    """A client that sends its next request as soon as the last one is answered."""
    due_ns = start_ns
    for request in waiting:
        generation = await _timed(engine, request, due_ns)
        due_ns += generation.latency_ns
        finish(request, generation)


async def _as_they_arrive(engine: StreamingEngine, due: Iterable[tuple[Request, int]], finish: Finish) -> None:
    """Sends each request when it is due; the first one that fails ends them all.

    No task is made before its request is due: making thousands of them takes a long time, in which tokens of the first
    requests would wait for their time stamps.
    """
    under_way: set[asyncio.Task[None]] = set()
    failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def end(task: asyncio.Task[None]) -> None:
        if task.cancelled() or task.exception() is None:
            under_way.discard(task)
        elif not failed.done():
            failed.set_result(None)

    for request, due_ns in due:
        await asyncio.wait({failed}, timeout=max(due_ns - now_ns(), 0) / 1e9)
        if failed.done():
            break
        task = asyncio.ensure_future(_serve(engine, request, due_ns, finish))
        under_way.add(task)
        task.add_done_callback(end)
    await _all(under_way)


async def _serve(engine: StreamingEngine, request: Request, due_ns: int, finish: Finish) -> None:
    finish(request, await _timed(engine, request, due_ns))


async def _timed(engine: StreamingEngine, request: Request, due_ns: int) -> Generation:
    tokens: list[int] = []
    token_ns: list[int] = []
    came_in_groups = False
    start_ns = now_ns()
    async for new in engine.stream(request):
        at_ns = now_ns() - due_ns
        came_in_groups = came_in_groups or len(new) > 1
        tokens.extend(new)
        token_ns.extend(at_ns for _ in new)
    if not tokens:
        raise failure.engine(f"{engine.name} generated nothing for request {request.index}")
    times = None if came_in_groups else token_ns
    return Generation(tokens, token_ns[-1], token_ns[0], times, start_ns, start_ns - due_ns)


async def _all(works: Iterable[Awaitable[Any]]) -> list[Any]:
    """Awaits all of `works`; when one fails, the others are cancelled before the failure goes on."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=CANCEL_S)
        raise
