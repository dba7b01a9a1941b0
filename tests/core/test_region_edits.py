"""What a hand may change in a region map, and that every result is again a sound map."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InputError
from core.region_edits import (
    add_box,
    add_mask,
    add_stroke,
    delete,
    erase,
    merge,
    paint,
    rename,
    split,
    split_by_line,
    stroke_mask,
)
from core.regions import RegionMap, region_map_from_labels


def _box(x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    mask = np.zeros((40, 60), bool)
    mask[y0:y1, x0:x1] = True
    return mask


def _check(region_map: RegionMap) -> None:
    assert [region.id for region in region_map.regions] == list(range(len(region_map)))
    areas = np.bincount(region_map.labels.ravel(), minlength=len(region_map))
    assert areas.tolist() == [region.area for region in region_map.regions]
    assert all(areas[1:] > 0)
    assert all(region.parent is None or 0 < region.parent < region.id for region in region_map.regions)


def _by_name(region_map: RegionMap, name: str) -> int:
    return next(region.id for region in region_map.regions if region.name == name)


def test_an_added_mask_takes_its_pixels_and_finds_its_parent(window: RegionMap) -> None:
    mask = _box(8, 15, 30, 20)
    added = add_mask(window, mask, "button")
    _check(added)
    assert np.array_equal(added.mask(5), mask)
    assert (added.regions[5].name, added.regions[5].parent, added.regions[5].source) == ("button", 2, "hand")
    assert added.regions[1].source == "truth"
    assert window.labels.max() == 4, "the old map is as it was"


def test_an_added_mask_around_everything_in_a_card_lies_in_the_window(window: RegionMap) -> None:
    added = add_mask(window, _box(4, 4, 36, 26), "new card")
    _check(added)
    assert [region.name for region in added.regions] == ["background", "window", "icon", "new card"]
    assert added.regions[3].parent == 1


def test_adding_nothing_is_refused(window: RegionMap) -> None:
    with pytest.raises(InputError, match="Nothing is marked"):
        add_mask(window, np.zeros((40, 60), bool))
    with pytest.raises(ValueError, match="expected a bool mask"):
        add_mask(window, np.ones((4, 6), bool))


def test_merged_regions_keep_the_lowest_id_and_what_was_inside(window: RegionMap) -> None:
    merged = merge(window, [4, 2])
    _check(merged)
    assert [(r.name, r.parent) for r in merged.regions[1:]] == [("window", None), ("card", 1), ("label", 2)]
    assert np.array_equal(merged.mask(2), window.mask(2) | window.mask(4))
    assert merge(window, [4, 2], "both").regions[2].name == "both"
    into_background = merge(window, [0, 1])
    _check(into_background)
    assert into_background.regions[_by_name(into_background, "card")].parent is None
    with pytest.raises(InputError, match="at least two"):
        merge(window, [2, 2])


def test_a_split_region_keeps_one_side_and_gives_the_other_away(window: RegionMap) -> None:
    parts = split(window, 3, _box(14, 0, 60, 40), "value")
    _check(parts)
    assert (parts.regions[5].name, parts.regions[5].parent, parts.regions[5].bbox) == (
        "value",
        2,
        (14, 8, 6, 4),
    )
    assert parts.regions[3].bbox == (8, 8, 6, 4)
    assert np.array_equal(merge(parts, [3, 5]).labels, window.labels)
    for useless in [_box(0, 0, 1, 1), _box(0, 0, 60, 40)]:
        with pytest.raises(InputError, match="does not cut"):
            split(window, 3, useless)


def test_a_deleted_region_goes_to_its_parent(window: RegionMap) -> None:
    left = delete(window, 2)
    _check(left)
    assert [(r.name, r.parent) for r in left.regions[1:]] == [("window", None), ("label", 1), ("icon", None)]
    assert np.array_equal(left.mask(1), window.mask(1) | window.mask(2))
    assert np.array_equal(delete(window, 4).mask(0), window.mask(0) | window.mask(4))
    with pytest.raises(InputError, match="background cannot be deleted"):
        delete(window, 0)
    with pytest.raises(ValueError, match="no region 9"):
        delete(window, 9)


def test_names_are_changed_but_stay_unique(window: RegionMap) -> None:
    assert rename(window, 3, " total ").regions[3].name == "total"
    assert rename(window, 3, "label").regions[3].name == "label"
    with pytest.raises(InputError, match="Another region is called"):
        rename(window, 3, "card")
    with pytest.raises(InputError, match="needs a name"):
        rename(window, 3, "  ")


def test_a_box_may_be_drawn_from_any_corner_and_beyond_the_edge(window: RegionMap) -> None:
    added = add_box(window, (70, 30, 50, 20), "corner")
    _check(added)
    assert np.array_equal(added.mask(5), _box(50, 20, 60, 30))
    assert np.array_equal(add_box(window, (50, 20, 70, 30)).labels, added.labels)
    with pytest.raises(InputError, match="Nothing is marked"):
        add_box(window, (60, 0, 90, 40))


def test_a_stroke_is_as_wide_as_its_brush() -> None:
    mask = stroke_mask((40, 60), [(10.5, 10.5), (30.5, 10.5)], 3)
    assert mask[10, 10:31].all()
    assert np.flatnonzero(mask[:, 20]).tolist() == list(range(7, 14))
    dot = stroke_mask((40, 60), [(20, 20)], 5)
    assert dot.sum() == pytest.approx(np.pi * 25, rel=0.05)
    assert not stroke_mask((40, 60), [(-20, 5), (-30, 9)], 4).any()
    with pytest.raises(ValueError, match="at least one point"):
        stroke_mask((40, 60), [], 4)


def test_a_brush_adds_a_region_or_paints_one_that_is_there(window: RegionMap) -> None:
    stroke = [(45.0, 30.0), (55.0, 30.0)]
    added = add_stroke(window, stroke, 2, "underline")
    _check(added)
    assert added.regions[5].name == "underline"
    painted = paint(window, 4, stroke, 2)
    _check(painted)
    assert np.array_equal(painted.mask(4), window.mask(4) | added.mask(5))
    erased = paint(window, 0, [(53.0, 10.0)], 30)
    assert "icon" not in [region.name for region in erased.regions]
    for useless in (lambda: add_stroke(window, [(-9, -9)], 2), lambda: paint(window, 4, [(-9, -9)], 2)):
        with pytest.raises(InputError):
            useless()


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_sequence_of_edits_leaves_a_sound_map(data: st.DataObject) -> None:
    region_map = region_map_from_labels(np.kron(np.arange(1, 7).reshape(2, 3), np.ones((4, 4), int)))
    for _ in range(6):
        x, y = data.draw(st.integers(0, 11)), data.draw(st.integers(0, 7))
        mask = np.zeros((8, 12), bool)
        mask[y : y + data.draw(st.integers(1, 8)), x : x + data.draw(st.integers(1, 12))] = True
        region = data.draw(st.integers(0, len(region_map) - 1))
        try:
            match data.draw(st.sampled_from(["add", "merge", "split", "delete"])):
                case "add":
                    region_map = add_mask(region_map, mask)
                case "merge":
                    region_map = merge(region_map, np.unique(region_map.labels[mask]).tolist())
                case "split":
                    region_map = split(region_map, region, mask)
                case "delete":
                    region_map = delete(region_map, region)
        except InputError:
            continue
        _check(region_map)


def test_erasing_takes_from_one_region_only_and_gives_to_what_holds_it():
    labels = np.zeros((40, 60), np.int64)
    labels[5:35, 5:55] = 1
    labels[10:20, 10:30] = 2
    labels[10:20, 30:50] = 3
    before = region_map_from_labels(labels, parents={2: 1, 3: 1})
    after = erase(before, 2, [(30, 15)], 4)
    assert after.at(27, 15).id == 1
    assert after.at(31, 15).id == 3
    assert before.at(27, 15).id == 2
    with pytest.raises(InputError, match="did not touch"):
        erase(before, 2, [(45, 15)], 2)
    with pytest.raises(InputError, match="background"):
        erase(before, 0, [(45, 15)], 2)


def test_a_line_cuts_a_region_and_nothing_else():
    labels = np.zeros((40, 60), np.int64)
    labels[5:35, 5:25] = 1
    labels[5:35, 30:55] = 2
    before = region_map_from_labels(labels)
    after = split_by_line(before, 1, (0, 20), (60, 20))
    assert after.at(10, 10).id != after.at(10, 30).id
    assert sorted(r.area for r in after.regions[1:]) == [300, 300, 750]
    for ends in (((0, 2), (60, 2)), ((3, 3), (3, 3))):
        with pytest.raises(InputError):
            split_by_line(before, 1, *ends)
