"""What the tests with the real PyTorch and Transformers share: a tiny model made on the spot, and a worker on it."""

import atexit
import functools
import importlib.util
import os
import subprocess
import tempfile
import unittest

from lem_worker import files, prompts
from tests.support import WORKERS, command, environment, run_worker, written

MISSING = [name for name in ("torch", "transformers", "tokenizers") if importlib.util.find_spec(name) is None]
PYTORCH = command("-m", "lem_worker", "pytorch")
OFFLINE = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}


def set_up():
    """Skips the tests of a module where an engine is missing; to be called by its `setUpModule`."""
    if MISSING:
        raise unittest.SkipTest(f"not installed: {', '.join(MISSING)}; run tests_engines/setup-venv.sh")
    folder()


@functools.cache
def folder():
    """The folder of the tiny models, made once for all modules; it goes with this process."""
    made_in = tempfile.TemporaryDirectory()
    atexit.register(made_in.cleanup)
    making = command("-m", "tests_engines.tiny_model", made_in.name)
    made = subprocess.run(making, env=environment(**OFFLINE), cwd=WORKERS, capture_output=True, text=True)
    if made.returncode:
        raise RuntimeError(made.stderr)
    return made_in.name


def model(name="model"):
    return os.path.join(folder(), name)


def given(**changes):
    plain = {
        "backend": "pytorch",
        "model": model(),
        "workload__max_input_tokens": 40,
        "workload__max_output_tokens": 12,
        "warmup__prompts": 1,
    }
    return written(**{**plain, **changes})


class Worker(unittest.TestCase):
    def run_worker(self, **changes):
        return run_worker(PYTORCH, given(**changes), 120, **OFFLINE)

    def result(self, requests=4, **changes):
        said = self.run_worker(**changes)
        self.assertEqual(said.status, 0, said.errors)
        verdict = said.verdict(requests)
        self.assertEqual(verdict["verdict"], "result", verdict)
        return said

    def error(self, kind, **changes):
        said = self.run_worker(**changes)
        self.assertEqual((said.status, said.verdict(None)), (1, {"verdict": "error", "kind": kind}), said.errors)
        return said.last["message"]


def parameters(said):
    return said.last["effective_parameters"]


def builtin(count):
    return [record.text for record in files.read(prompts.BUILTIN_PATH, "prompt")[:count]]


def reference(folder, count, **settings):
    """The new tokens that plain transformers gives for the first built-in prompts, one at a time."""
    import torch
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    network = transformers.AutoModelForCausalLM.from_pretrained(folder)
    outputs = []
    for text in builtin(count):
        ids = torch.tensor([tokenizer(text)["input_ids"][:40]])
        output = network.generate(ids, max_new_tokens=12, do_sample=False, pad_token_id=1, **settings)
        tokens = output[0, ids.shape[1] :].tolist()
        outputs.append(tokens[: tokens.index(1) + 1] if 1 in tokens else tokens)
    return outputs
