"""The grid is regular, covers everything, and uses the number of regions it is given."""

from __future__ import annotations

import numpy as np
import pytest

from core.screenshot import from_array
from models.grid_segmenter import grid_shape
from models.segmenters import segment


@pytest.mark.parametrize(
    ("width", "height", "cells", "expected"),
    [
        (800, 800, 16, (4, 4)),
        (1600, 400, 16, (2, 8)),
        (400, 1600, 16, (8, 2)),
        (5, 1, 63, (1, 5)),
        (1, 1, 63, (1, 1)),
    ],
)
def test_cells_are_as_square_as_they_can_be(
    width: int, height: int, cells: int, expected: tuple[int, int]
) -> None:
    assert grid_shape(width, height, cells) == expected


def test_cells_are_equal_named_and_leave_no_background() -> None:
    region_map = segment(from_array(np.zeros((80, 80, 3), np.uint8), "black"), "grid", max_regions=17)
    assert [region.area for region in region_map.regions] == [0] + [400] * 16
    assert region_map.regions[6].name == "row 2, column 2"
    assert region_map.regions[6].bbox == (20, 20, 20, 20)
    assert region_map.regions[6].source == "grid"
