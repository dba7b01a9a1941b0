"""From a text back to the screenshot, token by token, through the earlier tokens that it attended to.

An answer often rests on no region itself: what it needs was read earlier. A token that relies on the
screenshot was read there; one that does not was taken from the tokens before it. Which ones, attention tells,
beyond what those get from everybody (``core.habit``). What taking them away would do is not measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from core.trace import Trace

HALF_READ: Final = 1.0
"""Nats of support of a token at which half of it counts as read there, and half as taken from before."""

LEAST_PART: Final = 1e-4
"""Part of the whole below which nothing is followed any further: bounds the work on a long run."""


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """Where the parts of a span lead. All of them add up to at most 1: some ways end nowhere.

    Attributes:
        direct: float64 [regions], the parts that the span's own tokens read from each region.
        carried: float64 [regions], the parts that tokens before it read from each region.
        steps: float64 [steps], the parts that were read before the span, by the step that read them.
    """

    direct: np.ndarray
    carried: np.ndarray
    steps: np.ndarray


def follow(trace: Trace, start: int, end: int) -> Followed:
    """Follow the tokens ``start`` to ``end`` (exclusive) of a trace with calibrated effects.

    Each token of the span counts alike.
    Of what arrives at a token, support / (support + ``HALF_READ``) was read there, support being the sum of
    its positive effects, from regions in proportion to those. The rest goes on to the earlier tokens that it
    attended to, in proportion to the excess over habit. So every way ends, at the latest at the first token.
    """
    end = min(end, trace.estimated)
    parts = np.zeros(end)
    parts[start:end] = 1 / max(1, end - start)
    support = np.maximum(trace.effects[:end], 0).astype(np.float64)
    total = support.sum(1)
    read = total / (total + HALF_READ)
    tokens, excess = trace.earlier_tokens.tokens, trace.excess
    for token in range(end - 1, -1, -1):
        part = parts[token]
        if part < LEAST_PART:
            parts[token] = 0.0
        elif token < len(excess) and (sum_ := float(excess[token].sum())) > 0:
            # places without a token are −1 and have no excess
            parts[tokens[token]] += part * (1 - read[token]) / sum_ * excess[token]
    parts *= read
    from_regions = support * (parts / np.maximum(total, 1e-12))[:, None]
    of_steps = [trace.tokens[token].step for token in range(start)]
    return Followed(
        direct=from_regions[start:end].sum(0),
        carried=from_regions[:start].sum(0),
        steps=np.bincount(np.array(of_steps, np.int64), parts[:start], trace.step_count),
    )
