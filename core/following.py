"""From a text back to the screenshot, token by token, through the earlier tokens that it attended to.

An answer often rests on no region itself: what it needs was read earlier. A token that relies on the
screenshot was read there; one that does not was taken from the tokens before it. Which ones, attention tells,
beyond what those get from everybody (``core.habit``). What taking them away would do is not measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Final

import numpy as np

from core.trace import Trace

HALF_READ: Final = 1.0
"""Nats of support of a token at which half of it counts as read there, and half as taken from before."""

LEAST_PART: Final = 3e-4
"""Part of the whole below which nothing before the span is followed any further: bounds the work."""

MOST_TOKENS: Final = 256
"""Tokens of a span that are followed: enough to speak for a longer one, and soon done."""


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

    Each token of the span counts alike; of a span of more than ``MOST_TOKENS``, evenly spaced ones.
    Of what arrives at a token, support / (support + ``HALF_READ``) was read there, support being the sum of
    its positive effects, from regions in proportion to those. The rest goes on to the earlier tokens that it
    attended to, in proportion to the excess over habit. So every way ends, at the latest at the first token.
    """
    end = min(end, trace.estimated)
    direct, carried = np.zeros((2, len(trace.region_map)))
    steps = np.zeros(trace.step_count)
    tokens, excess = trace.earlier_tokens.tokens, trace.excess
    chosen = range(start, end, max(1, -(-(end - start) // MOST_TOKENS)))
    parts = dict.fromkeys(chosen, 1 / max(1, len(chosen)))
    waiting = [-token for token in reversed(chosen)]  # the latest first: nothing leads forward
    while waiting:
        token = -heappop(waiting)
        part = parts[token]
        if part < LEAST_PART and token not in chosen:
            continue
        support = np.maximum(trace.effects[token], 0).astype(np.float64)
        total = float(support.sum())
        read = part * total / (total + HALF_READ)
        if total > 0:
            (direct if token >= start else carried)[:] += read / total * support
        if token < start:
            steps[trace.tokens[token].step] += read
        beyond = excess[token].astype(np.float64) if token < len(excess) else np.zeros(0)
        taken = (part - read) / max(float(beyond.sum()), 1e-12) * beyond
        for seen, more in zip(tokens[token].tolist() if len(taken) else (), taken.tolist(), strict=True):
            if more > 0:
                if seen not in parts:
                    heappush(waiting, -seen)
                parts[seen] = parts.get(seen, 0.0) + more
    return Followed(direct, carried, steps)
