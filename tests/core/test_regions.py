"""Region maps from label images."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import InputError
from core.regions import RegionMap, region_map_from_labels


def _box(x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    mask = np.zeros((40, 60), bool)
    mask[y0:y1, x0:x1] = True
    return mask


def test_gaps_in_the_numbering_are_closed_and_the_order_kept() -> None:
    labels = np.array([[0, 9, 9], [3, 3, 40]])
    region_map = region_map_from_labels(labels, {3: "three", 9: "nine", 40: "forty"})
    assert [region.name for region in region_map.regions] == ["background", "three", "nine", "forty"]
    assert region_map.labels.tolist() == [[0, 2, 2], [1, 1, 3]]
    assert region_map.labels.dtype == np.uint8
    assert region_map.regions[2].bbox == (1, 0, 2, 1)
    assert region_map.regions[2].area == 2


def test_a_parents_box_holds_its_children_and_comes_first() -> None:
    labels = np.array([[1, 1, 2, 0]])
    region_map = region_map_from_labels(labels, {1: "inner", 2: "outer"}, {1: 2})
    assert [(r.name, r.parent, r.bbox) for r in region_map.regions] == [
        ("background", None, (0, 0, 4, 1)),
        ("outer", None, (0, 0, 3, 1)),
        ("inner", 1, (0, 0, 2, 1)),
    ]
    assert region_map.labels.tolist() == [[2, 2, 1, 0]]


def test_a_parent_without_pixels_vanishes_and_its_children_move_up() -> None:
    region_map = region_map_from_labels(np.array([[1, 3]]), {1: "a", 3: "c"}, {3: 2, 2: 1})
    assert [(region.name, region.parent) for region in region_map.regions[1:]] == [("a", None), ("c", 1)]


def test_a_map_without_background_still_has_region_0() -> None:
    region_map = region_map_from_labels(np.ones((2, 2), int))
    assert [region.area for region in region_map.regions] == [0, 4]


def test_impossible_maps_are_refused() -> None:
    with pytest.raises(ValueError, match="ring"):
        region_map_from_labels(np.array([[1, 2]]), parents={1: 2, 2: 1})
    with pytest.raises(ValueError, match="labels must be"):
        region_map_from_labels(np.array([[-1, 2]]))
    with pytest.raises(InputError, match="300 regions are too many"):
        region_map_from_labels(np.arange(1, 301).reshape(1, -1))


def test_the_region_under_a_pixel(window: RegionMap) -> None:
    region = window.at(9, 9)
    assert region is not None
    assert region.name == "label"
    assert window.at(60, 0) is None
    assert window.at(-1, 0) is None
