"""When requests arrive, and what they wait."""

import asyncio
import math
import os
import statistics
import tempfile
import unittest

from lem_worker import failure, serving, traffic
from lem_worker.clock import now_ns
from lem_worker.engines.base import Generation, Request
from lem_worker.experiment import Traffic

MANY = 20_000


def gaps(kind, **settings):
    times = traffic.arrivals_ns(Traffic(kind, **settings), MANY, seed=7)
    return times, [(later - earlier) / 1e9 for earlier, later in zip(times, times[1:])]


class Arrivals(unittest.TestCase):
    def check(self, found, mean, variation):
        """Within four standard errors; gaps that are more irregular scatter more."""
        times, between = found
        self.assertEqual(times[0], 0)
        self.assertEqual(times, sorted(times))
        error = 4 * variation / math.sqrt(MANY)
        self.assertAlmostEqual(statistics.fmean(between) / mean, 1, delta=error + 1e-6)
        measured = statistics.stdev(between) / statistics.fmean(between)
        self.assertAlmostEqual(measured, variation, delta=0.05 * variation + 1e-6)

    def test_poisson_gaps_have_a_variation_of_one(self):
        self.check(gaps("poisson", requests_per_s=4.0), 0.25, 1.0)

    def test_gamma_gaps_follow_burstiness(self):
        for burstiness in (0.25, 1.0, 4.0):
            found = gaps("gamma", requests_per_s=10.0, burstiness=burstiness)
            self.check(found, 0.1, 1 / math.sqrt(burstiness))

    def test_constant_gaps_do_not_vary(self):
        self.check(gaps("constant", requests_per_s=5.0), 0.2, 0.0)

    def test_a_seed_gives_the_same_arrivals_and_another_one_others(self):
        poisson = Traffic("poisson", requests_per_s=2.0)
        self.assertEqual(traffic.arrivals_ns(poisson, 50, 1), traffic.arrivals_ns(poisson, 50, 1))
        self.assertNotEqual(traffic.arrivals_ns(poisson, 50, 1), traffic.arrivals_ns(poisson, 50, 2))

    def test_one_request_arrives_at_once(self):
        self.assertEqual(traffic.arrivals_ns(Traffic("poisson", requests_per_s=2.0), 1, 0), [0])

    def test_closed_traffic_has_no_times(self):
        self.assertIsNone(traffic.arrivals_ns(Traffic("closed", concurrency=2), 9, 0))


class Traces(unittest.TestCase):
    def arrivals(self, name, text, count=3):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, name)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            return traffic.arrivals_ns(Traffic("trace", path=path), count, 0)

    def refusal(self, name, text, count=3):
        with self.assertRaises(failure.Failure) as raised:
            self.arrivals(name, text, count)
        self.assertEqual(raised.exception.kind, failure.UNSUPPORTED_PARAMETER)
        return raised.exception.message

    def test_times_count_from_the_first_arrival(self):
        expected = [0, 500_000_000, 500_000_000]
        self.assertEqual(self.arrivals("t.txt", "2\n2.5\n\n2.5\n9\n"), expected)
        self.assertEqual(self.arrivals("t.jsonl", '{"t_s": 2}\n{"t_s": 2.5}\n{"t_s": 2.5}\n'), expected)
        self.assertEqual(self.arrivals("t.csv", "id,arrived_at\n1,2\n2,2.5\n3,2.5\n"), expected)

    def test_a_trace_that_cannot_be_followed_is_refused_with_its_line(self):
        self.assertIn("line 3: 1 s comes after 2 s", self.refusal("t.txt", "0\n2\n1\n"))
        self.assertIn("has 2 arrivals, and sample_size is 3", self.refusal("t.txt", "0\n2\n"))
        self.assertIn('line 2: "soon" is no time', self.refusal("t.txt", "0\nsoon\n1\n"))
        self.assertIn("line 1: no field is called t_s, timestamp", self.refusal("t.jsonl", '{"when": 2}\n'))
        self.assertIn("is no time", self.refusal("t.txt", "nan\n1\n2\n"))


class Slow:
    """Takes 20 ms for a token and gives two."""

    name = "slow"
    serves_together = True

    def generate(self, requests, deadline_ns=None):
        import time

        start_ns = now_ns()
        time.sleep(0.04)
        return [Generation([1, 2], 40_000_000, 20_000_000, [20_000_000, 40_000_000], start_ns) for _ in requests]

    async def stream(self, request):
        for token in (1, 2):
            await asyncio.sleep(0.02)
            yield [token]


