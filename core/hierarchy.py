"""How regions lie in each other."""

from __future__ import annotations

from core.regions import BACKGROUND, Region, RegionMap


def by_hierarchy(region_map: RegionMap) -> list[int]:
    """Region ids, each before those inside it, those side by side in reading order; the background last."""
    inside: dict[int, list[Region]] = {}
    for region in region_map.regions:
        if region.id != BACKGROUND:
            inside.setdefault(region.parent or BACKGROUND, []).append(region)
    for siblings in inside.values():
        siblings.sort(key=lambda region: (region.bbox[1], region.bbox[0], region.id))
    ordered: list[int] = []
    waiting = inside.get(BACKGROUND, [])[::-1]
    while waiting:
        region = waiting.pop()
        ordered.append(region.id)
        waiting += inside.get(region.id, [])[::-1]
    return [*ordered, BACKGROUND]


def depth(region_map: RegionMap, region_id: int) -> int:
    """How many regions other than the background a region lies in."""
    deep, above = 0, region_map.regions[region_id].parent
    while above:
        deep, above = deep + 1, region_map.regions[above].parent
    return deep
