"""Shapes of one colour for SAM to judge: slices of a pie, a card half covered, the knob at the end of a line.

What edges enclose has a shape of its own. A box around it (``sam_proposals``) would hold its neighbours too,
and what hides a part of it.
"""

from __future__ import annotations

import numpy as np

from models import opencv
from models.mask_model import Tick
from models.screen_content import steepness
from models.screen_layout import Box, Part

_SMOOTH = (4, 10, 20)
"""Grey levels between neighbouring pixels up to which a surface goes on."""
_LEAST, _LARGEST = 40, 0.9
"""Pixels of a patch, and share of the picture."""
_NARROWEST = 6
_RIM, _AS_LARGE = 2, 0.9
"""Pixels, and share of the area, by which a patch may change from one degree of smoothness to the next."""
_LINES = 0.5
"""Share of its box below which a patch may be lines with knobs at their ends."""
_BRUSHES = (5, 9)
"""Pixels across of what is thicker than a line."""
_MOST_KNOBS = 12
_SOLID = 0.85
"""Share of its box from which a patch is no shape of its own."""
_ICON = 72
"""Pixels of a side."""


def patches(pixels: np.ndarray, tick: Tick = lambda: None) -> list[Part]:
    """What has one colour or a soft gradient in uint8 [h, w, 3], holes filled, the largest first.

    ``tick`` is called often and may raise to end the work.
    """
    cv2 = opencv.load()
    height, width = pixels.shape[:2]
    steep = steepness(pixels)
    found: list[Part] = []
    seen = np.zeros((0, 5), np.int64)
    for level in _SMOOTH:
        tick()
        flat = (steep <= level).astype(np.uint8)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(flat, connectivity=4)
        stats = stats.astype(np.int64)
        fit = (stats[:, 2:4].min(1) >= _NARROWEST) & (stats[:, 4] >= _LEAST)
        fit &= stats[:, 4] < _LARGEST * height * width
        fit[0] = False
        numbers = [k for k in np.flatnonzero(fit).tolist() if not _known(stats[k], seen)]
        seen = np.concatenate([seen, stats[numbers]])
        for number, (x, y, w, h, area) in zip(numbers, stats[numbers].tolist(), strict=True):
            tick()
            patch = np.pad((labels[y : y + h, x : x + w] == number).astype(np.uint8), 1)
            shapes = [_filled(patch)]
            if area < _LINES * w * h:
                shapes += _knobs(patch)
            found += [_part(shape, (x - 1, y - 1), (height, width)) for shape in shapes]
        tick()
    return sorted(found, key=lambda part: (-int(part.mask.sum()), part.box))


def _known(patch: np.ndarray, seen: np.ndarray) -> bool:
    """Whether a patch, as cv2's stats have it, is one of those seen, but for the rim."""
    near = np.abs(seen[:, :4] - patch[:4]).max(1) <= _RIM
    return bool((near & (seen[:, 4] >= _AS_LARGE * patch[4])).any())


def _filled(patch: np.ndarray) -> np.ndarray:
    """A uint8 mask with everything inside its longest outline."""
    cv2 = opencv.load()
    outlines, _ = cv2.findContours(patch, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    full = np.zeros_like(patch)
    cv2.drawContours(full, [max(outlines, key=cv2.contourArea)], -1, 1, cv2.FILLED)
    return full


def _knobs(patch: np.ndarray) -> list[np.ndarray]:
    """What is left of a uint8 mask when its lines are taken away: arrowheads, marks on a curve."""
    cv2 = opencv.load()
    knobs = []
    most = 0.9 * int(patch.sum())
    for across in _BRUSHES:
        brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (across, across))
        thick = cv2.morphologyEx(patch, cv2.MORPH_OPEN, brush)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(thick, connectivity=4)
        if count <= _MOST_KNOBS:
            fit = [k for k in range(1, count) if _LEAST <= stats[k, cv2.CC_STAT_AREA] <= most]
            knobs += [(labels == k).astype(np.uint8) for k in fit]
    return knobs


def _part(shape: np.ndarray, corner: tuple[int, int], screen: tuple[int, int]) -> Part:
    """A uint8 mask whose upper left pixel lies at ``corner``, grown by the pixel that its edge took."""
    grown = opencv.load().dilate(np.pad(shape, 1), np.ones((3, 3), np.uint8)).astype(bool)
    x, y = corner[0] - 1, corner[1] - 1
    grown = grown[max(-y, 0) : screen[0] - y, max(-x, 0) : screen[1] - x]
    rows, columns = np.flatnonzero(grown.any(1)), np.flatnonzero(grown.any(0))
    top, left = max(y, 0) + int(rows[0]), max(x, 0) + int(columns[0])
    mask = grown[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    box = (left, top, left + mask.shape[1], top + mask.shape[0])
    return Part(box, mask, _role(box, float(mask.mean())), -1)


def _role(box: Box, filled: float) -> str:
    if filled < _SOLID:
        return "shape"
    return "icon" if max(box[2] - box[0], box[3] - box[1]) <= _ICON else "card"
