"""What an edit is for is kept track of while earlier edits renumber the regions."""

from __future__ import annotations

import numpy as np

from app.edit_targets import Targets, renumbered
from core.region_edits import delete, merge, rename
from core.regions import region_map_from_labels


def three_columns():
    labels = np.repeat(np.arange(4, dtype=np.uint8), 5)[None].repeat(6, 0)
    return region_map_from_labels(labels, {1: "a", 2: "b", 3: "c"})


def test_regions_above_a_deleted_one_move_down():
    before = three_columns()
    assert renumbered(before, delete(before, 2)) == {0: 0, 1: 1, 3: 2}


def test_a_merged_region_goes_on_as_the_lowest_one():
    before = three_columns()
    assert renumbered(before, merge(before, (2, 3))) == {0: 0, 1: 1, 2: 2}


def test_a_region_with_a_new_name_is_the_same_one():
    before = three_columns()
    assert renumbered(before, rename(before, 2, "other")) == {0: 0, 1: 1, 2: 2, 3: 3}


def test_targets_that_are_gone_are_left_out():
    targets = Targets((3, 2), "c and b")
    targets.renumber({0: 0, 1: 1, 3: 2})
    assert targets.ids == (2,)
    assert targets.names == "c and b"
