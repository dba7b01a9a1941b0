"""What is wrong with predicted log-probabilities over masks: their order, and their scale in nats.

Half of the verdict on an estimator is LDS, a rank correlation over masks; half is that its numbers are nats.
Effects saturate (what is lost already cannot be lost again), so that measured log-probabilities have long
tails, and correlation with their ranks tells more about order than with their values.
"""

from __future__ import annotations

from typing import Final

from torch import Tensor
from torch.nn import functional

RANKED: Final = 0.7
"""Share of the ranks in what a prediction is correlated with; the rest is the values."""
_NOISE = 1e-15
_TINY = 1e-20


def disagreement(predicted: Tensor, measured: Tensor) -> Tensor:
    """1 − correlation over masks, averaged over the targets that masks move, plus half the error in nats.

    Args:
        predicted, measured: [M, targets], nats; ``measured`` is centred over the masks.
    """
    predicted = predicted - predicted.mean(0)
    spread = measured.std(0)
    unit = predicted / (predicted.detach().std(0) + _TINY)
    agreement = RANKED * _correlation(unit, _ranks(measured))
    agreement = agreement + (1 - RANKED) * _correlation(unit, measured / (spread + _TINY))
    weight = spread / (spread + _NOISE)  # a target that no mask moves has no order to learn
    ranked = (weight * (1 - agreement)).sum() / weight.sum().clamp_min(1e-6)
    return ranked + 0.5 * functional.smooth_l1_loss(predicted, measured, beta=0.5)


def _correlation(a: Tensor, b: Tensor) -> Tensor:
    """Cosine of centred columns [M, targets] → [targets]."""
    return (a * b).sum(0) / (a.norm(dim=0) * b.norm(dim=0) + _TINY)


def _ranks(values: Tensor) -> Tensor:
    """Centred ranks down each column."""
    ranks = values.argsort(0).argsort(0).float()
    return ranks - ranks.mean(0)
