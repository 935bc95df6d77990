"""How the worker refuses, and how it ends, with the real PyTorch and Transformers on the CPU.

Run with the Python of `setup-venv.sh`; without torch and transformers everything here is skipped.
"""

import json
import os
import shutil
import signal
import sys
import tempfile
import time
import unittest

from tests.support import start_worker

from . import real_pytorch
from .real_pytorch import OFFLINE, PYTORCH, Worker, given, model


def setUpModule():
    real_pytorch.set_up()


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
        long = given(workload__sample_size=1000, workload__max_output_tokens=1000, warmup__prompts=0)
        process = start_worker(self, PYTORCH, long, b'"request"', **OFFLINE)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(10), 128 + signal.SIGTERM)
        self.assertLess(time.monotonic() - began, 2)


if __name__ == "__main__":
    sys.exit(unittest.main())
