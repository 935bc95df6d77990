"""What engines share: facts of models, settings as plain data, and what processes say before they die."""

import dataclasses
import enum
import json
import os
import subprocess
import tempfile
import unittest
from types import SimpleNamespace
from unittest import mock

from lem_worker import failure, processes
from lem_worker.engines import checkpoints, experts, facts, opening, plain, said
from lem_worker.engines.base import ModelFacts
from lem_worker.engines.tensorrt import TensorRt
from lem_worker.engines.vllm import Vllm
from lem_worker.engines.vllm import options as vllm_options

from .support import WORKERS, command, environment, experiment


class Config:
    num_hidden_layers = 4
    hidden_size = 64
    num_attention_heads = 8
    num_key_value_heads = 2
    head_dim = None
    vocab_size = 100
    max_position_embeddings = 128


class Facts(unittest.TestCase):
    def test_bytes_of_the_cache_for_a_token(self):
        # 4 layers, keys and values, 2 heads of 64 / 8, 2 bytes each.
        self.assertEqual(facts.kv_bytes_per_token(Config(), 2), 4 * 2 * 2 * 8 * 2)

    def test_a_head_size_of_its_own_and_layers_without_attention_count(self):
        config = Config()
        config.head_dim = 16
        config.layer_types = ["linear_attention", "full_attention", "linear_attention", "sliding_attention"]
        self.assertEqual(facts.kv_bytes_per_token(config, 2), 2 * 2 * 2 * 16 * 2)

    def test_what_the_formula_does_not_cover_is_unknown(self):
        config = Config()
        config.kv_lora_rank = 512
        self.assertIsNone(facts.kv_bytes_per_token(config, 2))
        self.assertIsNone(facts.kv_bytes_per_token(object(), 2))
        self.assertIsNone(facts.kv_bytes_per_token(Config(), None))

    def test_the_width_of_attention_is_that_of_all_query_heads(self):
        config = Config()
        self.assertEqual(facts.attention_width(config), 64)
        config.head_dim = 16
        self.assertEqual(facts.attention_width(config), 8 * 16)
        config.kv_lora_rank = 512
        self.assertIsNone(facts.attention_width(config), "latent attention has heads of several sizes")
        self.assertIsNone(facts.attention_width(object()))

    def test_the_commit_of_the_hub_s_cache_is_the_revision(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "snapshots", "0123456789abcdef0123456789abcdef01234567")
            os.makedirs(path)
            self.assertEqual(facts.revision_of(path), "0123456789abcdef0123456789abcdef01234567")

    def test_a_changed_byte_anywhere_in_the_samples_changes_the_revision(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.safetensors")

            def revision(content):
                with open(path, "wb") as file:
                    file.write(content)
                return facts.revision_of(folder)

            original = bytes(3 << 20)
            for at in (0, (3 << 20) // 2, (3 << 20) - 1):
                changed = original[:at] + b"x" + original[at + 1 :]
                self.assertNotEqual(revision(original), revision(changed))
            self.assertEqual(revision(original), revision(original))


class Checkpoints(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, tensors):
        header, offset = {"__metadata__": {"format": "pt"}}, 0
        for tensor, shape in tensors.items():
            size = 2
            for length in shape:
                size *= length
            header[tensor] = {"dtype": "BF16", "shape": shape, "data_offsets": [offset, offset + size]}
            offset += size
        text = json.dumps(header).encode()
        with open(os.path.join(self.folder, name), "wb") as file:
            file.write(len(text).to_bytes(8, "little") + text + bytes(offset))

    def count(self, tied):
        return checkpoints.count(checkpoints.shapes(self.folder), tied)

    TENSORS = {
        "model.embed_tokens.weight": [10, 4],
        "model.layers.0.mlp.weight": [4, 8],
        "model.norm.weight": [4],
        "lm_head.weight": [10, 4],
    }

    def test_parameters_are_counted_from_headers(self):
        self.write("model.safetensors", self.TENSORS)
        self.assertEqual(self.count(tied=False), checkpoints.Counted(116, 80))

    def test_a_tied_head_counts_once(self):
        self.write("model.safetensors", self.TENSORS)
        self.assertEqual(self.count(tied=True), checkpoints.Counted(76, 40))

    def test_several_files_are_those_of_the_index(self):
        self.write("a.safetensors", {"model.embed_tokens.weight": [10, 4]})
        self.write("b.safetensors", {"model.norm.weight": [4]})
        index = {"weight_map": {"model.embed_tokens.weight": "a.safetensors", "model.norm.weight": "b.safetensors"}}
        with open(os.path.join(self.folder, "model.safetensors.index.json"), "w", encoding="utf-8") as file:
            json.dump(index, file)
        self.assertEqual(self.count(tied=True).parameters, 44)

    def test_the_experts_of_a_checkpoint_are_told(self):
        one = {
            "model.layers.0.mlp.experts.0.up_proj.weight": [4, 8],
            "model.layers.0.mlp.experts.1.up_proj.weight": [4, 8],
        }
        self.write("model.safetensors", {**self.TENSORS, **one})
        config = SimpleNamespace(num_hidden_layers=1, num_experts=2, num_experts_per_tok=1)
        known = ModelFacts()
        checkpoints.add_counts(known, self.folder, config, "bfloat16")
        self.assertEqual((known.non_embedding_parameters, known.active_non_embedding_parameters), (100, 68))

    def test_what_is_no_checkpoint_is_unknown(self):
        self.assertIsNone(checkpoints.shapes(self.folder))
        self.assertIsNone(checkpoints.shapes(None))
        with open(os.path.join(self.folder, "model.safetensors"), "wb") as file:
            file.write(b"\xff" * 100)
        self.assertIsNone(checkpoints.shapes(self.folder))


class Experts(unittest.TestCase):
    """By hand: a layer with 10 parameters for every token, and 8 experts of 6, of which a token passes through 2."""

    ONE_BY_ONE = {
        "model.layers.0.mlp.gate.weight": [2, 2],
        "model.layers.0.mlp.shared_experts.up_proj.weight": [2, 3],
        **{f"model.layers.0.mlp.experts.{expert}.up_proj.weight": [2, 3] for expert in range(8)},
    }
    TOGETHER = {
        "model.layers.0.mlp.gate.weight": [2, 2],
        "model.layers.0.mlp.shared_expert.up_proj.weight": [2, 3],
        "model.layers.0.mlp.experts.gate_up_proj": [8, 2, 3],
    }

    def config(self, **changes):
        return SimpleNamespace(**{"num_hidden_layers": 1, "num_experts": 8, "num_experts_per_tok": 2, **changes})

    def active(self, shapes, **changes):
        return experts.active_parameters(self.config(**changes), shapes, 58)

    def test_a_token_passes_through_some_experts_and_everything_else(self):
        for shapes in (self.ONE_BY_ONE, self.TOGETHER):
            self.assertEqual(self.active(shapes), 10 + 2 * 6)

    def test_what_cannot_be_told_exactly_is_unknown(self):
        other = {**self.TOGETHER, "model.layers.0.mlp.experts.gate_up_proj_blocks": [4, 2, 3]}
        further = {**self.ONE_BY_ONE, "model.layers.1.eh_proj.weight": [2, 2]}
        for unknown in (
            self.active(None),
            self.active({"model.layers.0.mlp.gate.weight": [58]}),
            self.active(other),
            self.active(further),
            self.active(self.ONE_BY_ONE, num_experts=4),
            self.active(self.TOGETHER, num_experts_per_tok=None),
            self.active(self.TOGETHER, num_experts_per_tok=9),
        ):
            self.assertIsNone(unknown)

    def test_a_dense_model_has_no_active_part(self):
        self.assertIsNone(self.active({"model.layers.0.mlp.up_proj.weight": [58]}, num_experts=None))
        self.assertIsNone(self.active(self.TOGETHER, num_experts=1))

    def test_configurations_name_the_experts_in_several_ways(self):
        for name in ("num_local_experts", "num_experts", "n_routed_experts"):
            self.assertIs(experts.is_mixture(SimpleNamespace(**{name: 8})), True)
            self.assertIs(experts.is_mixture(SimpleNamespace(**{name: 1})), False)

    def test_where_the_configuration_says_nothing_the_tensors_do(self):
        dense = {"model.layers.0.mlp.up_proj.weight": [2, 3]}
        self.assertIs(experts.is_mixture(SimpleNamespace(), dense), False)
        self.assertIs(experts.is_mixture(SimpleNamespace(), self.ONE_BY_ONE), True)
        self.assertIsNone(experts.is_mixture(SimpleNamespace()))


TORCH = """
import os, types
class Cuda(types.SimpleNamespace):
    def is_available(self): return {gpus} > 0
    def device_count(self): return {gpus}
    def synchronize(self, index): opened.append(index)
    def empty_cache(self): print("printed by a library", opened, flush=True)
opened, cuda = [], Cuda()
def zeros(size, device):
    if {full}: raise RuntimeError("CUDA error: out of memory")
"""
"""Stands for PyTorch on a machine with GPUs."""


class Opening(unittest.TestCase):
    def opened(self, most, gpus=3, full=False):
        """What is said of the GPUs, and whether the process that has them open ends with them."""
        warnings = []
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "torch.py"), "w", encoding="utf-8") as file:
                file.write(TORCH.format(gpus=gpus, full=full))
            with mock.patch.dict(os.environ, {"PYTHONPATH": folder}):
                before = processes.descendants()
                with opening.opened_elsewhere(most, warnings.append) as where:
                    during = processes.descendants()
                after = processes.descendants()
        self.assertEqual((len(during) - len(before), after), (0 if full else 1, before))
        return where, warnings

    def test_another_process_has_the_gpus_of_the_engine_open_and_no_more(self):
        for most, expected in ((1, "1 GPU,"), (2, "2 GPUs,"), (8, "3 GPUs,")):
            where, warnings = self.opened(most)
            self.assertTrue(where.startswith(expected), where)
            self.assertIn("a process of its own", where)
            self.assertEqual(warnings, [])

    def test_without_a_gpu_there_is_a_process_that_has_imported_what_it_needs(self):
        self.assertTrue(self.opened(1, gpus=0)[0].startswith("no GPU, PyTorch imported"))

    def test_gpus_that_cannot_be_opened_are_a_warning(self):
        where, warnings = self.opened(1, full=True)
        self.assertIsNone(where)
        self.assertIn("no context baseline can be taken", warnings[0])

    def test_an_engine_opens_as_many_gpus_as_it_was_given(self):
        for engine, given, expected in (
            (Vllm(), {"tensor_parallel_size": 4, "pipeline_parallel_size": 2}, 8),
            (TensorRt(), {"tp_size": 2}, 2),
            (Vllm(), {}, 1),
        ):
            engine._given = given
            self.assertEqual(engine._gpus(), expected)


