"""Processes that engines start, and signals: nothing is left behind, however the worker ends.

Engines start processes of their own, some of which make themselves independent. The worker takes in its orphans, so
that all of them are its descendants, and ends them before it ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import threading
import time
from types import FrameType
from typing import Optional

PATIENCE_S = 5.0
"""So long may processes of an engine take to end by themselves after a run."""

SIGNAL_PATIENCE_S = 1.0
"""The same when the worker itself was told to end."""

KILL_S = 1.0
"""So long is killing repeated; a process that waits for a device ends only when the device answers."""

_SET_CHILD_SUBREAPER = 36
_ENDING = (signal.SIGTERM, signal.SIGINT)


def adopt_orphans() -> None:
    """Makes orphaned descendants children of this process (prctl(2)), where the kernel can."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_on_signals() -> None:
    """Ends this process and its descendants on SIGTERM and SIGINT, at any point.

    Python's own handlers wait until the interpreter is back from the engine's code, and engines replace them. So a
    thread watches as well: the kernel's signal writes to its pipe at once.
    """
    receiving, sending = os.pipe()
    os.set_blocking(sending, False)
    for number in _ENDING:
        signal.signal(number, _end)
    signal.set_wakeup_fd(sending, warn_on_full_buffer=False)
    # A forked process must not end this one by writing to the same pipe when it is told to end itself.
    os.register_at_fork(after_in_child=_forget_signals)
    threading.Thread(target=_watch, args=(receiving,), name="signals", daemon=True).start()


def end_descendants(patience_s: float = PATIENCE_S) -> None:
    """Ends every descendant: asks, waits up to `patience_s` seconds, and kills what is left."""
    _send(descendants(), signal.SIGTERM)
    deadline = time.monotonic() + patience_s
    while descendants() and time.monotonic() < deadline:
        _reap()
        time.sleep(0.02)
    # Killing may orphan more of them; they come to this process.
    left = descendants()
    while left and time.monotonic() < deadline + KILL_S:
        _send(left, signal.SIGKILL)
        time.sleep(0.02)
        _reap()
        left = descendants()


def descendants() -> list[int]:
    """Process ids of all descendants, the youngest generation last. Python's resource tracker is left out: it cleans up
    shared memory when all others have ended, and then ends by itself.
    """
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        parent = _parent(name) if name.isdigit() else None
        if parent is not None:
            children.setdefault(parent, []).append(int(name))
    found: list[int] = []
    generation = children.get(os.getpid(), [])
    while generation:
        found.extend(generation)
        generation = [child for process in generation for child in children.get(process, [])]
    return [process for process in found if not _is_resource_tracker(process)]


def _parent(process: str) -> Optional[int]:
    """The parent of a process that still runs; `None` for one that has ended or was only not reaped yet."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
            # The name may hold spaces and parentheses; what follows the last parenthesis does not.
            state, parent = file.read().rpartition(")")[2].split()[:2]
    except (OSError, ValueError):
        return None
    return None if state in "ZX" else int(parent)


def _is_resource_tracker(process: int) -> bool:
    try:
        with open(f"/proc/{process}/cmdline", "rb") as file:
            return b"multiprocessing.resource_tracker" in file.read()
    except OSError:
        return False


def _send(processes: list[int], number: int) -> None:
    for process in reversed(processes):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(process, number)


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _watch(receiving: int) -> None:
    while True:
        for number in os.read(receiving, 64):
            if number in _ENDING:
                _end(number, None)


def _end(number: int, _: Optional[FrameType]) -> None:
    end_descendants(SIGNAL_PATIENCE_S)
    os._exit(128 + number)


def _forget_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in _ENDING:
        signal.signal(number, signal.SIG_DFL)
