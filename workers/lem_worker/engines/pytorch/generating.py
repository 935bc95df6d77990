"""From a batch of prompts to tokens with their times, through transformers' `generate()`."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, Optional

import torch
import transformers

from ... import failure
from ...clock import now_ns
from ...decoding import is_greedy
from ...experiment import Experiment
from ..base import Generation, OutOfTime, Request
from . import options
from .loading import Model

GIVEN_AS_THEY_ARE = (
    "use_cache",
    "cache_implementation",
    "output_scores",
    "return_dict_in_generate",
    "no_repeat_ngram_size",
)
"""Options that transformers calls the same. One that is 0 or false is passed on too: the model's own may be another."""


def generation_config(experiment: Experiment, given: dict[str, Any], further: dict[str, Any], model: Model) -> Any:
    """The settings of generation: the model's own, with the experiment's over them, and `further` ones over both."""
    config = copy.deepcopy(model.network.generation_config)
    settings = {**_settings(experiment, given), **further}
    if config.pad_token_id is None:
        settings.setdefault("pad_token_id", model.tokenizer.pad_token_id)
    if config.eos_token_id is None:
        settings.setdefault("eos_token_id", model.tokenizer.eos_token_id)
    try:
        unused = config.update(**settings)
        config.validate()
    except ValueError as error:
        raise failure.unsupported(
            f"transformers refuses the settings of generation: {failure.summary(error)}"
        ) from error
    if unused:
        raise failure.unsupported(f"transformers has no setting of generation called {', '.join(unused)}")
    if model.assistant is not None and "num_tokens" in given["assisted_generation"]:
        model.assistant.generation_config.num_assistant_tokens = given["assisted_generation"]["num_tokens"]
        model.assistant.generation_config.num_assistant_tokens_schedule = "constant"
    return config


def end_tokens(config: Any) -> set[int]:
    """The tokens that end an output."""
    ids = config.eos_token_id
    return set() if ids is None else set(ids) if isinstance(ids, (list, tuple)) else {ids}


def generate(
    model: Model,
    config: Any,
    requests: Sequence[Request],
    streaming: bool,
    deadline_ns: Optional[int] = None,
) -> list[Generation]:
    """Processes `requests` as one batch. The clock runs from making the batch until the device has finished."""
    synchronize(model.gpus)
    start_ns = now_ns()
    ids, mask = _padded([request.tokens for request in requests], config.pad_token_id, model.device)
    criteria = transformers.StoppingCriteriaList()
    stamps, deadline = _Stamps(model.gpus, ids.shape[1]), _Deadline(deadline_ns)
    if streaming:
        criteria.append(stamps)
    if deadline_ns is not None:
        criteria.append(deadline)
    arguments: dict[str, Any] = {"assistant_model": model.assistant} if model.assistant is not None else {}
    if model.assistant_tokenizer is not None:
        arguments.update(tokenizer=model.tokenizer, assistant_tokenizer=model.assistant_tokenizer)
    output = model.network.generate(
        input_ids=ids, attention_mask=mask, generation_config=config, stopping_criteria=criteria, **arguments
    )
    synchronize(model.gpus)
    end_ns = now_ns()
    if deadline.passed:
        raise OutOfTime
    sequences = (output if isinstance(output, torch.Tensor) else output.sequences)[:, ids.shape[1] :].tolist()
    ends = end_tokens(config)
    outputs = [_cut_at_end(sequence, ends) for sequence in sequences]
    return [_generation(tokens, stamps, streaming, start_ns, end_ns) for tokens in outputs]


def synchronize(gpus: Sequence[int]) -> None:
    """Waits until each of `gpus` has finished what it was given."""
    for gpu in gpus:
        torch.cuda.synchronize(gpu)


def _settings(experiment: Experiment, given: dict[str, Any]) -> dict[str, Any]:
    workload, decoding = experiment.workload, experiment.decoding
    greedy = is_greedy(decoding)
    settings: dict[str, Any] = {
        "max_new_tokens": workload.max_output_tokens,
        "min_new_tokens": workload.min_output_tokens or None,
        # The model's own limits would win over these, or contradict them.
        "max_length": None,
        "min_length": None,
        "do_sample": not greedy,
        # Without sampling these have no effect, and transformers warns of any but its defaults.
        "temperature": 1.0 if greedy else decoding.temperature,
        "top_k": 50 if greedy else decoding.top_k,
        "top_p": 1.0 if greedy else decoding.top_p,
        "repetition_penalty": decoding.repetition_penalty,
        "num_return_sequences": 1,
        "num_beams": 1,
        **options.beam_search(given),
    }
    for name in GIVEN_AS_THEY_ARE:
        if name in given:
            settings[name] = given[name]
    if "min_p" in given and not greedy:
        settings["min_p"] = given["min_p"]
    return settings


def _padded(prompts: Sequence[Sequence[int]], pad: Optional[int], device: Any) -> tuple[Any, Any]:
    """Token ids and attention mask of a batch, padded on the left."""
    longest = max(len(prompt) for prompt in prompts)
    padding = 0 if pad is None else pad
    ids = [[padding] * (longest - len(prompt)) + list(prompt) for prompt in prompts]
    mask = [[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


def _cut_at_end(tokens: list[int], ends: set[int]) -> list[int]:
    """`tokens` up to and including the first end token; what follows is padding."""
    for position, token in enumerate(tokens):
        if token in ends:
            return tokens[: position + 1]
    return tokens


def _generation(tokens: list[int], stamps: _Stamps, streaming: bool, start_ns: int, end_ns: int) -> Generation:
    if not streaming:
        return Generation(tokens, end_ns - start_ns, start_ns=start_ns)
    times, came_in_groups = stamps.of_tokens(len(tokens))
    token_ns = [time - start_ns for time in times]
    return Generation(tokens, token_ns[-1], token_ns[0], None if came_in_groups else token_ns, start_ns)


class _Stamps(transformers.StoppingCriteria):
    """Notes when each token was there; stops nothing. Called after each step, which may bring several tokens."""

    def __init__(self, gpus: Sequence[int], prompt_length: int) -> None:
        self._gpus = gpus
        self._prompt_length = prompt_length
        self._steps: list[tuple[int, int]] = []

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        synchronize(self._gpus)
        self._steps.append((input_ids.shape[1] - self._prompt_length, now_ns()))
        return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)

    def of_tokens(self, count: int) -> tuple[list[int], bool]:
        """When each of the first `count` tokens was there, and whether some came together."""
        times: list[int] = []
        came_in_groups = False
        for length, time in self._steps:
            new = min(length, count) - len(times)
            came_in_groups = came_in_groups or new > 1
            times.extend([time] * max(new, 0))
        return times, came_in_groups


class _Deadline(transformers.StoppingCriteria):
    """Stops the whole batch once the clock has passed a time."""

    def __init__(self, deadline_ns: Optional[int]) -> None:
        self._deadline_ns = deadline_ns
        self.passed = False

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        self.passed = self._deadline_ns is not None and now_ns() >= self._deadline_ns
        return torch.full((input_ids.shape[0],), self.passed, dtype=torch.bool, device=input_ids.device)
