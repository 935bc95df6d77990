"""The recorded conversations, which every implementation of the protocol replays with the same verdicts."""

import json
import os
import unittest

from lem_worker import conversation
from lem_worker.framing import Garbled, parse_event

from .support import CONVERSATIONS


def recorded():
    with open(os.path.join(CONVERSATIONS, "expected.json"), encoding="utf-8") as file:
        return json.load(file)


class Conversations(unittest.TestCase):
    def test_every_recorded_conversation_has_its_expected_verdict(self):
        for name, about in recorded().items():
            with self.subTest(name), open(os.path.join(CONVERSATIONS, name), "rb") as file:
                lines = file.read().split(b"\n")
                self.assertEqual(conversation.verdict(lines, about["sample_size"]), about["expected"])

    def test_every_recorded_conversation_is_in_the_index(self):
        names = {name for name in os.listdir(CONVERSATIONS) if name.endswith(".jsonl")}
        self.assertEqual(names, set(recorded()))

    def test_a_violation_leaves_the_conversation_as_it_was(self):
        state = conversation.Conversation(1)
        state.accept({"t_ns": 1, "event": "hello", "protocol": 1, "engine": "x", "versions": {}})
        with self.assertRaises(conversation.Violation):
            state.accept({"t_ns": 0, "event": "warning", "message": "late"})
        state.accept({"t_ns": 1, "event": "phase", "phase": "measure", "edge": "begin"})

    def test_fields_of_unfinished_requests_that_are_not_known_are_passed_over(self):
        with open(os.path.join(CONVERSATIONS, "steady_state.jsonl"), "rb") as file:
            lines = file.read().split(b"\n")
        about = recorded()["steady_state.jsonl"]
        later = [line.replace(b'"unfinished":{', b'"unfinished":{"requests":1,') for line in lines]
        later = [line.replace(b'"unfinished": {', b'"unfinished": {"requests": 1, ') for line in later]
        self.assertNotEqual(later, lines)
        self.assertEqual(conversation.verdict(later, about["sample_size"]), about["expected"])

    def test_numbers_that_are_no_json_are_garbled(self):
        with self.assertRaises(Garbled) as raised:
            parse_event(b'{"t_ns": 1, "event": "progress", "done": NaN}')
        self.assertEqual(raised.exception.code, "not_json")


if __name__ == "__main__":
    unittest.main()
