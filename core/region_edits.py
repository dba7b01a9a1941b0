"""What a hand may change in a region map: add, merge, split, delete, rename.

Each operation takes a map and returns a new one; the old one stays as it was, so undoing is keeping it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from core.errors import InputError
from core.regions import (
    BACKGROUND,
    INSIDE,
    MAX_REGIONS,
    Box,
    RegionMap,
    region_map_from_labels,
)


def add_mask(
    region_map: RegionMap, mask: np.ndarray, name: str | None = None, source: str = "hand"
) -> RegionMap:
    """A new region, with the highest id, that takes all pixels of a bool [H, W] mask.

    Its parent is the smallest region whose own and inner pixels held it before. A region that loses all
    its pixels vanishes.

    Raises:
        InputError: the mask is empty, or there are already ``MAX_REGIONS`` regions.
    """
    _check_mask(region_map, mask)
    if not mask.any():
        raise InputError("Nothing is marked. Mark at least one pixel to make a region.")
    if len(region_map) >= MAX_REGIONS:
        raise InputError(f"There are {MAX_REGIONS} regions already. Merge or delete one first.")
    parent = None
    inside = np.bincount(region_map.labels[mask], minlength=len(region_map))
    for region in reversed(region_map.regions):  # children before parents
        if region.parent is not None:
            inside[region.parent] += inside[region.id]
    for region in region_map.regions[1:]:
        if inside[region.id] >= INSIDE * int(mask.sum()):
            parent = region.id  # parents come first, so the last one that fits lies deepest
    new = len(region_map)
    labels = region_map.labels.astype(np.int32)
    labels[mask] = new
    return _edited(region_map, labels, names={new: name}, parents={new: parent}, sources={new: source})


def add_box(region_map: RegionMap, box: Box, name: str | None = None, source: str = "hand") -> RegionMap:
    """A new region from a rectangle (x0, y0, x1, y1) in pixels, its corners in any order; as ``add_mask``.

    Raises:
        InputError: the rectangle holds no pixel of the screenshot, or there are too many regions.
    """
    (left, right), (top, bottom) = sorted((box[0], box[2])), sorted((box[1], box[3]))
    mask = np.zeros(region_map.labels.shape, bool)
    mask[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
    return add_mask(region_map, mask, name, source)


def add_stroke(
    region_map: RegionMap, points: Sequence[tuple[float, float]], radius: float, name: str | None = None
) -> RegionMap:
    """A new region from a brush drawn through points (x, y); as ``add_mask``.

    Raises:
        InputError: the stroke touches no pixel of the screenshot, or there are too many regions.
    """
    return add_mask(region_map, stroke_mask(region_map.labels.shape, points, radius), name)


def paint(
    region_map: RegionMap, region_id: int, points: Sequence[tuple[float, float]], radius: float
) -> RegionMap:
    """Give every pixel under a brush to a region that is there; 0 erases to the background.

    Raises:
        InputError: the stroke touches no pixel of the screenshot.
    """
    _check_id(region_map, region_id)
    mask = stroke_mask(region_map.labels.shape, points, radius)
    if not mask.any():
        raise InputError("Nothing is marked. Draw inside the screenshot.")
    return _edited(region_map, np.where(mask, region_id, region_map.labels).astype(np.int32))


def erase(
    region_map: RegionMap, region_id: int, points: Sequence[tuple[float, float]], radius: float
) -> RegionMap:
    """Take the pixels under a brush from one region and give them to what holds it.

    Raises:
        InputError: the background was chosen, or the stroke touches no pixel of the region.
    """
    if _check_id(region_map, region_id) == BACKGROUND:
        raise InputError("Nothing can be taken from the background: it is what no other region holds.")
    taken = stroke_mask(region_map.labels.shape, points, radius) & region_map.mask(region_id)
    if not taken.any():
        raise InputError("The brush did not touch the region. Draw over it.")
    parent = region_map.regions[region_id].parent or BACKGROUND
    return _edited(region_map, np.where(taken, parent, region_map.labels).astype(np.int32))


def stroke_mask(shape: tuple[int, ...], points: Sequence[tuple[float, float]], radius: float) -> np.ndarray:
    """Boolean [H, W]: pixels whose centre is at most ``radius`` from the line through points (x, y).

    Raises:
        ValueError: no points, or a radius that is not positive.
    """
    if not points or not radius > 0:
        raise ValueError("a stroke needs at least one point and a positive radius")
    height, width = shape
    mask = np.zeros((height, width), bool)
    for (ax, ay), (bx, by) in zip(points, [*points[1:], points[-1]], strict=True):
        x0, x1 = int(max(min(ax, bx) - radius - 1, 0)), int(min(max(ax, bx) + radius + 2, width))
        y0, y1 = int(max(min(ay, by) - radius - 1, 0)), int(min(max(ay, by) + radius + 2, height))
        if x0 >= x1 or y0 >= y1:
            continue
        x, y = np.arange(x0, x1) + 0.5, np.arange(y0, y1)[:, None] + 0.5
        dx, dy = bx - ax, by - ay
        along = np.clip(((x - ax) * dx + (y - ay) * dy) / max(dx * dx + dy * dy, 1e-12), 0, 1)
        mask[y0:y1, x0:x1] |= np.hypot(x - ax - along * dx, y - ay - along * dy) <= radius
    return mask


def merge(region_map: RegionMap, ids: Iterable[int], name: str | None = None) -> RegionMap:
    """One region instead of several; it keeps the lowest id, its parent and, unless given, its name.

    Regions inside any of them move into it. Merging with the background (0) gives up the others.

    Raises:
        InputError: fewer than two different regions are given.
    """
    chosen = sorted({_check_id(region_map, i) for i in ids})
    if len(chosen) < 2:
        raise InputError("Choose at least two regions to merge.")
    keep = chosen[0]
    labels = np.where(np.isin(region_map.labels, chosen), keep, region_map.labels).astype(np.int32)
    into = keep if keep != BACKGROUND else None
    moved = {
        region.id: into
        for region in region_map.regions
        if region.parent in chosen and region.id not in chosen
    }
    return _edited(region_map, labels, names={keep: name} if name else {}, parents=moved)


def split(region_map: RegionMap, region_id: int, mask: np.ndarray, name: str | None = None) -> RegionMap:
    """Cut a region in two: its pixels inside a bool [H, W] mask become a new region beside it.

    Raises:
        InputError: the mask leaves nothing on one side.
    """
    _check_mask(region_map, mask)
    cut = region_map.mask(_check_id(region_map, region_id)) & mask
    if not cut.any() or int(cut.sum()) == region_map.regions[region_id].area:
        raise InputError("The line does not cut the region in two. Draw it through the region.")
    if len(region_map) >= MAX_REGIONS:
        raise InputError(f"There are {MAX_REGIONS} regions already. Merge or delete one first.")
    new = len(region_map)
    labels = region_map.labels.astype(np.int32)
    labels[cut] = new
    parent = region_map.regions[region_id].parent
    return _edited(region_map, labels, names={new: name}, parents={new: parent}, sources={new: "hand"})


def split_by_line(
    region_map: RegionMap, region_id: int, start: tuple[float, float], end: tuple[float, float]
) -> RegionMap:
    """Cut a region in two along the straight line through two points (x, y); as ``split``.

    Raises:
        InputError: the points coincide, or the line leaves nothing on one side.
    """
    across, down = end[0] - start[0], end[1] - start[1]
    if not (across or down):
        raise InputError("A line needs two ends. Draw it through the region.")
    x = np.arange(region_map.width) + 0.5
    y = np.arange(region_map.height)[:, None] + 0.5
    return split(region_map, region_id, across * (y - start[1]) - down * (x - start[0]) > 0)


def delete(region_map: RegionMap, region_id: int) -> RegionMap:
    """Give a region's pixels, and the regions inside it, to its parent or to the background.

    Raises:
        InputError: the background was chosen.
    """
    if _check_id(region_map, region_id) == BACKGROUND:
        raise InputError("The background cannot be deleted: it is what no other region holds.")
    parent = region_map.regions[region_id].parent
    labels = region_map.labels.astype(np.int32)
    labels[labels == region_id] = parent or BACKGROUND
    return _edited(region_map, labels)


def rename(region_map: RegionMap, region_id: int, name: str) -> RegionMap:
    """Give a region another name.

    Raises:
        InputError: the name is empty or another region has it.
    """
    _check_id(region_map, region_id)
    name = name.strip()
    if not name:
        raise InputError("A region needs a name. Type at least one letter.")
    if any(region.name == name for region in region_map.regions if region.id != region_id):
        raise InputError(f"Another region is called “{name}”. Choose a different name.")
    regions = list(region_map.regions)
    regions[region_id] = replace(regions[region_id], name=name)
    return RegionMap(region_map.labels, tuple(regions))


def _edited(
    region_map: RegionMap,
    labels: np.ndarray,
    names: Mapping[int, str | None] | None = None,
    parents: Mapping[int, int | None] | None = None,
    sources: Mapping[int, str] | None = None,
) -> RegionMap:
    """The map after its labels changed; untouched regions keep their names, parents and sources."""
    kept = region_map.regions[1:]
    all_names = {region.id: region.name for region in kept} | {i: n for i, n in (names or {}).items() if n}
    all_parents = {region.id: region.parent for region in kept} | dict(parents or {})
    all_sources = {region.id: region.source for region in kept} | dict(sources or {})
    return region_map_from_labels(labels, all_names, all_parents, all_sources)


def _check_id(region_map: RegionMap, region_id: int) -> int:
    if not 0 <= region_id < len(region_map):
        raise ValueError(f"there is no region {region_id}")
    return region_id


def _check_mask(region_map: RegionMap, mask: np.ndarray) -> None:
    if mask.shape != region_map.labels.shape or mask.dtype != bool:
        raise ValueError(f"expected a bool mask {region_map.labels.shape}, got {mask.dtype} {mask.shape}")
