"""Shapes of one colour, proposed with their own outline."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.overlap import overlap
from models.sam_patches import patches
from models.sam_proposals import unlike_masks
from models.screen_layout import Part


def _blank(colour: int = 240) -> np.ndarray:
    return np.full((200, 260, 3), colour, np.uint8)


def _as_part(mask: np.ndarray) -> Part:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    x0, x1, y0, y1 = int(columns[0]), int(columns[-1]) + 1, int(rows[0]), int(rows[-1]) + 1
    return Part((x0, y0, x1, y1), mask[y0:y1, x0:x1], "shape", -1)


def _best(found: list[Part], mask: np.ndarray) -> float:
    return max(overlap(part, _as_part(mask)) for part in found)


def test_each_slice_of_a_pie_is_a_shape_of_its_own() -> None:
    pixels, slices = _blank(), []
    for colour, start, end in (((200, 60, 60), 0, 100), ((60, 160, 60), 100, 220), ((60, 60, 200), 220, 360)):
        cv2.ellipse(pixels, (130, 100), (80, 80), 0, start, end, colour, cv2.FILLED)
        slices.append((pixels == colour).all(2))
    found = patches(pixels)
    for colour, mask in zip(((200, 60, 60), (60, 160, 60), (60, 60, 200)), slices, strict=True):
        assert _best(found, mask & (pixels == colour).all(2)) > 0.85


def test_the_knob_at_the_end_of_a_line_is_told_from_the_line() -> None:
    pixels = _blank()
    cv2.line(pixels, (30, 160), (200, 60), (20, 90, 160), 5)
    cv2.circle(pixels, (200, 60), 12, (20, 90, 160), cv2.FILLED)
    knob = np.zeros(pixels.shape[:2], np.uint8)
    cv2.circle(knob, (200, 60), 12, 1, cv2.FILLED)
    assert _best(patches(pixels), knob.astype(bool)) > 0.7


def test_a_card_half_covered_by_another_keeps_what_is_seen_of_it_and_what_lies_on_it() -> None:
    pixels = _blank()
    pixels[30:130, 20:160] = 180
    pixels[60:70, 30:80] = 40
    pixels[90:180, 100:240] = 90
    seen = np.zeros(pixels.shape[:2], bool)
    seen[30:130, 20:160] = True
    seen[90:180, 100:240] = False
    assert _best(patches(pixels), seen) > 0.95


def test_shapes_come_largest_first_inside_the_picture_and_always_the_same() -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (20, 26, 3)).astype(np.uint8)
    pixels = cv2.resize(pixels, (260, 200), interpolation=cv2.INTER_NEAREST)
    found = patches(pixels)
    areas = [int(part.mask.sum()) for part in found]
    assert areas == sorted(areas, reverse=True)
    for part in found:
        x0, y0, x1, y1 = part.box
        assert 0 <= x0 < x1 <= 260
        assert 0 <= y0 < y1 <= 200
        assert part.mask.shape == (y1 - y0, x1 - x0)
    again = patches(pixels)
    assert [part.box for part in found] == [part.box for part in again]


def test_there_is_nothing_on_an_even_ground() -> None:
    assert patches(_blank()) == []


def test_looking_for_shapes_can_be_ended() -> None:
    def tick() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        patches(_blank(), tick)


def test_a_shape_is_told_from_its_box_and_known_only_once() -> None:
    half = np.tri(40, 40, dtype=bool)
    box = Part((10, 10, 50, 50), np.ones((40, 40), bool), "card", -1)
    triangle = Part((10, 10, 50, 50), half, "shape", -1)
    small = Part((60, 60, 70, 70), np.ones((10, 10), bool), "icon", -1)
    assert unlike_masks([triangle, triangle, small], [box], 5) == [triangle, small]
    assert unlike_masks([triangle, small], [box], 1) == [triangle]
    assert unlike_masks([box], [box], 5) == []
