"""Which masks to keep: things on a screen lie in each other or beside each other, and do not cross."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.screen_layout import Part

_DOUBLE = 0.6
"""IoU of two masks from which only the better one is kept."""
_CROSSING = 0.1
"""Share of the smaller of two masks that may lie in, or out of, the other by mistake."""


def consistent(parts: Sequence[Part], most: int, whole: Sequence[bool] | None = None) -> list[Part]:
    """At most ``most`` of the parts, best first, less what coincides with a better one or crosses it.

    ``whole`` says which parts hold nothing else, such as a line of text; None: each may hold others.
    """
    kept: list[Part] = []
    closed: list[bool] = []
    boxes = np.zeros((most, 4), int)
    for number, part in enumerate(parts):
        if len(kept) == most:
            break
        low = np.maximum(boxes[: len(kept), :2], part.box[:2])
        high = np.minimum(boxes[: len(kept), 2:], part.box[2:])
        near = np.flatnonzero((low < high).all(1)).tolist()
        shut = whole is not None and whole[number]
        if all(_agree(part, shut, kept[index], closed[index]) for index in near):
            boxes[len(kept)] = part.box
            kept.append(part)
            closed.append(shut)
    return kept


def shared_pixels(a: Part, b: Part) -> int:
    """Pixels of both masks."""
    x0, y0 = max(a.box[0], b.box[0]), max(a.box[1], b.box[1])
    x1, y1 = min(a.box[2], b.box[2]), min(a.box[3], b.box[3])
    if x0 >= x1 or y0 >= y1:
        return 0
    mine = a.mask[y0 - a.box[1] : y1 - a.box[1], x0 - a.box[0] : x1 - a.box[0]]
    its = b.mask[y0 - b.box[1] : y1 - b.box[1], x0 - b.box[0] : x1 - b.box[0]]
    return int((mine & its).sum())


def overlap(a: Part, b: Part) -> float:
    """IoU of two parts."""
    both = shared_pixels(a, b)
    return both / (int(a.mask.sum()) + int(b.mask.sum()) - both) if both else 0.0


def _agree(part: Part, shut: bool, better: Part, better_shut: bool) -> bool:
    """Whether two parts can both be there; a shut one holds nothing."""
    both = shared_pixels(part, better)
    if not both:
        return True
    first, second = int(part.mask.sum()), int(better.mask.sum())
    if both >= _DOUBLE * (first + second - both):
        return False
    smaller = min(first, second)
    if both <= _CROSSING * smaller:
        return True
    return both >= (1 - _CROSSING) * smaller and not (shut if first > second else better_shut)
