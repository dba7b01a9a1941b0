"""How fine a region map is: how deep its tree, how small its regions, how many.

Each function takes a map and returns a coarser one; pixels only ever move from a region to one that holds it.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np

from core.coverage import Cells
from core.errors import InputError
from core.regions import BACKGROUND, RegionMap, region_map_from_labels

Granularity = Literal["coarse", "medium", "fine"]

DEPTHS: Final[dict[str, int | None]] = {"coarse": 1, "medium": 2, "fine": None}
"""Levels of the tree that are kept: windows alone, cards in them too, everything."""
LEAST_TOKENS: Final = 0.5
"""A region of fewer visual tokens cannot be told apart by the model."""


def depth_of(region_map: RegionMap) -> list[int]:
    """How deep each region lies: 0 for the background, 1 at the top, 2 inside such a one …"""
    depths = [0]
    for region in region_map.regions[1:]:
        depths.append(1 if region.parent is None else depths[region.parent] + 1)
    return depths


def at_granularity(region_map: RegionMap, granularity: str) -> RegionMap:
    """The map with deeper regions given to what holds them.

    Args:
        granularity: "coarse", "medium" or "fine" (everything).

    Raises:
        InputError: another word.
    """
    if granularity not in DEPTHS:
        raise InputError(f"There is no granularity “{granularity}”. Choose one of: {', '.join(DEPTHS)}.")
    deepest = DEPTHS[granularity]
    if deepest is None:
        return region_map
    return _dissolved(region_map, {i for i, depth in enumerate(depth_of(region_map)) if depth > deepest})


def without_small(region_map: RegionMap, least: float) -> RegionMap:
    """The map in which no region but the background has fewer than ``least`` pixels of its own.

    The smallest region joins what holds it first, so that a parent that grows by it may stay.
    """
    while True:
        small = [r for r in region_map.regions[1:] if r.area < least]
        if not small:
            return region_map
        first = min(small, key=lambda region: (region.area, -region.id))
        region_map = _dissolved(region_map, {first.id})


def least_area(cells: Cells, region_map: RegionMap, tokens: float = LEAST_TOKENS) -> float:
    """How many pixels of the screenshot ``tokens`` visual tokens stand for, of those that a model makes."""
    return tokens * region_map.width * region_map.height / max(len(cells), 1)


def indistinct(coverage: np.ndarray, tokens: float = LEAST_TOKENS) -> np.ndarray:
    """Which regions a model cannot tell apart, bool [regions]; never the background.

    Args:
        coverage: float32 [cells, regions], as ``core.coverage.coverage`` gives it.
        tokens: visual tokens that a region has to fill.
    """
    small = coverage.sum(0) < tokens
    small[BACKGROUND] = False
    return small


def _dissolved(region_map: RegionMap, gone: set[int]) -> RegionMap:
    """The map without some regions, each given to the nearest region around it that stays."""
    if not gone:
        return region_map
    heir = list(range(len(region_map)))
    for region in region_map.regions[1:]:  # parents come first
        if region.id in gone:
            heir[region.id] = heir[region.parent or BACKGROUND]
    kept = [region for region in region_map.regions[1:] if region.id not in gone]
    return region_map_from_labels(
        np.array(heir, np.int32)[region_map.labels],
        {region.id: region.name for region in kept},
        {region.id: heir[region.parent] if region.parent is not None else None for region in kept},
        {region.id: region.source for region in kept},
    )
