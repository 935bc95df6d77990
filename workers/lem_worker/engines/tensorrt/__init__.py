"""TensorRT-LLM's `LLM` API: `generate()` for batches, `generate_async()` where tokens are timed or requests arrive."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Optional

from ... import batches, failure, processes, serving
from ...clock import now_ns
from ...decoding import is_greedy, seed_of
from ...experiment import Experiment
from .. import checkpoints, facts, installed
from ..base import Generation, Loaded, ModelFacts, OutOfTime, Request, Warn
from ..plain import fields_with_values, plain
from ..said import Said
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

REFUSALS = ("ValidationError", "ValueError", "TypeError", "NotImplementedError", "KeyError")
"""Classes of what is raised while the engine starts when it refuses its settings."""


class TensorRt:
    """The engine of the section `tensorrt`."""

    name = "tensorrt"
    serves_together = True
    memory_options: Sequence[str] = ("tensorrt.max_batch_size", "tensorrt.max_num_tokens")

    def __init__(self) -> None:
        self._given: dict[str, Any] = {}
        self._experiment: Any = None
        self._settings: Any = None
        self._llm: Any = None
        self._sampling_class: Any = None
        self._adapter: Any = None
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._said: Optional[Said] = None
        self._starting = False
        self._config: Any = None

    def versions(self) -> Mapping[str, str]:
        """Versions of the packages that matter, without importing them."""
        return installed.versions_of(PACKAGES)

    def check(self, experiment: Experiment) -> None:
        """Refuses options that are unknown, out of range, or exclude each other."""
        self._given = options.check(experiment)
        installed.require("tensorrt_llm", "the tensorrt worker", INSTALL)

    def load(self, experiment: Experiment, warn: Warn) -> Loaded:
        """Imports TensorRT-LLM, builds or loads the engine, and waits until it is ready."""
        for name, value in ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        self._said = Said()
        self._experiment = experiment
        self._starting = True
        from . import starting

        kinds = starting.classes(options.backend_of(self._given))
        version = installed.versions_of(["tensorrt_llm"]).get("tensorrt_llm", "")
        fields = starting.known_fields(kinds)
        self._settings = options.settings(self._given, experiment, fields, f"TensorRT-LLM {version}")
        self._sampling_class = kinds["sampling"]
        self._llm = starting.start(experiment, self._given, self._settings, kinds)
        self._starting = False
        if experiment.adapter:
            self._adapter = starting.adapter_request(experiment.adapter)
        if self._is_online():
            self._loop = asyncio.new_event_loop()
        # A first look at the parameters of sampling, so that they are refused before anything is measured.
        self._sampling(Request(0, [0]))
        return self._loaded(experiment)

    def batches(self, requests: Sequence[Request]) -> list[list[Request]]:
        """So many requests at a time as the batch size says; TensorRT-LLM schedules them itself."""
        return batches.batches(requests, "static", self._experiment.batch_size)

    def generate(self, requests: Sequence[Request], deadline_ns: Optional[int] = None) -> list[Generation]:
        """Processes `requests` together and waits for all of them."""
        if self._is_online():
            return self.run(self._together(requests, deadline_ns))
        start_ns = now_ns()
        outputs = self._llm.generate(
            [{"prompt_token_ids": list(request.tokens)} for request in requests],
            sampling_params=[self._sampling(request) for request in requests],
            lora_request=[self._adapter] * len(requests) if self._adapter is not None else None,
            use_tqdm=False,
        )
        latency_ns = now_ns() - start_ns
        return [Generation(list(output.outputs[0].token_ids), latency_ns) for output in outputs]

    async def stream(self, request: Request) -> AsyncIterator[Sequence[int]]:
        """The new tokens of `request` each time that TensorRT-LLM gives some; it gives all of them again each time."""
        outputs = self._llm.generate_async(
            {"prompt_token_ids": list(request.tokens)},
            sampling_params=self._sampling(request),
            lora_request=self._adapter,
            streaming=self._experiment.streaming,
        )
        given = 0
        if not self._experiment.streaming:
            yield list((await outputs.aresult()).outputs[0].token_ids)
            return
        async for output in outputs:
            tokens = output.outputs[0].token_ids
            if len(tokens) > given:
                yield list(tokens[given:])
                given = len(tokens)

    def run(self, work: Any) -> Any:
        """Runs an awaitable on the loop on which answers are awaited."""
        assert self._loop is not None
        return self._loop.run_until_complete(work)

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
            "extra_runtime_args": plain(self._given.get("extra_runtime_args", {})),
        }

    def peak_memory_bytes(self) -> Optional[int]:
        """Not known: TensorRT-LLM computes in another process, and reserves its memory in advance."""
        return None

    def explain(self, error: BaseException) -> BaseException:
        """What the engine's processes said, where that tells more; refused settings are told apart."""
        reason = self._said.reason(error) if self._said is not None else error
        is_known = reason is not error or failure.is_out_of_memory(error) or failure.is_model_not_found(error)
        if self._starting and not is_known and type(error).__name__ in REFUSALS:
            return failure.unsupported(f"TensorRT-LLM refuses these settings: {failure.summary(error)}")
        return reason

    def unload(self) -> None:
        """Shuts the engine down; its processes end, and with them the GPU's memory is free."""
        llm, self._llm = self._llm, None
        if self._loop is not None:
            self._loop.close()
            self._loop = None
        if llm is not None:
            llm.shutdown()
            del llm
            gc.collect()
        processes.end_descendants()
        if self._said is not None:
            self._said.close()
            self._said = None

    def _is_online(self) -> bool:
        return self._experiment.streaming or self._experiment.workload.traffic is not None

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
            raise failure.unsupported(
                f"TensorRT-LLM refuses the settings of sampling: {failure.summary(error)}"
            ) from error

    def _loaded(self, experiment: Experiment) -> Loaded:
        import transformers

        of_files = {
            name: self._settings.llm[name] for name in ("revision", "trust_remote_code") if name in self._settings.llm
        }
        tokenizer = transformers.AutoTokenizer.from_pretrained(experiment.model, **of_files)
        self._config = transformers.AutoConfig.from_pretrained(experiment.model, **of_files)
        limit = getattr(getattr(self._llm, "args", None), "max_seq_len", None)
        return Loaded(
            encode=lambda text: list(tokenizer(text, add_special_tokens=True, truncation=False)["input_ids"]),
            context_tokens=limit or facts.context_of(self._config),
            vocabulary=facts.vocabulary_of(self._config),
            facts=self._facts(checkpoints.folder_of(experiment.model, of_files.get("revision"))),
        )

    def _facts(self, folder: Optional[str]) -> ModelFacts:
        config, dtype = self._config, self._dtype()
        quantization = self._given.get("quantization", "none")
        known = ModelFacts(
            layers=facts.layers_of(config),
            dtype=dtype if quantization == "none" else quantization,
            revision=facts.revision_of(folder),
            hidden_size=facts.hidden_size_of(config),
            kv_bytes_per_token=facts.kv_bytes_per_token(config, facts.ELEMENT_BYTES.get(dtype)),
        )
        # Quantized weights are packed several to an element, so that shapes do not tell how many there are.
        if quantization != "none" or getattr(config, "quantization_config", None):
            return known
        counted = checkpoints.count(folder, bool(getattr(facts.text_config(config), "tie_word_embeddings", False)))
        if counted is not None:
            known.parameters = counted.parameters
            known.non_embedding_parameters = counted.parameters - counted.embeddings
            known.weight_bytes = counted.parameters * facts.ELEMENT_BYTES.get(dtype, 0) or None
        return known

    def _dtype(self) -> str:
        """The number format that TensorRT-LLM resolved; `auto` means that of the checkpoint."""
        resolved = str(getattr(getattr(self._llm, "args", None), "dtype", "auto"))
        stored = getattr(self._config, "dtype", None) or getattr(self._config, "torch_dtype", None)
        return str(stored if resolved == "auto" else resolved).replace("torch.", "")

    async def _together(self, requests: Sequence[Request], deadline_ns: Optional[int]) -> list[Generation]:
        left_s = None if deadline_ns is None else max((deadline_ns - now_ns()) / 1e9, 0.001)
        try:
            return await asyncio.wait_for(serving.at_once(self, requests), left_s)
        except asyncio.TimeoutError:
            raise OutOfTime from None
