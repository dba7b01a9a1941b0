"""Blocks cut into rows: lines of tight text, and the caption that touches its icon.

What is connected (``sam_proposals``) holds both together. Between two lines, and between an icon and its
caption, only a few upright strokes go on.
"""

from __future__ import annotations

import numpy as np

from models.screen_content import steps_across

_LOWEST, _HIGHEST, _NARROWEST = 10, 170, 8
"""Pixels of what is cut: its height, at least and at most, and its width."""
_NEAR = 15
"""Rows above and below that a row is held against."""
_THIN = 0.3
"""Share of their strokes below which it is a gap."""
_FEWEST = 3
"""Strokes of the fullest row of what is cut at all."""
_PIECE = 5
"""Rows of a piece, at least."""
_TAILS = 3
"""Rows of a gap in which a piece may still have ascenders or descenders."""


def strokes(pixels: np.ndarray) -> np.ndarray:
    """Grey levels from each pixel of uint8 [h, w, 3] to the one left of it, uint8 [h, w]: upright edges."""
    across = np.zeros(pixels.shape[:2], np.uint8)
    across[:, 1:] = steps_across(pixels)
    return across


def cut_up(ink: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """The pieces of boxes int [n, 4] (x0, y0, x1, y1) between their emptiest rows, int64 [m, 4].

    Each piece comes twice: with the ascenders and descenders that reach into the gaps, and without.

    Args:
        ink: bool [h, w], where there is an upright stroke.
    """
    size = boxes[:, 2:] - boxes[:, :2]
    fit = (size[:, 1] >= _LOWEST) & (size[:, 1] <= _HIGHEST) & (size[:, 0] >= _NARROWEST)
    pieces: list[tuple[int, int, int, int]] = []
    for x0, y0, x1, y1 in np.unique(boxes[fit], axis=0).tolist():
        part = ink[y0:y1, x0:x1]
        counts = part.sum(1)
        for low, high, top, bottom in _between_gaps(counts):
            columns = np.flatnonzero(part[low:high].any(0))
            if len(columns):
                left, right = x0 + int(columns[0]), x0 + int(columns[-1]) + 1
                pieces += [(left, y0 + low, right, y0 + high), (left, y0 + top, right, y0 + bottom)]
    return np.array(pieces, np.int64).reshape(-1, 4)


def _between_gaps(counts: np.ndarray) -> list[tuple[int, int, int, int]]:
    """Pieces of a profile int [rows] as first row and end, without and with what reaches into the gaps."""
    if counts.max() < _FEWEST:
        return []
    padded = np.pad(counts, _NEAR - 1)
    most = np.lib.stride_tricks.sliding_window_view(padded, _NEAR).max(1)
    above, below = most[: len(counts)], most[_NEAR - 1 :]
    thin = np.pad(counts <= _THIN * np.minimum(above, below), 1)
    turns = np.flatnonzero(thin[1:] != thin[:-1])
    if not len(turns):
        return []
    starts, ends = [0, *turns[1::2].tolist()], [*turns[::2].tolist(), len(counts)]
    pieces = []
    for k, (low, high) in enumerate(zip(starts, ends, strict=True)):
        if high - low < _PIECE:
            continue
        top = max(low - _TAILS, ends[k - 1] if k else 0)
        bottom = min(high + _TAILS, starts[k + 1] if k + 1 < len(starts) else len(counts))
        while top < low and not counts[top]:
            top += 1
        while bottom > high and not counts[bottom - 1]:
            bottom -= 1
        pieces.append((low, high, top, bottom))
    return pieces
