"""How proposed boxes lie to each other: the same, in each other, crossing, side by side."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

SAME, INSIDE, AROUND, CROSSING, ROW, COLUMN, LIST, ALIKE = range(8)
"""Relations. ROW and COLUMN: neighbours of the same height or width. LIST: one below the other, beginning at
the same place and of the same height. ALIKE: of the same size."""
COUNT = 8
_SAME = 0.6
"""IoU."""
_IN, _APART = 0.9, 0.1
"""Share of a box that lies in the other, of what is inside it, and of what is beside it."""
_LEVEL = 0.7
"""Share of the higher of two neighbours in a row, or the wider in a column, that both have in common."""
_NEAR = 4
"""Heights of a box within which others are neighbours."""
_OFF, _OFF_HEIGHT = 2, 0.15
"""Pixels, and share of a height, by which what is alike may differ."""


class Related(NamedTuple):
    """How each of n boxes lies to each.

    Attributes:
        kinds: bool [COUNT, n, n], whether the first is so to the second.
        alike: float32 [n, n], their IoU.
    """

    kinds: np.ndarray
    alike: np.ndarray


def relations(boxes: np.ndarray) -> Related:
    """Of boxes int [n, 4] (x0, y0, x1, y1)."""
    alike, share = box_pairs(boxes)
    others = ~np.eye(len(boxes), dtype=bool)
    same = (alike >= _SAME) & others
    more, less = np.maximum(share, share.T), np.minimum(share, share.T)
    inside = (share >= _IN) & (less < _IN) & ~same & others
    crossing = (more > _APART) & (more < _IN) & ~same & others
    x0, y0, x1, y1 = boxes.T.astype(np.float32)
    wide, high = x1 - x0, y1 - y0
    taller, wider = np.maximum(high[:, None], high), np.maximum(wide[:, None], wide)
    gap_across = np.maximum(x0[:, None], x0) - np.minimum(x1[:, None], x1)
    gap_down = np.maximum(y0[:, None], y0) - np.minimum(y1[:, None], y1)
    row = (-gap_down >= _LEVEL * taller) & (gap_across >= 0) & (gap_across <= _NEAR * taller)
    column = (-gap_across >= _LEVEL * wider) & (gap_down >= 0) & (gap_down <= _NEAR * taller)
    of_a_height = np.abs(high[:, None] - high) <= _OFF_HEIGHT * taller
    below = (np.abs(x0[:, None] - x0) <= _OFF) & of_a_height & (gap_down >= 0)
    sized = (np.abs(wide[:, None] - wide) <= _OFF) & (np.abs(high[:, None] - high) <= _OFF) & ~same & others
    return Related(np.stack([same, inside, inside.T, crossing, row, column, below, sized]), alike)


def box_pairs(boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """IoU of each box [n, 4] with each, and the share of the first inside the second, float32 [n, n]."""
    exact = boxes.astype(np.float32)
    low = np.maximum(exact[:, None, :2], exact[None, :, :2])
    high = np.minimum(exact[:, None, 2:], exact[None, :, 2:])
    both = np.maximum(high - low, 0).prod(2)
    areas = (exact[:, 2:] - exact[:, :2]).prod(1)
    return both / (areas[:, None] + areas - both), both / areas[:, None]
