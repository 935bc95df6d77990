"""Engines that compute in processes of their own, with stand-ins for vLLM and TensorRT-LLM."""

import asyncio
import json
import os
import tempfile
import unittest
from types import SimpleNamespace

from lem_worker import failure
from lem_worker.clock import now_ns
from lem_worker.engines.base import OutOfTime, Request
from lem_worker.engines.separate import Separate
from lem_worker.engines.tensorrt import TensorRt
from lem_worker.engines.tensorrt import options as tensorrt_options
from lem_worker.engines.vllm import options as vllm_options

from .support import experiment

REQUESTS = [Request(0, [1, 2]), Request(1, [1, 2, 3])]


class Result:
    """The answer to one request as TensorRT-LLM gives it: all tokens again and again, one more each time."""

    def __init__(self, tokens, token_s):
        self._tokens, self._token_s = tokens, token_s
        self.outputs = [SimpleNamespace(token_ids=[])]
        self.finished = self.aborted = False

    def __aiter__(self):
        return self

    async def __anext__(self):
        if self.finished:
            raise StopAsyncIteration
        await asyncio.sleep(self._token_s)
        self.outputs[0].token_ids = list(range(len(self.outputs[0].token_ids) + 1))
        self.finished = self.aborted or len(self.outputs[0].token_ids) == self._tokens
        return self

    async def aresult(self):
        async for _ in self:
            pass
        return self

    def abort(self):
        self.aborted = True


class Llm:
    """Stands for `tensorrt_llm.LLM`."""

    def __init__(self, token_s):
        self._token_s = token_s
        self.results = []

    def generate(self, prompts, **settings):
        return [SimpleNamespace(outputs=[SimpleNamespace(token_ids=[7] * 3)]) for _ in prompts]

    def generate_async(self, prompt, sampling_params, **settings):
        self.results.append(Result(sampling_params["max_tokens"], self._token_s))
        return self.results[-1]

    def shutdown(self):
        pass


class Serving(unittest.TestCase):
    def engine(self, token_s=0.001, **changes):
        engine = TensorRt()
        engine._experiment = experiment(**changes)
        engine._settings = tensorrt_options.Settings()
        engine._sampling_class = dict
        engine._llm = Llm(token_s)
        engine._loop = asyncio.new_event_loop()
        self.addCleanup(engine.unload)
        return engine

    def test_a_batch_shares_its_latency_and_tells_no_times_of_tokens(self):
        first, second = self.engine(streaming=False).generate(REQUESTS)
        self.assertEqual((list(first.tokens), first.token_ns), ([7, 7, 7], None))
        self.assertEqual(first.latency_ns, second.latency_ns)

    def test_a_stream_tells_the_time_of_every_token(self):
        for generation in self.engine(streaming=True).generate(REQUESTS):
            self.assertEqual(list(generation.tokens), [0, 1, 2])
            self.assertEqual(len(set(generation.token_ns)), 3)
            self.assertEqual([generation.first_token_ns, generation.latency_ns], generation.token_ns[::2])

    def test_what_the_time_limit_of_the_warm_up_gives_up_does_not_go_on_computing(self):
        for streaming in (True, False):
            traffic = {"type": "closed", "concurrency": 2}
            engine = self.engine(token_s=0.05, streaming=streaming, workload__traffic=traffic)
            with self.assertRaises(OutOfTime):
                engine.generate(REQUESTS, now_ns() + 20_000_000)
            self.assertEqual([result.aborted for result in engine._llm.results], [True, True])
            self.assertTrue(all(result.finished for result in engine._llm.results))

    def test_what_was_answered_is_not_aborted(self):
        engine = self.engine(streaming=True)
        engine.generate(REQUESTS)
        self.assertFalse(any(result.aborted for result in engine._llm.results))


class Explaining(unittest.TestCase):
    def test_a_failure_that_says_itself_what_to_do_stays_as_it_is(self):
        engine = Separate()
        engine._said = SimpleNamespace(reason=lambda _: MemoryError("out of memory"))
        reason = failure.unsupported("the option vllm.x cannot be carried out")
        self.assertIs(engine.explain(reason), reason)

    def test_settings_are_refused_only_while_the_engine_starts(self):
        engine = Separate()
        engine.title = "vLLM"
        engine._said = SimpleNamespace(reason=lambda error: error)
        error = ValueError("block_size is odd")
        self.assertIs(engine.explain(error), error)
        engine._starting = True
        self.assertEqual(engine.explain(error).message, "vLLM refuses these settings: block_size is odd")


class Counts(unittest.TestCase):
    """Settings that would change what is counted are refused, whatever the release calls them."""

    def test_vllm(self):
        for name in ("truncate_prompt_tokens", "best_of", "tokenizer_mode"):
            with self.assertRaisesRegex(failure.Failure, f"vllm.extra.{name} cannot be set"):
                vllm_options.settings({"extra": {name: 1}}, experiment(), [name], [name], "vLLM")

    def test_tensorrt(self):
        for name in ("truncate_prompt_tokens", "exclude_input_from_output", "include_stop_str_in_output", "best_of"):
            known = {"sampling": [name], "kv_cache": ["enable_block_reuse"]}
            with self.assertRaisesRegex(failure.Failure, f"tensorrt.extra_runtime_args.{name} cannot be set"):
                tensorrt_options.settings({"extra_runtime_args": {name: 1}}, experiment(), known, "TensorRT-LLM")

    def test_the_tokenizer_is_of_the_revision_that_vllm_was_told(self):
        self.assertEqual(vllm_options.files_of_tokenizer({"revision": "a"}), {"revision": "a"})
        both = {"revision": "a", "tokenizer_revision": "b", "trust_remote_code": True, "block_size": 1}
        self.assertEqual(vllm_options.files_of_tokenizer(both), {"revision": "b", "trust_remote_code": True})

    def test_calibration_without_quantization_is_refused(self):
        with self.assertRaisesRegex(failure.Failure, "no effect without tensorrt.quantization"):
            tensorrt_options.check(experiment(options={"calibration": {"num_samples": 8}}))

    def test_facts_that_a_quantized_checkpoint_hides_are_unknown(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "hf_quant_config.json"), "w", encoding="utf-8") as file:
                json.dump({"quantization": {"quant_algo": "NVFP4", "kv_cache_quant_algo": "FP8"}}, file)
            engine = TensorRt()
            engine._config = SimpleNamespace(
                num_hidden_layers=2, hidden_size=8, num_attention_heads=2, num_key_value_heads=2, dtype="bfloat16"
            )
            known = engine._facts(folder)
            self.assertEqual((known.parameters, known.kv_bytes_per_token, known.layers), (None, None, 2))


if __name__ == "__main__":
    unittest.main()
