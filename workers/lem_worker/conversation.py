"""The rules of a conversation: whether what a worker says makes sense, event after event.

1. `hello` comes first, once, with the protocol version of this package.
2. Times never decrease.
3. The phases context, load, idle, warmup, measure, unload come in this order, each at most once, each begun and ended
   before the next begins. Only measure is required for a result. Its window has a length.
4. `progress` belongs to an open phase, `request` to measure; `warning` may stand anywhere after `hello`. A request that
   says when it was given to the engine began in measure, or, where a part of it fell into measure, after the model was
   loaded and idle; and it had its latency by the time of its event.
5. `result` is the last event of a run that succeeded. It follows the end of measure, and of every phase that began.
   When requests were reported, its totals are the sums of what of them fell into measure, and of what unfinished ones
   add.
6. `error` is the last event of a run that failed. It may come at any point after `hello`.

The engine enforces the same rules; recorded conversations with their verdicts keep both the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from . import PROTOCOL_VERSION
from .framing import Garbled, parse_event
from .protocol import PHASES

MAX_REQUESTS = 10_000_000
MAX_TOKENS = 100_000_000


class Violation(Exception):
    """A rule that was broken. `code` names it, the same for every implementation of the protocol."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.code = code


@dataclass
class Conversation:
    """The state of one conversation; `expected_requests` is the sample size that was asked for."""

    expected_requests: Optional[int] = None
    greeted: bool = False
    last_t_ns: int = 0
    open: Optional[tuple[str, int]] = None
    last_phase: int = -1
    ready_ns: int = 0
    """Since when there may be requests."""
    window: Optional[tuple[int, int]] = None
    end: Optional[str] = None
    indices: set[int] = field(default_factory=set)
    input_tokens: int = 0
    output_tokens: int = 0

    def accept(self, event: Mapping[str, Any]) -> None:
        """Takes the next event, or raises a `Violation` and leaves the state as it was."""
        name, t_ns = event["event"], event["t_ns"]
        if self.end is not None:
            raise Violation("after_the_end", f"{name} after {self.end}")
        if not self.greeted and name != "hello":
            raise Violation("no_hello", f"{name} before hello")
        if t_ns < self.last_t_ns:
            raise Violation("time_went_back", f"{name} at {t_ns} ns after an event at {self.last_t_ns} ns")
        self._accept_named(name, event, t_ns)
        self.last_t_ns = t_ns

    def finish(self) -> None:
        """To be called when the output has ended: it must have ended with a result or an error."""
        if self.end is None:
            raise Violation("ended_without_result" if self.greeted else "ended_without_hello")

    def _accept_named(self, name: str, event: Mapping[str, Any], t_ns: int) -> None:
        if name == "hello":
            self._accept_hello(event["protocol"], t_ns)
        elif name == "phase" and event["edge"] == "begin":
            self._accept_begin(event["phase"], t_ns)
        elif name == "phase":
            self._accept_end(event["phase"], t_ns)
        elif name == "progress":
            self._check_progress(event["done"], event.get("total"))
        elif name == "request":
            self._accept_request(event, t_ns)
        elif name == "result":
            self._accept_result(event)
        elif name == "error":
            self.end = "error"

    def _accept_hello(self, protocol: int, t_ns: int) -> None:
        if self.greeted:
            raise Violation("second_hello")
        if protocol != PROTOCOL_VERSION:
            raise Violation("wrong_protocol", f"protocol {protocol}")
        self.greeted, self.ready_ns = True, t_ns

    def _accept_begin(self, phase: str, t_ns: int) -> None:
        if self.open is not None:
            raise Violation("nested_phase", f"{phase} inside {self.open[0]}")
        position = PHASES.index(phase)
        if position <= self.last_phase:
            raise Violation("phase_out_of_order", f"{phase} after {PHASES[self.last_phase]}")
        self.open, self.last_phase = (phase, t_ns), position

    def _accept_end(self, phase: str, t_ns: int) -> None:
        if self.open is None or self.open[0] != phase:
            raise Violation("phase_not_open", phase)
        if phase == "measure":
            begin_ns = self.open[1]
            if t_ns <= begin_ns:
                raise Violation("empty_window")
            self.window = (begin_ns, t_ns)
        if PHASES.index(phase) < PHASES.index("warmup"):
            self.ready_ns = t_ns
        self.open = None

    def _check_progress(self, done: int, total: Optional[int]) -> None:
        if self.open is None:
            raise Violation("progress_outside_phase")
        if total is not None and done > total:
            raise Violation("progress_beyond_total", f"{done} of {total}")

    def _accept_request(self, request: Mapping[str, Any], t_ns: int) -> None:
        if self.open is None or self.open[0] != "measure":
            raise Violation("request_outside_measure")
        index, limit = request["index"], self._limit()
        if index >= limit:
            raise Violation("index_beyond_workload", f"{index} of {limit}")
        if index in self.indices:
            raise Violation("repeated_request", str(index))
        begin_ns = self.open[1]
        counted = check_request(request, (t_ns - begin_ns) / 1e6)
        check_start(request, begin_ns if counted is request else self.ready_ns, t_ns)
        self.indices.add(index)
        self.input_tokens += counted["input_tokens"]
        self.output_tokens += counted["output_tokens"]

    def _limit(self) -> int:
        return MAX_REQUESTS if self.expected_requests is None else min(self.expected_requests, MAX_REQUESTS)

    def _accept_result(self, result: Mapping[str, Any]) -> None:
        if self.open is not None:
            raise Violation("result_inside_phase", self.open[0])
        if self.window is None:
            raise Violation("result_without_measure")
        self._check_totals(result)
        self.end = "result"

    def _check_totals(self, result: Mapping[str, Any]) -> None:
        requests = result["requests"]
        if requests == 0:
            raise Violation("nothing_measured")
        if self.expected_requests is not None and requests != self.expected_requests:
            raise Violation("requests_missing", f"{requests} of {self.expected_requests}")
        for name in ("input_tokens", "output_tokens"):
            if result[name] > MAX_TOKENS * requests:
                raise Violation("huge_total", name)
        sums = {"requests": len(self.indices), "input_tokens": self.input_tokens, "output_tokens": self.output_tokens}
        unfinished = result.get("unfinished") or {}
        for name in ("input_tokens", "output_tokens"):
            sums[name] += unfinished.get(name, 0)
        for name, total in sums.items():
            if self.indices and result[name] != total:
                raise Violation("totals_differ", f"{name}: {result[name]} is not {total}")


