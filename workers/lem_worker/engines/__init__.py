"""The engines that this worker can measure, each found by its name when it is asked for."""

from __future__ import annotations

from .base import Engine

NAMES = ("pytorch", "vllm", "tensorrt")


def create(name: str) -> Engine:
    """The engine called `name`, not loaded. Its own package is not imported yet."""
    if name == "pytorch":
        from .pytorch import PyTorch

        return PyTorch()
    if name == "vllm":
        from .vllm import Vllm

        return Vllm()
    if name == "tensorrt":
        from .tensorrt import TensorRt

        return TensorRt()
    raise ValueError(f"{name} is none of {', '.join(NAMES)}")
