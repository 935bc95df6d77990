"""Which kind of failure an engine's exception is, and that no secret leaves the worker."""

import json
import os
import unittest

from lem_worker import failure
from lem_worker.protocol import MAX_LINE_BYTES, Report


class OutOfMemoryError(RuntimeError):
    pass


class RepositoryNotFoundError(Exception):
    pass


def kind_of(error):
    return failure.of_exception(error, "pytorch", "org/model", "lower batch_size (8)").kind


def caused(error, cause):
    error.__cause__ = cause
    return error


class Kinds(unittest.TestCase):
    def test_exceptions_of_engines_are_sorted_by_class_and_by_what_they_say(self):
        cases = [
            (OutOfMemoryError("CUDA"), failure.OUT_OF_MEMORY),
            (MemoryError(), failure.OUT_OF_MEMORY),
            (RuntimeError("CUDA error: out of memory"), failure.OUT_OF_MEMORY),
            (RuntimeError("DefaultCPUAllocator: can't allocate memory"), failure.OUT_OF_MEMORY),
            (ValueError("No available memory for the cache blocks."), failure.OUT_OF_MEMORY),
            (caused(RuntimeError("engine core died"), OutOfMemoryError("x")), failure.OUT_OF_MEMORY),
            (RepositoryNotFoundError("404"), failure.MODEL_NOT_FOUND),
            (OSError("org/model is not a local folder and is not a valid model identifier"), failure.MODEL_NOT_FOUND),
            (ValueError("Model architectures ['X'] are not supported for now."), failure.MODEL_NOT_FOUND),
            (RuntimeError("numpy._core._exceptions._ArrayMemoryError: Unable to allocate"), failure.OUT_OF_MEMORY),
            (ValueError("Some modules are on the CPU. Make sure you have enough GPU RAM"), failure.OUT_OF_MEMORY),
            (RuntimeError("shapes do not fit"), failure.ENGINE),
            (ImportError("libcudart.so.13"), failure.ENGINE),
            (KeyError("weight"), failure.ENGINE),
        ]
        for error, expected in cases:
            self.assertEqual(kind_of(error), expected, repr(error))

    def test_what_to_change_is_said_when_memory_runs_out(self):
        message = failure.of_exception(MemoryError(), "pytorch", "m", "lower batch_size (8)").message
        self.assertIn("lower batch_size (8)", message)

    def test_a_missing_package_comes_with_its_command(self):
        missing = failure.missing_package("datasets", "the dataset alpaca", "pip install datasets")
        self.assertEqual(
            missing.message,
            "the package datasets is not installed, and the dataset alpaca needs it; install it with: "
            "pip install datasets",
        )

    def test_long_texts_of_engines_are_cut_and_put_on_one_line(self):
        text = failure.summary(RuntimeError("line\n" * 5000))
        self.assertLessEqual(len(text), failure.MAX_MESSAGE_CHARS)
        self.assertNotIn("\n", text)


class Redaction(unittest.TestCase):
    def test_tokens_are_cut_out_by_value_and_by_form(self):
        os.environ["HF_TOKEN"] = "secret-value-of-a-token"
        self.addCleanup(os.environ.pop, "HF_TOKEN")
        text = failure.redact("url?token=secret-value-of-a-token and hf_AbCdEfGhIjKlMnOpQrSt.")
        self.assertEqual(text, "url?token=[redacted] and [redacted].")

    def test_names_and_passwords_are_cut_out_of_urls(self):
        text = failure.redact('401 for "https://ana:secret@hub.example/x", see https://hub.example/a@b and mail@home')
        self.assertEqual(text, '401 for "https://[redacted]@hub.example/x", see https://hub.example/a@b and mail@home')

    def test_a_placeholder_instead_of_a_token_leaves_events_as_they_are(self):
        os.environ["HF_TOKEN"] = "null"
        self.addCleanup(os.environ.pop, "HF_TOKEN")
        self.assertEqual(failure.redact('{"total":null}'), '{"total":null}')

    def test_no_event_carries_a_token(self):
        reading, writing = os.pipe()
        report = Report(writing)
        report.warn("401 for hf_AbCdEfGhIjKlMnOpQrSt")
        line = os.read(reading, 4096)
        os.close(reading)
        os.close(writing)
        self.assertNotIn(b"hf_AbC", line)
        self.assertEqual(json.loads(line)["message"], "401 for [redacted]")


class Lines(unittest.TestCase):
    def setUp(self):
        self.reading, self.writing = os.pipe()
        self.addCleanup(os.close, self.reading)
        self.addCleanup(os.close, self.writing)

    def test_a_line_that_every_reader_must_refuse_is_not_written(self):
        with self.assertRaises(failure.Failure):
            Report(self.writing).warn("x" * MAX_LINE_BYTES)
        with self.assertRaises(ValueError):
            Report(self.writing).say("request", latency_ms=float("nan"))

    def test_a_failure_with_a_long_message_is_said_all_the_same(self):
        reading, writing = self.reading, self.writing
        Report(writing).fail(failure.unsupported("x" * MAX_LINE_BYTES))
        self.assertEqual(len(json.loads(os.read(reading, 1 << 16))["message"]), failure.MAX_MESSAGE_CHARS)

    def test_half_a_surrogate_pair_does_not_make_a_line_unreadable(self):
        Report(self.writing).warn("half a \ud83d face")
        self.assertEqual(json.loads(os.read(self.reading, 4096))["message"], "half a ? face")


if __name__ == "__main__":
    unittest.main()
