"""Hugging Face Transformers on PyTorch: `AutoModelForCausalLM` and its `generate()`, on a GPU or the CPU.

With traffic it serves one request at a time: `generate()` cannot take a request into a batch that is under way.
"""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Optional

from ... import batches, memory
from ...decoding import seed_of
from ...experiment import Experiment
from .. import facts, installed, opening
from ..base import Generation, Loaded, Request, Warn
from ..plain import plain
from . import extra, options

PACKAGES = ("torch", "transformers", "tokenizers", "accelerate", "bitsandbytes", "peft", "flash-attn", "datasets")

ENVIRONMENT = {
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    # The tokenizer works before the measurement only, and warns when a process is forked after it.
    "TOKENIZERS_PARALLELISM": "false",
}


class PyTorch:
    """The engine of the section `pytorch`."""

    name = "pytorch"
    serves_together = False
    memory_options: Sequence[str] = ()

    def __init__(self) -> None:
        self._given: dict[str, Any] = {}
        self._experiment: Optional[Experiment] = None
        self._model: Any = None
        self._config: Any = None

    def versions(self) -> Mapping[str, str]:
        """Versions of the packages that matter, without importing them."""
        return installed.versions_of(PACKAGES)

    def check(self, experiment: Experiment) -> None:
        """Refuses options that are unknown, out of range, or exclude each other."""
        self._given = options.check(experiment)
        for module in ("torch", "transformers"):
            installed.require(module, "the pytorch worker", "pip install torch transformers accelerate")

    @contextlib.contextmanager
    def device_opened(self, warn: Warn) -> Iterator[Optional[str]]:
        """Opens the GPUs that are visible, where the model may be spread over all of them; they stay open."""
        set_environment()
        most = 0 if self._given.get("device") == "cpu" else None
        yield f"{opening.described(opening.open_gpus(most))}, in the worker's own process"

    def load(self, experiment: Experiment, warn: Warn) -> Loaded:
        """Imports torch and transformers and loads the model."""
        set_environment()
        import transformers

        from . import generating, loading

        transformers.utils.logging.disable_progress_bar()
        further = extra.split(
            self._given.get("extra", {}),
            extra.generation_names(transformers.GenerationConfig),
            extra.loading_names(transformers.PreTrainedModel.from_pretrained),
        )
        self._experiment = experiment
        self._model = loading.load(experiment, self._given, further)
        self._config = generating.generation_config(experiment, self._given, further.generation, self._model)
        if not generating.end_tokens(self._config):
            warn("the model names no end token; every output has max_output_tokens tokens")
        for place in loading.outside_gpus(self._model.network):
            warn(f"the GPUs have no room for the whole model: parts of it are copied from the {place} for each step")
        generating.synchronize(self._model.gpus)
        config = self._model.network.config
        return Loaded(
            encode=self._encode,
            context_tokens=facts.context_of(config),
            vocabulary=facts.vocabulary_of(config),
            facts=self._model.facts,
        )

    def batches(self, requests: Sequence[Request]) -> list[list[Request]]:
        """Batches by the option `batching_strategy`."""
        assert self._experiment is not None
        return batches.batches(
            requests,
            self._given.get("batching_strategy", "static"),
            self._experiment.batch_size,
            self._given.get("max_tokens_per_batch"),
        )

    def generate(self, requests: Sequence[Request], deadline_ns: Optional[int] = None) -> list[Generation]:
        """One call of transformers' `generate()`, with a seed of the experiment and of the first request."""
        import torch

        from . import generating

        assert self._experiment is not None
        torch.manual_seed(seed_of(self._experiment, requests[0].index))
        return generating.generate(self._model, self._config, requests, self._experiment.streaming, deadline_ns)

    def forget(self, warn: Warn) -> None:
        """Nothing is kept from one call of `generate()` to the next."""

    def effective_parameters(self) -> dict[str, Any]:
        """Every setting as torch and transformers resolved it."""
        import torch

        model, config = self._model, self._model.network.config
        device_map = getattr(model.network, "hf_device_map", None)
        streaming = self._experiment is not None and self._experiment.streaming
        parameters = {
            "precision": model.facts.dtype,
            "device": str(model.device),
            "device_map": sorted({str(place) for place in device_map.values()}) if device_map else None,
            "gpu": torch.cuda.get_device_name() if model.device.type == "cuda" else None,
            "threads": torch.get_num_threads(),
            "attn_implementation": getattr(config, "_attn_implementation", None),
            "generation_config": {k: v for k, v in self._config.to_dict().items() if v is not None},
            "quantization": model.quantization,
            "adapter": model.adapter,
            "assistant": self._given.get("assisted_generation"),
            "torch_compile": self._given.get("torch_compile", False),
            "context_tokens": facts.context_of(config),
            "batching": {
                "strategy": self._given.get("batching_strategy", "static"),
                "max_tokens_per_batch": self._given.get("max_tokens_per_batch"),
                "padding": "left",
            },
            "latency": "per request" if streaming else "of its batch",
            "extra": self._given.get("extra", {}),
            "torch": _torch_settings(torch),
        }
        return plain(parameters)

    def peak_memory_bytes(self) -> Optional[int]:
        """Peak of what PyTorch allocated on all GPUs together, else peak resident memory of the process."""
        import torch

        # Without a model, loading failed: on a GPU, if one was touched.
        on_gpu = torch.cuda.is_initialized() if self._model is None else bool(self._model.gpus)
        if on_gpu:
            return sum(torch.cuda.max_memory_allocated(index) for index in range(torch.cuda.device_count()))
        return memory.peak_memory_bytes()

    def explain(self, error: BaseException) -> BaseException:
        """PyTorch computes in this process, and says itself what went wrong."""
        return error

    def unload(self) -> None:
        """Drops the model and gives the GPU's memory back to the driver."""
        if self._model is None:
            return
        import torch

        from . import generating

        gpus = self._model.gpus
        self._model = None
        self._config = None
        gc.collect()
        if gpus:
            torch.cuda.empty_cache()
            generating.synchronize(gpus)

    def _encode(self, text: str) -> list[int]:
        return list(self._model.tokenizer(text, add_special_tokens=True, truncation=False)["input_ids"])


def set_environment() -> None:
    """What is to be set before torch and transformers are imported, unless it is set already."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def _torch_settings(torch: Any) -> dict[str, Any]:
    """Global settings of PyTorch that change speed or numbers."""
    return {
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version() if torch.cuda.is_available() else None,
        "float32_matmul_precision": torch.get_float32_matmul_precision(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "interop_threads": torch.get_num_interop_threads(),
    }
