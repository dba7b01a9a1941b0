"""Labels become pictures pixel for pixel."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage

from app import overlay


def pixels(image: QImage) -> np.ndarray:
    """Unpremultiplied ARGB of an image, uint32 [height, width]."""
    image = image.convertToFormat(QImage.Format.Format_ARGB32)
    data = np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), -1)
    return data[:, : image.width()].copy()


@pytest.mark.parametrize("scale", [0.37, 1.0, 2.5])
def test_every_view_pixel_gets_the_label_below_its_centre(scale):
    labels = np.random.default_rng(0).integers(0, 200, (37, 53)).astype(np.uint8)
    left, top, width, height = 3, 2, int(53 * scale) - 4, int(37 * scale) - 3
    sampled = overlay.sample_labels(labels, scale, left, top, width, height)
    for y in range(height):
        for x in range(width):
            assert sampled[y, x] == labels[int((top + y + 0.5) / scale), int((left + x + 0.5) / scale)]


@pytest.mark.parametrize("width", [1, 3, 4, 7])
def test_colours_can_be_exchanged_at_any_width(qapp, width):
    labels = (np.arange(5 * width) % 3).astype(np.uint8).reshape(5, width)
    picture = overlay.LabelPicture(labels)
    for colours in ([[255, 0, 0, 255], [0, 255, 0, 255], [0, 0, 255, 255]], [[9, 8, 7, 255]] * 3):
        rgba = np.array(colours, np.uint8)
        shown = pixels(picture.coloured(overlay.colour_table(rgba, 1.0)))
        for y in range(5):
            for x in range(width):
                assert QColor.fromRgba(int(shown[y, x])).getRgb() == tuple(rgba[labels[y, x]])


def test_opacity_scales_alpha_and_unknown_labels_are_clear():
    table = overlay.colour_table(np.array([[1, 2, 3, 200]], np.uint8), 0.5)
    assert QColor.fromRgba(table[0]).getRgb() == (1, 2, 3, 100)
    assert len(table) == 256
    assert set(table[1:]) == {0}


def test_outlines_lie_on_both_sides_of_a_border_and_nowhere_else(qapp):
    labels = np.zeros((9, 12), np.uint8)
    labels[3:6, 4:8] = 1
    drawn = pixels(overlay.outlines(labels)) != 0
    expected = np.zeros_like(drawn)
    for y in range(9):
        for x in range(12):
            for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0)):
                ny, nx = y + dy, x + dx
                if 0 <= ny < 9 and 0 <= nx < 12 and labels[y, x] != labels[ny, nx]:
                    expected[y, x] = True
    assert (drawn == expected).all()


def test_a_ring_lies_around_its_region_and_covers_only_the_outermost_pixel_of_it(qapp):
    mask = np.zeros((20, 20), bool)
    mask[4:16, 5:15] = True
    shown = pixels(overlay.ring(mask, 2, 0xFF112233, 0xFFFFFFFF))
    assert (shown[5:15, 6:14] == 0).all(), "what the region holds can be read"
    assert (shown[4, 5:15] == 0xFF112233).all()
    assert (shown[3, 5:15] == 0xFF112233).all()
    assert (shown[4 - overlay.reach(2), 5:15] == 0xFFFFFFFF).all()
    assert (shown[: 4 - overlay.reach(2)] == 0).all()


def test_a_region_that_fills_the_view_has_a_ring_as_well(qapp):
    shown = pixels(overlay.ring(np.ones((8, 9), bool), 3, 0xFF112233, 0xFFFFFFFF))
    assert (shown[0] == 0xFF112233).all()
    assert (shown[1:-1, 1:-1] == 0).all()
