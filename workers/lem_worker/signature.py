"""What the installed engine itself accepts, read from its own signatures.

Names of settings change from release to release of an engine. A name that the installed one does not know would be
passed over by some engines in silence; here it is refused, with the names that look like it.
"""

from __future__ import annotations

import dataclasses
import difflib
import inspect
from collections.abc import Iterable, Mapping
from typing import Any, Callable

from . import failure

MAX_LISTED = 40
"""So many known names are listed in a message; engines have hundreds."""


def unknown_name(full_name: str, name: str, known: Iterable[str]) -> str:
    """A sentence about a name that is not known, with the closest ones that are."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    if close:
        return f"the option {full_name} is not known; did you mean {' or '.join(close)}?"
    listed = ", ".join(names[:MAX_LISTED]) + (", …" if len(names) > MAX_LISTED else "")
    return f"the option {full_name} is not known; known options are: {listed}"


def require_known(given: Mapping[str, str], known: Iterable[str], engine: str) -> None:
    """Refuses the first setting that the installed engine does not have.

    `given` maps names of settings to the options of the campaign that they came from; `engine` names the engine with
    its version.
    """
    names = set(known)
    for setting, option in given.items():
        if setting not in names:
            close = difflib.get_close_matches(setting, sorted(names), n=3, cutoff=0.6)
            hint = f"; it has {' and '.join(close)}" if close else ""
            raise failure.unsupported(
                f"the option {option} cannot be carried out: {engine} has no setting {setting}{hint}"
            )


def parameters_of(function: Callable[..., Any]) -> list[str]:
    """The names of the parameters of `function`, without `self`, `*args` and `**kwargs`."""
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = inspect.signature(function).parameters.values()
    return [parameter.name for parameter in parameters if parameter.kind not in kinds and parameter.name != "self"]


def fields_of(kind: type) -> list[str]:
    """The names of the fields of a dataclass, a pydantic model or a msgspec structure."""
    if dataclasses.is_dataclass(kind):
        return [field.name for field in dataclasses.fields(kind)]
    for attribute in ("model_fields", "__struct_fields__"):
        names = getattr(kind, attribute, None)
        if names:
            return list(names)
    return parameters_of(kind)
