"""Exact outlines of regions: polygons along the edges of pixels."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

Point = tuple[int, int]


def contours(mask: np.ndarray) -> list[list[Point]]:
    """The outlines of a mask, as closed polygons whose corners lie on the grid between pixels.

    Args:
        mask: bool [H, W].

    Returns:
        For each outline its corners (x, y), without repeating the first. The inside lies to the right of the
        way; holes therefore run the other way round. Parts that touch at a corner only are apart. Filled with
        the even-odd rule, the polygons give the mask again.
    """
    padded = np.pad(np.asarray(mask, bool), 1)
    here, above = padded[1:, 1:-1], padded[:-1, 1:-1]
    right = _runs(here & ~above)  # top edges, walked to the right
    left = _runs(above & ~here)  # bottom edges, walked to the left
    beside, before = padded.T[1:, 1:-1], padded.T[:-1, 1:-1]
    up = _runs(beside & ~before)  # left edges, walked up
    down = _runs(before & ~beside)  # right edges, walked down

    across: dict[Point, list[Point]] = {}
    for y, start, end in right:
        across.setdefault((start, y), []).append((end, y))
    for y, start, end in left:
        across.setdefault((end, y), []).append((start, y))
    along: dict[Point, list[Point]] = {}
    for x, start, end in down:
        along.setdefault((x, start), []).append((x, end))
    for x, start, end in up:
        along.setdefault((x, end), []).append((x, start))

    found = []
    while across:
        first = next(iter(across))
        corner = _take(across, first, None)
        polygon, before_corner = [first], first
        while corner != first or len(polygon) % 2:
            polygon.append(corner)
            ways = along if len(polygon) % 2 == 0 else across
            before_corner, corner = corner, _take(ways, corner, before_corner)
        found.append(polygon)
    return found


def _runs(edges: np.ndarray) -> list[tuple[int, int, int]]:
    """Maximal runs of True in each row: (row, first column, one past the last)."""
    steps = np.diff(np.pad(edges, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(steps == 1)
    _, ends = np.nonzero(steps == -1)
    return list(zip(rows.tolist(), starts.tolist(), ends.tolist(), strict=True))


def _take(ways: dict[Point, list[Point]], at: Point, before: Point | None) -> Point:
    """Remove and return the end of the way that leaves ``at``; of two, the one that turns right."""
    ends = ways[at]
    if len(ends) == 2 and before is not None:
        turn = [_cross(before, at, end) for end in ends]
        end = ends.pop(0 if turn[0] > 0 else 1)
    else:
        end = ends.pop()
    if not ends:
        del ways[at]
    return end


def _cross(a: Point, b: Point, c: Point) -> int:
    """More than 0 when the way from a over b to c turns right (y points down)."""
    return (b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0])


def path_data(polygons: Sequence[Sequence[Point]], offset: Point = (0, 0), factor: int = 1) -> str:
    """Polygons as the ``d`` of an SVG path, in absolute horizontal and vertical lines."""
    parts = []
    for polygon in polygons:
        corners = [((x + offset[0]) * factor, (y + offset[1]) * factor) for x, y in polygon]
        parts.append(f"M{corners[0][0]} {corners[0][1]}")
        for (x0, y0), (x, y) in pairwise(corners):
            parts.append(f"H{x}" if y == y0 else f"V{y}" if x == x0 else f"L{x} {y}")
        parts.append("Z")
    return "".join(parts)


def region_paths(labels: np.ndarray, count: int, factor: int = 1) -> list[str]:
    """The ``d`` of an SVG path for each region.

    Args:
        labels: integers [H, W], all below ``count``.
        factor: picture pixels for one pixel of the labels.
    """
    return [
        path_data(contours(labels[window] == region), (window[1].start, window[0].start), factor)
        for region, window in enumerate(_windows(labels, count))
    ]


def _windows(labels: np.ndarray, count: int) -> list[tuple[slice, slice]]:
    """The smallest window that holds all pixels of each region; empty for one without pixels."""
    height, width = labels.shape
    rows = np.zeros((count, height), bool)
    columns = np.zeros((count, width), bool)
    for y in range(height):
        rows[np.unique(labels[y]), y] = True
    for x in range(width):
        columns[np.unique(labels[:, x]), x] = True
    windows = []
    for region in range(count):
        ys, xs = np.flatnonzero(rows[region]), np.flatnonzero(columns[region])
        if len(ys):
            windows.append((slice(int(ys[0]), int(ys[-1]) + 1), slice(int(xs[0]), int(xs[-1]) + 1)))
        else:
            windows.append((slice(0, 0), slice(0, 0)))
    return windows