class Plain(unittest.TestCase):
    def test_settings_become_what_json_can_hold(self):
        class Kind(enum.Enum):
            FAST = "fast"

        @dataclasses.dataclass
        class Part:
            kind: Kind
            limit: float
            hidden: object = None
            _private: int = 3

        found = plain.plain({"part": Part(Kind.FAST, float("inf")), "names": {"b", "a"}, 3: object})
        self.assertEqual(found["part"], {"kind": "fast", "limit": "inf", "hidden": None})
        self.assertEqual(found["names"], ["a", "b"])
        json.dumps(found, allow_nan=False)

    def test_depth_and_length_are_bounded(self):
        deep = current = {}
        for _ in range(50):
            current["x"] = {}
            current = current["x"]
        self.assertLess(len(json.dumps(plain.plain(deep))), 200)
        self.assertEqual(len(plain.plain(list(range(10_000)))), plain.MAX_ITEMS)


SPEAKER = """
import os, subprocess, sys
from lem_worker import failure
from lem_worker.engines.said import Said
said = Said()
subprocess.run(["sh", "-c", "echo 'ERROR ValueError: No available memory for the cache blocks' >&2; echo out"])
print("by Python")
import time; time.sleep(0.2)
reason = said.reason(RuntimeError("Engine core initialization failed. See root cause above."))
said.close()
print(type(reason).__name__, reason, file=sys.stderr)
"""


