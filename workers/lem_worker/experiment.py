"""The experiment as the engine sent it: one line of JSON, read into plain data.

Only types are checked here; whether values make sense is the subject of `validation`. Fields that this worker does not
know are passed over, as the protocol says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Optional

from . import failure
from .protocol import MAX_LINE_BYTES

_MISSING = object()


@dataclass(frozen=True)
class PromptSource:
    """Where prompts come from: `builtin`, `file` (with `path`) or `dataset` (with `name`)."""

    type: str
    path: str = ""
    name: str = ""
    subset: Optional[str] = None
    split: Optional[str] = None
    column: Optional[str] = None


@dataclass(frozen=True)
class Traffic:
    """When requests arrive: `closed`, `poisson`, `gamma`, `constant` or `trace`."""

    type: str
    concurrency: int = 0
    requests_per_s: float = 0.0
    burstiness: float = 1.0
    path: str = ""


@dataclass(frozen=True)
class Workload:
    """The requests of one measured pass."""

    prompts: PromptSource
    sample_size: int
    max_input_tokens: int
    max_output_tokens: int
    min_output_tokens: int = 0
    order: str = "interleaved"
    traffic: Optional[Traffic] = None


@dataclass(frozen=True)
class Convergence:
    """When latencies count as stable."""

    cv_threshold: float
    window: int
    max_prompts: int


@dataclass(frozen=True)
class Warmup:
    """What precedes the measurement. `timeout_s` is in seconds."""

    prompts: int
    timeout_s: float
    convergence: Optional[Convergence] = None
    hold: bool = False
    """Whether it goes on after its own end until the engine says so."""


@dataclass(frozen=True)
class Decoding:
    """How the next token is chosen. `top_k` 0 means all tokens."""

    do_sample: bool = True
    temperature: float = 1.0
    top_k: int = 50
    top_p: float = 1.0
    repetition_penalty: float = 1.0


@dataclass(frozen=True)
class Experiment:
    """One run of one experiment."""

    protocol: int
    run_id: str
    backend: str
    model: str
    workload: Workload
    warmup: Warmup
    decoding: Decoding
    batch_size: int
    seed: int
    precision: Optional[str] = None
    adapter: Optional[str] = None
    streaming: bool = False
    idle_s: float = 0.0
    context_s: float = 0.0
    options: Mapping[str, Any] = field(default_factory=dict)


def read_experiment(stream: BinaryIO) -> Experiment:
    """The experiment on the first line of `stream`."""
    line = stream.readline(MAX_LINE_BYTES + 2)
    if not line.strip():
        raise failure.engine("standard input ended before an experiment came; the engine writes one line of JSON to it")
    if len(line.rstrip(b"\n")) > MAX_LINE_BYTES:
        raise failure.engine(
            f"the experiment is longer than {MAX_LINE_BYTES} bytes on one line; put long prompts into a file"
        )
    return parse_experiment(line)


def parse_experiment(line: bytes) -> Experiment:
    """The experiment that `line` holds."""
    try:
        value = json.loads(line)
    except ValueError as error:
        raise failure.engine(f"the experiment is not valid: {error}") from error
    fields = _Fields(value, "")
    return Experiment(
        protocol=fields.whole("protocol"),
        run_id=fields.text("run_id"),
        backend=fields.text("backend"),
        model=fields.text("model"),
        precision=fields.optional_text("precision"),
        adapter=fields.optional_text("adapter"),
        workload=_workload(fields.within("workload")),
        warmup=_warmup(fields.within("warmup")),
        decoding=_decoding(fields.within("decoding")),
        batch_size=fields.whole("batch_size"),
        streaming=fields.flag("streaming", False),
        seed=fields.whole("seed"),
        idle_s=fields.number("idle_s", 0.0),
        context_s=fields.number("context_s", 0.0),
        options=fields.mapping("options"),
    )


def _workload(fields: _Fields) -> Workload:
    return Workload(
        prompts=_prompts(fields.within("prompts")),
        sample_size=fields.whole("sample_size"),
        max_input_tokens=fields.whole("max_input_tokens"),
        max_output_tokens=fields.whole("max_output_tokens"),
        min_output_tokens=fields.whole("min_output_tokens", 0),
        order=fields.one_of("order", ("interleaved", "grouped", "shuffled"), "interleaved"),
        traffic=_traffic(fields.within("traffic")) if fields.has("traffic") else None,
    )


def _prompts(fields: _Fields) -> PromptSource:
    kind = fields.one_of("type", ("builtin", "file", "dataset"))
    return PromptSource(
        type=kind,
        path=fields.text("path") if kind == "file" else "",
        name=fields.text("name") if kind == "dataset" else "",
        subset=fields.optional_text("subset"),
        split=fields.optional_text("split"),
        column=fields.optional_text("column"),
    )


def _traffic(fields: _Fields) -> Traffic:
    kind = fields.one_of("type", ("closed", "poisson", "gamma", "constant", "trace"))
    has_rate = kind in ("poisson", "gamma", "constant")
    return Traffic(
        type=kind,
        concurrency=fields.whole("concurrency") if kind == "closed" else 0,
        requests_per_s=fields.number("requests_per_s") if has_rate else 0.0,
        burstiness=fields.number("burstiness") if kind == "gamma" else 1.0,
        path=fields.text("path") if kind == "trace" else "",
    )


def _warmup(fields: _Fields) -> Warmup:
    convergence = None
    if fields.has("convergence"):
        rule = fields.within("convergence")
        convergence = Convergence(rule.number("cv_threshold"), rule.whole("window"), rule.whole("max_prompts"))
    return Warmup(fields.whole("prompts"), fields.number("timeout_s"), convergence, fields.flag("hold", False))


def _decoding(fields: _Fields) -> Decoding:
    return Decoding(
        do_sample=fields.flag("do_sample"),
        temperature=fields.number("temperature"),
        top_k=fields.whole("top_k"),
        top_p=fields.number("top_p"),
        repetition_penalty=fields.number("repetition_penalty"),
    )


class _Fields:
    """An object of the message, with typed access to its fields. `null` is the same as missing."""

    def __init__(self, value: Any, path: str) -> None:
        if not isinstance(value, dict):
            raise _invalid(path or "it", "an object", value)
        self._value = value
        self._path = path

    def has(self, name: str) -> bool:
        return self._value.get(name) is not None

    def within(self, name: str) -> _Fields:
        return _Fields(self._value.get(name), self._at(name))

    def text(self, name: str) -> str:
        return self._of(name, str, "a text", _MISSING)

    def optional_text(self, name: str) -> Optional[str]:
        return self._of(name, str, "a text", None)

    def one_of(self, name: str, names: tuple[str, ...], default: Any = _MISSING) -> str:
        value = self._of(name, str, "a text", default)
        if value not in names:
            raise _invalid(self._at(name), f"one of {', '.join(names)}", value)
        return value

    def flag(self, name: str, default: Any = _MISSING) -> bool:
        return self._of(name, bool, "true or false", default)

    def whole(self, name: str, default: Any = _MISSING) -> int:
        value = self._of(name, int, "a whole number from 0", default)
        if value < 0:
            raise _invalid(self._at(name), "a whole number from 0", value)
        return value

    def number(self, name: str, default: Any = _MISSING) -> float:
        return float(self._of(name, (int, float), "a number", default))

    def mapping(self, name: str) -> dict[str, Any]:
        return self._of(name, dict, "an object", {})

    def _of(self, name: str, kind: Any, needed: str, default: Any) -> Any:
        value = self._value.get(name)
        if value is None:
            if default is _MISSING:
                raise failure.engine(f"the experiment is not valid: {self._at(name)} is missing")
            return default
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise _invalid(self._at(name), needed, value)
        return value

    def _at(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name


def _invalid(path: str, needed: str, value: Any) -> failure.Failure:
    return failure.engine(f"the experiment is not valid: {path} is {json.dumps(value)[:80]}, {needed} is needed")
