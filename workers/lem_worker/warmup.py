"""Requests before the measurement: a fixed number of batches, or until their latencies are stable.

Where warm-up is held, the same ones follow again until the engine says to go on.

A batch counts as one, whatever its size: what is measured afterwards are batches of that size.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Callable, Optional

from .clock import Clock, nanoseconds, now_ns
from .engines.base import OutOfTime, Request
from .experiment import Convergence, Warmup
from .options import shown
from .proceed import Said
from .protocol import Report


@dataclass(frozen=True)
class Warmed:
    """What warm-up came to."""

    batches: int = 0
    requests: int = 0
    held_batches: int = 0
    held_requests: int = 0
    """Those of them that only filled the time until the engine said to go on."""
    converged: Optional[bool] = None
    """Whether latencies became stable; `None` when it was not asked for."""


Generate = Callable[[Sequence[Request], Optional[int]], object]
"""Processes a batch; may raise `OutOfTime` after the given time."""


def warm_up(
    rule: Warmup,
    batches: Sequence[Sequence[Request]],
    generate: Generate,
    report: Report,
    proceed: Said = lambda: True,
    clock: Clock = now_ns,
) -> Warmed:
    """Warms up as `rule` says, and begins no batch after its timeout; a hold ends when the engine has said `proceed`.

    Every batch is finished when it returns: nothing of warm-up runs into the measurement.
    """
    most = rule.convergence.max_prompts if rule.convergence else rule.prompts
    if most == 0 and not rule.hold:
        return Warmed()
    report.begin("warmup")
    warmed = _warm_up(rule, most, batches, generate, report, clock)
    if rule.hold:
        warmed = _hold(warmed, rule, batches, generate, report, proceed)
    report.end("warmup")
    _warn(warmed, rule, most, report)
    return warmed


def _warm_up(
    rule: Warmup, most: int, batches: Sequence[Sequence[Request]], generate: Generate, report: Report, clock: Clock
) -> Warmed:
    """Latencies can only become stable when the work is the same, so with convergence the first batch is repeated."""
    convergence = rule.convergence
    deadline_ns = clock() + nanoseconds(rule.timeout_s)
    latencies_ns: list[int] = []
    requests, stable = 0, False
    total = sum(len(batch_at(batches, position, convergence)) for position in range(most))
    while len(latencies_ns) < most and not stable and (not latencies_ns or clock() < deadline_ns):
        batch = batch_at(batches, len(latencies_ns), convergence)
        start_ns = clock()
        try:
            generate(batch, deadline_ns)
        except OutOfTime:
            break
        latencies_ns.append(clock() - start_ns)
        requests += len(batch)
        report.progress(requests, total)
        is_enough = len(latencies_ns) >= rule.prompts
        stable = convergence is not None and is_enough and is_stable(latencies_ns, convergence)
    return Warmed(len(latencies_ns), requests, converged=stable if convergence else None)


def _hold(
    warmed: Warmed,
    rule: Warmup,
    batches: Sequence[Sequence[Request]],
    generate: Generate,
    report: Report,
    proceed: Said,
) -> Warmed:
    """The batches of warm-up again, one after the other, until the engine has said to go on.

    It is asked between batches, so that the one under way is finished and no other begins. Nothing is kept of them but
    their number.
    """
    held_batches = held_requests = 0
    while not proceed():
        batch = batch_at(batches, held_batches % max(warmed.batches, 1), rule.convergence)
        generate(batch, None)
        held_batches += 1
        held_requests += len(batch)
        report.progress(warmed.requests + held_requests, None)
    return replace(
        warmed,
        batches=warmed.batches + held_batches,
        requests=warmed.requests + held_requests,
        held_batches=held_batches,
        held_requests=held_requests,
    )


def batch_at(
    batches: Sequence[Sequence[Request]], position: int, convergence: Optional[Convergence]
) -> Sequence[Request]:
    """The batch that is the warm-up's `position`th, from 0."""
    return batches[0 if convergence else position % len(batches)]


def is_stable(latencies: Sequence[float], rule: Convergence) -> bool:
    """Whether the coefficient of variation (sample standard deviation over mean) of the last latencies is small."""
    last = latencies[-rule.window :]
    if len(last) < rule.window:
        return False
    mean = statistics.fmean(last)
    return mean > 0 and statistics.stdev(last) / mean <= rule.cv_threshold


def _warn(warmed: Warmed, rule: Warmup, most: int, report: Report) -> None:
    if warmed.converged:
        return
    batches, requests = warmed.batches - warmed.held_batches, warmed.requests - warmed.held_requests
    count = f"{batches} batches" if requests > batches else f"{requests} requests"
    if batches < most:
        report.warn(f"warm-up was ended by its time limit of {shown(rule.timeout_s)} s after {count}")
    elif rule.convergence is not None:
        report.warn(f"latencies were not stable after {count} of warm-up")
