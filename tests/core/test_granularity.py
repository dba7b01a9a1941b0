"""A map can be made coarser without asking a segmenter again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.coverage import coverage, grid_cells
from core.errors import InputError
from core.granularity import DEPTHS, at_granularity, depth_of, indistinct, least_area, without_small
from core.regions import RegionMap, region_map_from_labels


@pytest.fixture
def screen() -> RegionMap:
    """1 window › 2 card › 3 label, and 4 icon beside the window; 40 × 60."""
    labels = np.zeros((40, 60), np.int64)
    labels[2:38, 2:42] = 1
    labels[5:25, 5:35] = 2
    labels[8:12, 8:20] = 3
    labels[5:15, 48:58] = 4
    names = {1: "window", 2: "card", 3: "label", 4: "icon"}
    return region_map_from_labels(labels, names, {2: 1, 3: 2}, "truth")


def test_coarse_keeps_windows_medium_their_cards_fine_everything(screen: RegionMap) -> None:
    assert depth_of(screen) == [0, 1, 2, 3, 1]
    names = {g: [r.name for r in at_granularity(screen, g).regions[1:]] for g in DEPTHS}
    assert names == {
        "coarse": ["window", "icon"],
        "medium": ["window", "card", "icon"],
        "fine": ["window", "card", "label", "icon"],
    }
    coarse = at_granularity(screen, "coarse")
    assert np.array_equal(coarse.mask(1), np.isin(screen.labels, [1, 2, 3]))
    assert [(r.parent, r.source) for r in coarse.regions[1:]] == [(None, "truth"), (None, "truth")]
    with pytest.raises(InputError, match="coarse, medium, fine"):
        at_granularity(screen, "finest")


def test_small_regions_join_what_holds_them_the_smallest_first(screen: RegionMap) -> None:
    assert [r.name for r in without_small(screen, 60).regions[1:]] == ["window", "card", "icon"]
    assert [r.name for r in without_small(screen, 200).regions[1:]] == ["window", "card"]
    nested = region_map_from_labels(np.array([[1, 1, 2, 2, 0, 0]]), parents={2: 1})
    assert [r.area for r in without_small(nested, 3).regions] == [2, 4], "the parent grew and stays"


def test_what_fills_less_than_half_a_visual_token_is_marked(screen: RegionMap) -> None:
    cells = grid_cells(4, 6, 60, 40)
    shares = coverage(screen, cells)
    assert indistinct(shares).tolist() == [False, False, False, True, False]
    assert indistinct(shares, 1.5).tolist() == [False, False, False, True, True]
    assert least_area(cells, screen) == 50
    assert not indistinct(coverage(without_small(screen, least_area(cells, screen)), cells)).any()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 6), min_size=24, max_size=24), st.sampled_from(list(DEPTHS)), st.integers(0, 9)
)
def test_pixels_only_move_to_what_holds_them(cells: list[int], granularity: str, least: int) -> None:
    fine = region_map_from_labels(np.array(cells).reshape(4, 6), parents={2: 1, 3: 2, 4: 2, 6: 5})
    coarse = without_small(at_granularity(fine, granularity), least)
    assert [region.id for region in coarse.regions] == list(range(len(coarse)))
    assert sum(region.area for region in coarse.regions) == 24
    assert all(region.area >= least for region in coarse.regions[1:])
    names = {region.name: region for region in fine.regions}
    for region in fine.regions[1:]:
        holders, above = {region.name, "background"}, region.parent
        while above is not None:
            holders.add(fine.regions[above].name)
            above = fine.regions[above].parent
        now = {coarse.regions[i].name for i in np.unique(coarse.labels[fine.mask(region.id)])}
        assert len(now) == 1
        assert now <= holders
    assert all(region.name in names for region in coarse.regions)
