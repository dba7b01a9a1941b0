"""Regions and the region map: which part of the screenshot each pixel belongs to.

How a map is made from overlapping masks is in ``core/partition.py``, what a hand may change in
``core/region_edits.py``. Whatever makes a map, ids are dense, 0 is the background, and the id of a parent is
lower than the ids of its children.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.errors import InputError

BACKGROUND = 0
MAX_REGIONS = 256
"""What a uint8 label can tell apart, the background included."""

INSIDE = 0.8
"""A piece counts as inside another when this share of its pixels is."""

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Region:
    """One semantic piece of the screenshot.

    Attributes:
        id: dense index, equal to the label of its pixels; 0 is the background.
        name: what a person reads, such as "text, top left".
        bbox: (x, y, width, height) in pixels of the screenshot, around the region and the regions inside
            it: the box of a card also holds its labels, though their pixels are theirs. The background's
            is the whole screenshot.
        area: number of pixels of its own.
        parent: id of the region that contains this one, or None at the top. Lower than ``id``.
        source: who found it: "opencv", "grid", "sam", "truth", "hand" or "background".
    """

    id: int
    name: str
    bbox: tuple[int, int, int, int]
    area: int
    parent: int | None = None
    source: str = "hand"


@dataclass(frozen=True, slots=True, eq=False)
class RegionMap:
    """A disjoint partition of the screenshot.

    Attributes:
        labels: uint8 [H, W]; the region id of every pixel. Ids are dense, 0 is the background.
        regions: one Region for each id, in order of id.
    """

    labels: np.ndarray
    regions: tuple[Region, ...]

    @property
    def height(self) -> int:
        return int(self.labels.shape[0])

    @property
    def width(self) -> int:
        return int(self.labels.shape[1])

    def __len__(self) -> int:
        return len(self.regions)

    def mask(self, region_id: int) -> np.ndarray:
        """Boolean [H, W]: the pixels of one region."""
        return self.labels == region_id

    def at(self, x: int, y: int) -> Region | None:
        """The region under a pixel, or None outside the screenshot."""
        if 0 <= x < self.width and 0 <= y < self.height:
            return self.regions[int(self.labels[y, x])]
        return None


def region_map_from_labels(
    labels: np.ndarray,
    names: Mapping[int, str] | None = None,
    parents: Mapping[int, int | None] | None = None,
    source: str | Mapping[int, str] = "hand",
) -> RegionMap:
    """A region map from any label image.

    Args:
        labels: integers >= 0 [H, W]; 0 is the background. Gaps in the numbering are closed. The order of
            the numbers is kept, except that a parent is moved before its children.
        names, parents, source: by the numbers used in ``labels``. A region without a name is named by its
            shape and position. A parent without pixels of its own vanishes: its children go to its parent.

    Raises:
        InputError: more than ``MAX_REGIONS`` regions.
        ValueError: labels that are no image of integers >= 0, or parents that form a ring.
    """
    if labels.ndim != 2 or labels.dtype.kind not in "iu" or labels.size == 0 or int(labels.min()) < 0:
        raise ValueError(f"labels must be integers >= 0 of shape [H, W], got {labels.dtype} {labels.shape}")
    own, areas = _boxes_and_areas(labels)
    present = [label for label in own if label != BACKGROUND]
    if len(present) + 1 > MAX_REGIONS:
        raise InputError(
            f"{len(present)} regions are too many; a region map holds up to {MAX_REGIONS - 1} and the "
            "background. Merge or leave out some."
        )
    up = {label: _present_ancestor(label, parents or {}, own) for label in present}
    order = _parents_first(up)
    new_id = {label: i for i, label in enumerate(order, start=1)}
    table = np.zeros(max(own) + 1, np.uint8)
    table[order] = np.arange(1, len(order) + 1, dtype=np.uint8)
    dense = np.ascontiguousarray(table[labels])

    boxes = dict(own)
    for label in reversed(order):
        above = up[label]
        if above is not None:
            a, b = boxes[above], boxes[label]
            boxes[above] = (min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3]))

    height, width = labels.shape
    regions = [
        Region(BACKGROUND, "background", (0, 0, width, height), areas.get(BACKGROUND, 0), None, "background")
    ]
    taken = {"background"}
    for label in order:
        x0, y0, x1, y1 = boxes[label]
        above = up[label]
        name = (names or {}).get(label) or describe(
            guess_role(boxes[label], width, height), boxes[label], width, height
        )
        regions.append(
            Region(
                id=new_id[label],
                name=_unique(name, taken),
                bbox=(x0, y0, x1 - x0, y1 - y0),
                area=areas[label],
                parent=None if above is None else new_id[above],
                source=source if isinstance(source, str) else source.get(label, "hand"),
            )
        )
    return RegionMap(dense, tuple(regions))


def describe(role: str, box: Box, width: int, height: int) -> str:
    """A role and where a box (x0, y0, x1, y1) has its centre, in thirds of the screen: "text, top left"."""
    x, y = (box[0] + box[2]) / 2 / width, (box[1] + box[3]) / 2 / height
    across = "left" if x < 1 / 3 else "right" if x > 2 / 3 else ""
    down = "top" if y < 1 / 3 else "bottom" if y > 2 / 3 else ""
    return f"{role}, {f'{down} {across}'.strip() or 'centre'}"


def guess_role(box: Box, width: int, height: int) -> str:
    """A word for a region of which only the box (x0, y0, x1, y1) is known."""
    across, down = (box[2] - box[0]) / width, (box[3] - box[1]) / height
    if across * down > 0.15:
        return "window"
    if (across > 0.6 and down < 0.15) or (down > 0.6 and across < 0.15):
        return "bar"
    if across * width > 2.5 * down * height:
        return "strip"
    return "piece" if across * down < 0.01 else "area"


def _boxes_and_areas(labels: np.ndarray) -> tuple[dict[int, Box], dict[int, int]]:
    """(x0, y0, x1, y1) around the pixels of each label that occurs, and their number, in order of label.

    From runs of equal pixels over bands of equal rows: screens have few of either.
    """
    height, width = labels.shape
    starts = np.flatnonzero(np.concatenate([[True], (labels[1:] != labels[:-1]).any(1)]))
    bands, ends = labels[starts], np.append(starts[1:], height)
    change = np.ones(bands.shape, bool)
    np.not_equal(bands[:, 1:], bands[:, :-1], out=change[:, 1:])
    band, left = np.nonzero(change)
    right = np.append(left[1:], width)
    right[right == 0] = width
    found, index = np.unique(bands[band, left], return_inverse=True)
    low = np.full((len(found), 2), max(height, width))
    high = np.zeros((len(found), 2), np.int64)
    np.minimum.at(low, index, np.stack([left, starts[band]], 1))
    np.maximum.at(high, index, np.stack([right, ends[band]], 1))
    area = np.bincount(index, (right - left) * (ends - starts)[band])
    boxes = {
        int(label): (int(a[0]), int(a[1]), int(b[0]), int(b[1]))
        for label, a, b in zip(found, low, high, strict=True)
    }
    return boxes, {int(label): int(count) for label, count in zip(found, area, strict=True)}


def _present_ancestor(
    label: int, parents: Mapping[int, int | None], present: Mapping[int, Box]
) -> int | None:
    """The nearest ancestor that has pixels of its own."""
    seen = {label}
    above = parents.get(label)
    while above is not None and above != BACKGROUND:
        if above in seen:
            raise ValueError(f"the parents of region {label} form a ring")
        if above in present:
            return above
        seen.add(above)
        above = parents.get(above)
    return None


def _parents_first(up: Mapping[int, int | None]) -> list[int]:
    """All labels in ascending order, except that each comes after its parent."""
    children: dict[int | None, list[int]] = {}
    for label, above in up.items():
        children.setdefault(above, []).append(label)
    ready = sorted(children.get(None, []))
    order: list[int] = []
    while ready:
        label = heapq.heappop(ready)
        order.append(label)
        for child in children.get(label, []):
            heapq.heappush(ready, child)
    if len(order) != len(up):
        raise ValueError("the parents form a ring")
    return order


def _unique(name: str, taken: set[str]) -> str:
    """The name, or "text 2, top left" if it is taken; remembers it."""
    role, comma, place = name.partition(",")
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{role} {number}{comma}{place}"
    taken.add(candidate)
    return candidate