def check_request(request: Mapping[str, Any], elapsed_ms: float) -> Mapping[str, int]:
    """Whether one measured request can be true, reported `elapsed_ms` after the measurement began.

    Gives those of its tokens that fell into the measurement: all of them, unless it says that it began before.
    """
    for name in ("input_tokens", "output_tokens"):
        if request[name] > MAX_TOKENS:
            raise Violation("huge_request", name)
    gaps = request.get("itl_ms")
    if gaps is not None and len(gaps) != max(request["output_tokens"] - 1, 0):
        raise Violation("gap_count", f"{len(gaps)} gaps for {request['output_tokens']} tokens")
    latency_ms, ttft_ms = request["latency_ms"], request.get("ttft_ms")
    waited_ms = _waited_ms(request)
    for value in (latency_ms, 0.0 if ttft_ms is None else ttft_ms, waited_ms, *(gaps or ())):
        if not math.isfinite(value) or value < 0:
            raise Violation("impossible_latency", str(value))
    if ttft_ms is not None and ttft_ms > _at_most(latency_ms):
        raise Violation("first_token_after_end", f"{ttft_ms} ms of {latency_ms} ms")
    if waited_ms > _at_most(latency_ms if ttft_ms is None else ttft_ms):
        raise Violation("waited_too_long", f"{waited_ms} ms of {latency_ms} ms")
    counted = request.get("in_window")
    if counted is None and latency_ms > _at_most(elapsed_ms):
        raise Violation("longer_than_window", f"{latency_ms} ms of {elapsed_ms} ms")
    counted = request if counted is None else counted
    for name in ("input_tokens", "output_tokens"):
        if counted[name] > request[name]:
            raise Violation("more_in_window", f"{counted[name]} of {request[name]} {name}")
    return counted


def check_start(request: Mapping[str, Any], earliest_ns: int, t_ns: int) -> None:
    """Whether a request reported at `t_ns` can have begun when it says: not before `earliest_ns`, and early enough to
    have taken as long as it says."""
    start_ns = request.get("start_ns")
    if start_ns is None:
        return
    served_ms = request["latency_ms"] - _waited_ms(request)
    # What clocks and rounding may add, the other way around.
    latest_ns = t_ns - max(round((served_ms - 1.0) / 1.01 * 1e6), 0)
    if not earliest_ns <= start_ns <= latest_ns:
        raise Violation("start_out_of_time", f"{start_ns} ns is not between {earliest_ns} and {latest_ns} ns")


def _waited_ms(request: Mapping[str, Any]) -> float:
    waited_ms = request.get("waited_ms")
    return 0.0 if waited_ms is None else waited_ms


def verdict(lines: Iterable[bytes], sample_size: Optional[int]) -> dict[str, Any]:
    """What a whole output amounts to, in the form of the recorded conversations' `expected.json`."""
    conversation = Conversation(sample_size)
    last: Mapping[str, Any] = {}
    for number, line in enumerate((line for line in lines if line.strip()), 1):
        try:
            last = parse_event(line)
            conversation.accept(last)
        except Garbled as error:
            return {"verdict": "garbled", "line": number, "code": error.code}
        except Violation as error:
            return {"verdict": "violation", "line": number, "code": error.code}
    try:
        conversation.finish()
    except Violation as error:
        return {"verdict": "violation", "line": 0, "code": error.code}
    if last["event"] == "error":
        return {"verdict": "error", "kind": last["kind"]}
    begin_ns, end_ns = conversation.window or (0, 0)
    totals = {name: last[name] for name in ("requests", "input_tokens", "output_tokens")}
    return {"verdict": "result", **totals, "window_ns": end_ns - begin_ns}


def _at_most(limit_ms: float) -> float:
    """What clocks and rounding may add to a duration: one millisecond and one percent."""
    return limit_ms * 1.01 + 1.0
