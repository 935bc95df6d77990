"""Every value of an experiment checked before anything is loaded; a refusal names the value and the range."""

from __future__ import annotations

import math

from . import PROTOCOL_VERSION, failure
from .experiment import Convergence, Decoding, Experiment, Traffic, Warmup, Workload
from .options import shown

PRECISIONS = ("float32", "float16", "bfloat16")

MAX_STREAMED_TOKENS = 50_000
"""The gaps of so many tokens still fit into one line of the protocol (20 bytes each, 1 MiB)."""

MAX_SECONDS = 10 * 365 * 24 * 3600
"""Longer waits are typing errors."""


def validate(experiment: Experiment) -> None:
    """Refuses what no engine can carry out."""
    if experiment.protocol != PROTOCOL_VERSION:
        raise failure.unsupported(
            f"the engine speaks protocol {experiment.protocol}, this worker speaks {PROTOCOL_VERSION}; use both of the "
            "same release"
        )
    _check_counts(experiment)
    _check_streaming(experiment)
    _check_warmup(experiment.warmup)
    _check_decoding(experiment.decoding)
    _check_seconds("idle_s", experiment.idle_s)
    _check_seconds("context_s", experiment.context_s)
    _check_seconds("warmup.timeout_s", experiment.warmup.timeout_s)
    if experiment.workload.traffic is not None:
        _check_traffic(experiment.workload.traffic)
    if experiment.precision is not None and experiment.precision not in PRECISIONS:
        raise failure.unsupported(
            f"precision is {experiment.precision}; this worker knows {', '.join(PRECISIONS[:-1])} and {PRECISIONS[-1]}"
        )


def _check_counts(experiment: Experiment) -> None:
    workload: Workload = experiment.workload
    counts = (
        ("sample_size", workload.sample_size),
        ("max_input_tokens", workload.max_input_tokens),
        ("max_output_tokens", workload.max_output_tokens),
        ("batch_size", experiment.batch_size),
    )
    for name, count in counts:
        if count == 0:
            raise failure.unsupported(f"{name} is 0; it must be at least 1")
    if workload.min_output_tokens > workload.max_output_tokens:
        raise failure.unsupported(
            f"min_output_tokens ({workload.min_output_tokens}) is greater than max_output_tokens "
            f"({workload.max_output_tokens})"
        )


def _check_streaming(experiment: Experiment) -> None:
    most = experiment.workload.max_output_tokens
    if experiment.streaming and most > MAX_STREAMED_TOKENS:
        raise failure.unsupported(
            f"max_output_tokens is {most}; with streaming, at most {MAX_STREAMED_TOKENS} inter-token gaps can be "
            "reported"
        )


def _check_warmup(warmup: Warmup) -> None:
    rule: Convergence | None = warmup.convergence
    if rule is None:
        return
    # A coefficient of variation needs two values.
    if rule.window < 2:
        raise failure.unsupported(
            f"warmup.convergence.window is {rule.window}; stability shows in at least 2 latencies"
        )
    if not math.isfinite(rule.cv_threshold) or rule.cv_threshold <= 0:
        raise failure.unsupported(
            f"warmup.convergence.cv_threshold is {shown(rule.cv_threshold)}; it must be greater than 0"
        )
    least = max(rule.window, warmup.prompts)
    if rule.max_prompts < least:
        raise failure.unsupported(
            f"warmup.convergence.max_prompts is {rule.max_prompts}; with this window and least number of prompts it "
            f"takes {least}"
        )


def _check_decoding(decoding: Decoding) -> None:
    rules = (
        ("temperature", decoding.temperature, decoding.temperature >= 0, "0 or more"),
        ("top_p", decoding.top_p, 0 < decoding.top_p <= 1, "greater than 0 and at most 1"),
        ("repetition_penalty", decoding.repetition_penalty, decoding.repetition_penalty > 0, "greater than 0"),
    )
    for name, value, holds, needed in rules:
        if not math.isfinite(value) or not holds:
            raise failure.unsupported(f"decoding.{name} is {shown(value)}; it must be {needed}")


def _check_traffic(traffic: Traffic) -> None:
    if traffic.type == "closed" and traffic.concurrency == 0:
        raise failure.unsupported("traffic.concurrency is 0; it must be at least 1")
    positive = {"requests_per_s": traffic.requests_per_s} if traffic.type in ("poisson", "gamma", "constant") else {}
    if traffic.type == "gamma":
        positive["burstiness"] = traffic.burstiness
    for name, value in positive.items():
        if not math.isfinite(value) or value <= 0:
            raise failure.unsupported(f"traffic.{name} is {shown(value)}; it must be greater than 0")


def _check_seconds(name: str, value: float) -> None:
    if not math.isfinite(value) or not 0 <= value <= MAX_SECONDS:
        raise failure.unsupported(f"{name} is {shown(value)}; seconds from 0 are needed")
