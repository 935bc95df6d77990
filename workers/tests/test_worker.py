"""Whole conversations of a worker process around an engine in pure Python, checked by the rules of the protocol."""

import json
import os
import signal
import subprocess
import sys
import time
import unittest
from unittest import mock

from lem_worker import processes
from lem_worker.decoding import sha256_of_tokens
from lem_worker.engines.base import Generation, Request
from lem_worker.protocol import Report
from lem_worker.run import Measured

from .support import PROCEED_LINE, WORKERS, command, environment, run_worker, start_worker, tell_worker, written

COUNTING = command("-m", "tests.counting")


def worker(**changes):
    return run_worker(COUNTING, written(**changes))


class Conversations(unittest.TestCase):
    def check(self, said, requests=4):
        self.assertEqual(said.status, 0, said.errors)
        verdict = said.verdict(requests)
        self.assertEqual(verdict["verdict"], "result", verdict)
        return said.last

    def phases(self, said):
        return [event["phase"] for event in said.named("phase") if event["edge"] == "begin"]

    def test_a_plain_run_streams_every_request(self):
        said = worker(idle_s=0.01)
        result = self.check(said)
        self.assertEqual(self.phases(said), ["load", "idle", "warmup", "measure", "unload"])
        self.assertEqual([event["index"] for event in said.named("request")], [0, 1, 2, 3])
        self.assertTrue(all(len(event["itl_ms"]) == 2 and "ttft_ms" in event for event in said.named("request")))
        self.assertEqual(result["effective_parameters"]["counts_from"], 0)
        self.assertEqual(result["model"], {"parameters": 3, "layers": 1, "dtype": "int64"})
        self.assertEqual(result["peak_memory_bytes"], 4096)
        self.assertEqual(result["output_tokens"], 12)

    def test_requests_say_when_they_were_given_to_the_engine(self):
        for traffic in (None, {"type": "closed", "concurrency": 2}, {"type": "constant", "requests_per_s": 1000}):
            for together in (False, True):
                said = worker(workload__traffic=traffic, options={"together": together, "token_ms": 5})
                self.check(said)
                opened_ns = next(event["t_ns"] for event in said.named("phase") if event["phase"] == "measure")
                requests = said.named("request")
                for event in requests:
                    served_ms = event["latency_ms"] - event.get("waited_ms", 0)
                    self.assertGreaterEqual(event["start_ns"], opened_ns)
                    self.assertLessEqual(event["start_ns"] + served_ms * 1e6, event["t_ns"] + 1)
                waited = max(event.get("waited_ms", 0) for event in requests)
                if traffic is None:
                    self.assertEqual(waited, 0, "nothing is queued")
                elif not together:
                    self.assertGreater(waited, 5, "one at a time, those that arrived meanwhile wait")

    def test_the_context_is_idle_before_the_model_is_loaded(self):
        said = worker(context_s=0.2, idle_s=0.01)
        parameters = self.check(said)["effective_parameters"]
        self.assertEqual(self.phases(said), ["context", "load", "idle", "warmup", "measure", "unload"])
        begin, end = (event["t_ns"] for event in said.named("phase")[:2])
        self.assertGreaterEqual(end - begin, 200_000_000)
        self.assertEqual((parameters["context_s"], parameters["context"]), (0.2, "the tests"))

    def test_a_device_that_cannot_be_opened_alone_has_no_context_baseline_and_says_so(self):
        said = worker(context_s=60.0, options={"shut": True})
        self.assertEqual(self.check(said)["effective_parameters"]["context_s"], 0.0)
        self.assertEqual(self.phases(said), ["load", "warmup", "measure", "unload"])
        self.assertIn("no context baseline can be taken", said.named("warning")[0]["message"])

    def test_batches_share_their_latency_and_tell_no_times_of_tokens(self):
        said = worker(batch_size=3, streaming=False)
        self.check(said)
        requests = said.named("request")
        self.assertEqual(len({event["latency_ms"] for event in requests[:3]}), 1)
        self.assertFalse(any("ttft_ms" in event or "itl_ms" in event for event in requests))

    def test_warm_up_until_stable_is_told(self):
        stable = {"cv_threshold": 9.0, "window": 2, "max_prompts": 5}
        self.assertIs(self.check(worker(warmup__convergence=stable))["warmup_converged"], True)

    def test_traffic_one_at_a_time_and_together(self):
        for together in (False, True):
            for kind in ({"type": "closed", "concurrency": 2}, {"type": "poisson", "requests_per_s": 200}):
                said = worker(workload__traffic=kind, options={"together": together, "token_ms": 2})
                result = self.check(said)
                self.assertEqual(result["effective_parameters"]["traffic"]["type"], kind["type"])
                self.assertIsNone(result["effective_parameters"]["batch_size"])

    def test_tokens_that_come_in_groups_have_no_gaps_and_one_warning(self):
        options = {"together": True, "grouped": True}
        said = worker(workload__traffic={"type": "closed", "concurrency": 2}, options=options)
        self.check(said)
        self.assertTrue(all("ttft_ms" in event and "itl_ms" not in event for event in said.named("request")))
        self.assertEqual(len(said.named("warning")), 1)
        self.assertIn("4 of 4 requests have no inter-token gaps", said.named("warning")[0]["message"])

    def test_traffic_with_batches_is_refused_where_one_is_served_at_a_time(self):
        said = worker(batch_size=2, workload__traffic={"type": "closed", "concurrency": 2})
        self.assertEqual(said.last["kind"], "unsupported_parameter")

    def test_what_libraries_print_does_not_reach_the_engine(self):
        said = worker(options={"prints": True})
        self.check(said)
        for text in ("printed by Python", "written to descriptor 1", "said by a child"):
            self.assertIn(text, said.errors)

    def test_what_libraries_print_is_not_lost_in_a_buffer_when_the_worker_ends(self):
        said = run_worker(COUNTING, written(options={"prints": True}), PYTHONUNBUFFERED="")
        self.assertIn("printed by Python", said.errors)


