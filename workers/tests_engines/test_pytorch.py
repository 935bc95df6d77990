"""The real PyTorch and Transformers on the CPU, with a tiny model that is made on the spot.

Run with the Python of `setup-venv.sh`; without torch and transformers everything here is skipped.
"""

import hashlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from types import SimpleNamespace

from lem_worker import files, prompts
from lem_worker.decoding import sha256_of_tokens
from tests.support import (
    PROCEED_LINE,
    WORKERS,
    command,
    environment,
    experiment,
    run_worker,
    tell_worker,
    written,
)

from . import tiny_model

MISSING = [name for name in ("torch", "transformers", "tokenizers") if importlib.util.find_spec(name) is None]
PYTORCH = command("-m", "lem_worker", "pytorch")
OFFLINE = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}

FOLDER = None


def setUpModule():
    if MISSING:
        raise unittest.SkipTest(f"not installed: {', '.join(MISSING)}; run tests_engines/setup-venv.sh")
    global FOLDER
    folder = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(folder.cleanup)
    FOLDER = folder.name
    making = command("-m", "tests_engines.tiny_model", FOLDER)
    made = subprocess.run(making, env=environment(**OFFLINE), cwd=WORKERS, capture_output=True, text=True)
    if made.returncode:
        raise RuntimeError(made.stderr)


def model(name="model"):
    return os.path.join(FOLDER, name)


def given(**changes):
    plain = {
        "backend": "pytorch",
        "model": model(),
        "workload__max_input_tokens": 40,
        "workload__max_output_tokens": 12,
        "warmup__prompts": 1,
    }
    return written(**{**plain, **changes})


class Worker(unittest.TestCase):
    def run_worker(self, **changes):
        return run_worker(PYTORCH, given(**changes), 120, **OFFLINE)

    def result(self, requests=4, **changes):
        said = self.run_worker(**changes)
        self.assertEqual(said.status, 0, said.errors)
        verdict = said.verdict(requests)
        self.assertEqual(verdict["verdict"], "result", verdict)
        return said

    def error(self, kind, **changes):
        said = self.run_worker(**changes)
        self.assertEqual((said.status, said.verdict(None)), (1, {"verdict": "error", "kind": kind}), said.errors)
        return said.last["message"]