class Watching(Slow):
    """Counts the tasks of the loop when the first request is answered, and who is cancelled; may fail on a request."""

    def __init__(self, fails_on=None):
        self.fails_on = fails_on
        self.tasks = None
        self.cancelled = []

    async def stream(self, request):
        if request.index == self.fails_on:
            raise RuntimeError("the engine is dead")
        try:
            await asyncio.sleep(0.02 if self.fails_on is None else 3600)
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            self.cancelled.append(request.index)
            raise
        self.tasks = self.tasks or len(asyncio.all_tasks())
        yield [1]


class Served(unittest.TestCase):
    REQUESTS = [Request(index, [1]) for index in range(4)]

    def one_after_another(self, times_ns, concurrency=0):
        served = {}
        serving.one_after_another(
            Slow(), self.REQUESTS, times_ns, concurrency, lambda r, g: served.update({r.index: g})
        )
        return [served[index].latency_ns / 1e6 for index in range(4)], served

    def overlapping(self, times_ns, concurrency=0):
        served = {}
        work = serving.overlapping(
            Slow(), self.REQUESTS, times_ns, concurrency, lambda r, g: served.update({r.index: g})
        )
        asyncio.run(work)
        return [served[index].latency_ns / 1e6 for index in range(4)], served

    def assert_about(self, found, expected):
        for one, other in zip(found, expected):
            self.assertAlmostEqual(one, other, delta=15)

    def test_one_at_a_time_the_queue_is_part_of_the_latency(self):
        latencies, served = self.one_after_another([0, 0, 0, 0])
        self.assert_about(latencies, [40, 80, 120, 160])
        self.assertAlmostEqual(served[3].first_token_ns / 1e6, 140, delta=15)
        self.assertEqual(served[3].token_ns[1] - served[3].token_ns[0], 20_000_000)

    def test_a_request_begins_when_it_is_sent_and_what_it_waited_lies_before(self):
        for _, served in (self.one_after_another([0, 0, 0, 0]), self.overlapping([0, 10_000_000] * 2)):
            for generation in served.values():
                arrived_ns = generation.start_ns - generation.waited_ns
                self.assertGreaterEqual(generation.waited_ns, 0)
                self.assertGreaterEqual(arrived_ns + generation.first_token_ns, generation.start_ns)
        _, served = self.one_after_another([0, 0, 0, 0])
        for before, after in zip(range(3), range(1, 4)):
            ended_ns = served[before].start_ns - served[before].waited_ns + served[before].latency_ns
            self.assertLessEqual(ended_ns, served[after].start_ns, "one at a time")

    def test_one_at_a_time_nothing_waits_when_arrivals_are_far_apart(self):
        latencies, _ = self.one_after_another([0, 60_000_000, 120_000_000, 180_000_000])
        self.assert_about(latencies, [40, 40, 40, 40])

    def test_one_at_a_time_two_clients_wait_for_each_other(self):
        latencies, _ = self.one_after_another(None, concurrency=2)
        self.assert_about(latencies, [40, 80, 80, 80])

    def test_together_arrivals_do_not_wait_for_each_other(self):
        latencies, _ = self.overlapping([0, 10_000_000, 20_000_000, 30_000_000])
        self.assert_about(latencies, [40, 40, 40, 40])

    def test_together_a_request_costs_nothing_before_it_is_due(self):
        engine = Watching()
        requests = [Request(index, [1]) for index in range(300)]
        times = [0] + [100_000_000] * 299
        served = []
        asyncio.run(serving.overlapping(engine, requests, times, 0, lambda request, _: served.append(request.index)))
        self.assertLessEqual(engine.tasks, 3)
        self.assertEqual(sorted(served), list(range(300)))

    def test_together_a_failure_ends_what_is_under_way_and_what_is_not_due_yet(self):
        engine = Watching(fails_on=2)
        times = [0, 0, 20_000_000, 3_600_000_000_000]
        loop = asyncio.new_event_loop()
        self.addCleanup(loop.close)
        with self.assertRaisesRegex(RuntimeError, "the engine is dead"):
            loop.run_until_complete(serving.overlapping(engine, self.REQUESTS, times, 0, lambda *_: None))
        self.assertEqual(sorted(engine.cancelled), [0, 1], "they have ended when the failure goes on")

    def test_together_two_clients_have_two_requests_under_way(self):
        import time

        start = time.monotonic()
        latencies, _ = self.overlapping(None, concurrency=2)
        self.assert_about(latencies, [40, 40, 40, 40])
        self.assertAlmostEqual(time.monotonic() - start, 0.08, delta=0.04)


if __name__ == "__main__":
    unittest.main()
