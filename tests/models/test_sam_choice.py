"""Masks that are kept lie in each other or beside each other."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core.overlap import overlap, shared_pixels
from models.sam_choice import consistent, fewer
from models.screen_layout import Part


def part(x0: int, y0: int, x1: int, y1: int) -> Part:
    return Part((x0, y0, x1, y1), np.ones((y1 - y0, x1 - x0), bool), "card", -1)


CARD, LABEL = part(0, 0, 100, 60), part(10, 10, 60, 20)


def test_what_lies_in_or_beside_a_better_part_is_kept() -> None:
    beside = part(100, 0, 180, 60)
    assert consistent([LABEL, CARD, beside], 9) == [LABEL, CARD, beside]


def test_what_nearly_coincides_with_a_better_part_or_crosses_it_is_not() -> None:
    almost, crossing = part(0, 0, 100, 55), part(50, 30, 150, 90)
    assert consistent([CARD, almost, crossing], 9) == [CARD]
    assert consistent([crossing, CARD], 9) == [crossing], "the better one is the one that comes first"


def test_what_is_whole_holds_nothing() -> None:
    line, word = part(0, 0, 100, 12), part(10, 1, 40, 11)
    assert consistent([line, word], 9) == [line, word]
    assert consistent([line, word], 9, [True, False]) == [line]
    assert consistent([word, line], 9, [False, True]) == [word], "the better one is the one that comes first"
    assert consistent([CARD, LABEL], 9, [False, True]) == [CARD, LABEL], "it may lie in others"


def test_what_is_firm_stays_in_what_looks_whole() -> None:
    bar, icon, speck = part(0, 0, 100, 12), part(10, 1, 20, 11), part(40, 1, 50, 11)
    firm = [False, True, False]
    assert consistent([bar, icon, speck], 9, [True, False, False], firm=firm) == [bar, icon]
    assert consistent([icon, bar], 9, [False, True], firm=[True, False]) == [icon, bar]


def test_there_are_no_more_than_wanted() -> None:
    many = [part(20 * i, 0, 20 * i + 10, 10) for i in range(9)]
    assert consistent(many, 4) == many[:4]
    assert consistent([], 4) == []


_boxes = st.tuples(*[st.integers(0, 30)] * 2, *[st.integers(1, 20)] * 2)


@settings(max_examples=60, deadline=None)
@given(st.lists(_boxes, max_size=12))
def test_any_two_that_are_kept_agree(boxes: list[tuple[int, int, int, int]]) -> None:
    parts = [part(x, y, x + w, y + h) for x, y, w, h in boxes]
    kept = consistent(parts, 12)
    for i, one in enumerate(kept):
        for other in kept[:i]:
            sheet = np.zeros((2, 60, 60), bool)
            for layer, thing in zip(sheet, (one, other), strict=True):
                layer[thing.box[1] : thing.box[3], thing.box[0] : thing.box[2]] = True
            both, either = int((sheet[0] & sheet[1]).sum()), int((sheet[0] | sheet[1]).sum())
            smaller = int(sheet.sum((1, 2)).min())
            assert shared_pixels(one, other) == both
            assert overlap(one, other) == both / either < 0.6
            assert both <= 0.1 * smaller or both >= 0.9 * smaller
    if parts:
        assert kept[0] == parts[0]


def word(x: int) -> Part:
    return Part((x, 0, x + 8, 10), np.ones((10, 8), bool), "text", -1)


def test_unsure_parts_are_left_out_before_anything_is_grouped() -> None:
    sure = [(0.9, word(12 * i)) for i in range(9)]
    unsure = [(0.3, word(200 + 12 * i)) for i in range(4)]
    assert fewer([*sure, *unsure], 20) == [part for _, part in [*sure, *unsure]]
    assert fewer([*sure, *unsure], 10) == [part for _, part in [*sure, *unsure[:1]]]


def test_sure_small_parts_are_grouped_when_there_are_too_many_and_large_ones_stay() -> None:
    words = [(0.9, word(12 * i)) for i in range(20)]
    found = fewer([*words, (0.8, CARD)], 10)
    assert len(found) <= 10
    assert CARD in found
