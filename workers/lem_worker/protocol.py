"""What the worker says: events of the protocol, stamped with the time at which they are said.

Every event is one line and one write, so that lines never tear. Access tokens are cut out of every line.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from typing import Any, Optional

from . import PROTOCOL_VERSION, __version__, failure
from .clock import Clock, now_ns
from .failure import Failure, redact, shortened

MAX_LINE_BYTES = 1 << 20
"""The longest line that the engine accepts, without its newline."""

PHASES = ("context", "load", "idle", "warmup", "measure", "unload")


class NobodyListens(Exception):
    """The engine no longer reads. Pipes of engines under measurement break too; that is something to report."""


class Report:
    """The way to the engine: a file descriptor that nothing else writes to."""

    def __init__(self, descriptor: int, clock: Clock = now_ns) -> None:
        self._descriptor = descriptor
        self._clock = clock
        self._lock = threading.Lock()

    def hello(self, engine: str, versions: Mapping[str, str]) -> None:
        """Who speaks, with the versions of the packages that matter."""
        named = {"lem_worker": __version__, **versions}
        self.say("hello", protocol=PROTOCOL_VERSION, engine=engine, versions=named)

    def begin(self, phase: str) -> None:
        """`phase` begins now."""
        self.say("phase", phase=phase, edge="begin")

    def end(self, phase: str) -> None:
        """`phase` ends now; the device has finished its work."""
        self.say("phase", phase=phase, edge="end")

    def progress(self, done: int, total: Optional[int]) -> None:
        """So many requests of the open phase are finished."""
        self.say("progress", done=done, total=total)

    def warn(self, message: str) -> None:
        """Something that a reader of the results should know."""
        self.say("warning", message=message)

    def fail(self, reason: Failure) -> None:
        """The last words of a run that failed."""
        fields: dict[str, Any] = {"kind": reason.kind, "message": shortened(redact(reason.message))}
        if reason.peak_memory_bytes is not None:
            fields["peak_memory_bytes"] = reason.peak_memory_bytes
        self.say("error", **fields)

    def say(self, event: str, **fields: Any) -> None:
        """Says `event`, as of now. It is on its way when this returns."""
        with self._lock:
            line = _line({"t_ns": self._clock(), "event": event, **fields})
            try:
                _write(self._descriptor, line)
            except BrokenPipeError as error:
                raise NobodyListens from error


def _line(message: Mapping[str, Any]) -> bytes:
    # Half of a surrogate pair, which some tokenizers give, is no character: it becomes a question mark.
    text = redact(json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":")))
    line = text.encode("utf-8", "replace")
    if len(line) > MAX_LINE_BYTES:
        raise failure.engine(
            f"an event of {len(line)} bytes is longer than the protocol's limit of {MAX_LINE_BYTES} bytes"
        )
    return line + b"\n"


def _write(descriptor: int, line: bytes) -> None:
    while line:
        line = line[os.write(descriptor, line) :]
