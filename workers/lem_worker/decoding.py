"""How tokens are chosen, in the words that every engine shares, and the hash over what was generated."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence
from typing import Any

from .experiment import Decoding, Experiment


def is_greedy(decoding: Decoding) -> bool:
    """Whether the most probable token is always taken; a temperature of 0 means the same."""
    return not decoding.do_sample or decoding.temperature == 0


def described(decoding: Decoding) -> dict[str, Any]:
    """How tokens were chosen; what has no effect is left out."""
    if is_greedy(decoding):
        return {"strategy": "greedy", "repetition_penalty": decoding.repetition_penalty}
    return {
        "strategy": "sample",
        "temperature": decoding.temperature,
        "top_k": decoding.top_k,
        "top_p": decoding.top_p,
        "repetition_penalty": decoding.repetition_penalty,
    }


def seed_of(experiment: Experiment, position: int) -> int:
    """The seed of the request or batch at `position`: what it generates does not depend on what came before it.

    Seeds of engines have 63 bits at most; neighbouring experiments must not share streams, so the two are mixed.
    """
    mixed = hashlib.sha256(struct.pack("<QQ", experiment.seed & (2**64 - 1), position)).digest()
    return int.from_bytes(mixed[:8], "little") & (2**63 - 1)


def sha256_of_tokens(sequences: Iterable[Sequence[int]]) -> str:
    """SHA-256 over sequences of token ids, as every worker of LEM Desktop computes it.

    Of each sequence, its length as 64 bits and each token as 32 bits, little-endian.
    """
    digest = hashlib.sha256()
    for tokens in sequences:
        digest.update(struct.pack("<Q", len(tokens)))
        digest.update(struct.pack(f"<{len(tokens)}I", *tokens))
    return digest.hexdigest()
