"""Which masks to keep: things on a screen lie in each other or beside each other, and do not cross."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.overlap import shared_pixels
from models.screen_layout import Part, grouped

_DOUBLE = 0.6
"""IoU of two masks from which only the better one is kept."""
CROSSING = 0.1
"""Share of the smaller of two masks that may lie in, or out of, the other by mistake."""
_SMALL_ROLES = ("text", "icon", "icons", "group", "button", "shape", "picture", "drawing")
_UNSURE = 0.5
"""Worth below which a part is left out rather than grouped with others."""


def fewer(parts: Sequence[tuple[float, Part]], most: int) -> list[Part]:
    """At most ``most`` of the parts: unsure ones are left out first, then small ones are grouped.

    Args:
        parts: each after its worth, 0 to 1, the best first.
    """
    unsure = sum(worth < _UNSURE for worth, _ in parts)
    left = [part for _, part in parts[: max(most, len(parts) - unsure)]]
    loose = [part for part in left if part.role in _SMALL_ROLES]
    firm = [part for part in left if part.role not in _SMALL_ROLES]
    return firm + grouped(loose, most - len(firm))


def consistent(
    parts: Sequence[Part],
    most: int,
    whole: Sequence[bool] | None = None,
    crossing: float = CROSSING,
    firm: Sequence[bool] | None = None,
) -> list[Part]:
    """At most ``most`` of the parts, best first, less what coincides with a better one or crosses it.

    Args:
        parts: the best first.
        most: how many are kept.
        whole: which parts hold nothing else, such as a line of text; None: each may hold others.
        crossing: share of the smaller of two parts that may lie in, or out of, the other by mistake.
        firm: which parts may nevertheless lie in a whole one, because there is no doubt of them (an icon in a
            bar that looks like a line of text); None: no part.
    """
    kept: list[Part] = []
    numbers: list[int] = []
    boxes = np.zeros((most, 4), int)

    def shut(holder: int, held: int) -> bool:
        return whole is not None and whole[holder] and not (firm is not None and firm[held])

    for number, part in enumerate(parts):
        if len(kept) == most:
            break
        low = np.maximum(boxes[: len(kept), :2], part.box[:2])
        high = np.minimum(boxes[: len(kept), 2:], part.box[2:])
        near = np.flatnonzero((low < high).all(1)).tolist()
        if all(
            _agree(part, kept[i], crossing, shut(number, numbers[i]), shut(numbers[i], number)) for i in near
        ):
            boxes[len(kept)] = part.box
            kept.append(part)
            numbers.append(number)
    return kept


def _agree(part: Part, better: Part, crossing: float, shut: bool, better_shut: bool) -> bool:
    """Whether two parts can both be there; a shut one may not hold the other."""
    both = shared_pixels(part, better)
    if not both:
        return True
    first, second = int(part.mask.sum()), int(better.mask.sum())
    if both >= _DOUBLE * (first + second - both):
        return False
    smaller = min(first, second)
    if both <= crossing * smaller:
        return True
    return both >= (1 - crossing) * smaller and not (shut if first > second else better_shut)
