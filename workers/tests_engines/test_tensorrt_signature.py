"""What the tensorrt worker calls, against the source of a release of TensorRT-LLM: no GPU, nothing imported.

Name a folder with its package as LEM_TENSORRT_LLM_SOURCE: a clone at a tag, or an unpacked wheel.

    LEM_TENSORRT_LLM_SOURCE=TensorRT-LLM python -m unittest tests_engines.test_tensorrt_signature
"""

import os
import unittest

from lem_worker import failure
from lem_worker.engines.tensorrt import options
from tests.support import experiment

from .source import Source

FOLDER = os.environ.get("LEM_TENSORRT_LLM_SOURCE", "")

ARGUMENTS = "tensorrt_llm/llmapi/llm_args.py"

FOR_PYTORCH = {
    "max_batch_size": 8,
    "max_input_len": 512,
    "max_output_len": 128,
    "tp_size": 1,
    "pp_size": 1,
    "kv_cache_type": "paged",
    "enable_chunked_context": True,
    "enable_kv_cache_reuse": False,
    "gpu_memory_utilization": 0.8,
    "max_num_tokens": 4096,
    "draft_model": "draft",
    "num_draft_tokens": 3,
    "extra_runtime_args": {"trust_remote_code": True},
}


@unittest.skipUnless(FOLDER, "LEM_TENSORRT_LLM_SOURCE names no folder with the source of TensorRT-LLM")
class Signature(unittest.TestCase):
    def setUp(self):
        self.source = Source(FOLDER)

    def test_every_option_for_the_pytorch_backend_becomes_a_setting(self):
        fields = {
            "llm": self.source.fields(ARGUMENTS, "TorchLlmArgs"),
            "kv_cache": self.source.fields(ARGUMENTS, "KvCacheConfig"),
            "sampling": self.source.fields("tensorrt_llm/sampling_params.py", "SamplingParams"),
        }
        found = options.settings(options.check(experiment(options=FOR_PYTORCH)), experiment(), fields, "TensorRT-LLM")
        self.assertEqual(found.llm["max_seq_len"], 640)
        self.assertEqual(found.kv_cache, {"enable_block_reuse": False, "free_gpu_memory_fraction": 0.8})

    def test_what_the_worker_sets_itself_is_there(self):
        arguments = self.source.fields(ARGUMENTS, "TorchLlmArgs")
        for name in ("model", "dtype", "kv_cache_config", "speculative_config", "lora_config", "max_seq_len"):
            self.assertIn(name, arguments)
        sampling = self.source.fields("tensorrt_llm/sampling_params.py", "SamplingParams")
        for name in ("max_tokens", "min_tokens", "temperature", "top_k", "top_p", "seed", "repetition_penalty"):
            self.assertIn(name, sampling)
        for name in ("include_stop_str_in_output", "detokenize"):
            self.assertIn(name, sampling)

    def test_calls_have_the_parameters_that_the_worker_gives(self):
        path = "tensorrt_llm/llmapi/llm.py"
        name = next(name for name in ("BaseLLM", "LLM") if self.source.says(path, f"class {name}"))
        self.assertLessEqual(
            {"inputs", "sampling_params", "use_tqdm", "lora_request"},
            set(self.source.parameters(path, name, "generate")),
        )
        self.assertLessEqual(
            {"inputs", "sampling_params", "lora_request", "streaming"},
            set(self.source.parameters(path, name, "generate_async")),
        )
        self.source.parameters(path, name, "shutdown")
        for method in ("aresult", "abort", "finished"):
            self.source.parameters("tensorrt_llm/executor/result.py", "GenerationResult", method)


class Options(unittest.TestCase):
    """What can be told without any release."""

    def refusal(self, **written):
        with self.assertRaises(failure.Failure) as raised:
            options.check(experiment(options=written))
        return raised.exception.message

    def test_options_of_a_built_engine_choose_its_backend(self):
        self.assertEqual(options.backend_of({}), "pytorch")
        self.assertEqual(options.backend_of({"builder_opt_level": 3}), "tensorrt")
        self.assertEqual(options.backend_of({"quantization": "int4_awq"}), "tensorrt")
        self.assertEqual(options.backend_of({"quantization": "none"}), "pytorch")

    def test_options_of_the_other_backend_are_refused(self):
        self.assertIn("is for a built engine", self.refusal(backend="pytorch", engine_path="/engine"))
        self.assertIn("quantized before", self.refusal(backend="pytorch", quantization="fp8"))
        self.assertIn("contradicts it", self.refusal(engine_path="/engine", force_rebuild=True))
        self.assertIn("no effect without tensorrt.draft_model", self.refusal(num_draft_tokens=3))

    def test_a_setting_that_a_release_lacks_is_refused_by_its_option(self):
        given = options.check(experiment(options={"builder_opt_level": 3}))
        with self.assertRaises(failure.Failure) as raised:
            options.settings(given, experiment(), {"kv_cache": ["enable_block_reuse"]}, "TensorRT-LLM 9")
        self.assertIn("tensorrt.builder_opt_level cannot be carried out", raised.exception.message)


if __name__ == "__main__":
    unittest.main()
