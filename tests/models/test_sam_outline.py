"""Boxes are drawn in to what they hold, and get its shape where the ground is calm."""

from __future__ import annotations

import numpy as np

from models.sam_outline import outlined
from models.screen_layout import Part


def box_part(box: tuple[int, int, int, int], role: str) -> Part:
    return Part(box, np.ones((box[3] - box[1], box[2] - box[0]), bool), role, -1)


def disc_screen() -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.mgrid[0:60, 0:60]
    disc = (rows - 30) ** 2 + (columns - 30) ** 2 <= 12**2
    pixels = np.full((60, 60, 3), 240, np.uint8)
    pixels[disc] = (200, 30, 30)
    return pixels, disc


def test_a_loose_box_around_text_is_drawn_in() -> None:
    pixels = np.full((40, 80, 3), 255, np.uint8)
    pixels[10:20, 10:60:3] = 0
    assert outlined(pixels, box_part((8, 9, 61, 22), "text")).box == (10, 10, 59, 20)


def test_an_icon_gets_its_shape_on_a_calm_ground() -> None:
    pixels, disc = disc_screen()
    part = outlined(pixels, box_part((16, 16, 45, 45), "icon"))
    x0, y0, x1, y1 = part.box
    found = np.zeros(disc.shape, bool)
    found[y0:y1, x0:x1] = part.mask
    assert (found & disc).sum() / (found | disc).sum() > 0.95


def test_on_a_restless_ground_and_at_the_end_of_the_screen_a_box_stays_a_box() -> None:
    pixels, _ = disc_screen()
    noisy = pixels ^ np.random.default_rng(0).integers(0, 255, pixels.shape, np.uint8)
    for picture, box in ((noisy, (16, 16, 45, 45)), (pixels, (0, 16, 45, 45))):
        part = outlined(picture, box_part(box, "icon"))
        assert part.mask.all()


def test_a_part_with_a_shape_of_its_own_keeps_it() -> None:
    pixels, disc = disc_screen()
    part = Part((0, 0, 60, 60), disc, "shape", -1)
    assert outlined(pixels, part) is part
