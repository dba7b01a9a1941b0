"""How far tokens attend to earlier steps of the reasoning: where evidence may have been carried through.

This is attention, averaged over layers and heads; what taking the earlier step away would do is not measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

KEPT: Final = 8
"""Steps kept of each token: a long run has thousands, and attention to most of them is nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class EarlierSteps:
    """The earlier steps that ``n`` tokens attend to most.

    Attributes:
        steps: int32 [n, KEPT], the strongest first; −1 where there are no more.
        shares: float16 [n, KEPT], the share of all the token's attention that falls on that step.
    """

    steps: np.ndarray
    shares: np.ndarray

    def __len__(self) -> int:
        return len(self.steps)


def nothing_earlier(count: int) -> EarlierSteps:
    """Of ``count`` tokens, when nothing is known."""
    return EarlierSteps(np.full((count, KEPT), -1, np.int32), np.zeros((count, KEPT), np.float16))


def strongest(rows: np.ndarray, starts: np.ndarray, own: np.ndarray) -> EarlierSteps:
    """The steps before its own that each token attends to most.

    Args:
        rows: float [n, tokens], attention of the positions that produced ``n`` tokens to earlier tokens.
        starts: int [steps], the first token of each step, strictly ascending from 0.
        own: int [n], the step of each of the ``n`` tokens.
    """
    found = nothing_earlier(len(rows))
    known = starts[starts < rows.shape[1]]
    if not len(known):
        return found
    shares = np.add.reduceat(rows, known, axis=1)
    shares[np.arange(len(known)) >= own[:, None]] = 0.0
    best = np.argsort(-shares, axis=1, kind="stable")[:, :KEPT]
    values = np.take_along_axis(shares, best, 1).astype(np.float16)
    width = best.shape[1]
    found.steps[:, :width] = np.where(values > 0, best, -1)
    found.shares[:, :width] = values
    return found


def over_span(earlier: EarlierSteps, before: int) -> list[tuple[int, float]]:
    """Of the tokens of a span, the mean share of attention to each step before step ``before``.

    Returns:
        (step, share) pairs, the strongest first.
    """
    if not len(earlier):
        return []
    inside = (earlier.steps >= 0) & (earlier.steps < before)
    sums = np.bincount(earlier.steps[inside], weights=earlier.shares[inside].astype(np.float64), minlength=1)
    order = np.argsort(-sums, kind="stable")
    return [(int(step), float(sums[step] / len(earlier))) for step in order if sums[step] > 0]
