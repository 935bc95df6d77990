"""TensorRT-LLM's `LLM` API: `generate()` for batches, `generate_async()` where tokens are timed or requests arrive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Optional

from ...decoding import is_greedy, seed_of
from ...experiment import Experiment
from .. import checkpoints, experts, facts, installed
from ..base import Loaded, ModelFacts, Request, Warn
from ..plain import fields_with_values, plain
from ..separate import Separate, encoder, refused_sampling
from . import options

PACKAGES = ("tensorrt_llm", "tensorrt", "torch", "transformers", "datasets")

ENVIRONMENT = {
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "TRTLLM_NO_USAGE_STATS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}

INSTALL = (
    "pip install tensorrt_llm --extra-index-url https://pypi.nvidia.com, or use the image of workers/images/tensorrt"
)

MAX_SEED = 2**63

ABORT_S = 1.0
"""So long may a request that was given up take to end."""


class TensorRt(Separate):
    """The engine of the section `tensorrt`."""

    name = "tensorrt"
    title = "TensorRT-LLM"
    parallel_options = ("tp_size", "pp_size")
    environment = ENVIRONMENT
    memory_options: Sequence[str] = ("tensorrt.max_batch_size", "tensorrt.max_num_tokens")

    def __init__(self) -> None:
        super().__init__()
        self._llm: Any = None
        self._sampling_class: Any = None
        self._config: Any = None

    def versions(self) -> Mapping[str, str]:
        """Versions of the packages that matter, without importing them."""
        return installed.versions_of(PACKAGES)

    def check(self, experiment: Experiment) -> None:
        """Refuses options that are unknown, out of range, or exclude each other."""
        self._given = options.check(experiment)
        installed.require("tensorrt_llm", "the tensorrt worker", INSTALL)

    async def stream(self, request: Request) -> AsyncIterator[Sequence[int]]:
        """The new tokens of `request` each time that TensorRT-LLM gives some; it gives all of them again each time."""
        outputs = self._llm.generate_async(
            {"prompt_token_ids": list(request.tokens)},
            sampling_params=self._sampling(request),
            lora_request=self._adapter,
            streaming=self._experiment.streaming,
        )
        try:
            if not self._experiment.streaming:
                yield list((await outputs.aresult()).outputs[0].token_ids)
                return
            given = 0
            async for output in outputs:
                tokens = output.outputs[0].token_ids
                if len(tokens) > given:
                    yield list(tokens[given:])
                    given = len(tokens)
        finally:
            # Given up by the warm-up's time limit, it would go on computing while others are measured.
            if not outputs.finished:
                outputs.abort()
                await asyncio.wait([asyncio.ensure_future(outputs.aresult())], timeout=ABORT_S)

    def forget(self, warn: Warn) -> None:
        """Says that blocks are reused, where that was asked for: TensorRT-LLM has no call that empties its cache."""
        if self._given.get("enable_kv_cache_reuse"):
            warn(
                "tensorrt.enable_kv_cache_reuse is on, and its cache cannot be emptied after warm-up; prompts of "
                "the warm-up need less work when measured"
            )

    def effective_parameters(self) -> dict[str, Any]:
        """TensorRT-LLM's own arguments, as it resolved them."""
        arguments = fields_with_values(getattr(self._llm, "args", None)) or {}
        hidden = ("tokenizer", "mpi_session", "batched_logits_processor")
        return {
            "precision": self._dtype(),
            "context_tokens": arguments.get("max_seq_len"),
            "quantization": self._given.get("quantization", "none"),
            "backend": options.backend_of(self._given),
            "tensorrt_llm": plain({name: value for name, value in arguments.items() if name not in hidden}),
            "sampling_params": plain(fields_with_values(self._sampling(Request(0, [0])))),
            "adapter": {"name": self._experiment.adapter} if self._experiment.adapter else None,
            "latency": "per request" if self._is_online() else "of its batch",
            "seed_scope": "the request",
            "extra_build_args": plain(self._given.get("extra_build_args", {})),
            "extra_runtime_args": plain(self._given.get("extra_runtime_args", {})),
        }

    def _start(self, experiment: Experiment) -> None:
        from . import starting

        kinds = starting.classes(options.backend_of(self._given))
        version = installed.versions_of(["tensorrt_llm"]).get("tensorrt_llm", "")
        fields = starting.known_fields(kinds)
        self._settings = options.settings(self._given, experiment, fields, f"{self.title} {version}")
        self._sampling_class = kinds["sampling"]
        self._llm = starting.start(experiment, self._given, self._settings, kinds)

    def _ready(self, experiment: Experiment, warn: Warn) -> Loaded:
        if experiment.adapter:
            from . import starting

            self._adapter = starting.adapter_request(experiment.adapter)
        # A first look at the parameters of sampling, so that they are refused before anything is measured.
        self._sampling(Request(0, [0]))
        return self._loaded(experiment)

    def _answers(self, requests: Sequence[Request]) -> Sequence[Any]:
        return self._llm.generate(
            [{"prompt_token_ids": list(request.tokens)} for request in requests],
            sampling_params=[self._sampling(request) for request in requests],
            lora_request=[self._adapter] * len(requests) if self._adapter is not None else None,
            use_tqdm=False,
        )

    def _stop(self) -> None:
        llm, self._llm = self._llm, None
        if llm is not None:
            llm.shutdown()

    def _sampling(self, request: Request) -> Any:
        workload, decoding = self._experiment.workload, self._experiment.decoding
        greedy = is_greedy(decoding)
        settings: dict[str, Any] = {
            "max_tokens": workload.max_output_tokens,
            "top_k": 1 if greedy else decoding.top_k,
            # An end token that is one of several is a stop word to TensorRT-LLM, which would take it away.
            "include_stop_str_in_output": True,
            "detokenize": False,
            **self._settings.sampling,
        }
        if not greedy:
            settings.update(temperature=decoding.temperature, top_p=decoding.top_p)
            settings["seed"] = seed_of(self._experiment, request.index) % MAX_SEED
        if workload.min_output_tokens:
            settings["min_tokens"] = workload.min_output_tokens
        if decoding.repetition_penalty != 1.0:
            settings["repetition_penalty"] = decoding.repetition_penalty
        try:
            return self._sampling_class(**settings)
        except (ValueError, TypeError) as error:
            raise refused_sampling(self.title, error) from error

    def _loaded(self, experiment: Experiment) -> Loaded:
        import transformers

        of_files = {
            name: self._settings.llm[name] for name in ("revision", "trust_remote_code") if name in self._settings.llm
        }
        self._config = transformers.AutoConfig.from_pretrained(experiment.model, **of_files)
        limit = getattr(getattr(self._llm, "args", None), "max_seq_len", None)
        return Loaded(
            encode=encoder(experiment.model, of_files),
            context_tokens=limit or facts.context_of(self._config),
            vocabulary=facts.vocabulary_of(self._config),
            facts=self._facts(checkpoints.folder_of(experiment.model, of_files.get("revision"))),
        )

    def _facts(self, folder: Optional[str]) -> ModelFacts:
        config, dtype = self._config, self._dtype()
        quantization = self._given.get("quantization", "none")
        known = ModelFacts(
            mixture_of_experts=experts.is_mixture(config, checkpoints.shapes(folder)),
            layers=facts.layers_of(config),
            attention_width=facts.attention_width(config),
            dtype=dtype if quantization == "none" else quantization,
            revision=facts.revision_of(folder),
            hidden_size=facts.hidden_size_of(config),
            kv_bytes_per_token=facts.kv_bytes_per_token(config, facts.ELEMENT_BYTES.get(dtype)),
        )
        # Quantized weights are packed several to an element, so that shapes do not tell how many there are, and their
        # cache may have a format of its own.
        if quantization != "none":
            return known
        if getattr(config, "quantization_config", None) or checkpoints.is_quantized(folder):
            known.kv_bytes_per_token = None
            return known
        checkpoints.add_counts(known, folder, config, dtype)
        return known

    def _dtype(self) -> str:
        """The number format that TensorRT-LLM resolved; `auto` means that of the checkpoint."""
        resolved = str(getattr(getattr(self._llm, "args", None), "dtype", "auto"))
        stored = getattr(self._config, "dtype", None) or getattr(self._config, "torch_dtype", None)
        return str(stored if resolved == "auto" else resolved).replace("torch.", "")
