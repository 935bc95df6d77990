"""One run, phase after phase: context, load, idle, warm-up, measurement, unload; then the result."""

from __future__ import annotations

import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from . import failure, prompts, serving, traffic
from .clock import milliseconds
from .decoding import described, sha256_of_tokens
from .engines.base import Engine, Generation, Loaded, Request
from .experiment import Experiment
from .proceed import Said
from .prompts import Prompts
from .protocol import Report
from .validation import validate
from .warmup import Warmed, warm_up


@dataclass
class Measured:
    """What the measurement gave, request by request; totals cover nothing else."""

    report: Report
    streaming: bool
    total: int
    generated: dict[int, Sequence[int]] = field(default_factory=dict)
    input_tokens: int = 0
    output_tokens: int = 0
    without_gaps: int = 0
    """Requests whose tokens came in groups, so that gaps between them are not known."""

    def finish(self, request: Request, generation: Generation) -> None:
        """Reports a request that is over, outside of its own time."""
        # Packed: as a list, each token would keep some 36 bytes until the end of the run.
        self.generated[request.index] = array("I", generation.tokens)
        self.input_tokens += len(request.tokens)
        self.output_tokens += len(generation.tokens)
        self.report.say("request", **record(request, generation, self.streaming))
        if self.streaming and generation.token_ns is None:
            self.without_gaps += 1
        self.report.progress(len(self.generated), self.total)

    def output_sha256(self) -> str:
        """SHA-256 of all generated token ids, in the order of the workload."""
        return sha256_of_tokens(self.generated[index] for index in sorted(self.generated))


def run(experiment: Experiment, engine: Engine, report: Report, proceed: Said = lambda: True) -> None:
    """Carries out `experiment`; the result is the last thing said.

    `proceed` tells whether the engine under which the worker runs has ended a warm-up that is held.
    """
    validate(experiment)
    engine.check(experiment)
    _check_traffic(experiment, engine)
    source = prompts.read_source(experiment, report.warn)
    times_ns = _arrivals(experiment)

    context = _context(experiment.context_s, engine, report)
    report.begin("load")
    loaded = engine.load(experiment, report.warn)
    ready = prompts.prepare(source, experiment.workload, loaded)
    report.end("load")

    _idle(experiment.idle_s, report)
    warmed = _warm_up(experiment, engine, ready, report, proceed)
    engine.forget(report.warn)
    measured = _measure(experiment, engine, ready, times_ns, report)

    parameters = {**_parameters(experiment, engine, ready, warmed, times_ns), **context}
    parameters["output_token_sha256"] = measured.output_sha256()
    peak_memory_bytes = engine.peak_memory_bytes()
    report.begin("unload")
    engine.unload()
    report.end("unload")
    _result(measured, parameters, loaded, peak_memory_bytes, warmed, report)


def record(request: Request, generation: Generation, streaming: bool) -> dict[str, Any]:
    """A finished request as the protocol has it. Times of tokens are told with `streaming` alone."""
    fields: dict[str, Any] = {
        "index": request.index,
        "input_tokens": len(request.tokens),
        "output_tokens": len(generation.tokens),
        "latency_ms": milliseconds(generation.latency_ns),
    }
    if generation.start_ns is not None:
        fields["start_ns"] = generation.start_ns
    if generation.waited_ns > 0:
        fields["waited_ms"] = milliseconds(generation.waited_ns)
    if streaming and generation.first_token_ns is not None:
        fields["ttft_ms"] = milliseconds(generation.first_token_ns)
    if streaming and generation.token_ns is not None:
        times = generation.token_ns
        fields["itl_ms"] = [milliseconds(later - earlier) for earlier, later in zip(times, times[1:])]
    return fields


def memory_advice(experiment: Experiment, engine: Engine) -> str:
    """What lowers the need for memory of `experiment`."""
    workload = experiment.workload
    parts = []
    if experiment.batch_size > 1:
        parts.append(f"lower batch_size ({experiment.batch_size})")
    parts.append(f"lower max_input_tokens ({workload.max_input_tokens})")
    parts.append(f"lower max_output_tokens ({workload.max_output_tokens})")
    parts.extend(f"lower {option}" for option in engine.memory_options)
    if experiment.precision in (None, "float32"):
        parts.append("use a 16-bit precision")
    parts.append("quantize the weights, or choose a smaller model")
    return ", ".join(parts)


def _check_traffic(experiment: Experiment, engine: Engine) -> None:
    if experiment.workload.traffic is None or experiment.batch_size == 1 or engine.serves_together:
        return
    raise failure.unsupported(
        f"batch_size is {experiment.batch_size}, but with traffic the {engine.name} worker serves one request at a "
        "time; use batch_size 1, or vllm or tensorrt, which process requests together as they arrive"
    )


def _arrivals(experiment: Experiment) -> Optional[list[int]]:
    workload = experiment.workload
    if workload.traffic is None:
        return None
    return traffic.arrivals_ns(workload.traffic, workload.sample_size, experiment.seed)


