"""How boxes lie to each other."""

from __future__ import annotations

import numpy as np

from models.sam_relations import ALIKE, AROUND, COLUMN, COUNT, CROSSING, INSIDE, LIST, ROW, SAME, relations

CARD, ALMOST, LABEL, CROSS, BESIDE, BELOW, FAR = range(7)
BOXES = np.array(
    [
        (0, 0, 100, 60),
        (0, 0, 100, 55),
        (10, 10, 60, 20),
        (50, 30, 150, 90),
        (64, 10, 114, 20),
        (10, 24, 60, 34),
        (600, 600, 700, 660),
    ]
)


def test_boxes_are_the_same_in_each_other_or_crossing() -> None:
    found = relations(BOXES).kinds
    assert found.shape == (COUNT, 7, 7)
    assert found[SAME, CARD, ALMOST]
    assert found[SAME, ALMOST, CARD]
    assert found[INSIDE, LABEL, CARD]
    assert found[AROUND, CARD, LABEL]
    assert found[CROSSING, CARD, CROSS]
    assert not found[INSIDE, CARD, LABEL]
    assert not found[SAME, LABEL, CARD]


def test_neighbours_are_in_a_row_a_column_or_a_list() -> None:
    found = relations(BOXES).kinds
    assert found[ROW, LABEL, BESIDE]
    assert found[COLUMN, LABEL, BELOW]
    assert found[LIST, LABEL, BELOW]
    assert not found[ROW, LABEL, BELOW]
    assert not found[COLUMN, CARD, FAR]
    assert found[ALIKE, CARD, FAR]


def test_a_box_is_related_to_others_only() -> None:
    assert not np.einsum("rii->ri", relations(BOXES).kinds).any()
