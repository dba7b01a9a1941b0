"""How well estimated effects agree with measured ones.

LDS is the linear datamodeling score (Park et al. 2023, TRAK; as design.md defines it): the rank correlation,
over random masks, of the measured summed log-probability of a target with the sum of the estimated effects of
the regions that the mask keeps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with a bootstrap interval, and how many targets it is over; None for the mean of nothing."""

    mean: float | None
    low: float | None
    high: float | None
    count: int


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks along the first axis, ties averaged: float64, shape of ``values`` [n, …]."""
    flat = values.reshape(len(values), -1)
    ranked = np.empty(flat.shape)
    for column in range(flat.shape[1]):
        _, place, count = np.unique(flat[:, column], return_inverse=True, return_counts=True)
        ranked[:, column] = (np.cumsum(count) - (count - 1) / 2)[place]
    return ranked.reshape(values.shape)


def correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Pearson correlation along the first axis; 0 where either does not vary."""
    a, b = a - a.mean(0), b - b.mean(0)
    scale = np.sqrt((a * a).sum(0) * (b * b).sum(0))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(scale > 1e-12, (a * b).sum(0) / scale, 0.0)


def spearman(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Rank correlation along the first axis, ties averaged; 0 where either does not vary."""
    return correlation(ranks(a), ranks(b))


def over_spans(values: np.ndarray, spans: Sequence[tuple[int, int]]) -> np.ndarray:
    """Sums over token spans along the last axis: [..., T] → [..., spans]."""
    return np.stack([values[..., start:end].sum(-1) for start, end in spans], -1)


def lds(effects: np.ndarray, masks: np.ndarray, log_probs: np.ndarray) -> np.ndarray:
    """LDS of each target, before averaging.

    Args:
        effects: [targets, regions], nats; estimated.
        masks: bool [M, regions]; True where kept.
        log_probs: [M, targets], nats; measured.

    Returns:
        float64 [targets], −1 to 1; 0 for a target that no mask changes.
    """
    return spearman(masks.astype(np.float64) @ effects.astype(np.float64).T, log_probs.astype(np.float64))


def explained(effects: np.ndarray, masks: np.ndarray, log_probs: np.ndarray) -> float:
    """R²: share of the variation over masks, in nats, that the estimated effects explain as they are.

    Each target is centred, none is rescaled: an estimate of the right order but the wrong scale scores low.
    Shapes as in ``lds``.
    """
    predicted = masks.astype(np.float64) @ effects.astype(np.float64).T
    predicted = predicted - predicted.mean(0)
    measured = log_probs - log_probs.mean(0)
    total = float((measured**2).sum())
    return 1.0 - float(((measured - predicted) ** 2).sum()) / total if total > 0 else 0.0


def roc_auc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Area under the ROC curve: how often a positive scores above a negative, ties half.

    Args:
        scores: [n]; infinities are allowed.
        positive: bool [n]; both outcomes must occur.

    Raises:
        ValueError: only one outcome occurs.
    """
    count, total = int(positive.sum()), len(positive)
    if count in (0, total):
        raise ValueError("an ROC curve needs both outcomes")
    above = float(ranks(np.asarray(scores, np.float64))[positive].sum()) - count * (count + 1) / 2
    return above / (count * (total - count))


def bootstrap_auc(
    scores: Sequence[np.ndarray],
    positive: Sequence[np.ndarray],
    level: float = 0.95,
    draws: int = 500,
    seed: int = 0,
) -> Interval:
    """``roc_auc`` over all targets, with an interval from redrawing whole groups (the targets of a screen).

    Args:
        scores, positive: for each group [targets]; see ``roc_auc``.

    Returns:
        None for the mean and its interval where only one outcome occurs.
    """
    joined, outcomes = np.concatenate([*scores, np.zeros(0)]), np.concatenate([*positive, np.zeros(0, bool)])
    if outcomes.all() or not outcomes.any():
        return Interval(None, None, None, len(joined))
    levels, level_of = np.unique(joined, return_inverse=True)  # targets that tie share a level
    owner = np.repeat(np.arange(len(scores)), [len(group) for group in scores])
    rng, drawn = np.random.default_rng(seed), []
    for _ in range(draws):
        weights = np.bincount(rng.integers(0, len(scores), len(scores)), minlength=len(scores))[owner]
        right, wrong = (
            np.bincount(level_of[kept], weights[kept], len(levels)) for kept in (outcomes, ~outcomes)
        )
        if right.sum() and wrong.sum():
            below = wrong.cumsum() - wrong / 2
            drawn.append(float(right @ below) / (right.sum() * wrong.sum()))
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Interval(roc_auc(joined, outcomes), float(low), float(high), len(joined))


def scale_sums(effects: np.ndarray, masks: np.ndarray, log_probs: np.ndarray) -> np.ndarray:
    """What R² and slope over many texts are made of; shapes as in ``lds``.

    Returns:
        float64 [4], nats squared: the squared error of the centred prediction, the squared centred
        measurement, their product, and the squared centred prediction. R² is 1 − the first / the
        second; the slope of measured on estimated, 1 where the scale is right, is the third / the fourth.
    """
    predicted = masks.astype(np.float64) @ effects.astype(np.float64).T
    predicted = predicted - predicted.mean(0)
    measured = log_probs.astype(np.float64) - log_probs.mean(0)
    pairs = ((measured - predicted) ** 2, measured**2, measured * predicted, predicted**2)
    return np.array([pair.sum() for pair in pairs])


def top_k(effects: np.ndarray, k: int) -> np.ndarray:
    """Masks without the ``k`` regions of largest effect: bool [targets, regions]."""
    keep = np.ones(effects.shape, bool)
    best = np.argsort(-effects, axis=1, kind="stable")[:, :k]
    np.put_along_axis(keep, best, False, axis=1)
    return keep


def top_k_drop(base: np.ndarray, ablated: np.ndarray) -> np.ndarray:
    """Drop in nats of each target when its top regions are removed: [targets] − [targets]."""
    return base - ablated


def curve_counts(regions: int) -> list[int]:
    """How many of the top regions a deletion or insertion curve removes or brings back, from 0 to all."""
    wanted = {0, 1, 3, 5, round(regions / 2), round(3 * regions / 4), regions}
    return sorted(count for count in wanted if count <= regions)


def curve_area(counts: Sequence[int], log_probs: np.ndarray, nothing: float, whole: float) -> float:
    """Area under a deletion or insertion curve, trapezoids.

    Args:
        counts: regions removed or brought back, from 0 to all of them.
        log_probs: [counts], nats; the target's at each.
        nothing, whole: nats; the target's with no region and with all of them. Their difference, the
            reliance, is the unit of height, so that 1 is where everything is kept and 0 where nothing is.

    Returns:
        the mean height over the share of regions. A good order falls at once and rises at once: low is good
        for deletion, high for insertion.
    """
    shares = np.asarray(counts, np.float64) / counts[-1]
    heights = (np.asarray(log_probs, np.float64) - nothing) / (whole - nothing)
    return float(np.trapezoid(heights, shares))


def bootstrap(values: np.ndarray, level: float = 0.95, draws: int = 1000, seed: int = 0) -> Interval:
    """Mean of independent values with a percentile bootstrap interval."""
    if not len(values):
        return Interval(None, None, None, 0)
    rng = np.random.default_rng(seed)
    means = np.array([values[rng.integers(0, len(values), len(values))].mean() for _ in range(draws)])
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(values.mean()), float(low), float(high), len(values))


