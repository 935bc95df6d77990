"""vLLM: its offline `LLM` for batches, its asynchronous engine where tokens are timed or requests arrive.

Batches that are not streamed go to `LLM.generate()`, one call for a batch. With streaming or traffic, requests go to
the asynchronous engine, whose outputs are stamped as they come: vLLM batches whatever overlaps.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from ...decoding import is_greedy
from ...experiment import Experiment
from ...signature import fields_of
from .. import checkpoints, facts, installed
from ..base import Loaded, Request, Warn
from ..separate import Separate, encoder, refused_sampling
from . import options
from .resolved import facts_of, parameters_of

PACKAGES = ("vllm", "torch", "transformers", "flashinfer-python", "flash-attn", "ray", "datasets")

ENVIRONMENT = {
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    # A forked process would inherit this one's threads in an undefined state.
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
}

MAX_SEED = 2**32
"""NumPy, which vLLM seeds as well, has seeds of 32 bits."""


class Vllm(Separate):
    """The engine of the section `vllm`."""

    name = "vllm"
    title = "vLLM"
    parallel_options = ("tensor_parallel_size", "pipeline_parallel_size")
    environment = ENVIRONMENT
    memory_options: Sequence[str] = ("vllm.max_model_len", "vllm.max_num_seqs")

    def __init__(self) -> None:
        super().__init__()
        self._offline: Any = None
        self._online: Any = None
        self._config: Any = None
        self._sampling: Any = None
        self._sent = 0

    def versions(self) -> Mapping[str, str]:
        """Versions of the packages that matter, without importing them."""
        return installed.versions_of(PACKAGES)

    def check(self, experiment: Experiment) -> None:
        """Refuses options that are unknown, out of range, or exclude each other."""
        self._given = options.check(experiment)
        installed.require("vllm", "the vllm worker", "pip install vllm")

    async def stream(self, request: Request) -> AsyncIterator[Sequence[int]]:
        """The new tokens of `request` each time that vLLM gives some."""
        self._sent += 1
        prompt = {"prompt_token_ids": list(request.tokens)}
        outputs = self._online.generate(
            prompt, self._sampling, f"{request.index}-{self._sent}", lora_request=self._adapter
        )
        async for output in outputs:
            new = output.outputs[0].token_ids
            if new:
                yield list(new)

    def forget(self, warn: Warn) -> None:
        """Empties the cache of prefixes, which vLLM keeps by default."""
        if not getattr(self._config.cache_config, "enable_prefix_caching", False):
            return
        engine = self._online if self._offline is None else self._offline
        emptied = engine.reset_prefix_cache()
        if asyncio.iscoroutine(emptied):
            emptied = self.run(emptied)
        if emptied is False:
            warn("vLLM's cache of prefixes could not be emptied; prompts of the warm-up need less work when measured")

    def effective_parameters(self) -> dict[str, Any]:
        """VLLM's own configuration, as it resolved it."""
        online = self._online is not None
        return {
            **parameters_of(self._config, self._sampling),
            "adapter": {"name": self._experiment.adapter} if self._experiment.adapter else None,
            "environment": self._settings.environment,
            "engine": "asynchronous engine" if online else "LLM.generate",
            "latency": "per request" if online else "of its batch",
            "seed_scope": "the engine: what a request gives depends on those before it",
            "extra": self._given.get("extra", {}),
        }

    def _translated(self, experiment: Experiment) -> options.Settings:
        import vllm

        engine_class = vllm.AsyncEngineArgs if self._is_online() else vllm.EngineArgs
        return options.settings(
            self._given,
            experiment,
            fields_of(engine_class),
            [name for name in fields_of(vllm.SamplingParams) if not name.startswith("_")],
            f"vLLM {vllm.__version__}",
        )

    def _start(self, experiment: Experiment) -> None:
        import vllm

        self._settings = self._translated(experiment)
        os.environ.update(self._settings.environment)
        arguments = {
            "model": experiment.model,
            "dtype": experiment.precision or "auto",
            "seed": experiment.seed % MAX_SEED,
            "disable_log_stats": True,
            **self._settings.engine,
        }
        if not self._is_online():
            self._offline = vllm.LLM(**arguments)
            self._config = self._offline.llm_engine.vllm_config
            return

        async def start() -> Any:
            # Made inside the loop, where it starts the task that hands out what was generated.
            return vllm.AsyncLLMEngine.from_engine_args(vllm.AsyncEngineArgs(**arguments))

        self._online = self.run(start())
        self._config = self._online.vllm_config

    def _ready(self, experiment: Experiment, warn: Warn) -> Loaded:
        self._sampling = self._sampling_params(experiment)
        if experiment.adapter:
            from vllm.lora.request import LoRARequest

            self._adapter = LoRARequest(experiment.adapter, 1, experiment.adapter)
        if self._offline is not None and experiment.batch_size < self._given.get("max_num_seqs", 0):
            warn(
                f"vLLM gets {experiment.batch_size} requests at a time (batch_size), so that vllm.max_num_seqs "
                f"({self._given['max_num_seqs']}) is never reached"
            )
        return self._loaded(experiment)

    def _answers(self, requests: Sequence[Request]) -> Sequence[Any]:
        prompts = [{"prompt_token_ids": list(request.tokens)} for request in requests]
        return self._offline.generate(prompts, self._sampling, use_tqdm=False, lora_request=self._adapter)

    def _stop(self) -> None:
        offline, online = self._offline, self._online
        self._offline = self._online = None
        if online is not None:
            online.shutdown()
        core = getattr(getattr(offline, "llm_engine", None), "engine_core", None)
        if core is not None and hasattr(core, "shutdown"):
            core.shutdown()

    def _sampling_params(self, experiment: Experiment) -> Any:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        workload, decoding = experiment.workload, experiment.decoding
        greedy = is_greedy(decoding)
        kind = RequestOutputKind.DELTA if experiment.streaming else RequestOutputKind.FINAL_ONLY
        try:
            return SamplingParams(
                max_tokens=workload.max_output_tokens,
                min_tokens=workload.min_output_tokens,
                temperature=0.0 if greedy else decoding.temperature,
                # Every release takes -1 for all tokens.
                top_k=-1 if greedy or decoding.top_k == 0 else decoding.top_k,
                top_p=1.0 if greedy else decoding.top_p,
                repetition_penalty=decoding.repetition_penalty,
                detokenize=False,
                output_kind=kind,
                **self._settings.sampling,
            )
        except (ValueError, TypeError) as error:
            raise refused_sampling(self.title, error) from error

    def _loaded(self, experiment: Experiment) -> Loaded:
        settings, model_config = self._settings.engine, self._config.model_config
        return Loaded(
            encode=encoder(settings.get("tokenizer") or experiment.model, options.files_of_tokenizer(settings)),
            context_tokens=model_config.max_model_len,
            vocabulary=facts.vocabulary_of(model_config.hf_config),
            facts=facts_of(self._config, checkpoints.folder_of(experiment.model, settings.get("revision"))),
        )
