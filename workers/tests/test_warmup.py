"""How long a worker warms up, on a clock that the tests set."""

import json
import os
import time
import unittest

from lem_worker import proceed
from lem_worker.engines.base import OutOfTime, Request
from lem_worker.experiment import Convergence, Warmup
from lem_worker.protocol import Report
from lem_worker.warmup import is_stable, warm_up

SECOND = 1_000_000_000


class Bench:
    """Batches that take the given seconds, on a clock that nothing else moves."""

    def __init__(self, *durations_s):
        self.now_ns = 0
        self.durations_s = list(durations_s)
        self.batches = []
        self.deadlines = []
        self.said = []

    def warm_up(self, prompts, timeout_s=100.0, convergence=None, batches=None, hold_until=None):
        reading, writing = os.pipe()
        try:
            report = Report(writing, lambda: self.now_ns)
            rule = Warmup(prompts, timeout_s, convergence, hold_until is not None)
            batches = batches or [[Request(index, [1])] for index in range(3)]
            proceed = (lambda: self.now_ns >= hold_until * SECOND) if rule.hold else lambda: True
            warmed = warm_up(rule, batches, self.generate, report, proceed, lambda: self.now_ns)
        finally:
            os.close(writing)
            with os.fdopen(reading, "r") as file:
                self.said = file.read().splitlines()
        return warmed

    def generate(self, batch, deadline_ns):
        duration_s = self.durations_s.pop(0)
        if duration_s is None:
            raise OutOfTime
        self.deadlines.append(deadline_ns)
        self.batches.append([request.index for request in batch])
        self.now_ns += round(duration_s * SECOND)


class Listening(unittest.TestCase):
    def setUp(self):
        reading, self.writing = os.pipe()
        self.said = proceed.listen(os.fdopen(reading, "rb"))

    def assert_said(self):
        deadline = time.monotonic() + 10
        while not self.said() and time.monotonic() < deadline:
            time.sleep(0.005)
        self.assertTrue(self.said())

    def test_a_whole_line_says_it_and_a_part_of_one_does_not(self):
        os.write(self.writing, b"x" * 60_000)
        os.write(self.writing, b"x" * 60_000)
        time.sleep(0.1)
        self.assertFalse(self.said())
        os.write(self.writing, b"\n")
        self.assert_said()
        os.close(self.writing)

    def test_an_input_that_ends_says_it(self):
        self.assertFalse(self.said())
        os.close(self.writing)
        self.assert_said()


