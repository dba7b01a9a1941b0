"""What straight edges frame is proposed, even on restless ground."""

from __future__ import annotations

import numpy as np
import pytest

from models.sam_frames import framed

WINDOW, BAR = (60, 50, 220, 150), (0, 180, 320, 200)


def _desktop() -> np.ndarray:
    """A wallpaper of noise with a window of two light panes on it, and a bar to the lower end."""
    noise = np.random.default_rng(0).integers(0, 200, (50, 80, 3))
    pixels = noise.repeat(4, 0).repeat(4, 1).astype(np.uint8)
    pixels[WINDOW[1] : WINDOW[3], WINDOW[0] : WINDOW[2]] = 235
    pixels[BAR[1] : BAR[3]] = 250
    return pixels


@pytest.mark.parametrize("wanted", [WINDOW, BAR], ids=["window", "bar"])
def test_a_window_on_a_photograph_and_a_bar_at_the_end_of_the_screen_are_framed(
    wanted: tuple[int, ...],
) -> None:
    found = framed(_desktop())
    assert np.abs(found - wanted).max(1).min() <= 3
    assert np.array_equal(found, framed(_desktop()))


def test_a_side_bar_is_framed_by_edges_that_go_on_beyond_it() -> None:
    pixels = _desktop()
    pixels[62:150, 60:100] = 205  # below the title bar, along the left side of the window
    assert np.abs(framed(pixels) - (60, 62, 100, 150)).max(1).min() <= 3


def test_boxes_lie_in_the_picture_and_there_are_none_where_nothing_is() -> None:
    found = framed(_desktop())
    assert (found[:, :2] < found[:, 2:]).all()
    assert (found >= 0).all()
    assert (found <= (320, 200, 320, 200)).all()
    assert framed(np.full((200, 320, 3), 7, np.uint8)).shape == (0, 4)
