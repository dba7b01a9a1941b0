"""From surfaces and items to the parts of a screen that are worth a region of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.screen_content import Item
from models.screen_surfaces import Surface, is_small

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A region to be: box (x0, y0, x1, y1) in working pixels, bool mask of the box, role.

    ``owner`` is the index of the surface around it, -1 for none.
    """

    box: Box
    mask: np.ndarray
    role: str
    owner: int


def arrange(
    surfaces: Sequence[Surface], items: Sequence[Item], shape: tuple[int, int], max_regions: int
) -> list[Part]:
    """The parts, near ones grouped if there are more than ``max_regions`` - 1."""
    above = _holders(surfaces)
    on: dict[int, list[Item]] = {}
    for item in items:
        on.setdefault(item.owner, []).append(item)
    inner: dict[int, list[int]] = {}
    for index, holder in enumerate(above):
        inner.setdefault(holder, []).append(index)

    role = [_role(surface, shape) for surface in surfaces]
    whole: set[int] = set()  # surfaces that stand for everything on them
    gone: set[int] = set()  # surfaces not worth a region
    pictures = [item for item in items if item.role == "picture"]
    for index in range(len(surfaces)):
        swallowed = is_small(surfaces[index].box, shape) and _in_item(
            surfaces[index].box, on.get(above[index], [])
        )
        if swallowed or _inside_whole(index, above, whole) or _in_picture(surfaces[index], pictures):
            gone.add(index)
            continue
        mine, children = on.get(index, []), inner.get(index, [])
        if _is_icon(surfaces[index], shape):
            whole.add(index)
            role[index] = "shape" if not mine and not children else "icon"
        elif not children and len(mine) == 1 and _is_button(surfaces[index], mine[0]):
            whole.add(index)
            role[index] = "button"
        elif not mine and not children and _is_gap(index, surfaces, above):
            gone.add(index)

    parts = [
        Part(surface.box, surface.mask, role[i], above[i])
        for i, surface in enumerate(surfaces)
        if i not in gone
    ]
    loose = [
        Part(item.box, item.mask, item.role, item.owner)
        for item in items
        if not _inside_whole_item(item.owner, above, whole) and not _in_picture(item, pictures)
    ]
    return parts + grouped(loose, max_regions - 1 - len(parts))


def _holders(surfaces: Sequence[Surface]) -> list[int]:
    """Index of the smallest larger surface around each, or -1. Surfaces come largest first."""
    above = []
    for index, surface in enumerate(surfaces):
        x0, y0, x1, y1 = surface.box
        holder = -1
        for k in range(index - 1, -1, -1):
            a0, b0, a1, b1 = surfaces[k].box
            cx, cy = (x0 + x1) // 2, (y0 + y1) // 2
            if (
                a0 <= cx < a1
                and b0 <= cy < b1
                and surfaces[k].mask[cy - b0, cx - a0]
                and surfaces[k].area > surface.area
            ):
                holder = k
                break
        above.append(holder)
    return above


def _inside_whole(index: int, above: Sequence[int], whole: set[int]) -> bool:
    while index >= 0:
        index = above[index]
        if index in whole:
            return True
    return False


def _inside_whole_item(owner: int, above: Sequence[int], whole: set[int]) -> bool:
    return owner in whole or (owner >= 0 and _inside_whole(owner, above, whole))


def _role(surface: Surface, shape: tuple[int, int]) -> str:
    x0, y0, x1, y1 = surface.box
    across, down = (x1 - x0) / shape[1], (y1 - y0) / shape[0]
    if surface.plain:
        return "shape"
    if across > 0.6 and down < 0.15:
        return "bar"
    if across * down > 0.25:
        return "window"
    if (y1 - y0) < 0.08 * max(shape) and (x1 - x0) > 2 * (y1 - y0):
        return "field"
    return "card"


def _is_icon(surface: Surface, shape: tuple[int, int]) -> bool:
    x0, y0, x1, y1 = surface.box
    return is_small(surface.box, shape) and max(x1 - x0, y1 - y0) <= 1.5 * min(x1 - x0, y1 - y0)


def _in_picture(part: Surface | Item, pictures: Sequence[Item]) -> bool:
    """Whether something is but a spot or a line of a picture, rather than a rectangle laid over it."""
    x0, y0, x1, y1 = part.box
    area = int(part.mask.sum())
    if part.mask.mean() >= 0.95:
        return False
    for item in pictures:
        a0, b0, a1, b1 = item.box
        left, top, right, bottom = max(x0, a0), max(y0, b0), min(x1, a1), min(y1, b1)
        if item is part or left >= right or top >= bottom:
            continue
        mine = part.mask[top - y0 : bottom - y0, left - x0 : right - x0]
        its = item.mask[top - b0 : bottom - b0, left - a0 : right - a0]
        if area < item.mask.sum() and (mine & its).sum() >= 0.7 * area:
            return True
    return False


