"""What the vllm worker calls, against the source of a release of vLLM: no GPU, nothing imported, nothing computed.

Name folders with unpacked wheels, separated by colons, as LEM_VLLM_SOURCE:

    pip download --no-deps vllm==0.30.0 && unzip -d vllm-0.30.0 vllm-0.30.0-*.whl
    LEM_VLLM_SOURCE=vllm-0.30.0 python -m unittest tests_engines.test_vllm_signature
"""

import os
import unittest

from lem_worker import failure
from lem_worker.engines.vllm import options
from tests.support import experiment

from .source import Source

FOLDERS = [folder for folder in os.environ.get("LEM_VLLM_SOURCE", "").split(":") if folder]

GONE = {"swap_space", "lora.extra_vocab_size"}
"""Options of older campaigns that current releases have no setting for; they are refused."""

EVERY = {
    "max_num_seqs": 8,
    "max_num_batched_tokens": 2048,
    "gpu_memory_utilization": 0.8,
    "swap_space": 4,
    "cpu_offload_gb": 0,
    "tensor_parallel_size": 1,
    "pipeline_parallel_size": 1,
    "distributed_backend": "mp",
    "disable_custom_all_reduce": True,
    "enable_prefix_caching": False,
    "enable_chunked_prefill": True,
    "kv_cache_dtype": "fp8",
    "block_size": 16,
    "max_model_len": 2048,
    "enforce_eager": True,
    "attention": {"backend": "FLASH_ATTN", "flash_version": 3, "disable_sliding_window": True},
    "quantization": "fp8",
    "load_format": "safetensors",
    "min_p": 0.1,
    "logprobs": 2,
    "logit_bias": {"5": 1.0},
    "speculative": {"method": "ngram", "num_tokens": 3, "prompt_lookup_min": 1, "prompt_lookup_max": 4},
    "lora": {"enabled": True, "max_loras": 1, "max_rank": 16, "extra_vocab_size": 256},
    "extra": {"stream_interval": 1, "presence_penalty": 0.5},
}


def single(options):
    """Each option alone, and each part of a section alone."""
    for name, value in options.items():
        if isinstance(value, dict) and name in ("attention", "lora"):
            for part, inner in value.items():
                yield f"{name}.{part}", {name: {part: inner}}
        else:
            yield name, {name: value}


@unittest.skipUnless(FOLDERS, "LEM_VLLM_SOURCE names no folder with the source of vLLM")
class Signature(unittest.TestCase):
    def each(self):
        for folder in FOLDERS:
            source = Source(folder)
            with self.subTest(vllm=source.version("vllm")):
                yield source

    def test_every_option_is_covered_here(self):
        self.assertEqual(set(EVERY), set(options.TABLE))

    def test_every_option_becomes_a_setting_or_is_refused_by_name(self):
        for source in self.each():
            engine = source.fields("vllm/engine/arg_utils.py", "AsyncEngineArgs")
            sampling = source.fields("vllm/sampling_params.py", "SamplingParams")
            refused = set()
            for name, written in single(EVERY):
                given = options.check(experiment(options=written))
                try:
                    options.settings(given, experiment(), engine, sampling, "vLLM")
                except failure.Failure as reason:
                    self.assertIn("has no setting", reason.message)
                    refused.add(name)
            self.assertLessEqual(refused, GONE)

    def test_an_unknown_extra_comes_with_names_of_the_release(self):
        for source in self.each():
            engine = source.fields("vllm/engine/arg_utils.py", "EngineArgs")
            given = options.check(experiment(options={"extra": {"max_num_seq": 1}}))
            with self.assertRaises(failure.Failure) as raised:
                options.settings(given, experiment(), engine, [], "vLLM")
            self.assertIn("did you mean max_num_seqs", raised.exception.message)

    def test_what_the_worker_sets_itself_is_there(self):
        for source in self.each():
            engine = source.fields("vllm/engine/arg_utils.py", "EngineArgs")
            for name in ("model", "dtype", "seed", "disable_log_stats", "enable_lora", "tokenizer", "revision"):
                self.assertIn(name, engine)
            sampling = source.fields("vllm/sampling_params.py", "SamplingParams")
            for name in (
                "max_tokens",
                "min_tokens",
                "temperature",
                "top_k",
                "top_p",
                "repetition_penalty",
                "detokenize",
                "output_kind",
            ):
                self.assertIn(name, sampling)
            self.assertLessEqual(
                {"DELTA", "FINAL_ONLY"}, set(source.members("vllm/sampling_params.py", "RequestOutputKind"))
            )

    def test_calls_have_the_parameters_that_the_worker_gives(self):
        for source in self.each():
            offline = source.parameters("vllm/entrypoints/llm.py", "LLM", "generate")
            self.assertEqual(offline[:3], ["self", "prompts", "sampling_params"])
            self.assertLessEqual({"use_tqdm", "lora_request"}, set(offline))
            online = source.parameters("vllm/v1/engine/async_llm.py", "AsyncLLM", "generate")
            self.assertEqual(online[:4], ["self", "prompt", "sampling_params", "request_id"])
            self.assertIn("lora_request", online)
            source.parameters("vllm/v1/engine/async_llm.py", "AsyncLLM", "shutdown")
            source.parameters("vllm/v1/engine/async_llm.py", "AsyncLLM", "from_engine_args")
            self.assertEqual(
                source.fields("vllm/lora/request.py", "LoRARequest")[:3], ["lora_name", "lora_int_id", "lora_path"]
            )
            self.assertIn("token_ids", source.fields("vllm/outputs.py", "CompletionOutput"))
            self.assertTrue(source.says("vllm/v1/engine/llm_engine.py", "self.vllm_config = vllm_config"))
            self.assertTrue(source.says("vllm/v1/engine/llm_engine.py", "self.engine_core = "))

    def test_names_are_exported_and_the_configuration_has_its_parts(self):
        for source in self.each():
            for name in ("LLM", "AsyncLLMEngine", "EngineArgs", "AsyncEngineArgs", "SamplingParams"):
                self.assertTrue(source.says("vllm/__init__.py", f'"{name}"'), name)
            parts = source.fields("vllm/config/vllm.py", "VllmConfig")
            self.assertLessEqual({"model_config", "cache_config", "parallel_config", "scheduler_config"}, set(parts))
            model = source.fields("vllm/config/model.py", "ModelConfig")
            self.assertLessEqual({"dtype", "max_model_len", "quantization", "hf_token"}, set(model))
            self.assertIn("cache_dtype", source.fields("vllm/config/cache.py", "CacheConfig"))

    def test_memory_that_runs_out_is_recognised_by_what_vllm_says(self):
        for source in self.each():
            planning = [
                path
                for path in ("vllm/v1/core/kv_cache_planning.py", "vllm/v1/core/kv_cache_utils.py")
                if os.path.exists(os.path.join(source._folder, path))
            ]
            self.assertTrue(any(source.says(path, "No available memory for the cache blocks") for path in planning))


if __name__ == "__main__":
    unittest.main()
