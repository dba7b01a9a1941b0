"""What a person would point at on a screen becomes a region; what they would not does not."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from core.regions import Region, RegionMap
from core.screenshot import from_array
from models.bundled.screens import KINDS, generate
from models.opencv_segmenter import WORKING_SIZE, enlarged, working_copy
from models.segmenters import segment

Box = tuple[float, float, float, float]


def _iou(a: Box, b: Box) -> float:
    """Of boxes (x, y, width, height)."""
    across = max(0.0, min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0]))
    down = max(0.0, min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1]))
    return across * down / (a[2] * a[3] + b[2] * b[3] - across * down)


def _nearest(region_map: RegionMap, box: Box) -> tuple[Region, float]:
    best = max(region_map.regions[1:], key=lambda region: _iou(box, region.bbox))
    return best, _iou(box, best.bbox)


class _Screen:
    """A screen under construction that remembers where its things are."""

    def __init__(self, width: int, height: int, colour: tuple[int, int, int] = (255, 255, 255)) -> None:
        self.image = Image.new("RGB", (width, height), colour)
        self.draw = ImageDraw.Draw(self.image)

    def text(
        self, x: int, y: int, words: str, size: int = 18, fill: tuple[int, int, int] = (20, 20, 20)
    ) -> Box:
        font = ImageFont.load_default(size)
        self.draw.text((x, y), words, fill, font)
        x0, y0, x1, y1 = self.draw.textbbox((x, y), words, font)
        return (x0, y0, x1 - x0, y1 - y0)

    def box(self, x: int, y: int, w: int, h: int, fill: tuple[int, int, int], radius: int = 0) -> Box:
        self.draw.rounded_rectangle((x, y, x + w - 1, y + h - 1), radius, fill)
        return (x, y, w, h)

    def regions(self, max_regions: int = 64) -> RegionMap:
        return segment(from_array(np.asarray(self.image), "drawn"), "opencv", max_regions=max_regions)


def test_a_label_and_its_value_are_apart_and_a_sentence_is_whole() -> None:
    screen = _Screen(640, 448)
    label, value = screen.text(40, 60, "Apples"), screen.text(240, 60, "340")
    sentence = screen.text(40, 200, "The quick brown fox jumps over it")
    region_map = screen.regions()
    assert len(region_map) == 4
    for box in (label, value, sentence):
        region, overlap = _nearest(region_map, box)
        assert overlap > 0.6
        assert region.name.startswith("text")
    assert _nearest(region_map, label)[0].id != _nearest(region_map, value)[0].id


def test_a_card_holds_its_texts() -> None:
    screen = _Screen(640, 448, (245, 245, 245))
    card = screen.box(40, 40, 260, 160, (255, 255, 255), 8)
    title, number = screen.text(60, 60, "Oranges", 20), screen.text(60, 120, "127", 36)
    region_map = screen.regions()
    holder, overlap = _nearest(region_map, card)
    assert overlap > 0.9
    for box in (title, number):
        region, overlap = _nearest(region_map, box)
        assert overlap > 0.6
        assert region.parent == holder.id


def test_a_button_is_one_region_with_its_text() -> None:
    screen = _Screen(640, 448)
    button = screen.box(200, 200, 120, 40, (0, 90, 200), 6)
    screen.text(225, 208, "Sign in", 20, (255, 255, 255))
    region_map = screen.regions()
    region, overlap = _nearest(region_map, button)
    assert overlap > 0.9
    assert len(region_map) == 2
    assert region.name == "button, centre"


def test_a_caption_under_an_icon_is_a_region_of_its_own() -> None:
    screen = _Screen(640, 448, (20, 24, 30))
    icon = screen.box(100, 100, 60, 60, (200, 60, 60), 10)
    screen.draw.ellipse((118, 118, 142, 142), (255, 255, 255))
    caption = screen.text(100, 172, "Camera", 18, (240, 240, 240))
    region_map = screen.regions()
    assert _nearest(region_map, icon)[1] > 0.9
    assert _nearest(region_map, caption)[1] > 0.6
    assert len(region_map) == 3


def test_plain_shapes_keep_their_outline() -> None:
    screen = _Screen(640, 448)
    screen.draw.ellipse((100, 100, 180, 180), (30, 120, 60))
    screen.draw.polygon([(400, 100), (360, 180), (440, 180)], (180, 30, 30))
    region_map = screen.regions()
    circle, triangle = region_map.at(140, 140), region_map.at(400, 150)
    assert circle is not None
    assert triangle is not None
    assert circle.area == pytest.approx(np.pi * 40.5**2, rel=0.1)
    assert triangle.area == pytest.approx(80 * 80 / 2, rel=0.15)


def test_pie_slices_are_apart() -> None:
    screen = _Screen(480, 480)
    for start, colour in [(0, (200, 40, 40)), (120, (40, 160, 60)), (240, (40, 80, 200))]:
        screen.draw.pieslice((100, 100, 380, 380), start, start + 120, colour)
    region_map = screen.regions()
    ids = {
        region_map.at(round(240 + 80 * np.cos(t)), round(240 + 80 * np.sin(t))) for t in (1.05, 3.14, 5.24)
    }
    assert len({region.id for region in ids if region is not None and region.id}) == 3


def _clouds(height: int, width: int) -> np.ndarray:
    """A soft sky: smooth noise on a gradient."""
    rng = np.random.default_rng(3)
    small = Image.fromarray(rng.integers(0, 255, (height // 24, width // 24), dtype=np.uint8))
    noise = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC), np.float32)
    ramp = np.linspace(40, 120, height, dtype=np.float32)[:, None]
    grey = ramp + 0.35 * noise
    return np.stack([grey * 0.6, grey * 0.8, grey + 60], 2).clip(0, 255).astype(np.uint8)


def test_a_wallpaper_is_not_shattered_and_text_on_it_is_found() -> None:
    screen = _Screen(800, 600)
    screen.image = Image.fromarray(_clouds(600, 800))
    screen.draw = ImageDraw.Draw(screen.image)
    assert len(screen.regions()) <= 4
    boxes = [screen.text(60 + 240 * i, 300, f"Folder {i}", 22, (255, 255, 255)) for i in range(3)]
    region_map = screen.regions()
    assert all(_nearest(region_map, box)[1] > 0.5 for box in boxes)
    assert len(region_map) <= 8


def test_rules_of_a_table_are_no_regions() -> None:
    screen = _Screen(640, 448)
    for row in range(4):
        screen.text(40, 60 + 50 * row, f"Row {row}")
        screen.text(400, 60 + 50 * row, f"{100 + row}")
        screen.draw.line((30, 95 + 50 * row, 600, 95 + 50 * row), (160, 160, 160), 2)
    assert len(screen.regions()) == 9


def test_a_crowded_screen_is_grouped_down_to_the_limit() -> None:
    screen = _Screen(1200, 800)
    for row in range(20):
        for column in range(8):
            screen.text(20 + 145 * column, 15 + 38 * row, f"Cell {row} {column}", 14)
    region_map = screen.regions(max_regions=40)
    assert 30 <= len(region_map) <= 40
    found = region_map.labels != 0
    text = np.asarray(screen.image).min(2) < 100
    assert (found & text).sum() > 0.95 * text.sum(), "grouping joins texts, it does not lose them"


def test_the_map_of_a_large_screen_is_that_of_the_small_one_enlarged() -> None:
    screen = _Screen(640, 448)
    box = screen.box(100, 100, 200, 80, (30, 60, 160))
    small = screen.regions()
    screen.image = screen.image.resize((3200, 2240), Image.Resampling.NEAREST)
    large = screen.regions()
    assert large.labels.shape == (2240, 3200)
    assert _nearest(small, box)[1] > 0.95
    assert _nearest(large, (500, 500, 1000, 400))[1] > 0.95


def test_enlarging_maps_every_pixel_to_its_place() -> None:
    screen = _Screen(64, 48)
    screen.box(10, 10, 30, 20, (0, 0, 0))
    region_map = screen.regions()
    doubled = enlarged(region_map, 96, 128)
    assert np.array_equal(doubled.labels, np.kron(region_map.labels, np.ones((2, 2), np.uint8)))
    assert [r.name for r in doubled.regions] == [r.name for r in region_map.regions]
    assert working_copy(np.zeros((10, 20000, 3), np.uint8)).shape == (1, WORKING_SIZE, 3)


def test_generated_screens_of_every_kind() -> None:
    """A floor under the quality; what it reaches is in ``sightline bench segment``."""
    overlaps = []
    for kind in KINDS:
        for seed in (500, 501):
            sample = generate(kind, seed)
            region_map = segment(from_array(sample.image, kind), "opencv")
            overlaps += [_nearest(region_map, element.bbox)[1] for element in sample.elements]
    assert np.mean(overlaps) > 0.75
    assert np.mean(np.array(overlaps) >= 0.5) > 0.85


def test_a_number_of_two_digits_is_text_and_a_picture_as_wide_is_an_icon() -> None:
    screen = _Screen(640, 448)
    number = screen.text(40, 60, "81", 30)
    icon = screen.box(300, 60, 34, 24, (220, 40, 40))
    screen.draw.ellipse((290, 52, 316, 78), (40, 40, 220))
    region_map = screen.regions()
    assert _nearest(region_map, number)[0].name.startswith("text")
    assert not _nearest(region_map, icon)[0].name.startswith("text")
