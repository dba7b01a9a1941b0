"""Whether what was drawn can be seen: what nobody can make out on a screen is no element of it.

Designers of real programs see to that; a generator that draws colours by chance has to be checked.
"""

from __future__ import annotations

import cv2
import numpy as np

Box = tuple[int, int, int, int]
LEAST_TEXT = 45
"""Grey levels between ink and ground: about a third of what black on mid-grey has."""
_LEAST_EDGE = 9
"""Grey levels between two sides of an outline from which it is seen."""
_LEAST_OUTLINE = 0.55
"""Share of the outline that must be seen."""


def text_stands_out(image: np.ndarray, box: Box) -> bool:
    """Whether the ink in a box of a canvas differs from its ground by ``LEAST_TEXT``."""
    part = image[box[1] : box[3], box[0] : box[2]].reshape(-1, 3).astype(np.int16)
    off = np.abs(part - np.median(part, 0)).max(1)
    return bool(len(off)) and float(np.percentile(off, 92)) >= LEAST_TEXT


def outline_stands_out(change: np.ndarray, box: Box, mask: np.ndarray) -> bool:
    """Whether most of the outline of a mask [h, w], whose box is given, lies where the colour changes.

    Args:
        change: of the whole canvas, uint8 [h, w], as ``models.screen_content.steepness`` gives it.
        box, mask: of the thing; its outline at the ends of the canvas does not count.
    """
    x0, y0, x1, y1 = box
    padded = np.pad(mask.astype(np.uint8), 1)
    # Beyond the canvas everything goes on as it is.
    if y0 == 0:
        padded[0] = padded[1]
    if y1 == change.shape[0]:
        padded[-1] = padded[-2]
    if x0 == 0:
        padded[:, 0] = padded[:, 1]
    if x1 == change.shape[1]:
        padded[:, -1] = padded[:, -2]
    core = cv2.erode(padded, np.ones((3, 3), np.uint8), borderValue=1)
    rim = (padded > core)[1:-1, 1:-1]
    seen = change[y0:y1, x0:x1][rim] >= _LEAST_EDGE
    return not len(seen) or float(seen.mean()) >= _LEAST_OUTLINE
