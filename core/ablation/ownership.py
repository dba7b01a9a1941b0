"""Which visual tokens go when a region goes, for operators that remove tokens instead of pixels.

A visual token is removed whole or not at all, while its cell may lie in several regions. So that no region is
too small to be removed and no token is left behind when all are, each token belongs to the region that covers
most of its cell, and a region that covers most of no cell owns the cells of which it covers the most: in each
view, where a model sees the screenshot in several (tiles and a thumbnail).
"""

from __future__ import annotations

import numpy as np

from core.coverage import Cells


def ownership(coverage: np.ndarray, cells: Cells) -> np.ndarray:
    """Which regions own which visual tokens: bool [cells, regions]; every token has an owner.

    Args:
        coverage: float [cells, regions]; rows sum to 1.
        cells: what the rows stand for.
    """
    owned = np.zeros(coverage.shape, bool)
    owned[np.arange(len(coverage)), coverage.argmax(1)] = True
    views = np.zeros(len(cells), int) if cells.views is None else cells.views
    for view in np.unique(views):
        rows = np.flatnonzero(views == view)
        most = coverage[rows].max(0)
        homeless = ~owned[rows].any(0) & (most > 0)
        owned[rows] |= homeless & (coverage[rows] >= 0.99 * most)
    return owned


def removed_tokens(owned: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """The visual tokens that go under each mask: bool [B, cells].

    Args:
        owned: from ``ownership``.
        masks: bool [B, regions]; True where kept.
    """
    return (~masks).astype(np.float32) @ owned.T.astype(np.float32) > 0
