"""What the worker tells of a model, of its place and of a run, with the real PyTorch and Transformers on the CPU.

Run with the Python of `setup-venv.sh`; without torch and transformers everything here is skipped.
"""

import hashlib
import importlib.util
import sys
import unittest
from types import SimpleNamespace

from lem_worker import prompts
from tests.support import experiment

from . import real_pytorch, tiny_model
from .real_pytorch import Worker, model, parameters


def setUpModule():
    real_pytorch.set_up()


class Facts(Worker):
    def test_the_facts_of_the_model_are_those_computed_by_hand(self):
        t = tiny_model
        head = t.HIDDEN // t.HEADS
        attention = t.HIDDEN * t.HIDDEN * 2 + t.HIDDEN * head * t.KV_HEADS * 2
        layer = attention + 3 * t.HIDDEN * t.INTERMEDIATE + 2 * t.HIDDEN
        body = t.LAYERS * layer + t.HIDDEN
        whole = body + 2 * t.VOCABULARY * t.HIDDEN
        facts = self.result().last["model"]
        self.assertEqual(facts["parameters"], whole)
        self.assertEqual(facts["non_embedding_parameters"], body)
        self.assertIs(facts["mixture_of_experts"], False)
        self.assertNotIn("active_non_embedding_parameters", facts)
        self.assertEqual(facts["attention_width"], t.HEADS * head)
        self.assertEqual((facts["layers"], facts["hidden_size"], facts["dtype"]), (t.LAYERS, t.HIDDEN, "float32"))
        self.assertEqual(facts["kv_bytes_per_token"], t.LAYERS * 2 * t.KV_HEADS * head * 4)
        self.assertEqual(facts["weight_bytes"], whole * 4)
        self.assertTrue(facts["revision"].startswith("sampled-sha256:"))

    def test_of_a_mixture_the_experts_of_a_token_are_told(self):
        from transformers import MixtralConfig, MixtralForCausalLM

        from lem_worker.engines.pytorch import loading

        config = MixtralConfig(
            vocab_size=64,
            hidden_size=16,
            intermediate_size=24,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            num_local_experts=4,
            num_experts_per_tok=1,
        )
        known = loading.facts_of(MixtralForCausalLM(config), "nothing", {"local_files_only": True})
        self.assertIs(known.mixture_of_experts, True)
        # In each of two layers, a token passes by three experts with three matrices.
        left_out = 2 * 3 * 3 * 16 * 24
        self.assertEqual(known.non_embedding_parameters - known.active_non_embedding_parameters, left_out)

    def test_the_prompts_file_is_told_by_its_hash(self):
        with open(prompts.BUILTIN_PATH, "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        self.assertEqual(parameters(self.result())["prompts"]["file_sha256"], digest)

    def test_phases_are_complete_and_peak_memory_is_told(self):
        said = self.result(idle_s=0.05, context_s=0.05)
        phases = [event["phase"] for event in said.named("phase") if event["edge"] == "end"]
        self.assertEqual(phases, ["context", "load", "idle", "warmup", "measure", "unload"])
        self.assertIn("in the worker's own process", parameters(said)["context"])
        self.assertGreater(said.last["peak_memory_bytes"], 100_000_000)


class Placing(unittest.TestCase):
    """Where the parts of a model are, as far as it can be told without a GPU."""

    def network(self, *devices, **places):
        import torch

        weights = [SimpleNamespace(device=torch.device(device)) for device in devices]
        return SimpleNamespace(parameters=lambda: weights, hf_device_map=places)

    def test_every_gpu_that_holds_weights_is_waited_for(self):
        import torch

        from lem_worker.engines.pytorch import loading

        network = self.network("cuda:2", "cuda:1", "meta", "cuda:1")
        self.assertEqual(loading.gpus_of(network, torch.device("cuda")), [0, 1, 2])
        self.assertEqual(loading.gpus_of(network, torch.device("cpu")), [])

    def test_weights_that_found_no_room_on_the_gpus_are_told(self):
        from lem_worker.engines.pytorch import loading

        self.assertEqual(
            loading.outside_gpus(self.network(embed=0, layers=1, norm="disk", head="cpu")), ["cpu", "disk"]
        )
        self.assertEqual(loading.outside_gpus(self.network(embed=0)), [])
        self.assertEqual(loading.outside_gpus(SimpleNamespace()), [])

    @unittest.skipIf(importlib.util.find_spec("peft") is None, "not installed: peft")
    def test_a_compiled_forward_pass_is_used_with_an_adapter_too(self):
        import torch

        from lem_worker.engines.base import Request
        from lem_worker.engines.pytorch import extra, generating, loading

        compiled = []

        def backend(graph, inputs):
            compiled.append(graph)
            return graph.forward

        asked = experiment(model=model(), adapter=model("adapter"), workload__max_output_tokens=2)
        options = {"torch_compile": True, "torch_compile_backend": backend}
        loaded = loading.load(asked, options, extra.Extra())
        config = generating.generation_config(asked, {}, {}, loaded)
        generating.generate(loaded, config, [Request(0, [0, 5, 6])], streaming=False)
        self.assertTrue(compiled)
        torch.compiler.reset()


if __name__ == "__main__":
    sys.exit(unittest.main())
