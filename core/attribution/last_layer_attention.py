"""Last-layer attention: the share of attention on each region in the last layer, averaged over heads."""

from __future__ import annotations

import numpy as np

from core.attribution.method import Case, Method


def _effects(case: Case) -> np.ndarray:
    return case.features.attention[:, -1].mean(1).float().cpu().numpy()


METHOD = Method("last-layer attention", "attention in the last readable layer, mean over heads", _effects)
