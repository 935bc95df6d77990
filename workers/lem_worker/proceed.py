"""Waiting for the engine's word to end a warm-up that is held."""

from __future__ import annotations

import threading
from typing import BinaryIO, Callable

Said = Callable[[], bool]
"""Whether the engine has said to go on."""

PART_BYTES = 1 << 16
"""A line is read in parts of this size, and nothing of it is kept."""


def listen(stream: BinaryIO) -> Said:
    """Listens to `stream` in a thread of its own, which ends with the process. Asking costs nothing and blocks nobody.

    A stream that ends, or that can be read no more, says the same as a line: nobody is left to say it.
    """
    said = threading.Event()
    threading.Thread(target=_listen, args=(stream, said), name="proceed", daemon=True).start()
    return said.is_set


def _listen(stream: BinaryIO, said: threading.Event) -> None:
    try:
        part = stream.readline(PART_BYTES)
        while part and not part.endswith(b"\n"):
            part = stream.readline(PART_BYTES)
    except (OSError, ValueError):
        pass
    finally:
        said.set()
        stream.close()
