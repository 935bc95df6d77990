"""What processes of an engine say on standard error, kept for the case that they die.

Engines such as vLLM compute in processes of their own. When one of these runs out of memory, the parent learns only
that it has died; why stands on standard error. So standard error passes through here, and the last of it is kept.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Sequence
from typing import Optional

from .. import failure

KEPT_BYTES = 256 << 10

_RAISED = re.compile(r"\b[A-Za-z_.]*(?:Error|Exception): .+$")


def root_cause(lines: Sequence[str]) -> Optional[str]:
    """The first exception in a log: what was raised in the process that died first."""
    raised = [match.group(0) for match in map(_RAISED.search, lines) if match and "EngineDead" not in match.group(0)]
    return raised[0] if raised else None


class Said:
    """The last words on standard error, which goes on to where it went before."""

    def __init__(self) -> None:
        self._kept = b""
        self._lock = threading.Lock()
        self._original = os.dup(2)
        receiving, sending = os.pipe()
        # Standard output was led to standard error; both now lead here.
        os.dup2(sending, 2)
        os.dup2(sending, 1)
        os.close(sending)
        self._reader = threading.Thread(target=self._pass_on, args=(receiving,), name="standard error", daemon=True)
        self._reader.start()

    def close(self) -> None:
        """Leads standard error where it led before, after what was said has gone there."""
        os.dup2(self._original, 2)
        os.dup2(self._original, 1)
        self._reader.join(timeout=1)

    def reason(self, error: BaseException) -> BaseException:
        """`error`, or what its engine's processes said before it if that tells more."""
        if failure.is_out_of_memory(error) or failure.is_model_not_found(error):
            return error
        with self._lock:
            lines = self._kept.decode("utf-8", "replace").splitlines()
        about_memory = next((line for line in reversed(lines) if failure.is_out_of_memory(RuntimeError(line))), None)
        if about_memory:
            return MemoryError(about_memory.strip())
        cause = root_cause(lines) if "root cause" in str(error) else None
        return RuntimeError(cause) if cause else error

    def _pass_on(self, receiving: int) -> None:
        while True:
            part = os.read(receiving, 1 << 16)
            if not part:
                return
            with self._lock:
                self._kept = (self._kept + part)[-KEPT_BYTES:]
            try:
                while part:
                    part = part[os.write(self._original, part) :]
            except OSError:
                continue
