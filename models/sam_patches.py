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
from models.screen_surfaces import filled_outline, grown_by_its_edge, smooth_patches

_SMOOTH = (4, 10, 20)
"""Grey levels between neighbouring pixels up to which a surface goes on."""
_LEAST, _LARGEST = 40, 0.9
"""Pixels of a patch, and share of the picture."""
_NARROWEST = 6
_RIM = 2
"""Empty pixels around the cut-out of a patch."""
_OFF, _AS_LARGE = 2, 0.9
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
    height, width = pixels.shape[:2]
    steep = steepness(pixels)
    found: list[Part] = []
    seen = np.zeros((0, 5), np.int64)
    for level in _SMOOTH:
        tick()
        labels, stats = smooth_patches(steep, level)
        stats = stats.astype(np.int64)
        fit = (stats[:, 2:4].min(1) >= _NARROWEST) & (stats[:, 4] >= _LEAST)
        fit &= stats[:, 4] < _LARGEST * height * width
        fit[0] = False
        numbers = [k for k in np.flatnonzero(fit).tolist() if not _known(stats[k], seen)]
        seen = np.concatenate([seen, stats[numbers]])
        for number, (x, y, w, h, area) in zip(numbers, stats[numbers].tolist(), strict=True):
            tick()
            patch = np.pad((labels[y : y + h, x : x + w] == number).astype(np.uint8), _RIM)
            shapes = [filled_outline(patch)[1]]
            if area < _LINES * w * h:
                shapes += _knobs(patch)
            found += [_part(shape, (x - _RIM, y - _RIM), (height, width)) for shape in shapes]
        tick()
    return sorted(found, key=lambda part: (-int(part.mask.sum()), part.box))


def _known(patch: np.ndarray, seen: np.ndarray) -> bool:
    """Whether a patch, as cv2's stats have it, is one of those seen, but for the rim."""
    near = np.abs(seen[:, :4] - patch[:4]).max(1) <= _OFF
    return bool((near & (seen[:, 4] >= _AS_LARGE * patch[4])).any())


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
    box, mask = grown_by_its_edge(shape, corner, screen)
    return Part(box, mask, _role(box, float(mask.mean())), -1)


def _role(box: Box, filled: float) -> str:
    if filled < _SOLID:
        return "shape"
    return "icon" if max(box[2] - box[0], box[3] - box[1]) <= _ICON else "card"
