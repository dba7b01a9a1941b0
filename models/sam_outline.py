"""Outlines exact to the pixel, read off the picture: SAM's own masks are several pixels coarse.

Edges found on a 3 × 3 neighbourhood lie a pixel too far out, and a box around an icon is not its shape.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models import opencv
from models.screen_layout import Part

_MOST = 3
"""Pixels that a side is drawn in at most."""
_STEP = 14
"""Grey levels between neighbouring pixels, or between ink and ground, from which they differ."""
_CALM = 0.8
"""Share of the pixels around a box that must have one colour for a shape to be told from it."""
_LARGEST = 160
"""Pixels of a side of what is given a shape."""


def outlined(pixels: np.ndarray, part: Part) -> Part:
    """A rectangular part drawn in to what it holds; one that is no text, in the shape that it has there.

    Args:
        pixels: uint8 [h, w, 3] that the part lies on.
        part: returned as it is if its mask is not all of its box.
    """
    if not part.mask.all():
        return part
    tight = _drawn_in(pixels, part)
    return tight if part.role == "text" else _shaped(pixels, tight)


def _drawn_in(pixels: np.ndarray, part: Part) -> Part:
    """Without the rows and columns at its sides that go on outside it as they are."""
    x0, y0, x1, y1 = part.box
    for _ in range(_MOST):
        if y1 - y0 > 4 and y0 > 0 and _same(pixels[y0, x0:x1], pixels[y0 - 1, x0:x1]):
            y0 += 1
        if y1 - y0 > 4 and y1 < len(pixels) and _same(pixels[y1 - 1, x0:x1], pixels[y1, x0:x1]):
            y1 -= 1
        if x1 - x0 > 4 and x0 > 0 and _same(pixels[y0:y1, x0], pixels[y0:y1, x0 - 1]):
            x0 += 1
        if x1 - x0 > 4 and x1 < pixels.shape[1] and _same(pixels[y0:y1, x1 - 1], pixels[y0:y1, x1]):
            x1 -= 1
    return replace(part, box=(x0, y0, x1, y1), mask=np.ones((y1 - y0, x1 - x0), bool))


def _same(line: np.ndarray, beside: np.ndarray) -> bool:
    return bool((np.abs(line.astype(np.int16) - beside).max(1) < _STEP).all())


def _shaped(pixels: np.ndarray, part: Part) -> Part:
    """The convex hull of what differs from the ground, where the ground around the box is of one colour."""
    x0, y0, x1, y1 = part.box
    height, width = pixels.shape[:2]
    if max(x1 - x0, y1 - y0) > _LARGEST or x0 == 0 or y0 == 0 or x1 == width or y1 == height:
        return part
    around = pixels[y0 - 1 : y1 + 1, x0 - 1 : x1 + 1].astype(np.int16)
    ring = np.concatenate([around[0], around[-1], around[1:-1, 0], around[1:-1, -1]])
    ground = np.median(ring, 0)
    if float((np.abs(ring - ground).max(1) < _STEP).mean()) < _CALM:
        return part
    ink = (np.abs(around[1:-1, 1:-1] - ground).max(2) >= _STEP).astype(np.uint8)
    if not ink.any():
        return part
    mask = np.zeros(ink.shape, np.uint8)
    opencv.load().fillConvexPoly(mask, hull_of(ink), 1)
    full = mask.astype(bool)
    return replace(part, mask=full) if full.mean() > 0.4 else part


def hull_of(ink: np.ndarray) -> np.ndarray:
    """The convex hull of a uint8 mask that is not empty, as cv2 has it; only the ends of each row matter."""
    rows = np.flatnonzero(ink.any(1))
    filled = ink[rows] > 0
    first, last = filled.argmax(1), ink.shape[1] - 1 - filled[:, ::-1].argmax(1)
    ends = np.concatenate([np.stack([first, rows], 1), np.stack([last, rows], 1)])
    return np.asarray(opencv.load().convexHull(ends.astype(np.int32)))
