"""Why a run ends without a result: what becomes the protocol's `error`.

Exceptions of engines are sorted into the kinds of the protocol here, by what they say: engines raise many classes, some
of which cannot be imported without the engine.
"""

from __future__ import annotations

import os
import re
from typing import Optional

OUT_OF_MEMORY = "out_of_memory"
MODEL_NOT_FOUND = "model_not_found"
UNSUPPORTED_PARAMETER = "unsupported_parameter"
ENGINE = "engine"

MAX_MESSAGE_CHARS = 2000
"""Longer texts of engines are cut; the whole stands on standard error."""

_TOKEN_VARIABLES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACE_TOKEN", "HUGGINGFACEHUB_API_TOKEN")
_TOKEN_PATTERN = re.compile(r"hf_[A-Za-z0-9]{16,}")
_URL_PASSWORD = re.compile(r"(?<=://)[^\s/@\"'\\]+@")

_LEAST_TOKEN_CHARS = 8
"""Shorter values are placeholders; cut out of a line of JSON, one such as `null` would leave no JSON."""

_OUT_OF_MEMORY_CLASSES = {"OutOfMemoryError", "MemoryError"}
_OUT_OF_MEMORY_TEXTS = (
    "out of memory",
    "outofmemory",
    "can't allocate memory",
    "cannot allocate memory",
    "no available memory for the cache blocks",
    "is larger than the available kv cache memory",
    "is less than desired gpu memory utilization",
    "is less than requested memory",
    "cublas_status_alloc_failed",
    "make sure you have enough gpu ram",
    "memoryerror",
    "std::bad_alloc",
)

_MODEL_NOT_FOUND_CLASSES = {
    "RepositoryNotFoundError",
    "RevisionNotFoundError",
    "GatedRepoError",
    "EntryNotFoundError",
    "LocalEntryNotFoundError",
    "HFValidationError",
    "OfflineModeIsEnabled",
}
_MODEL_NOT_FOUND_TEXTS = (
    "is not a local folder and is not a valid model identifier",
    "is not a valid model identifier",
    "couldn't connect to 'https://huggingface.co'",
    "we couldn't connect to",
    "incorrect path_or_model_id",
    "repo id must",
    "does not appear to have a file named",
    "unrecognized model in",
    "no such file or directory: 'config.json'",
    "invalid repository id or local directory",
    "model architectures",
)


class Failure(Exception):
    """A failure, said once, at the end. Its message says what happened and what to do."""

    def __init__(self, kind: str, message: str, peak_memory_bytes: Optional[int] = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.peak_memory_bytes = peak_memory_bytes


def unsupported(message: str) -> Failure:
    """A parameter is unknown, or has a value that cannot be carried out."""
    return Failure(UNSUPPORTED_PARAMETER, message)


def model_not_found(message: str) -> Failure:
    """The model does not exist, or is not one that the engine can load."""
    return Failure(MODEL_NOT_FOUND, message)


def engine(message: str) -> Failure:
    """Anything else."""
    return Failure(ENGINE, message)


def missing_package(package: str, purpose: str, command: str) -> Failure:
    """A package that is not installed, with the command that installs it."""
    return engine(f"the package {package} is not installed, and {purpose} needs it; install it with: {command}")


def of_exception(error: BaseException, engine_name: str, model: str, advice: str) -> Failure:
    """What `error`, raised by the engine, means for the run.

    `advice` says what lowers the need for memory of this experiment.
    """
    if isinstance(error, Failure):
        return error
    said = summary(error).rstrip(".")
    if is_out_of_memory(error):
        return Failure(OUT_OF_MEMORY, f"memory ran out: {said}. To need less of it, {advice}")
    if is_model_not_found(error):
        return model_not_found(
            f"{engine_name} cannot load the model {model}: {said}. Check the name or the path; a gated model "
            "needs HF_TOKEN, and a model that was never downloaded needs a network"
        )
    if isinstance(error, ImportError):
        return engine(f"{engine_name} could not be imported: {summary(error)}")
    return engine(f"{engine_name} failed: {type(error).__name__}: {summary(error)}")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory of the device or of the host ran out, here or in what led to `error`."""
    return any(_is_of(cause, _OUT_OF_MEMORY_CLASSES) or _says(cause, _OUT_OF_MEMORY_TEXTS) for cause in _causes(error))


def is_model_not_found(error: BaseException) -> bool:
    """Whether the engine did not find the model, or cannot load what it found."""
    return any(
        _is_of(cause, _MODEL_NOT_FOUND_CLASSES)
        or (isinstance(cause, (OSError, ValueError)) and _says(cause, _MODEL_NOT_FOUND_TEXTS))
        for cause in _causes(error)
    )


def summary(error: BaseException) -> str:
    """What `error` says, on one line, without secrets."""
    return shortened(redact(" ".join(str(error).split()) or type(error).__name__))


def shortened(text: str) -> str:
    """`text`, cut where it is longer than a message may be."""
    return text if len(text) <= MAX_MESSAGE_CHARS else text[: MAX_MESSAGE_CHARS - 1] + "…"


def redact(text: str) -> str:
    """`text` without access tokens of the Hugging Face hub, by value and by form, and without names and passwords in
    URLs.
    """
    for name in _TOKEN_VARIABLES:
        token = os.environ.get(name, "").strip()
        if len(token) >= _LEAST_TOKEN_CHARS:
            text = text.replace(token, "[redacted]")
    if "://" in text:
        text = _URL_PASSWORD.sub("[redacted]@", text)
    return _TOKEN_PATTERN.sub("[redacted]", text)


def _causes(error: BaseException) -> list[BaseException]:
    causes: list[BaseException] = []
    cause: Optional[BaseException] = error
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    return causes


def _is_of(error: BaseException, names: set[str]) -> bool:
    return any(base.__name__ in names for base in type(error).__mro__)


def _says(error: BaseException, texts: tuple[str, ...]) -> bool:
    said = str(error).lower()
    return any(text in said for text in texts)
