"""What is connected though it is several things is cut into rows."""

from __future__ import annotations

import numpy as np

from models.sam_cuts import cut_up, strokes

LINES = ((30, 38), (41, 49), (52, 60))
ICON, CAPTION = (120, 30, 160, 62), (116, 63, 166, 71)


def _screen() -> np.ndarray:
    """Three lines of upright strokes with tails between them, and a caption that touches an icon's tail."""
    pixels = np.full((100, 200, 3), 240, np.uint8)
    for top, bottom in LINES:
        pixels[top:bottom, 20:90:4] = 20
    for _, bottom in LINES[:-1]:
        pixels[bottom : bottom + 3, 40] = 20
    x0, y0, x1, y1 = ICON
    pixels[y0:y1, x0:x1:3] = (200, 60, 60)
    x0, y0, x1, y1 = CAPTION
    pixels[y0 - 1 : y1, 130] = 20
    pixels[y0:y1, x0:x1:4] = 20
    return pixels


def _pieces(box: tuple[int, ...]) -> np.ndarray:
    return cut_up(strokes(_screen()) > 28, np.array([box]))


def _near(found: np.ndarray, box: tuple[int, ...]) -> bool:
    return bool((np.abs(found - box).max(1) <= 1).any())


def test_tight_text_is_cut_into_its_lines() -> None:
    found = _pieces((20, 30, 90, 60))
    assert all(_near(found, (20, top, 90, bottom)) for top, bottom in LINES)


def test_a_line_comes_with_its_tails_and_without() -> None:
    found = _pieces((20, 30, 90, 60))
    assert _near(found, (20, 30, 90, 38))
    assert _near(found, (20, 30, 90, 41))


def test_a_caption_is_cut_off_the_icon_that_it_touches() -> None:
    found = _pieces((116, 30, 166, 71))
    assert _near(found, CAPTION)
    assert _near(found, ICON)


def test_a_single_line_and_an_empty_box_are_not_cut() -> None:
    assert _pieces((20, 30, 90, 38)).shape == (0, 4)
    assert _pieces((0, 80, 60, 100)).shape == (0, 4)
