"""Whatever masks come in, every pixel ends in exactly one region and the tree of regions is sound."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.coverage import coverage, grid_cells
from core.partition import partition
from core.regions import RegionMap

SHAPE = (12, 15)


@st.composite
def _masks(draw: st.DrawFn) -> list[np.ndarray]:
    """Boxes, scattered pixels and empty masks, overlapping as they please."""
    masks = []
    for _ in range(draw(st.integers(0, 9))):
        if draw(st.booleans()):
            y, x = draw(st.integers(0, 11)), draw(st.integers(0, 14))
            mask = np.zeros(SHAPE, bool)
            mask[y : y + draw(st.integers(0, 12)), x : x + draw(st.integers(1, 15))] = True
        else:
            mask = draw(arrays(bool, SHAPE))
        masks.append(mask)
    return masks


def assert_sound(region_map: RegionMap) -> None:
    """What holds for every region map."""
    labels = region_map.labels
    assert labels.dtype == np.uint8
    assert [region.id for region in region_map.regions] == list(range(len(region_map)))
    assert set(np.unique(labels)) - {0} == set(range(1, len(region_map)))
    names = [region.name for region in region_map.regions]
    assert len(set(names)) == len(names)
    for region in region_map.regions:
        own = region_map.mask(region.id)
        assert region.area == own.sum()
        x, y, w, h = region.bbox
        assert not own.any() or own[y : y + h, x : x + w].sum() == own.sum()
        if region.parent is not None:
            assert 0 < region.parent < region.id
            px, py, pw, ph = region_map.regions[region.parent].bbox
            assert px <= x
            assert py <= y
            assert px + pw >= x + w
            assert py + ph >= y + h
    shares = coverage(region_map, grid_cells(3, 4, region_map.width, region_map.height))
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-6)


@settings(max_examples=80, deadline=None)
@given(_masks(), st.integers(1, 8), st.integers(1, 12))
def test_arbitrary_overlapping_masks_become_a_sound_map(
    masks: list[np.ndarray], max_regions: int, min_area: int
) -> None:
    region_map = partition(masks, shape=SHAPE, max_regions=max_regions, min_area=min_area)
    assert_sound(region_map)
    assert region_map.labels.shape == SHAPE
    assert len(region_map) <= max_regions
    assert all(region.area >= min_area for region in region_map.regions[1:])
    covered = np.any(masks, axis=0) if masks else np.zeros(SHAPE, bool)
    assert not (region_map.labels[~covered] != 0).any(), "what no mask holds is background"


@settings(max_examples=30, deadline=None)
@given(_masks())
def test_the_same_masks_give_the_same_map(masks: list[np.ndarray]) -> None:
    first, second = partition(masks, shape=SHAPE), partition(masks, shape=SHAPE)
    assert np.array_equal(first.labels, second.labels)
    assert first.regions == second.regions


def _box(x0: int, y0: int, x1: int, y1: int, shape: tuple[int, int] = (60, 100)) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[y0:y1, x0:x1] = True
    return mask


def test_window_card_label_become_a_tree_and_the_leaf_owns_its_pixels() -> None:
    label, window, card = _box(12, 12, 30, 18), _box(5, 5, 95, 55), _box(10, 10, 40, 28)
    region_map = partition([label, window, card], shape=(60, 100), roles=["text", "window", "card"])
    assert [region.name for region in region_map.regions] == [
        "background",
        "window, centre",
        "card, top left",
        "text, top left",
    ]
    assert [region.parent for region in region_map.regions] == [None, None, 1, 2]
    assert np.array_equal(region_map.mask(3), label)
    assert np.array_equal(region_map.mask(2), card & ~label)
    assert np.array_equal(region_map.mask(1), window & ~card)


def test_masks_that_nearly_coincide_are_one_region_under_the_first_role() -> None:
    region_map = partition(
        [_box(10, 10, 40, 30), _box(10, 10, 40, 31)], shape=(60, 100), roles=["first", "second"]
    )
    assert [region.name for region in region_map.regions] == ["background", "first, left"]


def test_a_mask_below_the_least_area_joins_what_surrounds_it() -> None:
    card, dot = _box(10, 10, 40, 30), _box(20, 20, 22, 22)
    assert len(partition([card, dot], shape=(60, 100))) == 3
    region_map = partition([card, dot], shape=(60, 100), min_area=5)
    assert np.array_equal(region_map.mask(1), card)


def test_the_smallest_leaves_go_first_when_there_are_too_many() -> None:
    window, big, small = _box(0, 0, 90, 50), _box(5, 5, 40, 40), _box(50, 5, 60, 15)
    region_map = partition([window, big, small], shape=(60, 100), max_regions=3)
    assert np.array_equal(region_map.mask(2), big)
    assert np.array_equal(region_map.mask(1), window & ~big)
    assert partition([window, big, small], shape=(60, 100), max_regions=1).regions[0].area == 6000


def test_equal_names_are_numbered() -> None:
    region_map = partition([_box(1, 1, 9, 4), _box(1, 6, 9, 9)], shape=(60, 100), roles=["text", "text"])
    assert [region.name for region in region_map.regions[1:]] == ["text, top left", "text 2, top left"]


def test_more_masks_than_a_label_can_hold() -> None:
    masks = [_box(x, y, x + 2, y + 2) for y in range(0, 60, 3) for x in range(0, 100, 3)]
    region_map = partition(masks, shape=(60, 100), max_regions=1000)
    assert len(region_map) == 256
    assert_sound(region_map)


def test_masks_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="expected bool"):
        partition([np.zeros((3, 3), bool)], shape=(4, 4))
