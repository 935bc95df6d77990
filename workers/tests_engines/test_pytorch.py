"""What the worker generates with the real PyTorch and Transformers on the CPU, and how: against plain Transformers.

Run with the Python of `setup-venv.sh`; without torch and transformers everything here is skipped.
"""

import importlib.util
import json
import os
import shutil
import sys
import tempfile
import unittest

from lem_worker.decoding import sha256_of_tokens
from tests.support import PROCEED_LINE, tell_worker

from . import real_pytorch, tiny_model
from .real_pytorch import OFFLINE, PYTORCH, Worker, builtin, given, model, parameters, reference


def setUpModule():
    real_pytorch.set_up()


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


if __name__ == "__main__":
    sys.exit(unittest.main())