class Holding(unittest.TestCase):
    def tell(self, word=PROCEED_LINE, held=5, **changes):
        """The run of a worker that is told to go on when so many requests of a hold have finished."""
        seen = []

        def due(event):
            seen.extend([event] if event["event"] == "progress" and event["total"] is None else [])
            return len(seen) == held

        given = written(warmup__hold=True, warmup__prompts=2, warmup__timeout_s=0.5, **changes)
        said, told = tell_worker(COUNTING, given, due, word)
        self.assertEqual(said.status, 0, said.errors)
        self.assertEqual(said.verdict(4)["verdict"], "result", said.events)
        return said, told

    def over(self, said):
        return next(i for i, e in enumerate(said.events) if e.get("phase") == "warmup" and e["edge"] == "end")

    def test_it_goes_on_past_its_time_limit_until_the_word_is_said_or_nobody_is_left_to_say_it(self):
        for word in (PROCEED_LINE, None):
            said, told = self.tell(word, held=6, options={"token_ms": 50})
            self.assertGreater(said.events[told]["t_ns"] - said.events[0]["t_ns"], 500_000_000)
            self.assertIn(self.over(said) - told, (1, 2, 3), "the request that is under way is the last")
            parameters = said.last["effective_parameters"]
            self.assertGreaterEqual(parameters["warmup_held_requests"], 6)
            self.assertEqual(parameters["warmup_requests"], parameters["warmup_held_requests"] + 2)

    def test_nothing_is_left_running_of_requests_that_are_served_together(self):
        traffic = {"type": "closed", "concurrency": 3}
        for streaming in (True, False):
            said, _ = self.tell(
                workload__traffic=traffic, streaming=streaming, options={"together": True, "token_ms": 5}
            )
            self.assertEqual([event["index"] for event in said.named("request")], [0, 1, 2, 3])
            self.assertEqual(said.named("warning"), [])

    def test_open_traffic_that_is_served_together_may_be_hotter_than_its_warm_up_and_that_is_said(self):
        traffic = {"type": "poisson", "requests_per_s": 200}
        said, _ = self.tell(workload__traffic=traffic, options={"together": True, "token_ms": 1})
        self.assertIn("poisson traffic may heat the device further", said.named("warning")[0]["message"])

    def test_it_measures_what_it_would_have_measured(self):
        plain = worker(warmup__prompts=2).last
        said, _ = self.tell(options={"token_ms": 1})
        for name in ("input_tokens", "output_tokens"):
            self.assertEqual(said.last[name], plain[name])

    def test_a_word_that_came_together_with_the_experiment_is_heard(self):
        given = written(warmup__hold=True)
        said, _ = tell_worker(COUNTING, given, lambda event: event["event"] == "hello", PROCEED_LINE)
        self.assertEqual(said.status, 0, said.errors)
        self.assertLessEqual(said.last["effective_parameters"]["warmup_held_requests"], 1000)


