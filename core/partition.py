"""From overlapping masks to a region map: every pixel in exactly one region."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.overlap import shared_pixels
from core.regions import (
    BACKGROUND,
    INSIDE,
    MAX_REGIONS,
    Box,
    RegionMap,
    describe,
    guess_role,
    region_map_from_labels,
)

SAME = 0.85
"""Two masks whose intersection is this share of their union are one thing."""


def partition(
    masks: Iterable[np.ndarray],
    *,
    shape: tuple[int, int],
    corners: Sequence[tuple[int, int]] | None = None,
    roles: Sequence[str] | None = None,
    max_regions: int = 64,
    min_area: int = 1,
    source: str = "hand",
) -> RegionMap:
    """A disjoint region map from overlapping masks. Deterministic.

    Masks that nearly coincide are taken once (the first counts). Containment makes a tree (window → card →
    label). Smaller masks are painted over larger ones, so that leaves own their pixels and a parent keeps
    what its children leave; the residue is background. A region left with fewer than ``min_area`` pixels
    of its own joins its parent (or the background), and while there are more than ``max_regions`` regions,
    background included, so does the smallest leaf.

    Args:
        masks: bool [H, W] each, or smaller ones that are put where ``corners`` says.
        shape: (H, W).
        corners: (x, y) of the top left pixel of each mask, if the masks are cut out.
        roles: one word for each mask ("text", "icon"), guessed from the shape if left out.
    """
    height, width = shape
    found = (
        _piece(i, mask, (0, 0) if corners is None else corners[i], shape if corners is None else mask.shape)
        for i, mask in enumerate(masks)
    )
    pieces = [piece for piece in found if piece is not None and piece.area >= min_area]
    pieces = _without_doubles(pieces)
    pieces.sort(key=lambda piece: (-piece.area, piece.box, piece.index))
    up: dict[int, int | None] = {}
    labels = np.zeros(shape, np.int32)
    for number, piece in enumerate(pieces, start=1):
        holders = (
            k for k in range(number - 1, 0, -1) if shared_pixels(pieces[k - 1], piece) >= INSIDE * piece.area
        )
        up[number] = next(holders, None)
        x0, y0, x1, y1 = piece.box
        labels[y0:y1, x0:x1][piece.mask] = number
    own = np.bincount(labels.ravel(), minlength=len(pieces) + 1)

    target = np.arange(len(pieces) + 1)

    def dissolve(number: int) -> None:
        above = up.pop(number) or BACKGROUND
        own[above] += own[number]
        target[target == number] = above
        for child, parent in up.items():
            if parent == number:
                up[child] = above or None

    for number in range(len(pieces), 0, -1):
        if own[number] < max(min_area, 1):
            dissolve(number)
    limit = min(max_regions, MAX_REGIONS)
    while len(up) + 1 > limit:
        inner = set(up.values())
        dissolve(
            min((number for number in up if number not in inner), key=lambda number: (own[number], -number))
        )

    reduced = target[labels]
    boxes = {number: pieces[number - 1].box for number in up}
    renumbered = {number: i for i, number in enumerate(_reading_order(up, boxes), start=1)}
    table = np.zeros(len(pieces) + 1, np.int32)
    for number, i in renumbered.items():
        table[number] = i
    names = {}
    for number, i in renumbered.items():
        role = (
            roles[pieces[number - 1].index] if roles is not None else guess_role(boxes[number], width, height)
        )
        names[i] = describe(role, boxes[number], width, height)
    parents = {renumbered[n]: None if p is None else renumbered[p] for n, p in up.items()}
    return region_map_from_labels(table[reduced], names, parents, source)


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """One mask, cut down to its box (x0, y0, x1, y1); ``index`` is its place among the masks given."""

    index: int
    box: Box
    mask: np.ndarray
    area: int


def _piece(index: int, mask: np.ndarray, corner: tuple[int, int], shape: tuple[int, ...]) -> _Piece | None:
    """The cut-down mask, or None if it is empty."""
    if mask.shape != shape or mask.dtype != bool:
        raise ValueError(f"mask {index}: expected bool {shape}, got {mask.dtype} {mask.shape}")
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    x0, x1, y0, y1 = int(columns[0]), int(columns[-1]) + 1, int(rows[0]), int(rows[-1]) + 1
    cut = mask[y0:y1, x0:x1].copy()
    x, y = corner
    return _Piece(index, (x + x0, y + y0, x + x1, y + y1), cut, int(np.count_nonzero(cut)))


def _without_doubles(pieces: Sequence[_Piece]) -> list[_Piece]:
    """The pieces, less those that nearly coincide with an earlier one."""
    kept: list[_Piece] = []
    for piece in pieces:
        for other in kept:
            if min(piece.area, other.area) < SAME * max(piece.area, other.area):
                continue
            shared = shared_pixels(other, piece)
            if shared >= SAME * (piece.area + other.area - shared):
                break
        else:
            kept.append(piece)
    return kept


def _reading_order(up: Mapping[int, int | None], boxes: Mapping[int, Box]) -> list[int]:
    """Depth first, parents before children, siblings from top to bottom and from left to right."""
    children: dict[int | None, list[int]] = {}
    for number in sorted(up, key=lambda n: (boxes[n][1], boxes[n][0], n)):
        children.setdefault(up[number], []).append(number)
    order: list[int] = []
    stack = children.get(None, [])[::-1]
    while stack:
        number = stack.pop()
        order.append(number)
        stack.extend(children.get(number, [])[::-1])
    return order