def _is_button(surface: Surface, item: Item) -> bool:
    """One run of text that fills a good part of the surface."""
    w, h = surface.box[2] - surface.box[0], surface.box[3] - surface.box[1]
    iw, ih = item.box[2] - item.box[0], item.box[3] - item.box[1]
    return h <= 4.5 * ih and iw >= 0.3 * w


def _is_gap(index: int, surfaces: Sequence[Surface], above: Sequence[int]) -> bool:
    """An empty strip between rules of a table or chart: the colour of its surroundings, beside others."""
    holder = above[index]
    if holder < 0:
        return False
    same = np.abs(surfaces[index].colour - surfaces[holder].colour).max() <= 6
    x0, y0, x1, y1 = surfaces[index].box
    beside = any(
        k != index and above[k] == holder and _touch(surfaces[k].box, (x0 - 3, y0 - 3, x1 + 3, y1 + 3))
        for k in range(len(surfaces))
    )
    return bool(same and beside)


def _touch(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _in_item(box: Box, items: Sequence[Item]) -> bool:
    """Whether a small surface is but a part of an icon or a letter."""
    return any(
        item.role in ("icon", "text")
        and item.box[0] - 2 <= box[0]
        and item.box[1] - 2 <= box[1]
        and box[2] <= item.box[2] + 2
        and box[3] <= item.box[3] + 2
        for item in items
    )


def grouped(parts: list[Part], limit: int) -> list[Part]:
    """Join the nearest parts on one surface until ``limit`` are left."""
    parts = list(parts)
    limit = max(limit, 8)
    if len(parts) <= limit:
        return parts
    boxes = np.array([part.box for part in parts], float)
    owners = np.array([part.owner for part in parts])
    fixed = np.array([part.role in ("picture", "drawing") for part in parts])
    cost = np.array([_costs(boxes, i) for i in range(len(parts))])
    cost[owners[:, None] != owners[None]] = np.inf
    cost[fixed] = cost[:, fixed] = np.inf
    np.fill_diagonal(cost, np.inf)
    alive = len(parts)
    members: list[list[int]] = [[i] for i in range(len(parts))]
    asked = np.zeros(cost.shape, bool)
    while alive > limit:
        i, j = divmod(int(cost.argmin()), len(parts))
        if not np.isfinite(cost[i, j]):
            break
        if not asked[i, j] and _takes_in_others(boxes, i, j, members):
            cost[i, j] = cost[j, i] = cost[i, j] + 60
            asked[i, j] = asked[j, i] = True
            continue
        boxes[i] = [*np.minimum(boxes[i, :2], boxes[j, :2]), *np.maximum(boxes[i, 2:], boxes[j, 2:])]
        members[i] += members[j]
        members[j] = []
        cost[j] = cost[:, j] = np.inf
        row = _costs(boxes, i)
        row[~np.isfinite(cost[i])] = np.inf
        cost[i] = cost[:, i] = row
        asked[i] = asked[:, i] = False
        alive -= 1
    out = []
    for i, group in enumerate(members):
        if len(group) == 1:
            out.append(parts[i])
        elif group:
            x0, y0, x1, y1 = (int(v) for v in boxes[i])
            texts = sum(parts[k].role == "text" for k in group)
            role = "text" if texts == len(group) else "icons" if texts == 0 else "group"
            out.append(
                replace(parts[i], box=(x0, y0, x1, y1), mask=np.ones((y1 - y0, x1 - x0), bool), role=role)
            )
    return out


def _takes_in_others(boxes: np.ndarray, i: int, j: int, members: list[list[int]]) -> bool:
    """Whether the box around two parts would cover a part of a third."""
    low, high = np.minimum(boxes[i, :2], boxes[j, :2]), np.maximum(boxes[i, 2:], boxes[j, 2:])
    met = (boxes[:, :2] < high).all(1) & (boxes[:, 2:] > low).all(1)
    met[[i, j]] = False
    return any(members[k] for k in np.flatnonzero(met))


def _costs(boxes: np.ndarray, i: int) -> np.ndarray:
    """How much would be lost by joining box ``i`` with each: the gap, and the empty area it would take in."""
    low, high = np.minimum(boxes[:, :2], boxes[i, :2]), np.maximum(boxes[:, 2:], boxes[i, 2:])
    gap = np.maximum(np.maximum(boxes[:, :2], boxes[i, :2]) - np.minimum(boxes[:, 2:], boxes[i, 2:]), 0)
    size = boxes[:, 2:] - boxes[:, :2]
    area = size[:, 0] * size[:, 1]
    empty = np.maximum((high - low).prod(1) - area - area[i], 0)
    return np.hypot(gap[:, 0], gap[:, 1]) + 0.8 * np.sqrt(empty)