LAST_WORDS = """
import os, sys
from lem_worker.engines.said import Said
said = Said()
os.write(2, b"WARNING you may run out of memory; token hf_AbCdEfGhIjKlMnOpQrSt\\n")
os.write(2, b"ModuleNotFoundWarning: ImportError: no module called extras\\n" + b"x" * 60000 + b"\\n")
advice = said.reason(RuntimeError("Engine core initialization failed. See root cause above."))
os.write(2, b"x" * 50000 + b"\\nERROR ValueError: head size 16\\nunfinished")
died = said.reason(RuntimeError("Engine core initialization failed. See root cause above."))
said.close()
print(f"advice: {advice}", f"died: {died}", sep="\\n", file=sys.stderr)
"""


class Said(unittest.TestCase):
    def test_only_lines_about_failures_tell_why_and_nothing_is_lost_or_secret(self):
        ended = subprocess.run(
            command("-c", LAST_WORDS), env=environment(), cwd=WORKERS, capture_output=True, text=True, timeout=30
        )
        self.assertIn("advice: Engine core initialization failed", ended.stderr, "advice on memory is no failure")
        self.assertIn("died: ValueError: head size 16", ended.stderr, "last words are waited for")
        self.assertIn("token [redacted]", ended.stderr)
        self.assertIn("unfinished", ended.stderr)
        self.assertEqual(ended.stderr.count("x" * 50000), 2)

    def test_memory_that_ran_out_in_a_child_is_found_and_everything_still_reaches_standard_error(self):
        ended = subprocess.run(
            command("-c", SPEAKER), env=environment(), cwd=WORKERS, capture_output=True, text=True, timeout=30
        )
        self.assertEqual(ended.stdout, "")
        self.assertIn("by Python", ended.stderr)
        self.assertIn("MemoryError ERROR ValueError: No available memory", ended.stderr)

    def test_the_first_exception_is_the_root_cause(self):
        lines = ["INFO all is well", "(Worker) ERROR RuntimeError: head size 16", "ERROR EngineDeadError: see above"]
        self.assertEqual(said.root_cause(lines), "RuntimeError: head size 16")
        self.assertIsNone(said.root_cause(["INFO nothing"]))


