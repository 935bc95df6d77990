"""Where prompts come from, what is done to them, and how they are put together."""

import collections
import os
import tempfile
import unittest

from lem_worker import batches, datasets, failure, files, prompts
from lem_worker.decoding import seed_of, sha256_of_tokens
from lem_worker.engines.base import Loaded, Request
from lem_worker.experiment import PromptSource
from lem_worker.records import Record, find_column, ordered, prompt_in

from .support import experiment


def builtin():
    return files.read(prompts.BUILTIN_PATH, "prompt")


class BuiltIn(unittest.TestCase):
    def test_there_are_enough_different_prompts_of_many_kinds_and_lengths(self):
        found = builtin()
        kinds = collections.Counter(record.group for record in found)
        lengths = sorted(len(record.text.split()) for record in found)
        self.assertGreaterEqual(len(found), 240)
        self.assertEqual(len({record.text for record in found}), len(found))
        self.assertGreaterEqual(len(kinds), 10)
        self.assertGreaterEqual(min(kinds.values()), 15)
        self.assertLessEqual(lengths[10], 10)
        self.assertGreater(lengths[-1], 350)

    def test_kinds_are_mixed_from_the_start(self):
        self.assertEqual(len({record.group for record in builtin()[:11]}), 11)


class Files(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def file(self, name, text):
        path = os.path.join(self.folder.name, name)
        with open(path, "wb") as file:
            file.write(text.encode() if isinstance(text, str) else text)
        return path

    def texts(self, name, text, column=None):
        return [record.text for record in files.read(self.file(name, text), column)]

    def refusal(self, name, text, column=None):
        with self.assertRaises(failure.Failure) as raised:
            files.read(self.file(name, text), column)
        self.assertEqual(raised.exception.kind, failure.UNSUPPORTED_PARAMETER)
        return raised.exception.message.replace(self.folder.name + os.sep, "")

    def test_a_text_file_has_a_prompt_a_line(self):
        self.assertEqual(self.texts("a.txt", "\ufeffone\r\n\n  \ntwo words\n"), ["one", "two words"])

    def test_a_line_ends_only_where_lines_end(self):
        self.assertEqual(self.texts("a.txt", "a\u2028b\x0bc\n"), ["a\u2028b\x0bc"])

    def test_the_field_of_a_jsonl_file_is_found_or_named(self):
        text = '{"id": 1, "Prompt": "one", "category": "x"}\n\n{"id": 2, "Prompt": "two", "category": "y"}\n'
        self.assertEqual(self.texts("a.jsonl", text), ["one", "two"])
        self.assertEqual(self.texts("a.jsonl", '{"q": "one", "text": "no"}', "q"), ["one"])
        records = files.read(self.file("b.jsonl", text))
        self.assertEqual([record.group for record in records], ["x", "y"])

    def test_a_csv_file_may_hold_lines_in_a_field(self):
        text = 'id,question\n1,"one\nand a half"\n2,two\n'
        self.assertEqual(self.texts("a.csv", text), ["one\nand a half", "two"])

    def test_a_failure_names_file_line_and_field(self):
        self.assertEqual(
            self.refusal("a.jsonl", '{"text": "one"}\n\n{"text": ""}\n'),
            'a.jsonl, line 3: there is no text in the field "text"; the fields are: text',
        )
        self.assertIn("a.jsonl, line 2: not a line of JSON", self.refusal("a.jsonl", '{"text": "one"}\n{"text"\n'))
        self.assertEqual(self.refusal("a.jsonl", "[1]"), "a.jsonl, line 1: not a JSON object")
        self.assertIn("no field is called text, prompt", self.refusal("a.csv", "id,q\n1,two\n"))
        self.assertIn('a.csv, line 3: there is no text in the column "b"', self.refusal("a.csv", "a,b\n1,x\n2\n", "b"))
        self.assertIn("is none of .txt, .jsonl and .csv", self.refusal("a.json", "[]"))
        self.assertIn("is not UTF-8", self.refusal("a.txt", b"\xff\xfe\x00"))

    def test_a_file_that_is_not_there_is_named(self):
        with self.assertRaises(failure.Failure) as raised:
            files.read("/nowhere/prompts.txt")
        self.assertEqual(
            raised.exception.message, "the prompts file /nowhere/prompts.txt cannot be read: No such file or directory"
        )


class Datasets(unittest.TestCase):
    @unittest.skipIf(__import__("importlib.util").util.find_spec("datasets"), "the package datasets is installed")
    def test_without_the_package_its_command_is_said(self):
        with self.assertRaises(failure.Failure) as raised:
            datasets.load(PromptSource("dataset", name="alpaca"), 4)
        self.assertEqual(raised.exception.kind, failure.ENGINE)
        self.assertIn("pip install datasets", raised.exception.message)

    def test_an_alias_is_resolved_in_either_spelling_and_fields_win(self):
        energy = datasets.resolve(PromptSource("dataset", name="ai_energy_score"))
        self.assertEqual((energy.name, energy.column, energy.split), ("AIEnergyScore/text_generation", "text", "train"))
        mmlu = datasets.resolve(PromptSource("dataset", name="mmlu", split="validation"))
        self.assertEqual((mmlu.name, mmlu.subset, mmlu.split), ("cais/mmlu", "all", "validation"))
        other = datasets.resolve(PromptSource("dataset", name="someone/else"))
        self.assertEqual((other.name, other.column, other.split), ("someone/else", None, "train"))

    def test_the_first_human_turn_of_a_conversation_is_its_prompt(self):
        turns = [{"from": "system", "value": "x"}, {"from": "human", "value": " "}, {"from": "human", "value": "hello"}]
        self.assertEqual(prompt_in(turns), "hello")
        self.assertEqual(prompt_in([{"role": "user", "content": "hi"}]), "hi")
        self.assertIsNone(prompt_in([{"role": "assistant", "content": "hi"}]))
        self.assertIsNone(prompt_in(3))

    def test_columns_are_looked_for_in_a_fixed_order(self):
        self.assertEqual(find_column(["Content", "question"]), "question")
        self.assertIsNone(find_column(["id"]))


class Order(unittest.TestCase):
    RECORDS = [Record(str(number), "ab"[number % 2]) for number in range(6)]

    def texts(self, order, seed=0):
        return "".join(record.text for record in ordered(self.RECORDS, order, seed))

    def test_interleaved_is_the_order_of_the_data(self):
        self.assertEqual(self.texts("interleaved"), "012345")

    def test_grouped_keeps_the_order_within_a_group(self):
        self.assertEqual(self.texts("grouped"), "024135")

    def test_shuffled_depends_on_the_seed_alone(self):
        self.assertEqual(self.texts("shuffled", 1), self.texts("shuffled", 1))
        self.assertNotEqual(self.texts("shuffled", 1), self.texts("shuffled", 2))
        self.assertEqual(sorted(self.texts("shuffled", 1)), list("012345"))

    def test_an_order_takes_the_same_prompts(self):
        sources = {
            order: prompts.read_source(experiment(workload__order=order, workload__sample_size=20), self.fail)
            for order in ("interleaved", "grouped", "shuffled")
        }
        sets = {frozenset(record.text for record in source.records) for source in sources.values()}
        self.assertEqual(len(sets), 1)
        self.assertEqual(len({source.facts["sha256"] for source in sources.values()}), 3)

    def test_data_without_groups_keeps_its_order_and_says_so(self):
        warnings = []
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("one\ntwo\n")
            file.flush()
            changed = {"workload__order": "grouped", "workload__prompts": {"type": "file", "path": file.name}}
            prompts.read_source(experiment(**changed), warnings.append)
        self.assertEqual(len(warnings), 1)


class Prepared(unittest.TestCase):
    LOADED = Loaded(encode=lambda text: [len(word) for word in text.split()], context_tokens=40, vocabulary=50)

    def prepared(self, text, **changes):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write(text)
            file.flush()
            asked = experiment(workload__prompts={"type": "file", "path": file.name}, **changes)
            return prompts.prepare(prompts.read_source(asked, self.fail), asked.workload, self.LOADED)

    def test_long_prompts_are_cut_and_counted(self):
        ready = self.prepared("a bb\na bb ccc dddd\n", workload__max_input_tokens=3)
        self.assertEqual(ready.tokens, [[1, 2], [1, 2, 3]])
        self.assertEqual(ready.facts["cut"], 1)
        self.assertEqual(ready.facts["distinct"], 2)

    def test_fewer_prompts_than_requests_come_from_the_start_again(self):
        ready = self.prepared("a\nbb\n", workload__sample_size=3)
        self.assertEqual([ready.request(index).tokens for index in range(3)], [[1], [2], [1]])

    def test_what_does_not_fit_into_the_model_is_refused(self):
        for text, changes, expected in (
            ("a " * 39, {"workload__max_input_tokens": 99}, "together 42, and the model's context holds 40"),
            ("a" * 60, {}, "the tokenizer gives token 60, but the model knows 50 tokens"),
            ("\n\n", {}, "there is no prompt in file"),
        ):
            with self.assertRaises(failure.Failure) as raised:
                self.prepared(text, **changes)
            self.assertIn(expected, raised.exception.message)


class Hashes(unittest.TestCase):
    def test_the_hash_tells_apart_the_same_tokens_in_other_requests(self):
        self.assertEqual(sha256_of_tokens([[1, 2], [3]]), sha256_of_tokens([(1, 2), (3,)]))
        self.assertNotEqual(sha256_of_tokens([[1, 2], [3]]), sha256_of_tokens([[1], [2, 3]]))

    def test_the_hash_is_the_one_of_the_other_workers(self):
        # Lengths as 64 bits and tokens as 32 bits, little-endian.
        import hashlib

        plain = bytes([1, 0, 0, 0, 0, 0, 0, 0, 7, 1, 0, 0])
        self.assertEqual(sha256_of_tokens([[263]]), hashlib.sha256(plain).hexdigest())

    def test_seeds_of_neighbours_do_not_meet(self):
        seeds = {seed_of(experiment(seed=seed), position) for seed in range(20) for position in range(20)}
        self.assertEqual(len(seeds), 400)
        self.assertTrue(all(0 <= seed < 2**63 for seed in seeds))


class Batches(unittest.TestCase):
    REQUESTS = [Request(index, [0] * length) for index, length in enumerate([3, 9, 1, 4, 12, 2, 2])]

    def batches(self, strategy, batch_size=3, most=None):
        made = batches.batches(self.REQUESTS, strategy, batch_size, most)
        return [[request.index for request in batch] for batch in made]

    def test_static_batches_have_the_batch_size(self):
        self.assertEqual(self.batches("static"), [[0, 1, 2], [3, 4, 5], [6]])

    def test_dynamic_batches_have_a_limit_of_tokens_too(self):
        self.assertEqual(self.batches("dynamic", 3, 10), [[0], [1, 2], [3], [4], [5, 6]])

    def test_sorted_batches_begin_with_the_longest_prompts(self):
        self.assertEqual(self.batches("sorted_static"), [[4, 1, 3], [0, 5, 6], [2]])
        self.assertEqual(self.batches("sorted_dynamic", 4, 9), [[4], [1], [3, 0, 5], [6, 2]])

    def test_a_limit_without_effect_and_a_strategy_without_limit_are_refused(self):
        for strategy, most in (("static", 10), ("sorted_dynamic", None)):
            with self.assertRaises(failure.Failure):
                batches.check(strategy, most, "pytorch")
        batches.check("dynamic", 10, "pytorch")
        batches.check("static", None, "pytorch")


if __name__ == "__main__":
    unittest.main()