class Generating(Worker):
    def test_greedy_output_is_that_of_transformers_alone(self):
        said = self.result(streaming=True)
        expected = reference(model(), 4)
        self.assertEqual(parameters(said)["output_token_sha256"], sha256_of_tokens(expected))
        self.assertEqual([event["output_tokens"] for event in said.named("request")], [len(one) for one in expected])
        batched = self.result(streaming=False, batch_size=4)
        self.assertEqual(parameters(batched)["output_token_sha256"], sha256_of_tokens(expected))

    def test_input_tokens_are_the_tokenizer_s_with_special_tokens(self):
        import transformers

        tokenizer = transformers.AutoTokenizer.from_pretrained(model())
        lengths = [min(len(tokenizer(text)["input_ids"]), 40) for text in builtin(4)]
        self.assertEqual([event["input_tokens"] for event in self.result().named("request")], lengths)

    def test_streaming_tells_every_token(self):
        said = self.result(streaming=True)
        for event in said.named("request"):
            self.assertEqual(len(event["itl_ms"]), event["output_tokens"] - 1)
            self.assertAlmostEqual(event["ttft_ms"] + sum(event["itl_ms"]), event["latency_ms"], delta=0.001)
            self.assertTrue(all(gap > 0 for gap in event["itl_ms"]))
            self.assertLessEqual(event["start_ns"] + event["latency_ms"] * 1e6, event["t_ns"] + 1)
        self.assertEqual(parameters(said)["latency"], "per request")

    def test_streaming_of_a_batch_tells_the_tokens_that_come_together(self):
        said = self.result(streaming=True, batch_size=4)
        events = said.named("request")
        self.assertEqual(len({event["ttft_ms"] for event in events}), 1)
        self.assertTrue(all(len(event["itl_ms"]) == event["output_tokens"] - 1 for event in events))

    def test_batches_share_their_latency(self):
        for strategy, limit, batches in (("static", None, 2), ("sorted_static", None, 2), ("dynamic", 50, 4)):
            options = {"batching_strategy": strategy, "max_tokens_per_batch": limit}
            said = self.result(6, streaming=False, batch_size=3, workload__sample_size=6, options=options)
            latencies = {event["latency_ms"] for event in said.named("request")}
            self.assertGreaterEqual(len(latencies), batches, strategy)
            self.assertEqual(parameters(said)["latency"], "of its batch")
            self.assertEqual(parameters(said)["batching"]["strategy"], strategy)

    def test_the_order_of_batches_does_not_change_what_greedy_decoding_gives(self):
        hashes = {
            parameters(self.result(6, workload__sample_size=6, streaming=False, batch_size=2, options=options))[
                "output_token_sha256"
            ]
            for options in ({}, {"batching_strategy": "sorted_static"})
        }
        self.assertEqual(len(hashes), 1)

    def test_a_seed_repeats_what_sampling_gives(self):
        def sampled(seed, warmup=1):
            said = self.result(decoding__do_sample=True, decoding__temperature=2.0, seed=seed, warmup__prompts=warmup)
            return parameters(said)["output_token_sha256"]

        first = sampled(5)
        self.assertEqual(sampled(5, warmup=3), first, "it does not depend on what was generated before")
        self.assertNotEqual(sampled(6), first)

    def test_output_ends_with_the_end_token_and_not_before_the_minimum(self):
        free = dict(decoding__do_sample=True, decoding__temperature=50.0, decoding__top_k=0, seed=3)
        many = dict(workload__sample_size=64, workload__max_output_tokens=200, streaming=False, batch_size=64)
        ended = self.result(64, **free, **many)
        lengths = [event["output_tokens"] for event in ended.named("request")]
        self.assertLess(min(lengths), 200, "with 2000 tokens almost at random, some output ends early")
        held = self.result(64, **free, **many, workload__min_output_tokens=150)
        self.assertGreaterEqual(min(event["output_tokens"] for event in held.named("request")), 150)

    def test_long_prompts_are_cut_and_counted(self):
        said = self.result(workload__max_input_tokens=5)
        self.assertEqual({event["input_tokens"] for event in said.named("request")}, {5})
        self.assertEqual(parameters(said)["prompts"]["cut"], 4)

    def test_traffic_is_served_one_request_at_a_time(self):
        for traffic in ({"type": "closed", "concurrency": 3}, {"type": "poisson", "requests_per_s": 50.0}):
            said = self.result(6, workload__sample_size=6, workload__traffic=traffic)
            self.assertEqual(parameters(said)["traffic"]["served"], "one at a time, in the order of arrival")
        latencies = [event["latency_ms"] for event in said.named("request")]
        self.assertEqual(len(latencies), 6)

    def test_beam_search_gives_what_transformers_gives(self):
        said = self.result(streaming=False, options={"beam_search": {"num_beams": 3, "length_penalty": 0.5}})
        expected = reference(model(), 4, num_beams=3, length_penalty=0.5)
        self.assertEqual(parameters(said)["output_token_sha256"], sha256_of_tokens(expected))

    def test_an_assistant_changes_the_steps_and_not_the_output(self):
        said = self.result(streaming=True, options={"assisted_generation": {"model": model("model"), "num_tokens": 4}})
        self.assertEqual(parameters(said)["output_token_sha256"], sha256_of_tokens(reference(model(), 4)))
        self.assertIn("no inter-token gaps", said.named("warning")[0]["message"])
        self.assertTrue(all("ttft_ms" in event and "itl_ms" not in event for event in said.named("request")))

    def test_options_of_generation_reach_transformers(self):
        options = {"use_cache": False, "no_repeat_ngram_size": 2, "output_scores": True, "attn_implementation": "eager"}
        said = self.result(options={**options, "extra": {"renormalize_logits": True}})
        config = parameters(said)["generation_config"]
        self.assertEqual(config["no_repeat_ngram_size"], 2)
        self.assertIs(config["use_cache"], False)
        self.assertIs(config["return_dict_in_generate"], True)
        self.assertIs(config["renormalize_logits"], True)
        self.assertEqual(parameters(said)["attn_implementation"], "eager")
        expected = reference(model(), 4, no_repeat_ngram_size=2, use_cache=False)
        self.assertEqual(parameters(said)["output_token_sha256"], sha256_of_tokens(expected))

    def test_an_option_that_is_zero_wins_over_the_model_s_own(self):
        with tempfile.TemporaryDirectory() as folder:
            own = shutil.copytree(model(), os.path.join(folder, "own"))
            with open(os.path.join(own, "generation_config.json"), "w", encoding="utf-8") as file:
                json.dump({"bos_token_id": 0, "eos_token_id": 1, "no_repeat_ngram_size": 2}, file)
            said = self.result(model=own, options={"no_repeat_ngram_size": 0})
        self.assertEqual(parameters(said)["generation_config"]["no_repeat_ngram_size"], 0)
        self.assertEqual(parameters(said)["output_token_sha256"], sha256_of_tokens(reference(model(), 4)))

    def test_a_static_cache_gives_the_same_tokens(self):
        said = self.result(options={"cache_implementation": "static"})
        self.assertEqual(parameters(said)["output_token_sha256"], sha256_of_tokens(reference(model(), 4)))

    def test_a_precision_is_obeyed_on_the_cpu_too(self):
        said = self.result(precision="bfloat16")
        self.assertEqual((said.last["model"]["dtype"], parameters(said)["precision"]), ("bfloat16", "bfloat16"))
        t = tiny_model
        self.assertEqual(
            said.last["model"]["kv_bytes_per_token"], t.LAYERS * 2 * t.KV_HEADS * (t.HIDDEN // t.HEADS) * 2
        )

    def test_threads_are_those_that_were_asked_for(self):
        self.assertEqual(parameters(self.result(options={"threads": 2}))["threads"], 2)

    @unittest.skipIf(importlib.util.find_spec("peft") is None, "not installed: peft")
    def test_an_adapter_changes_the_output_and_not_the_facts(self):
        said = self.result(adapter=model("adapter"))
        plain = self.result()
        self.assertNotEqual(parameters(said)["output_token_sha256"], parameters(plain)["output_token_sha256"])
        self.assertEqual(said.last["model"], plain.last["model"])
        self.assertEqual(parameters(said)["adapter"]["rank"], 4)

    @unittest.skipIf(importlib.util.find_spec("datasets") is None, "not installed: datasets")
    def test_a_dataset_in_a_folder_is_read(self):
        with tempfile.TemporaryDirectory() as folder:
            rows = [{"conversations": [{"from": "gpt", "value": "no"}]}]
            rows += [{"conversations": [{"from": "human", "value": f"prompt number {n}"}]} for n in range(5)]
            with open(os.path.join(folder, "train.jsonl"), "w", encoding="utf-8") as file:
                file.writelines(json.dumps(row) + "\n" for row in rows)
            said = self.result(workload__prompts={"type": "dataset", "name": folder})
            facts = parameters(said)["prompts"]
            self.assertEqual((facts["column"], facts["rows"], facts["rows_without_prompt"]), ("conversations", 6, 1))


class Holding(Worker):
    def test_a_held_warm_up_goes_on_until_the_word_and_changes_nothing(self):
        held = []

        def due(event):
            held.extend([event] if event["event"] == "progress" and event["total"] is None else [])
            return len(held) == 4

        said, _ = tell_worker(PYTORCH, given(warmup__hold=True, warmup__prompts=2), due, PROCEED_LINE, **OFFLINE)
        self.assertEqual(said.status, 0, said.errors)
        self.assertEqual(said.verdict(4)["verdict"], "result")
        self.assertGreaterEqual(parameters(said)["warmup_held_requests"], 4)
        plain = self.result(warmup__prompts=2)
        self.assertEqual(parameters(said)["output_token_sha256"], parameters(plain)["output_token_sha256"])


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


class Refusals(Worker):
    def test_an_unknown_option_comes_with_suggestions(self):
        message = self.error("unsupported_parameter", options={"atn_implementation": "sdpa"})
        self.assertIn("pytorch.atn_implementation is not known; did you mean attn_implementation", message)

    def test_an_unknown_extra_comes_with_suggestions_of_transformers_itself(self):
        message = self.error("unsupported_parameter", options={"extra": {"renormalise_logits": True}})
        self.assertIn("did you mean renormalize_logits?", message)
        message = self.error("unsupported_parameter", options={"extra": {"max_new_tokens": 5}})
        self.assertIn("max_output_tokens sets it", message)

    def test_what_only_the_installed_packages_can_tell_is_refused_as_well(self):
        for options, expected in (
            ({"load_in_8bit": True}, "needs a GPU"),
            ({"device": "cuda"}, "PyTorch sees no GPU"),
            ({"cache_implementation": "paper"}, "transformers refuses the settings of generation"),
            ({"low_cpu_mem_usage": False}, "always loads weights without a second copy"),
        ):
            self.assertIn(expected, self.error("unsupported_parameter", options=options), options)

    def test_a_model_that_is_not_there_is_named(self):
        for name in ("/nowhere/model", "nobody/has-this-model"):
            self.assertIn(name, self.error("model_not_found", model=name))

    def test_a_folder_without_weights_is_no_model(self):
        with tempfile.TemporaryDirectory() as folder:
            self.error("model_not_found", model=folder)

    def test_a_model_of_which_a_file_is_missing_is_no_model(self):
        with tempfile.TemporaryDirectory() as folder:
            torn = shutil.copytree(model(), os.path.join(folder, "torn"))
            os.remove(os.path.join(torn, "model.safetensors"))
            with open(os.path.join(torn, "model.safetensors.index.json"), "w", encoding="utf-8") as file:
                json.dump({"metadata": {}, "weight_map": {"lm_head.weight": "model-00001-of-00002.safetensors"}}, file)
            self.assertIn("model-00001-of-00002", self.error("model_not_found", model=torn))

    def test_an_adapter_that_is_not_there_is_named(self):
        self.assertIn("/nowhere/adapter", self.error("model_not_found", adapter="/nowhere/adapter"))

    def test_an_attention_that_is_not_installed_is_named(self):
        message = self.error("unsupported_parameter", options={"attn_implementation": "flash_attention_7"})
        self.assertIn("flash_attention_7", message)

    def test_prompts_that_do_not_fit_are_refused(self):
        message = self.error("unsupported_parameter", workload__max_output_tokens=2047)
        self.assertIn("the model's context holds 2048", message)


class Ending(unittest.TestCase):
    def test_told_to_end_it_ends_within_two_seconds(self):
        process = subprocess.Popen(
            PYTORCH,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(**OFFLINE),
            cwd=WORKERS,
        )
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        long = given(workload__sample_size=1000, workload__max_output_tokens=1000, warmup__prompts=0)
        process.stdin.write(json.dumps(long).encode() + b"\n")
        process.stdin.close()
        for line in process.stdout:
            if b'"request"' in line:
                break
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(10), 128 + signal.SIGTERM)
        self.assertLess(time.monotonic() - began, 2)


def parameters(said):
    return said.last["effective_parameters"]


def builtin(count):
    return [record.text for record in files.read(prompts.BUILTIN_PATH, "prompt")[:count]]


def reference(folder, count, **settings):
    """The new tokens that plain transformers gives for the first built-in prompts, one at a time."""
    import torch
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    network = transformers.AutoModelForCausalLM.from_pretrained(folder)
    outputs = []
    for text in builtin(count):
        ids = torch.tensor([tokenizer(text)["input_ids"][:40]])
        output = network.generate(ids, max_new_tokens=12, do_sample=False, pad_token_id=1, **settings)
        tokens = output[0, ids.shape[1] :].tolist()
        outputs.append(tokens[: tokens.index(1) + 1] if 1 in tokens else tokens)
    return outputs


if __name__ == "__main__":
    sys.exit(unittest.main())
