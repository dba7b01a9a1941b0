"""Which regions are kept in an ablation run: bool [masks, regions], True where kept."""

from __future__ import annotations

import numpy as np


def half_masks(regions: int, count: int, seed: int) -> np.ndarray:
    """Random masks, bool [count, regions]: each region is kept with probability ½."""
    return np.random.default_rng(seed).random((count, regions)) < 0.5


def single_masks(regions: int) -> np.ndarray:
    """One mask for each region, without just that region: bool [regions, regions]."""
    return ~np.eye(regions, dtype=bool)