class WarmUp(unittest.TestCase):
    RULE = Convergence(cv_threshold=0.05, window=3, max_prompts=6)

    def test_a_fixed_number_of_batches_takes_the_first_prompts_in_order(self):
        bench = Bench(1, 1, 1, 1)
        warmed = bench.warm_up(4)
        self.assertEqual((warmed.batches, warmed.requests, warmed.converged), (4, 4, None))
        self.assertEqual(bench.batches, [[0], [1], [2], [0]])
        self.assertFalse([line for line in bench.said if "warning" in line])

    def test_no_warm_up_is_no_phase(self):
        bench = Bench()
        self.assertEqual(bench.warm_up(0).batches, 0)
        self.assertEqual(bench.said, [])

    def test_with_convergence_the_first_batch_is_repeated_until_latencies_are_stable(self):
        bench = Bench(9, 2, 2, 2, 2)
        warmed = bench.warm_up(2, convergence=self.RULE)
        self.assertEqual((warmed.batches, warmed.converged), (4, True))
        self.assertEqual(bench.batches, [[0]] * 4)

    def test_at_least_the_asked_for_number_is_run_though_latencies_are_stable(self):
        self.assertEqual(Bench(2, 2, 2, 2, 2, 2).warm_up(5, convergence=self.RULE).batches, 5)

    def test_latencies_that_never_settle_end_at_the_limit_with_a_warning(self):
        bench = Bench(1, 2, 1, 2, 1, 2)
        warmed = bench.warm_up(1, convergence=self.RULE)
        self.assertEqual((warmed.batches, warmed.converged), (6, False))
        self.assertIn("latencies were not stable after 6 requests", bench.said[-1])

    def test_no_batch_begins_after_the_timeout(self):
        bench = Bench(4, 4, 4)
        warmed = bench.warm_up(5, timeout_s=7.0)
        self.assertEqual(warmed.batches, 2)
        self.assertIn("time limit of 7 s after 2 requests", bench.said[-1])

    def test_a_batch_that_the_timeout_cut_short_does_not_count(self):
        bench = Bench(4, None)
        self.assertEqual(bench.warm_up(5).batches, 1)

    def test_a_batch_counts_as_one(self):
        batches = [[Request(0, [1]), Request(1, [1])], [Request(2, [1])]]
        warmed = Bench(1, 1, 1).warm_up(3, batches=batches)
        self.assertEqual((warmed.batches, warmed.requests), (3, 5))

    def test_a_hold_repeats_what_warm_up_did_until_the_word_is_said(self):
        bench = Bench(*[1] * 9)
        warmed = bench.warm_up(2, hold_until=6.5)
        self.assertEqual(bench.batches, [[0], [1]] * 3 + [[0]], "the batch that is under way is the last")
        self.assertEqual((warmed.requests, warmed.batches, warmed.held_requests), (7, 7, 5))
        progress = [json.loads(line) for line in bench.said if "progress" in line]
        self.assertEqual([event["total"] for event in progress], [2, 2] + [None] * 5)
        self.assertEqual([event["done"] for event in progress], [1, 2, 3, 4, 5, 6, 7])
        self.assertFalse([line for line in bench.said if "warning" in line])

    def test_a_hold_has_no_time_limit(self):
        bench = Bench(*[4] * 9)
        warmed = bench.warm_up(5, timeout_s=7.0, hold_until=30)
        self.assertEqual((warmed.batches, warmed.held_requests), (8, 6))
        self.assertEqual(bench.deadlines[2:], [None] * 6)
        self.assertIn("time limit of 7 s after 2 requests", bench.said[-1], "its own end came by the limit")

    def test_after_convergence_the_first_batch_is_repeated_on(self):
        bench = Bench(*[2] * 9)
        warmed = bench.warm_up(1, convergence=self.RULE, hold_until=11)
        self.assertEqual((bench.batches, warmed.converged, warmed.held_requests), ([[0]] * 6, True, 3))

    def test_latencies_of_a_hold_do_not_make_a_warm_up_stable(self):
        bench = Bench(1, 2, 1, 2, 1, 2, *[1] * 9)
        warmed = bench.warm_up(1, convergence=self.RULE, hold_until=14)
        self.assertEqual((warmed.converged, warmed.held_requests), (False, 5))
        self.assertIn("latencies were not stable after 6 requests", bench.said[-1])

    def test_a_hold_without_warm_up_is_a_phase_of_its_own(self):
        bench = Bench(1, 1, 1)
        self.assertEqual(bench.warm_up(0, hold_until=2).held_requests, 2)
        self.assertEqual(bench.batches, [[0], [0]])

    def test_a_word_that_was_said_before_holds_nothing(self):
        bench = Bench(1, 1)
        self.assertEqual(bench.warm_up(2, hold_until=0).held_requests, 0)

    def test_the_threshold_is_a_coefficient_of_variation_of_the_sample(self):
        # Mean 10, sample standard deviation 1.
        self.assertTrue(is_stable([900, 9, 10, 11], Convergence(0.1, 3, 9)))
        self.assertFalse(is_stable([9, 10, 11], Convergence(0.0999, 3, 9)))
        self.assertFalse(is_stable([10, 10], Convergence(0.1, 3, 9)))


if __name__ == "__main__":
    unittest.main()
