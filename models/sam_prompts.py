"""Where to ask SAM: boxes and points where a screenshot has content, instead of a blind grid.

A point grid that finds a toolbar's icons needs thousands of points; the edges and surfaces that OpenCV finds
in a tenth of a second say where they are. OpenCV proposes, SAM disposes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.screen_layout import Part

Box = tuple[int, int, int, int]
_NEAR = 12
"""Pixels around a box that a window has to show of its surroundings."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A part of the picture to be shown at once, and the boxes to ask for there.

    Attributes:
        box: x0, y0, x1, y1 in the picture.
        asked: indices of the parts whose boxes are asked for in this view.
    """

    box: Box
    asked: tuple[int, ...]


def views(parts: Sequence[Part], width: int, height: int, window: int | None) -> list[View]:
    """The whole picture first, then square windows of it at full sharpness for what fits into one.

    Args:
        parts: what to ask for.
        width, height: of the picture.
        window: pixels of a side that the model sees sharply; None shows it the whole picture only.
    """
    whole = (0, 0, width, height)
    if window is None or max(width, height) <= 1.3 * window:
        return [View(whole, tuple(range(len(parts))))]
    tiles = [
        (x, y, min(x + window, width), min(y + window, height))
        for y in _starts(height, window)
        for x in _starts(width, window)
    ]
    asked: list[list[int]] = [[] for _ in tiles]
    rest = []
    for index, part in enumerate(parts):
        fits = [k for k, tile in enumerate(tiles) if _fits(part.box, tile, width, height)]
        if fits and max(part.box[2] - part.box[0], part.box[3] - part.box[1]) <= 0.75 * window:
            asked[min(fits, key=lambda k: (_off_centre(part.box, tiles[k]), k))].append(index)
        else:
            rest.append(index)
    sharp = [View(tile, tuple(indices)) for tile, indices in zip(tiles, asked, strict=True) if indices]
    return [View(whole, tuple(rest)), *sharp]


def free_points(parts: Sequence[Part], width: int, height: int, count: int) -> np.ndarray:
    """About ``count`` points, float32 [n, 2], spread evenly over where no small part lies."""
    across = max(1, round((count * width / height) ** 0.5))
    down = max(1, round(count / across))
    xs, ys = (np.arange(across) + 0.5) * width / across, (np.arange(down) + 0.5) * height / down
    points = np.stack(np.meshgrid(xs, ys), 2).reshape(-1, 2)
    free = np.ones(len(points), bool)
    for part in parts:
        x0, y0, x1, y1 = part.box
        if (x1 - x0) * (y1 - y0) <= 0.02 * width * height:
            free &= ~((points >= (x0, y0)) & (points <= (x1, y1))).all(1)
    return points[free].astype(np.float32)


def _starts(length: int, window: int) -> list[int]:
    """Where windows of a side begin so that neighbours share at least a quarter."""
    if length <= window:
        return [0]
    count = -(-(length - window) * 4 // (window * 3)) + 1
    return [round(i * (length - window) / (count - 1)) for i in range(count)]


def _fits(box: Box, tile: Box, width: int, height: int) -> bool:
    """Whether a window shows a box with some of what is around it."""
    return (
        box[0] - tile[0] >= min(_NEAR, box[0])
        and box[1] - tile[1] >= min(_NEAR, box[1])
        and tile[2] - box[2] >= min(_NEAR, width - box[2])
        and tile[3] - box[3] >= min(_NEAR, height - box[3])
    )


def _off_centre(box: Box, tile: Box) -> float:
    return abs(box[0] + box[2] - tile[0] - tile[2]) + abs(box[1] + box[3] - tile[1] - tile[3])
