"""Small vocabulary of the tests: an experiment with changes, an engine in pure Python, and workers as processes."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import unittest
from typing import Any, Callable, Optional

from lem_worker import conversation
from lem_worker.experiment import Experiment, parse_experiment

WORKERS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CONVERSATIONS = os.path.join(WORKERS, "..", "crates", "lem-protocol", "conversations")

EXPERIMENT: dict[str, Any] = {
    "protocol": 1,
    "run_id": "test",
    "backend": "counting",
    "model": "counting/three",
    "workload": {
        "prompts": {"type": "builtin"},
        "sample_size": 4,
        "max_input_tokens": 6,
        "max_output_tokens": 3,
        "min_output_tokens": 0,
    },
    "warmup": {"prompts": 1, "timeout_s": 30.0},
    "decoding": {"do_sample": False, "temperature": 1.0, "top_k": 50, "top_p": 1.0, "repetition_penalty": 1.0},
    "batch_size": 1,
    "streaming": True,
    "seed": 0,
    "idle_s": 0.0,
    "context_s": 0.0,
    "options": {},
}


def written(**changes: Any) -> dict[str, Any]:
    """The experiment as JSON data. A change names its place with double underscores: `workload__sample_size=9`."""
    value = copy.deepcopy(EXPERIMENT)
    for path, change in changes.items():
        *parents, name = path.split("__")
        place = value
        for parent in parents:
            place = place.setdefault(parent, {})
        place[name] = change
    return value


def experiment(**changes: Any) -> Experiment:
    """The experiment with changes, as the worker reads it."""
    return parse_experiment(json.dumps(written(**changes)).encode())


class Said:
    """What a worker process said and how it ended."""

    def __init__(self, status: int, output: bytes, errors: str) -> None:
        self.status = status
        self.errors = errors
        self.lines = output.splitlines()
        self.events = [json.loads(line) for line in self.lines]

    def named(self, name: str) -> list[dict[str, Any]]:
        """All events called `name`."""
        return [event for event in self.events if event["event"] == name]

    @property
    def last(self) -> dict[str, Any]:
        """The last event: a result or an error."""
        return self.events[-1]

    def verdict(self, sample_size: Optional[int]) -> dict[str, Any]:
        """What the conversation amounts to by the rules of the protocol."""
        return conversation.verdict(self.lines, sample_size)


def command(*arguments: str) -> list[str]:
    """The command line of a Python program of this package."""
    return [sys.executable, *arguments]


def environment(**changes: str) -> dict[str, str]:
    """The environment of a worker process."""
    return {**os.environ, "PYTHONPATH": WORKERS, "PYTHONUNBUFFERED": "1", **changes}


PROCEED_LINE = b'{"proceed":true}\n'
"""What the engine writes to end a warm-up that is held."""


def _piped(arguments: list[str], errors: int, variables: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        arguments,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        env=environment(**variables),
        cwd=WORKERS,
    )


def start_worker(
    test: unittest.TestCase, arguments: list[str], given: dict[str, Any], word: bytes, **variables: str
) -> subprocess.Popen[bytes]:
    """A worker in the middle of its work: it has said a line with `word` in it. Killed when `test` is over."""
    process = _piped(arguments, subprocess.DEVNULL, variables)
    assert process.stdin is not None and process.stdout is not None
    test.addCleanup(process.wait)
    test.addCleanup(process.kill)
    test.addCleanup(process.stdout.close)
    process.stdin.write(json.dumps(given).encode() + b"\n")
    process.stdin.close()
    said = b""
    for line in process.stdout:
        if word in line:
            return process
        said += line
    raise AssertionError(f"the worker ended without saying {word!r}: {said.decode()}")


def tell_worker(
    arguments: list[str],
    given: dict[str, Any],
    due: Callable[[dict[str, Any]], bool],
    word: Optional[bytes],
    **variables: str,
) -> tuple[Said, int]:
    """Runs a worker and writes `word` with the first event that is `due`, or closes its input for `None`.

    Gives what it said, and which event that was.
    """
    process = _piped(arguments, subprocess.PIPE, variables)
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    with process, process.stdin as writing:
        writing.write(json.dumps(given).encode() + b"\n")
        writing.flush()
        lines: list[bytes] = []
        told = None
        for line in process.stdout:
            lines.append(line)
            if told is None and due(json.loads(line)):
                told = len(lines) - 1
                if word is None:
                    writing.close()
                else:
                    writing.write(word)
                    writing.flush()
        errors = process.stderr.read().decode("utf-8", "replace")
    assert told is not None, errors
    return Said(process.returncode, b"".join(lines), errors), told


def run_worker(arguments: list[str], given: dict[str, Any], timeout_s: float = 60, **variables: str) -> Said:
    """Runs a worker to its end with the experiment `given`."""
    ended = subprocess.run(
        arguments,
        input=json.dumps(given).encode() + b"\n",
        capture_output=True,
        timeout=timeout_s,
        env=environment(**variables),
        cwd=WORKERS,
    )
    return Said(ended.returncode, ended.stdout, ended.stderr.decode("utf-8", "replace"))
