"""When requests arrive. Pure: times are nanoseconds after the first arrival, which opens the measurement window.

Open traffic (Poisson, gamma, constant, trace) does not wait for answers: a slow engine queues. Closed traffic keeps a
number of requests under way: the next one arrives when one is finished.

The gamma process follows vLLM's convention: `burstiness` is the shape, the mean gap is 1 / requests_per_s, and a
burstiness of 1 is a Poisson process. Below 1 arrivals come in bursts, above 1 they are more regular. The coefficient of
variation of the gaps is 1 / sqrt(burstiness).
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Mapping
from typing import Any, Optional

from . import failure, files
from .clock import nanoseconds
from .experiment import Traffic
from .options import shown
from .records import find_column

TRACE_FIELDS = ("t_s", "timestamp", "arrived_at")


def arrivals_ns(traffic: Traffic, count: int, seed: int) -> Optional[list[int]]:
    """`count` arrival times, the first of them 0; `None` for closed traffic, where answers decide."""
    if traffic.type == "closed":
        return None
    if traffic.type == "trace":
        return _of_trace(traffic.path, count)
    source = random.Random(seed)
    mean_s = 1.0 / traffic.requests_per_s
    gaps: Iterable[float]
    if traffic.type == "constant":
        return [nanoseconds(position * mean_s) for position in range(count)]
    if traffic.type == "poisson":
        gaps = (source.expovariate(traffic.requests_per_s) for _ in range(count - 1))
    else:
        shape = traffic.burstiness
        gaps = (source.gammavariate(shape, mean_s / shape) for _ in range(count - 1))
    times = [0]
    at_s = 0.0
    for gap in gaps:
        at_s += gap
        times.append(nanoseconds(at_s))
    return times


def described(traffic: Traffic, times_ns: Optional[list[int]]) -> dict[str, Any]:
    """The traffic as it was in force."""
    if times_ns is None:
        return {"type": traffic.type, "concurrency": traffic.concurrency}
    known: dict[str, Any] = {"type": traffic.type, "scheduled_s": times_ns[-1] / 1e9}
    if traffic.type == "trace":
        known["path"] = traffic.path
    else:
        known["requests_per_s"] = traffic.requests_per_s
    if traffic.type == "gamma":
        known["burstiness"] = traffic.burstiness
    return known


def _of_trace(path: str, count: int) -> list[int]:
    times: list[float] = []
    for number, value in _written(path):
        if len(times) == count:
            break
        time = _seconds(value)
        if time is None:
            raise failure.unsupported(f"{path}, line {number}: {shown(value)} is no time in seconds from the start")
        if times and time < times[-1]:
            raise failure.unsupported(
                f"{path}, line {number}: {time:g} s comes after {times[-1]:g} s; arrivals must not go back"
            )
        times.append(time)
    if len(times) < count:
        raise failure.unsupported(
            f"the trace {path} has {len(times)} arrivals, and sample_size is {count}; lower sample_size or give a "
            "longer trace"
        )
    return [nanoseconds(time - times[0]) for time in times]


def _written(path: str) -> Iterable[tuple[int, Any]]:
    """The times as they stand in the file, with the numbers of their lines."""
    text = files.read_text(path, "trace")
    extension = os.path.splitext(path)[1].lower()
    if extension == ".jsonl":
        return _named(path, files.objects(path, text))
    if extension == ".csv":
        return _named(path, files.rows(path, text))
    return files.lines(text)


def _named(path: str, found: Iterable[tuple[int, Mapping[str, Any]]]) -> Iterable[tuple[int, Any]]:
    for number, value in found:
        field = find_column(value, TRACE_FIELDS)
        if field is None:
            raise failure.unsupported(
                f"{path}, line {number}: no field is called {', '.join(TRACE_FIELDS)}; the fields are: "
                f"{', '.join(value)}"
            )
        yield number, value[field]


def _seconds(value: Any) -> Optional[float]:
    """A time as a finite number; `None` for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        time = float(value)
    except ValueError:
        return None
    return time if 0 <= time < 1e9 else None