class Failures(unittest.TestCase):
    def error(self, said):
        self.assertEqual(said.status, 1)
        self.assertEqual(said.verdict(4)["verdict"], "error", said.events)
        return said.last

    def test_memory_that_runs_out_says_what_to_change_and_how_much_there_was(self):
        error = self.error(worker(batch_size=4, options={"fails": "memory"}))
        self.assertEqual((error["kind"], error["peak_memory_bytes"]), ("out_of_memory", 4096))
        for part in ("lower batch_size (4)", "lower max_input_tokens (6)", "[redacted]"):
            self.assertIn(part, error["message"])

    def test_memory_of_the_host_counts_as_well(self):
        self.assertEqual(self.error(worker(options={"fails": "host_memory"}))["kind"], "out_of_memory")

    def test_a_model_that_is_not_there_is_named(self):
        error = self.error(worker(options={"fails": "model"}))
        self.assertEqual(error["kind"], "model_not_found")
        self.assertIn("counting/three", error["message"])

    def test_an_unknown_option_is_refused_before_anything_is_loaded(self):
        said = worker(options={"token_m": 1})
        error = self.error(said)
        self.assertEqual(error["kind"], "unsupported_parameter")
        self.assertIn("counting.token_m is not known; did you mean token_ms?", error["message"])
        self.assertEqual(said.named("phase"), [])

    def test_another_failure_has_its_trace_on_standard_error_alone(self):
        said = worker(options={"fails": "trace"})
        error = self.error(said)
        self.assertEqual(error["kind"], "engine")
        self.assertIn("a tensor has the wrong shape", error["message"])
        self.assertNotIn("Traceback", error["message"])
        self.assertIn("Traceback", said.errors)

    def test_a_pipe_that_breaks_inside_the_engine_is_reported(self):
        error = self.error(worker(options={"fails": "pipe"}))
        self.assertEqual(error["kind"], "engine")
        self.assertIn("a process of the engine is gone", error["message"])

    def test_a_worker_that_nobody_listens_to_ends(self):
        process = subprocess.Popen(
            COUNTING,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
            cwd=WORKERS,
        )
        process.stdout.readline()
        process.stdout.close()
        _, errors = process.communicate(json.dumps(written()).encode() + b"\n", timeout=30)
        self.assertEqual(process.returncode, 1)
        self.assertIn(b"no longer listens", errors)
        self.assertNotIn(b"Traceback", errors)

    def test_an_engine_that_does_not_let_go_fails_its_run(self):
        self.assertEqual(self.error(worker(options={"fails": "unload"}))["kind"], "engine")

    def test_what_is_no_experiment_is_answered_with_a_greeting_and_an_error(self):
        for line in (b"", b"hello\n", b"{}\n"):
            ended = subprocess.run(COUNTING, input=line, capture_output=True, env=environment(), cwd=WORKERS)
            names = [json.loads(event)["event"] for event in ended.stdout.splitlines()]
            self.assertEqual((ended.returncode, names), (1, ["hello", "error"]))

    def test_an_unknown_engine_is_a_usage_error(self):
        ended = subprocess.run(
            command("-m", "lem_worker", "onnx"), capture_output=True, env=environment(), cwd=WORKERS, text=True
        )
        self.assertEqual((ended.returncode, ended.stdout), (2, ""))
        self.assertIn("usage:", ended.stderr)

    def test_an_engine_without_its_package_says_the_command(self):
        for name in ("pytorch", "vllm", "tensorrt"):
            said = run_worker(command("-m", "lem_worker", name), written(), PYTHONNOUSERSITE="1")
            if said.last["event"] == "error" and "is not installed" in said.last["message"]:
                self.assertEqual(said.last["kind"], "engine")
                self.assertIn("pip install", said.last["message"])


class Memory(unittest.TestCase):
    def test_what_was_generated_is_kept_packed_until_its_hash_is_told(self):
        measured = Measured(Report(os.open(os.devnull, os.O_WRONLY)), False, 1)
        measured.finish(Request(0, [1]), Generation(list(range(1000, 2000)), 1))
        self.assertLess(sys.getsizeof(measured.generated[0]), 1000 * 4 + 200)
        self.assertEqual(measured.output_sha256(), sha256_of_tokens([range(1000, 2000)]))


class Ending(unittest.TestCase):
    def start(self, **options):
        return start_worker(self, COUNTING, written(options=options, warmup__prompts=0), b'"measure"')

    def test_told_to_end_it_ends_promptly(self):
        process = self.start(token_ms=10_000)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(10), 128 + signal.SIGTERM)
        self.assertLess(time.monotonic() - began, 2)

    def test_no_process_outlives_it(self):
        process = self.start(token_ms=10_000, child=True)
        self.assertEqual(len(children_of(process.pid)), 2)
        left = children_of(process.pid)
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        self.assertEqual([child for child in left if runs(child)], [])

    def test_a_process_that_may_not_be_ended_does_not_keep_the_others(self):
        with mock.patch("os.kill", side_effect=[PermissionError, None]) as kill:
            processes._send([7, 8], signal.SIGTERM)
        self.assertEqual([call.args[0] for call in kill.call_args_list], [8, 7])

    def test_no_process_outlives_a_run_that_succeeded(self):
        said = run_worker(COUNTING, written(options={"child": True}))
        self.assertEqual(said.status, 0, said.errors)
        self.assertEqual(stubborn(), [])


def children_of(process):
    with open(f"/proc/{process}/task/{process}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


def runs(process):
    """Whether a process runs; one that has ended and waits to be noticed does not."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def stubborn():
    """Processes of this package's tests that ignore SIGTERM and still run."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                if b"SIG_IGN); time.sleep(600)" in file.read():
                    found.append(int(name))
        except OSError:
            continue
    return found


if __name__ == "__main__":
    unittest.main()
