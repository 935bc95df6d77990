"""What an experiment may say, and how it is refused."""

import unittest

from lem_worker import failure, options, signature
from lem_worker.experiment import parse_experiment
from lem_worker.validation import MAX_STREAMED_TOKENS, validate

from .support import experiment


def refusal(**changes):
    try:
        validate(experiment(**changes))
    except failure.Failure as refused:
        return refused.message
    return None


class Validation(unittest.TestCase):
    def test_a_plain_experiment_is_accepted(self):
        self.assertIsNone(refusal())

    def test_every_value_out_of_range_is_refused_by_name(self):
        stable = {"cv_threshold": 0.05, "window": 3, "max_prompts": 9}
        refusals = {
            "the engine speaks protocol 9": refusal(protocol=9),
            "sample_size is 0; it must be at least 1": refusal(workload__sample_size=0),
            "max_input_tokens is 0": refusal(workload__max_input_tokens=0),
            "batch_size is 0": refusal(batch_size=0),
            "min_output_tokens (5) is greater than max_output_tokens (3)": refusal(workload__min_output_tokens=5),
            "at most 50000 inter-token gaps": refusal(workload__max_output_tokens=MAX_STREAMED_TOKENS + 1),
            "warmup.convergence.window is 1": refusal(warmup__convergence={**stable, "window": 1}),
            "warmup.convergence.cv_threshold is 0": refusal(warmup__convergence={**stable, "cv_threshold": 0}),
            "it takes 5": refusal(warmup__convergence={**stable, "window": 5, "max_prompts": 3}),
            "warmup.timeout_s is -1": refusal(warmup__timeout_s=-1.0),
            "idle_s is 1e+12": refusal(idle_s=1e12),
            "context_s is -1; seconds from 0 are needed": refusal(context_s=-1.0),
            "context_s is nan": refusal(context_s=float("nan")),
            "decoding.temperature is -0.5; it must be 0 or more": refusal(decoding__temperature=-0.5),
            "decoding.top_p is 0; it must be greater than 0 and at most 1": refusal(decoding__top_p=0.0),
            "decoding.repetition_penalty is 0": refusal(decoding__repetition_penalty=0.0),
            "precision is int4; this worker knows float32, float16 and bfloat16": refusal(precision="int4"),
            "traffic.concurrency is 0": refusal(workload__traffic={"type": "closed", "concurrency": 0}),
            "traffic.requests_per_s is 0": refusal(workload__traffic={"type": "poisson", "requests_per_s": 0}),
            "traffic.burstiness is 0": refusal(
                workload__traffic={"type": "gamma", "requests_per_s": 1, "burstiness": 0}
            ),
        }
        for expected, found in refusals.items():
            self.assertIn(expected, found or "nothing")

    def test_what_is_not_an_experiment_is_refused_with_its_place(self):
        cases = {
            b"hello": "the experiment is not valid",
            b"[]": "an object is needed",
            b'{"protocol": 1}': "run_id is missing",
            b'{"protocol": true}': "protocol is true, a whole number from 0 is needed",
            b'{"protocol": -1}': "protocol is -1",
        }
        for line, expected in cases.items():
            with self.assertRaises(failure.Failure) as raised:
                parse_experiment(line)
            self.assertIn(expected, raised.exception.message)
            self.assertEqual(raised.exception.kind, failure.ENGINE)

    def test_an_unknown_traffic_or_order_is_named(self):
        for changes, expected in (
            ({"workload__traffic": {"type": "bursty"}}, "workload.traffic.type"),
            ({"workload__order": "sorted"}, "workload.order"),
            ({"workload__traffic": {"type": "trace"}}, "workload.traffic.path is missing"),
        ):
            with self.assertRaises(failure.Failure) as raised:
                experiment(**changes)
            self.assertIn(expected, raised.exception.message)

    def test_fields_of_later_versions_are_passed_over_and_new_ones_have_defaults(self):
        read = experiment(colour="blue")
        self.assertEqual((read.adapter, read.workload.order, read.workload.traffic), (None, "interleaved", None))
        self.assertEqual((experiment(context_s=None).context_s, read.warmup.hold), (0.0, False))


class Options(unittest.TestCase):
    TABLE = {
        "max_num_seqs": options.whole(1, 1024),
        "share": options.number(0, 1),
        "mode": options.either(options.flag(), options.one_of("fast", "slow")),
        "inner": options.section({"depth": options.whole(0)}),
        "old": options.refused("it was removed", unless=(False,)),
    }

    def refusal(self, **given):
        with self.assertRaises(failure.Failure) as raised:
            options.check("vllm", given, self.TABLE)
        self.assertEqual(raised.exception.kind, failure.UNSUPPORTED_PARAMETER)
        return raised.exception.message

    def test_known_options_pass_and_null_means_not_given(self):
        given = {"max_num_seqs": 8, "share": 1, "mode": True, "inner": {"depth": 0}, "old": False}
        self.assertEqual(
            options.check("vllm", {**given, "share": None}, self.TABLE),
            {**given, "share": None} and {name: value for name, value in given.items() if name != "share"},
        )

    def test_an_unknown_option_is_refused_with_names_that_look_like_it(self):
        self.assertEqual(
            self.refusal(max_num_seq=8), "the option vllm.max_num_seq is not known; did you mean max_num_seqs?"
        )
        self.assertIn("known options are: depth", self.refusal(inner={"x": 1}))
        self.assertIn("vllm.inner.x", self.refusal(inner={"x": 1}))

    def test_a_value_out_of_range_is_refused_with_the_range(self):
        self.assertEqual(
            self.refusal(max_num_seqs=0), "vllm.max_num_seqs is 0; a whole number from 1 to 1024 is needed"
        )
        self.assertEqual(self.refusal(share="half"), 'vllm.share is "half"; a number from 0 to 1 is needed')
        self.assertEqual(self.refusal(mode="medium"), 'vllm.mode is "medium"; one of these is needed: fast, slow')
        self.assertEqual(
            self.refusal(max_num_seqs=True), "vllm.max_num_seqs is true; a whole number from 1 to 1024 is needed"
        )
        self.assertEqual(self.refusal(old=True), "vllm.old is true; it was removed")


class Signature(unittest.TestCase):
    def test_fields_are_read_from_dataclasses_and_functions(self):
        import dataclasses

        @dataclasses.dataclass
        class Arguments:
            model: str
            swap_space: int = 4

        def function(self, a, *rest, b=1, **more):
            """Has every kind of parameter."""

        self.assertEqual(signature.fields_of(Arguments), ["model", "swap_space"])
        self.assertEqual(signature.parameters_of(function), ["a", "b"])

    def test_a_setting_that_the_installed_engine_lacks_is_refused_by_its_option(self):
        with self.assertRaises(failure.Failure) as raised:
            signature.require_known({"swap_space": "vllm.swap_space"}, ["model", "cpu_offload_gb"], "vLLM 9.9")
        self.assertEqual(
            raised.exception.message,
            "the option vllm.swap_space cannot be carried out: vLLM 9.9 has no setting swap_space",
        )


if __name__ == "__main__":
    unittest.main()