def _context(duration_s: float, engine: Engine, report: Report) -> dict[str, Any]:
    """Idles with the device opened and no model loaded; gives what was in force."""
    if duration_s == 0:
        return {"context_s": 0.0}
    with engine.device_opened(report.warn) as where:
        if where is None:
            return {"context_s": 0.0}
        report.begin("context")
        time.sleep(duration_s)
        report.end("context")
    return {"context_s": duration_s, "context": where}


def _idle(duration_s: float, report: Report) -> None:
    if duration_s > 0:
        report.begin("idle")
        time.sleep(duration_s)
        report.end("idle")


def _requests(experiment: Experiment, ready: Prompts) -> list[Request]:
    return [ready.request(index) for index in range(experiment.workload.sample_size)]


def _warm_up(experiment: Experiment, engine: Engine, ready: Prompts, report: Report, proceed: Said) -> Warmed:
    requests = _requests(experiment, ready)
    arriving = experiment.workload.traffic
    if arriving is None:
        batches = engine.batches(requests)
    else:
        # As many at once as there may be under way, where that is known.
        size = max(arriving.concurrency, 1) if engine.serves_together else 1
        batches = [requests[start : start + size] for start in range(0, len(requests), size)]
    if experiment.warmup.hold and arriving is not None and engine.serves_together and not arriving.concurrency:
        report.warn(
            f"warm-up is one request at a time, and {arriving.type} traffic may heat the device further: its "
            "temperature when the window opens is that of the warm-up"
        )
    return warm_up(experiment.warmup, batches, engine.generate, report, proceed)


def _measure(
    experiment: Experiment, engine: Engine, ready: Prompts, times_ns: Optional[list[int]], report: Report
) -> Measured:
    """The measurement window: from the first request, or its arrival, until the last one is finished."""
    requests = _requests(experiment, ready)
    arriving = experiment.workload.traffic
    batches = engine.batches(requests) if arriving is None else []
    measured = Measured(report, experiment.streaming, len(requests))
    report.begin("measure")
    if arriving is None:
        for batch in batches:
            for request, generation in zip(batch, engine.generate(batch)):
                measured.finish(request, generation)
    elif engine.serves_together:
        served = serving.overlapping(engine, requests, times_ns, arriving.concurrency, measured.finish)  # type: ignore
        engine.run(served)  # type: ignore[attr-defined]
    else:
        serving.one_after_another(engine, requests, times_ns, arriving.concurrency, measured.finish)
    report.end("measure")
    if measured.without_gaps:
        report.warn(
            f"{measured.without_gaps} of {len(requests)} requests have no inter-token gaps: several tokens came "
            "at once, so that the time of each is not known"
        )
    return measured


def _parameters(
    experiment: Experiment, engine: Engine, ready: Prompts, warmed: Warmed, times_ns: Optional[list[int]]
) -> dict[str, Any]:
    """What was in force in this run, but for what it gave."""
    workload = experiment.workload
    return {
        "model": experiment.model,
        "batch_size": experiment.batch_size if workload.traffic is None else None,
        "streaming": experiment.streaming,
        "seed": experiment.seed,
        "sample_size": workload.sample_size,
        "max_input_tokens": workload.max_input_tokens,
        "max_output_tokens": workload.max_output_tokens,
        "min_output_tokens": workload.min_output_tokens,
        "decoding": described(experiment.decoding),
        "idle_s": experiment.idle_s,
        "warmup_requests": warmed.requests,
        "warmup_batches": warmed.batches,
        "warmup_held_requests": warmed.held_requests,
        "traffic": _traffic(experiment, engine, times_ns),
        "prompts": ready.facts,
        "token_counting": {
            "input": "tokens of the model's tokenizer, special tokens included, padding not",
            "output": "generated tokens up to and including the end token",
        },
        "parameter_counting": {
            "non_embedding": "without the input embedding, and without the output head where it has weights of its own",
        },
        **engine.effective_parameters(),
    }


def _traffic(experiment: Experiment, engine: Engine, times_ns: Optional[list[int]]) -> Optional[dict[str, Any]]:
    arriving = experiment.workload.traffic
    if arriving is None:
        return None
    served = "together as they overlap" if engine.serves_together else "one at a time, in the order of arrival"
    return {**traffic.described(arriving, times_ns), "served": served, "latency_from": "arrival"}


def _result(
    measured: Measured,
    parameters: dict[str, Any],
    loaded: Loaded,
    peak_memory_bytes: Optional[int],
    warmed: Warmed,
    report: Report,
) -> None:
    report.say(
        "result",
        requests=len(measured.generated),
        input_tokens=measured.input_tokens,
        output_tokens=measured.output_tokens,
        effective_parameters=parameters,
        model=loaded.facts.known(),
        peak_memory_bytes=peak_memory_bytes,
        warmup_converged=warmed.converged,
    )
