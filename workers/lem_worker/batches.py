"""How requests are put together into batches.

| strategy | batches |
|---|---|
| static | so many requests at a time, in their order |
| dynamic | in their order, until a batch has `batch_size` requests or `max_tokens_per_batch` prompt tokens |
| sorted_static, sorted_dynamic | the same with the longest prompts first, so that little is padded |

Padding is not counted in `max_tokens_per_batch`. A prompt that is longer than that is a batch of its own. The longest
prompts come first, not last, so that memory runs out in the warm-up if it does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from . import failure
from .engines.base import Request

STRATEGIES = ("static", "dynamic", "sorted_static", "sorted_dynamic")


def check(strategy: str, max_tokens_per_batch: Optional[int], section: str) -> None:
    """Refuses a limit that has no effect, and a strategy that lacks its limit."""
    is_dynamic = strategy.endswith("dynamic")
    if is_dynamic and max_tokens_per_batch is None:
        raise failure.unsupported(
            f"{section}.batching_strategy is {strategy}, which needs {section}.max_tokens_per_batch: the most prompt "
            "tokens of one batch"
        )
    if not is_dynamic and max_tokens_per_batch is not None:
        raise failure.unsupported(
            f"{section}.max_tokens_per_batch has no effect with the batching_strategy {strategy}; use dynamic or "
            "sorted_dynamic"
        )


def batches(
    requests: Sequence[Request], strategy: str, batch_size: int, max_tokens_per_batch: Optional[int] = None
) -> list[list[Request]]:
    """All of `requests` in batches; none is empty."""
    if strategy.startswith("sorted_"):
        requests = sorted(requests, key=lambda request: -len(request.tokens))
    made: list[list[Request]] = []
    tokens = 0
    for request in requests:
        is_full = not made or len(made[-1]) == batch_size
        is_heavy = max_tokens_per_batch is not None and tokens + len(request.tokens) > max_tokens_per_batch
        if is_full or is_heavy:
            made.append([])
            tokens = 0
        made[-1].append(request)
        tokens += len(request.tokens)
    return made
