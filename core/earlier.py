"""What generated tokens attend to among those before them: where evidence may have been carried through.

This is attention, averaged over layers and heads; what taking an earlier token away would do is not measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor  # which the window opens without

KEPT: Final = 8
"""Earlier tokens kept of each token: a long run has thousands, and attention to most of them is nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class EarlierTokens:
    """The earlier tokens that ``n`` tokens attend to most.

    Attributes:
        tokens: int32 [n, KEPT], the strongest first; −1 where there are no more.
        shares: float16 [n, KEPT], the share of all the token's attention that falls on that token.
        rest: float16 [n], the share that falls on all other earlier tokens together.
    """

    tokens: np.ndarray
    shares: np.ndarray
    rest: np.ndarray

    def __len__(self) -> int:
        return len(self.tokens)

    def part(self, start: int, end: int) -> EarlierTokens:
        """Of the tokens ``start`` to ``end`` (exclusive)."""
        return EarlierTokens(self.tokens[start:end], self.shares[start:end], self.rest[start:end])


@dataclass(frozen=True, slots=True, eq=False)
class EarlierSteps:
    """The earlier steps that ``n`` tokens attend to most: what traces kept before format 3.

    Attributes:
        steps: int32 [n, KEPT], the strongest first; −1 where there are no more.
        shares: float16 [n, KEPT], the share of all the token's attention that falls on that step.
    """

    steps: np.ndarray
    shares: np.ndarray

    def __len__(self) -> int:
        return len(self.steps)

    def part(self, start: int, end: int) -> EarlierSteps:
        """Of the tokens ``start`` to ``end`` (exclusive)."""
        return EarlierSteps(self.steps[start:end], self.shares[start:end])


Earlier = EarlierTokens | EarlierSteps
"""Either, as a trace has it: of tokens, or of steps where an older file knows no more."""


def no_tokens(count: int) -> EarlierTokens:
    """Of ``count`` tokens, when nothing is known."""
    return EarlierTokens(
        np.full((count, KEPT), -1, np.int32), np.zeros((count, KEPT), np.float16), np.zeros(count, np.float16)
    )


def no_steps(count: int) -> EarlierSteps:
    """The same in steps."""
    return EarlierSteps(np.full((count, KEPT), -1, np.int32), np.zeros((count, KEPT), np.float16))


def strongest(rows: Tensor) -> EarlierTokens:
    """The earlier tokens that each token attends to most.

    Args:
        rows: float [n, tokens], attention of the positions that produced ``n`` tokens to earlier tokens; 0
            for those that are not earlier. It may lie on any device; only what is kept leaves it.
    """
    found = no_tokens(len(rows))
    if not rows.numel():
        return found
    shares, tokens = rows.float().topk(min(KEPT, rows.shape[1]), 1)
    kept, places = shares.cpu().numpy().astype(np.float16), tokens.cpu().numpy()
    found.tokens[:, : kept.shape[1]] = np.where(kept > 0, places, -1)
    found.shares[:, : kept.shape[1]] = kept
    found.rest[:] = (rows.float().sum(1) - shares.sum(1)).clamp(0, 1).cpu().numpy()
    return found


def over_span(shares: np.ndarray, steps: np.ndarray, before: int) -> list[tuple[int, float]]:
    """Of the tokens of a span, the mean share of attention to each step before step ``before``.

    Args:
        shares: [n, KEPT].
        steps: int [n, KEPT], the step that each share falls on; −1 for none.

    Returns:
        (step, share) pairs, the strongest first.
    """
    if not len(shares):
        return []
    inside = (steps >= 0) & (steps < before)
    sums = np.bincount(steps[inside], weights=shares[inside].astype(np.float64), minlength=1)
    order = np.argsort(-sums, kind="stable")
    return [(int(step), float(sums[step] / len(shares))) for step in order if sums[step] > 0]
