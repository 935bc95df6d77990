"""What processes of an engine say on standard error, kept for the case that they die.

Engines such as vLLM compute in processes of their own. When one of these runs out of memory, the parent learns only
that it has died; why stands on standard error. So standard error passes through here, line by line: access tokens are
cut out, and the last of it is kept.
"""

from __future__ import annotations

import os
import re
import select
import threading
import time
from collections.abc import Sequence
from typing import Optional

from .. import failure

KEPT_BYTES = 256 << 10

LINE_BYTES = 64 << 10
"""A longer line, such as a bar that draws over itself, is passed on in parts."""

QUIET_S = 0.05
"""When nothing has come for so long, everything has been said."""

PATIENCE_S = 1.0
"""So long are last words waited for at most."""

_RAISED = re.compile(r"\b[A-Za-z_.]*(?:Error|Exception): .+$")

_HARMLESS = re.compile(r"\b(?:DEBUG|INFO|WARNING)\b|\[[DIVW]\]|Warning: ")
"""Marks of lines that report no failure, though they may speak of one: advice on memory, a package that is missing."""


def root_cause(lines: Sequence[str]) -> Optional[str]:
    """The first exception in a log: what was raised in the process that died first."""
    raised = [match.group(0) for match in map(_RAISED.search, lines) if match and "EngineDead" not in match.group(0)]
    return raised[0] if raised else None


class Said:
    """The last words on standard error, which goes on to where it went before."""

    def __init__(self) -> None:
        self._kept = b""
        self._unfinished = b""
        self._lock = threading.Lock()
        self._original = os.dup(2)
        self._receiving, sending = os.pipe()
        # Standard output was led to standard error; both now lead here.
        os.dup2(sending, 2)
        os.dup2(sending, 1)
        os.close(sending)
        self._reader = threading.Thread(target=self._pass_on, name="standard error", daemon=True)
        self._reader.start()

    def close(self) -> None:
        """Leads standard error where it led before, after what was said has gone there."""
        os.dup2(self._original, 2)
        os.dup2(self._original, 1)
        self._reader.join(timeout=PATIENCE_S)
        # A process that still runs may hold the pipe open, so that its end was not seen.
        self._write(self._take(b"", whole=True))

    def reason(self, error: BaseException) -> BaseException:
        """`error`, or what its engine's processes said before it if that tells more."""
        if failure.is_out_of_memory(error) or failure.is_model_not_found(error):
            return error
        lines = self._lines()
        about_memory = next((line for line in reversed(lines) if failure.is_out_of_memory(RuntimeError(line))), None)
        if about_memory:
            return MemoryError(about_memory.strip())
        cause = root_cause(lines) if "root cause" in str(error) else None
        return RuntimeError(cause) if cause else error

    def _lines(self) -> list[str]:
        """What was said of failures. The last words of a process that has just died may still be on their way."""
        deadline = time.monotonic() + PATIENCE_S
        while select.select([self._receiving], [], [], QUIET_S)[0] and time.monotonic() < deadline:
            time.sleep(QUIET_S / 10)
        with self._lock:
            said = (self._kept + self._unfinished).decode("utf-8", "replace")
        return [line for line in said.splitlines() if not _HARMLESS.search(line)]

    def _pass_on(self) -> None:
        while True:
            part = os.read(self._receiving, 1 << 16)
            self._write(self._take(part, whole=not part))
            if not part:
                return

    def _take(self, part: bytes, whole: bool) -> bytes:
        """What can be passed on now that `part` has come: lines that are complete, or everything."""
        with self._lock:
            text = self._unfinished + part
            length = len(text) if whole or len(text) > LINE_BYTES else text.rfind(b"\n") + 1
            self._unfinished = text[length:]
            # Each byte is a character of Latin-1, so that nothing but the tokens changes.
            text = failure.redact(text[:length].decode("latin-1")).encode("latin-1")
            self._kept = (self._kept + text)[-KEPT_BYTES:]
            return text

    def _write(self, text: bytes) -> None:
        try:
            while text:
                text = text[os.write(self._original, text) :]
        except OSError:
            return
