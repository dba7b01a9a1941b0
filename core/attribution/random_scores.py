"""Random scores: what no information at all gets."""

from __future__ import annotations

import numpy as np

from core.attribution.method import Case, Method


def _effects(case: Case) -> np.ndarray:
    size = (len(case.token_ids), len(case.region_map))
    return np.random.default_rng(case.seed).random(size, dtype=np.float32)


METHOD = Method("random", "random positive scores", _effects)
