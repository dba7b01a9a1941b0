"""Regions are ordered as they lie in each other."""

from __future__ import annotations

import numpy as np

from core.hierarchy import by_hierarchy, depth
from core.regions import Region, RegionMap


def region(id_: int, x: int, y: int, parent: int | None) -> Region:
    return Region(id_, str(id_), (x, y, 5, 5), 25, parent)


MAP = RegionMap(
    np.zeros((20, 20), np.uint8),
    (
        Region(0, "background", (0, 0, 20, 20), 100),
        region(1, 0, 10, None),
        region(2, 0, 0, 0),
        region(3, 9, 12, 1),
        region(4, 2, 12, 1),
        region(5, 2, 13, 4),
    ),
)


def test_a_region_comes_before_those_inside_it_and_the_background_last():
    assert by_hierarchy(MAP) == [2, 1, 4, 5, 3, 0]


def test_depth_counts_what_a_region_lies_in():
    assert [depth(MAP, i) for i in range(6)] == [0, 0, 0, 1, 1, 2]
