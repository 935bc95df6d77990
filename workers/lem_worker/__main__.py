"""`python -m lem_worker ENGINE`: one experiment in, events out; exits 0 with a result and 1 with an error."""

from __future__ import annotations

import os
import sys
import traceback
from typing import BinaryIO, Optional

from . import engines, failure, proceed, processes
from .engines.base import Engine
from .experiment import Experiment, read_experiment
from .protocol import NobodyListens, Report
from .run import memory_advice, run

USAGE = f"""usage: python -m lem_worker {{{",".join(engines.NAMES)}}}

Reads one experiment, a line of JSON, from standard input and writes events of LEM Desktop's worker protocol to standard
output, one a line. Free text goes to standard error. `lem run` starts it."""


def main(arguments: list[str]) -> int:
    """Runs the engine that `arguments` name and gives the exit status."""
    if arguments in (["--help"], ["-h"]):
        print(USAGE)
        return 0
    if len(arguments) != 1 or arguments[0] not in engines.NAMES:
        print(USAGE, file=sys.stderr)
        return 2
    return serve(engines.create(arguments[0]))


def serve(engine: Engine) -> int:
    """Carries out one experiment with `engine` on this process's standard streams, and gives the exit status."""
    report = Report(protect_standard_output())
    processes.adopt_orphans()
    processes.end_on_signals()
    experiment: Optional[Experiment] = None
    status = 1
    try:
        report.hello(engine.name, engine.versions())
        from_engine = take_standard_input()
        experiment = read_experiment(from_engine)
        if experiment.warmup.hold:
            run(experiment, engine, report, proceed.listen(from_engine))
        else:
            from_engine.close()
            run(experiment, engine, report)
        status = 0
    except NobodyListens:
        print("lem_worker: the engine no longer listens", file=sys.stderr)
    except BaseException as error:
        say_failure(error, experiment, engine, report)
    finally:
        clean_up(engine)
    return status


def protect_standard_output() -> int:
    """Gives a descriptor that leads where standard output led, and leads standard output to standard error.

    Libraries print, and some write to descriptor 1 without Python's knowledge. The new descriptor is not inherited by
    processes that engines start.
    """
    protocol = os.dup(1)
    sys.stdout.flush()
    os.dup2(2, 1)
    # The worker ends without Python's own ending, which would lose what was printed and waits in a buffer.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    return protocol


def take_standard_input() -> BinaryIO:
    """Gives what comes over standard input, and leaves nothing to be read there.

    A library that asks a question shall not wait for an answer, and processes that engines start shall not take the
    engine's word away.
    """
    from_engine = os.fdopen(os.dup(0), "rb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return from_engine


def say_failure(error: BaseException, experiment: Optional[Experiment], engine: Engine, report: Report) -> None:
    """Reports `error` as the protocol's error; the trace goes to standard error."""
    if not isinstance(error, failure.Failure):
        print(failure.redact(traceback.format_exc()), file=sys.stderr, flush=True)
    model = experiment.model if experiment else ""
    advice = memory_advice(experiment, engine) if experiment else ""
    reason = failure.of_exception(engine.explain(error), engine.name, model, advice)
    if reason.kind == failure.OUT_OF_MEMORY and reason.peak_memory_bytes is None:
        reason.peak_memory_bytes = peak_memory_bytes(engine)
    try:
        report.fail(reason)
    except (OSError, NobodyListens) as unsaid:
        print(f"lem_worker: {failure.redact(reason.message)} (nor could this be reported: {unsaid!r})", file=sys.stderr)


def peak_memory_bytes(engine: Engine) -> Optional[int]:
    """The engine's peak memory, even after it failed."""
    try:
        return engine.peak_memory_bytes()
    except Exception:
        return None


def clean_up(engine: Engine) -> None:
    """Nothing of the engine outlives the worker, whatever state it is in."""
    try:
        engine.unload()
    except Exception as error:
        print(f"lem_worker: {failure.summary(error)} while unloading", file=sys.stderr)
    processes.end_descendants()


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stderr.flush()
    # Exit handlers of some engines wait for threads that never end; everything was cleaned up above.
    os._exit(code)
