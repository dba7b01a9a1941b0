"""How much two masks have in common, each kept as the part of it that lies in its box."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Masked(Protocol):
    """Something with a mask: ``box`` is x0, y0, x1, y1 in pixels, ``mask`` bool [y1 - y0, x1 - x0]."""

    @property
    def box(self) -> tuple[int, int, int, int]: ...

    @property
    def mask(self) -> np.ndarray: ...


def shared_pixels(a: Masked, b: Masked) -> int:
    """Number of pixels that two masks have in common."""
    x0, y0 = max(a.box[0], b.box[0]), max(a.box[1], b.box[1])
    x1, y1 = min(a.box[2], b.box[2]), min(a.box[3], b.box[3])
    if x0 >= x1 or y0 >= y1:
        return 0
    part_a = a.mask[y0 - a.box[1] : y1 - a.box[1], x0 - a.box[0] : x1 - a.box[0]]
    part_b = b.mask[y0 - b.box[1] : y1 - b.box[1], x0 - b.box[0] : x1 - b.box[0]]
    return int(np.count_nonzero(part_a & part_b))


def overlap(a: Masked, b: Masked) -> float:
    """Intersection over union of two masks, 0 to 1."""
    both = shared_pixels(a, b)
    return both / (int(np.count_nonzero(a.mask)) + int(np.count_nonzero(b.mask)) - both) if both else 0.0