class VllmOptions(unittest.TestCase):
    ENGINE = [
        "max_num_seqs",
        "attention_backend",
        "attention_config",
        "speculative_config",
        "enable_lora",
        "max_lora_rank",
    ]

    def settings(self, written, engine=None, **changes):
        asked = experiment(options=written, **changes)
        known = self.ENGINE if engine is None else engine
        return vllm_options.settings(vllm_options.check(asked), asked, known, ["min_p", "logit_bias"], "vLLM 1")

    def test_options_become_settings_of_the_installed_release(self):
        attention = {"backend": "FLASH_ATTN", "flash_version": 3}
        self.assertEqual(
            self.settings({"attention": attention}).engine,
            {"attention_config": {"flash_attn_version": 3, "backend": "FLASH_ATTN"}},
        )
        older = self.settings({"attention": attention}, engine=[])
        self.assertEqual(older.environment, {"VLLM_ATTENTION_BACKEND": "FLASH_ATTN", "VLLM_FLASH_ATTN_VERSION": "3"})
        drafted = self.settings({"speculative": {"model": "m", "draft_tp_size": 1}}).engine["speculative_config"]
        self.assertEqual(drafted, {"model": "m", "draft_tensor_parallel_size": 1, "num_speculative_tokens": 5})
        self.assertEqual(self.settings({"logit_bias": {"7": 1.5}}).sampling, {"logit_bias": {7: 1.5}})

    def test_an_adapter_switches_lora_on(self):
        self.assertEqual(self.settings({}, adapter="a").engine, {"enable_lora": True})
        with self.assertRaises(failure.Failure):
            self.settings({"lora": {"enabled": False}}, adapter="a")

    def test_what_cannot_be_carried_out_is_refused_by_its_option(self):
        for written, expected in (
            ({"extra": {"seed": 1}}, "vllm.extra.seed cannot be set"),
            ({"max_num_seqs": 1, "extra": {"max_num_seqs": 2}}, "contradicts vllm.max_num_seqs"),
            ({"extra": {"max_lora_ran": 2}}, "did you mean max_lora_rank?"),
            ({"block_size": 16}, "vllm.block_size cannot be carried out: vLLM 1 has no setting block_size"),
            ({"speculative": {"num_tokens": 2}}, "needs a model that drafts tokens"),
            ({"logit_bias": {"the": 1}}, "token ids are needed"),
        ):
            with self.assertRaises(failure.Failure) as raised:
                self.settings(written)
            self.assertIn(expected, raised.exception.message)


if __name__ == "__main__":
    unittest.main()
