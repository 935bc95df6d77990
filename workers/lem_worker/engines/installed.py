"""Which packages are installed, asked without importing them."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
from collections.abc import Sequence

from .. import failure


def versions_of(packages: Sequence[str]) -> dict[str, str]:
    """The versions of those of `packages` that are installed, and of Python."""
    found = {"python": platform.python_version()}
    for name in packages:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def require(module: str, purpose: str, command: str) -> None:
    """Fails with the command that installs `module` when it is not installed."""
    if importlib.util.find_spec(module) is None:
        raise failure.missing_package(module, purpose, command)


def release(package: str) -> tuple[int, int]:
    """The first two numbers of the version of `package`."""
    numbers = importlib.metadata.version(package).split(".")
    return int(numbers[0]), int("".join(character for character in numbers[1] if character.isdigit()) or 0)