def bootstrap_groups(
    groups: Sequence[np.ndarray], level: float = 0.95, draws: int = 1000, seed: int = 0
) -> Interval:
    """Mean over all values, with an interval from redrawing whole groups (the targets of a screen)."""
    groups = [np.asarray(group) for group in groups if len(group)]
    sums = np.array([group.sum() for group in groups])
    counts = np.array([len(group) for group in groups])
    found = bootstrap_ratio(sums, counts, level, draws, seed)
    return Interval(found.mean, found.low, found.high, int(counts.sum()))


def bootstrap_ratio(
    above: np.ndarray, below: np.ndarray, level: float = 0.95, draws: int = 1000, seed: int = 0
) -> Interval:
    """Ratio of two sums over screens, with an interval from redrawing the screens.

    Args:
        above, below: [screens]; what each adds to the two sums.
    """
    above, below = np.asarray(above, np.float64), np.asarray(below, np.float64)
    if not len(above) or below.sum() == 0:
        return Interval(None, None, None, 0)
    picks = np.random.default_rng(seed).integers(0, len(above), (draws, len(above)))
    drawn = below[picks].sum(1)
    ratios = above[picks].sum(1)[drawn != 0] / drawn[drawn != 0]
    low, high = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(above.sum() / below.sum()), float(low), float(high), len(above))
