"""Intervals of estimated effects: how far from an estimate a measurement may be expected to lie.

An estimator may offer, beside ``estimate``, ``interval(features)``: the lower and the upper bound of each
effect, float32 [n, regions] in nats, of what leaving out that one region would measure for that token. Nine
of ten measurements should lie inside (``NOMINAL``). How an interval is made is the estimator's affair; here
is what all of them share: calibrating their width, summing them over tokens, checking what they hold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from core.features import Features  # with torch, which a trace can do without

NOMINAL: Final = 0.9
"""Share of measured effects that should lie in their intervals."""

LARGE: Final = 0.1
"""Nats. Most regions do nothing for most tokens; from here on a measured effect is also counted apart."""

FACTOR_KEY: Final = "interval_factor"
"""Where an estimator's details keep the factor of ``over_span``."""

Bounds = tuple[np.ndarray, np.ndarray]
"""Lower and upper bounds, float32, of the same shape as the effects, nats."""


def bounds_of(estimator: object, features: Features) -> Bounds | None:
    """The intervals that an estimator gives, [n, regions] each; None where it gives none."""
    interval = getattr(estimator, "interval", None)
    found: Bounds | None = None if interval is None else interval(features)
    return found


def span_factor(details: dict[str, Any]) -> float:
    """The factor of ``over_span`` from an estimator's details, which may come from anyone's file; else 1."""
    value = details.get(FACTOR_KEY, 1.0)
    sound = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e6
    return float(value) if sound else 1.0


def conformal_factor(scales: np.ndarray, residuals: np.ndarray, level: float = NOMINAL) -> float:
    """What to multiply predicted scales by for ± to hold a share ``level`` of residuals (split conformal).

    Args:
        scales: [n], above 0; how uncertain the estimator says it is. Not of the examples it was fitted on.
        residuals: [n]; measured minus estimated, in the unit of the scales.

    Returns:
        the ⌈(n + 1) · level⌉-th smallest |residual| / scale, which holds a further draw of the same kind with
        at least that probability; infinite when n is too small to promise that.
    """
    ratios = np.sort(np.abs(np.asarray(residuals, np.float64)) / np.asarray(scales, np.float64))
    place = math.ceil((len(ratios) + 1) * level)
    return float(ratios[place - 1]) if place <= len(ratios) else math.inf


def over_span(effects: np.ndarray, lower: np.ndarray, upper: np.ndarray, factor: float = 1.0) -> Bounds:
    """The interval of the summed effects of a span of tokens: [n, regions] each → [regions] each.

    Errors of tokens partly cancel: the half-widths below and above add as the root of the sum of their
    squares. What they share does not cancel, so that for more than one token they are multiplied by
    ``factor``, which was fitted on steps.
    """
    effects = np.asarray(effects, np.float64)
    middle = effects.sum(0)
    if len(effects) == 1:
        factor = 1.0
    below = factor * np.sqrt(np.square(np.minimum(lower - effects, 0)).sum(0))
    above = factor * np.sqrt(np.square(np.maximum(upper - effects, 0)).sum(0))
    return (middle - below).astype(np.float32), (middle + above).astype(np.float32)


def over_spans(
    effects: np.ndarray, bounds: Bounds, spans: Sequence[tuple[int, int]], factor: float = 1.0
) -> Bounds:
    """``over_span`` of several spans of tokens: [T, regions] each → [spans, regions] each."""
    found = [over_span(effects[a:b], bounds[0][a:b], bounds[1][a:b], factor) for a, b in spans]
    return np.stack([low for low, _ in found]), np.stack([high for _, high in found])


def coverage_sums(bounds: Bounds, measured: np.ndarray) -> np.ndarray:
    """What coverage over many texts is made of.

    Args:
        bounds, measured: the same shape, nats.

    Returns:
        float64 [6]: how many measured effects lie in their interval, how many there are, the sum of the
        intervals' widths in nats; then the same of measured effects of at least ``LARGE`` nats either way.
    """
    lower, upper = bounds
    inside, width = (measured >= lower) & (measured <= upper), upper.astype(np.float64) - lower
    large = np.abs(measured) >= LARGE
    counts = (inside.sum(), inside.size, width.sum(), inside[large].sum(), large.sum(), width[large].sum())
    return np.array(counts, np.float64)
