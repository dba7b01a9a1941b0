"""What speaks for a box is read off the picture and SAM's answer."""

from __future__ import annotations

import numpy as np

from models.sam_evidence import Answers, Asked, evidence
from models.sam_relations import relations
from models.screen_layout import Part

CARD = (40, 30, 120, 90)


def _evidence(*boxes: tuple[int, int, int, int], quality: float = 0.9) -> np.ndarray:
    pixels = np.full((120, 160, 3), 240, np.uint8)
    pixels[30:90, 40:120] = (60, 90, 120)
    parts = [Part(b, np.ones((b[3] - b[1], b[2] - b[0]), bool), "card", -1) for b in boxes]
    places = np.array(boxes)
    asked = Asked(parts, places, 1, np.array([CARD, CARD, (0, 0, 30, 20)]))
    count = len(boxes)
    ones = np.ones(count, np.float32)
    whole = np.tile((0, 0, 160, 120), (count, 1))
    return evidence(pixels, asked, Answers(quality * ones, places, ones, ones, whole), relations(places))


def test_each_box_has_as_many_numbers_and_all_of_them_are_finite() -> None:
    found = _evidence(CARD, (0, 0, 160, 120), (0, 0, 4, 4), (156, 116, 160, 120))
    assert found.dtype == np.float32
    assert found.shape[0] == 4
    assert np.isfinite(found).all()
    assert _evidence(CARD).shape[1] == found.shape[1]


def test_a_box_that_is_off_by_a_pixel_looks_different() -> None:
    right, off = _evidence(CARD)[0], _evidence((41, 30, 120, 90))[0]
    assert np.abs(right - off).max() > 0.5


def test_the_ground_looks_alike_wherever_it_is_but_for_its_place() -> None:
    one, other = _evidence((5, 100, 25, 110))[0], _evidence((130, 100, 150, 110))[0]
    assert (np.abs(one - other) > 1e-4).sum() < 12


def test_what_sam_thinks_is_part_of_it() -> None:
    assert not np.array_equal(_evidence(CARD), _evidence(CARD, quality=0.1))
