"""Which regions are kept in an ablation run: bool [masks, regions], True where kept."""

from __future__ import annotations

import numpy as np


def half_masks(regions: int, count: int, seed: int) -> np.ndarray:
    """Random masks, bool [count, regions]: each region is kept with probability ½."""
    return np.random.default_rng(seed).random((count, regions)) < 0.5


def distinct_masks(masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each mask once, in the order of its first appearance.

    Few regions have few masks: of 128 random half masks of 6 regions no more than 64 differ.

    Args:
        masks: bool [M, regions].

    Returns:
        bool [D, regions], and for each mask which of them it is, int [M].
    """
    _, first, which = np.unique(masks, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return masks[first[order]], np.argsort(order)[which.reshape(-1)]


def single_masks(regions: int) -> np.ndarray:
    """One mask for each region, without just that region: bool [regions, regions]."""
    return ~np.eye(regions, dtype=bool)
