"""Mean attention: the share of attention on each region, averaged over layers and heads."""

from __future__ import annotations

import numpy as np

from core.attribution.method import Case, Method


def _effects(case: Case) -> np.ndarray:
    return case.features.attention.mean((1, 2)).cpu().numpy()


METHOD = Method("mean attention", "attention on each region, mean over layers and heads", _effects)
