"""What the kernel knows of the memory of this process and of this machine."""

from __future__ import annotations

from typing import Optional

from . import failure


def peak_memory_bytes() -> Optional[int]:
    """Peak resident memory of this process in bytes (`VmHWM`); `None` where the kernel does not tell."""
    return _field_bytes("/proc/self/status", "VmHWM:")


def available_memory_bytes() -> Optional[int]:
    """Memory that can be had without swapping, in bytes (`MemAvailable`). Limits of a control group are not in it."""
    return _field_bytes("/proc/meminfo", "MemAvailable:")


def require_memory(needed_bytes: int, what: str) -> None:
    """Refuses to load what has no room: the kernel would kill the process without a word."""
    available = available_memory_bytes()
    if available is not None and available < needed_bytes:
        gib = float(1 << 30)
        raise failure.Failure(
            failure.OUT_OF_MEMORY,
            f"{what} needs {needed_bytes / gib:.1f} GiB for its weights and {available / gib:.1f} GiB of memory are "
            "available; choose a smaller model or precision",
        )


def field_bytes(text: str, name: str) -> Optional[int]:
    """The value of a line such as `VmHWM:     1234 kB`; the kernel means 1024 bytes (proc(5))."""
    for line in text.splitlines():
        if line.startswith(name):
            words = line[len(name) :].split()
            if len(words) == 2 and words[0].isdigit() and words[1] == "kB":
                return int(words[0]) * 1024
    return None


def _field_bytes(path: str, name: str) -> Optional[int]:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return field_bytes(file.read(), name)
    except OSError:
        return None
