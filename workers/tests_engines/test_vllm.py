"""The real vLLM, on a GPU or built for the CPU, with a tiny model made on the spot; skipped where it is missing.

On the CPU, vLLM takes the size of its cache from VLLM_CPU_KVCACHE_SPACE (GiB).
"""

import importlib.util
import os
import signal
import subprocess
import tempfile
import time
import unittest

from tests.support import WORKERS, command, environment, run_worker, start_worker, written
from tests.test_worker import children_of, runs

MISSING = importlib.util.find_spec("vllm") is None
VLLM = command("-m", "lem_worker", "vllm")
OFFLINE = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "VLLM_CPU_KVCACHE_SPACE": "1"}
SMALL = {"max_model_len": 1024, "enforce_eager": True}

FOLDER = None


def setUpModule():
    if MISSING:
        raise unittest.SkipTest("not installed: vllm")
    global FOLDER
    folder = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(folder.cleanup)
    FOLDER = folder.name
    making = command("-m", "tests_engines.tiny_model", FOLDER)
    subprocess.run(making, env=environment(**OFFLINE), cwd=WORKERS, check=True, capture_output=True)


def given(**changes):
    options = {**SMALL, **changes.pop("options", {})}
    plain = {
        "backend": "vllm",
        "model": os.path.join(FOLDER, "model"),
        "precision": "float32",
        "workload__max_input_tokens": 40,
        "workload__max_output_tokens": 12,
        "options": options,
    }
    return written(**{**plain, **changes})


class Vllm(unittest.TestCase):
    def result(self, requests=4, **changes):
        said = run_worker(VLLM, given(**changes), 300, **OFFLINE)
        self.assertEqual(said.status, 0, said.errors[-3000:])
        self.assertEqual(said.verdict(requests)["verdict"], "result", said.verdict(requests))
        return said

    def error(self, kind, **changes):
        said = run_worker(VLLM, given(**changes), 300, **OFFLINE)
        self.assertEqual(said.verdict(None), {"verdict": "error", "kind": kind}, said.errors[-3000:])
        return said.last["message"]

    def test_batches_and_streams_give_the_same_greedy_tokens(self):
        batch = self.result(streaming=False, batch_size=4)
        stream = self.result(streaming=True, batch_size=2)
        hashes = {said.last["effective_parameters"]["output_token_sha256"] for said in (batch, stream)}
        self.assertEqual(len(hashes), 1)
        self.assertEqual(len({event["latency_ms"] for event in batch.named("request")}), 1)
        for event in stream.named("request"):
            self.assertEqual(len(event["itl_ms"]), event["output_tokens"] - 1)
        self.assertEqual(stream.last["effective_parameters"]["vllm"]["model_config"]["max_model_len"], 1024)
        self.assertEqual(stream.last["model"]["parameters"], batch.last["model"]["parameters"])

    def test_traffic_is_served_together(self):
        traffic = {"type": "poisson", "requests_per_s": 50.0}
        said = self.result(10, workload__sample_size=10, workload__traffic=traffic)
        self.assertEqual(said.last["effective_parameters"]["traffic"]["served"], "together as they overlap")

    def test_settings_that_vllm_refuses_are_told(self):
        self.assertIn("kv_cache_dtype", self.error("unsupported_parameter", options={"kv_cache_dtyp": "fp8"}))
        self.assertIn("cache_dtype", self.error("unsupported_parameter", options={"kv_cache_dtype": "int3"}))

    def test_a_model_that_is_not_there_is_named(self):
        self.assertIn("/nowhere/model", self.error("model_not_found", model="/nowhere/model"))

    def test_memory_that_runs_out_in_another_process_is_told(self):
        message = self.error("out_of_memory", options={"extra": {"num_gpu_blocks_override": 1}})
        self.assertIn("lower vllm.max_model_len", message)

    def test_told_to_end_it_ends_with_all_its_processes(self):
        long = given(workload__sample_size=1000, workload__max_output_tokens=900, warmup__prompts=0)
        process = start_worker(self, VLLM, long, b'"request"', **OFFLINE)
        children = children_of(process.pid)
        self.assertTrue(children)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(20), 128 + signal.SIGTERM)
        self.assertLess(time.monotonic() - began, 3)
        # Python's resource tracker ends by itself, when it has seen that all others are gone.
        deadline = time.monotonic() + 10
        while any(map(runs, children)) and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual([child for child in children if runs(child)], [])


if __name__ == "__main__":
    unittest.main()
