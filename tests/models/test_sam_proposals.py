"""Further boxes for SAM: several readings of the same edges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.sam_proposals import more_parts


def _screen() -> np.ndarray:
    """White with a faint button, and a row of four dark letters on it."""
    pixels = np.full((200, 320, 3), 250, np.uint8)
    pixels[60:110, 80:220] = 225
    for x in (100, 116, 132, 148):
        pixels[76:94, x : x + 10] = 30
    return pixels


def test_letters_words_and_what_they_lie_on_are_all_proposed_once() -> None:
    found = more_parts(_screen(), [], 100)
    boxes = [part.box for part in found]
    for wanted in ((80, 60, 220, 110), (100, 76, 158, 94), (100, 76, 110, 94)):
        assert any(np.abs(np.subtract(box, wanted)).max() <= 3 for box in boxes), wanted
    assert len(set(boxes)) == len(boxes)
    assert boxes == [part.box for part in more_parts(_screen(), [], 100)]


def test_what_is_known_is_not_proposed_again_and_there_are_no_more_than_asked_for() -> None:
    found = more_parts(_screen(), [], 100)
    assert more_parts(_screen(), found, 100) == []
    assert len(more_parts(_screen(), [], 2)) == 2
    assert more_parts(np.full((64, 64, 3), 9, np.uint8), [], 10) == []


def test_a_known_shape_does_not_keep_its_box_from_being_proposed() -> None:
    found = more_parts(_screen(), [], 100)
    button = max(found, key=lambda part: part.mask.size)
    hollow = button.mask.copy()
    hollow[5:-5, 5:-5] = False
    assert button.box in [part.box for part in more_parts(_screen(), [replace(button, mask=hollow)], 100)]
    assert button.box not in [part.box for part in more_parts(_screen(), [button], 100)]
