"""The one clock of this worker, and durations as the protocol writes them."""

from __future__ import annotations

import time
from typing import Callable

Clock = Callable[[], int]
"""Gives nanoseconds that never decrease."""

now_ns: Clock = time.monotonic_ns
"""`CLOCK_MONOTONIC` in nanoseconds: the clock of the meter, which containers share with the host."""


def milliseconds(duration_ns: int) -> float:
    """A duration as the protocol writes it; exact to the nanosecond up to 104 days."""
    return duration_ns / 1e6


def nanoseconds(duration_s: float) -> int:
    """`duration_s` in seconds, in nanoseconds."""
    return round(duration_s * 1e9)
