"""What the section `pytorch` may say, as far as it can be told without PyTorch."""

import unittest

from lem_worker import failure
from lem_worker.engines.pytorch import extra, options

from .support import experiment


def checked(written, **changes):
    return options.check(experiment(**{"streaming": False, "options": written, **changes}))


class Options(unittest.TestCase):
    def refusal(self, written, **changes):
        with self.assertRaises(failure.Failure) as raised:
            checked(written, **changes)
        self.assertEqual(raised.exception.kind, failure.UNSUPPORTED_PARAMETER)
        return raised.exception.message

    def test_values_that_exclude_each_other_or_have_no_effect_are_refused(self):
        for written, changes, expected in (
            ({"load_in_4bit": True, "load_in_8bit": True}, {}, "exclude each other"),
            ({"bnb_4bit_quant_type": "nf4"}, {}, "pytorch.bnb_4bit_quant_type has no effect without"),
            ({"num_processes": 2}, {}, "pytorch.num_processes is 2; this worker is one process"),
            ({"tensor_parallel_size": 2}, {}, "one a GPU"),
            ({"use_bettertransformer": True}, {}, "was removed from transformers"),
            ({"batching_strategy": "dynamic"}, {}, "needs pytorch.max_tokens_per_batch"),
            ({"max_tokens_per_batch": 100}, {}, "has no effect with the batching_strategy static"),
            ({"beam_search": {"num_beams": 2}}, {"streaming": True}, "known only at the end"),
            ({"beam_search": {"num_beam": 2}}, {}, "pytorch.beam_search.num_beam is not known"),
            ({"assisted_generation": {"num_tokens": 3}}, {}, "needs a model that assists"),
            ({"assisted_generation": {"model": "m"}}, {"batch_size": 2}, "one request at a time"),
            ({"assisted_generation": {"model": "m"}, "beam_search": {"num_beams": 2}}, {}, "exclude each other"),
            ({"torch_compile_backend": "eager"}, {}, "has no effect without pytorch.torch_compile"),
            ({"min_p": 0.1, "extra": {"min_p": 0.2}}, {}, "pytorch.extra.min_p contradicts pytorch.min_p"),
            ({"beam_search": {"length_penalty": 1}, "extra": {"length_penalty": 2}}, {}, "beam_search.length_penalty"),
            ({"load_in_4bit": True, "extra": {"quantization_config": {}}}, {}, "contradicts pytorch.load_in_4bit"),
            ({"no_repeat_ngram_size": 1, "beam_search": {"no_repeat_ngram_size": 2}}, {}, "set the same"),
            (
                {"batching_strategy": "sorted_static"},
                {"workload__traffic": {"type": "closed", "concurrency": 2}},
                "no effect with traffic",
            ),
            ({"torch_compile": "fastest"}, {}, "one of these is needed: default, reduce-overhead"),
        ):
            self.assertIn(expected, self.refusal(written, **changes), written)

    def test_what_asks_for_nothing_is_accepted(self):
        written = {"num_processes": 1, "tensor_parallel_size": 1, "use_bettertransformer": False, "load_in_4bit": False}
        self.assertEqual(checked(written), written)

    def test_scores_need_an_output_that_can_hold_them(self):
        self.assertIs(checked({"output_scores": True})["return_dict_in_generate"], True)

    def test_beam_search_is_on_when_it_is_written_and_not_switched_off(self):
        self.assertEqual(options.beam_search({"beam_search": {"num_beams": 3}}), {"num_beams": 3})
        self.assertEqual(options.beam_search({"beam_search": {"enabled": True}}), {"num_beams": 4})
        self.assertEqual(options.beam_search({"beam_search": {"enabled": False, "num_beams": 3}}), {})
        self.assertEqual(options.beam_search({"beam_search": {"num_beams": 1}}), {})
        self.assertEqual(options.beam_search({}), {})


class Extra(unittest.TestCase):
    def test_settings_go_to_whom_they_belong(self):
        found = extra.split({"top_h": 0.5, "revision": "main"}, ["top_h", "top_k"], ["revision", "variant"])
        self.assertEqual((found.generation, found.loading), ({"top_h": 0.5}, {"revision": "main"}))
        self.assertEqual(found.of_files(), {"revision": "main"})

    def test_what_the_worker_sets_itself_and_what_nobody_knows_is_refused(self):
        for name, expected in (
            ("top_k", "decoding sets it"),
            ("token", "does not belong into a campaign"),
            ("device_map", "pytorch.device and pytorch.max_memory"),
            ("x", "known"),
        ):
            with self.assertRaises(failure.Failure) as raised:
                extra.split({name: 1}, ["top_k"], ["revision"])
            self.assertIn(expected, raised.exception.message)

    def test_names_of_loading_are_read_from_signature_and_source(self):
        def from_pretrained(cls, pretrained_model_name_or_path, revision="main", **kwargs):
            kwargs.pop("variant", None)
            kwargs.pop("_private", None)

        self.assertEqual(sorted(extra.loading_names(from_pretrained)), ["revision", "variant"])


if __name__ == "__main__":
    unittest.main()
