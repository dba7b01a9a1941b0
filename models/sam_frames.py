"""Rectangles between long straight edges: windows, bars and pictures on restless ground.

What is connected (``sam_proposals``) misses a window whose border runs into a photograph, and a bar that
ends where the screen ends. Two level edges of the same extent still say where it is.
"""

from __future__ import annotations

import numpy as np

from models import opencv
from models.screen_content import steps_down

_STEP = 8
"""Grey levels from a row to the next from which there is an edge."""
_SHORTEST = 28
"""Pixels of an edge that may be a side."""
_GAP = 5
"""Pixels that an edge may be broken for."""
_OFF = 5
"""Pixels by which the ends of two sides may differ: corners are round."""
_SIDE = 0.5
"""Share of an upright side that must be an edge, or the end of the screen."""
_MOST = 160
"""Level edges looked at, longest first: each is held against each."""
_THIN = 8


def framed(pixels: np.ndarray) -> np.ndarray:
    """Boxes int64 [n, 4] (x0, y0, x1, y1) in a working copy, uint8 [h, w, 3], those best framed first."""
    turned = np.ascontiguousarray(pixels.transpose(1, 0, 2))
    level, upright = _edges(pixels), _edges(turned)
    boxes, scores = _between(level, upright.T)
    others, more = _between(upright, level.T)  # the same picture lying on its side
    found = np.concatenate([boxes, others[:, [1, 0, 3, 2]]])
    return found[np.argsort(-np.concatenate([scores, more]), kind="stable")]


def _between(level: np.ndarray, upright: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Boxes [n, 4] between two level edges, one of which may go on beyond the other, and how well framed."""
    height, width = level.shape
    # How much of a column, from the top down to each row, is an edge within two pixels to either side.
    beside = opencv.load().dilate(upright.astype(np.uint8), np.ones((1, 5), np.uint8))
    beside[:, :2] = beside[:, -2:] = 1
    down = np.concatenate([np.zeros((1, width), np.int64), np.cumsum(beside, 0, dtype=np.int64)])
    lines = np.array([(0, width, 0), (0, width, height), *_lines(level, _MOST)])
    i, j = np.triu_indices(len(lines), 1)
    (left, right, y), (other_left, other_right, other_y) = lines[i].T, lines[j].T
    top, bottom = np.minimum(y, other_y), np.maximum(y, other_y)
    x0, x1 = np.maximum(left, other_left), np.minimum(right, other_right)
    # The shorter of the two gives the extent; the longer one has to reach as far.
    shorter = np.minimum(right - left, other_right - other_left)
    fits = (x1 - x0 >= shorter - _OFF) & (x1 - x0 >= _SHORTEST) & (bottom - top >= _THIN)
    fits &= (x1 - x0) * (bottom - top) <= 0.9 * width * height
    x0, x1, top, bottom = x0[fits], x1[fits], top[fits], bottom[fits]
    sides = np.stack([down[bottom, x] - down[top, x] for x in (np.minimum(x0, width - 1), x1 - 1)])
    sides = sides / (bottom - top)
    good = sides.min(0) >= _SIDE
    same = (np.maximum(right - left, other_right - other_left)[fits] - (x1 - x0)) <= 2 * _OFF
    return np.stack([x0, top, x1, bottom], 1)[good].astype(np.int64), (sides.sum(0) + same)[good]


def _edges(pixels: np.ndarray) -> np.ndarray:
    """bool [h, w]: whether a row differs from the one above it there."""
    edges = np.zeros(pixels.shape[:2], bool)
    edges[1:] = steps_down(pixels) > _STEP
    return edges


def _lines(edges: np.ndarray, most: int) -> list[tuple[int, int, int]]:
    """Level edges as (x0, x1, y), the longest first."""
    cv2 = opencv.load()
    joined = cv2.morphologyEx(edges.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((1, _GAP), np.uint8))
    long = cv2.morphologyEx(joined, cv2.MORPH_OPEN, np.ones((1, _SHORTEST), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(long, connectivity=4)
    stats = stats[1:][stats[1:, 3] <= 4]
    stats = stats[np.argsort(-stats[:, 2], kind="stable")][:most]
    return [(int(x), int(x + w), int(y + h // 2)) for x, y, w, h, _ in stats]
