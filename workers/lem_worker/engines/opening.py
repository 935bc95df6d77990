"""The GPUs opened without a model: what a process costs that has a CUDA context and does nothing.

An engine that computes in processes of its own has its contexts there, and one in the worker's process would stay
beside them to the end of the run. For such an engine this module runs as a program, whose contexts end with it:
`python -m lem_worker.engines.opening [MOST]` opens at most so many GPUs, says how many, and ends with its input. To the
device an idle context is like another; what a process of the engine has beside it on the host is not there yet.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Optional

from .. import failure
from .base import Warn

PACKAGE_PARENT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

ENDING_S = 10.0
"""So long may the program take to end, and the driver to take its contexts away."""


def open_gpus(most: Optional[int] = None) -> int:
    """Imports PyTorch and creates a context on each visible GPU, or on the first `most`; gives on how many.

    Their work is finished when it returns. On a machine without a GPU there is nothing to open.
    """
    import torch

    if not torch.cuda.is_available():
        return 0
    visible = torch.cuda.device_count()
    count = visible if most is None else min(most, visible)
    for index in range(count):
        # The first allocation creates the context.
        torch.zeros(1, device=f"cuda:{index}")
        torch.cuda.synchronize(index)
    torch.cuda.empty_cache()
    return count


@contextlib.contextmanager
def opened_elsewhere(most: int, warn: Warn) -> Iterator[Optional[str]]:
    """The first `most` GPUs are open in another process as long as this lasts; gives where, in words.

    `None`, with a warning, where they could not be opened.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, str(most)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (PACKAGE_PARENT, os.environ.get("PYTHONPATH"))))},
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        said = process.stdout.readline().split()
        if len(said) == 2 and said[0] == b"opened":
            yield f"{described(int(said[1]))}, in a process of its own that ended before the load"
        else:
            warn(f"no context baseline can be taken: {failure_of(process)}")
            yield None
    finally:
        with contextlib.suppress(OSError):
            process.stdin.close()
        process.stdout.close()
        _end(process)


def described(gpus: int) -> str:
    """On how many GPUs there is a context, in words."""
    if gpus == 0:
        return "no GPU, PyTorch imported"
    return "1 GPU" if gpus == 1 else f"{gpus} GPUs"


def failure_of(process: subprocess.Popen[bytes]) -> str:
    """Why a process that should have opened the GPUs did not, as far as its status tells."""
    try:
        status = process.wait(ENDING_S)
    except subprocess.TimeoutExpired:
        return "the process that was to open the GPUs said something else"
    return f"the process that was to open the GPUs ended with status {status}; standard error says why"


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(ENDING_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def main(arguments: list[str]) -> None:
    """Opens the GPUs, says so, and waits until nobody needs them any more."""
    # Libraries print; standard output belongs to the one line.
    answer = os.dup(1)
    os.dup2(2, 1)
    try:
        gpus = open_gpus(int(arguments[0]) if arguments else None)
    except Exception as error:
        print(f"the GPUs could not be opened: {failure.summary(error)}", file=sys.stderr)
        raise SystemExit(1) from None
    os.write(answer, f"opened {gpus}\n".encode())
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main(sys.argv[1:])
