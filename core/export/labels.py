"""Name plates beside regions, placed so that they hide as little as possible and never each other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from PIL import ImageDraw

from core.colour_maps import ink_on
from core.export.lettering import Lettering

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""

PLATE_EDGE: Final = (24, 26, 30)
LONGEST_NAME: Final = 16
"""Width of a name, in letter sizes."""


@dataclass(frozen=True, slots=True)
class Label:
    """What stands on a plate.

    Attributes:
        region: x, y, width, height of the region in pixels of the picture.
        value: its effect, never shortened.
        name: of the region; shortened where it does not fit.
        colour: RGB of the plate.
    """

    region: tuple[int, int, int, int]
    value: str
    name: str
    colour: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Plate:
    """A label with its place.

    Attributes:
        box: of the plate, without its white rim.
        words: text and its left end, each; ``middle`` is their middle height.
        ink: RGB of the text.
        radius, rim: of the corners, and the width of the rim, in pixels.
    """

    box: Box
    words: tuple[tuple[float, str], ...]
    middle: float
    font: Lettering
    colour: tuple[int, int, int]
    ink: tuple[int, int, int]
    radius: float
    rim: int


def lay_plates(labels: list[Label], origin: tuple[int, int], bounds: Box, font: Lettering) -> list[Plate]:
    """Find a place for each label, the most important first.

    Args:
        labels: in order of importance.
        origin: where the picture's upper left corner is on the canvas.
        bounds: what plates must stay inside, on the canvas.
        font: of the text.
    """
    plates: list[Plate] = []
    taken: list[Box] = []
    regions = [_on_canvas(label.region, origin) for label in labels]
    for label, region in zip(labels, regions, strict=True):
        pad = font.size * 0.45
        room = bounds[2] - bounds[0] - 2 * pad - font.width(label.value) - font.size * 0.6
        name = font.elide(label.name, min(room, font.size * LONGEST_NAME)) if room > 2 * font.size else ""
        gap = font.size * 0.6 if name else 0.0
        width = font.width(label.value) + gap + font.width(name) + 2 * pad
        height = font.size * 1.5
        box = _best_place(region, width, height, bounds, taken, regions)
        taken.append(box)
        ink = ink_on(label.colour)
        words = [(box[0] + pad, label.value)]
        if name:
            words.append((box[0] + pad + font.width(label.value) + gap, name))
        plates.append(
            Plate(
                box,
                tuple(words),
                (box[1] + box[3]) / 2,
                font,
                label.colour,
                (int(ink[0]), int(ink[1]), int(ink[2])),
                font.size * 0.3,
                max(1, round(font.size / 14)),
            )
        )
    return plates


def draw_plates(draw: ImageDraw.ImageDraw, plates: Iterable[Plate]) -> None:
    """Draw plates, one over the other where there is too little room."""
    for plate in plates:
        box, rim = plate.box, plate.rim
        outer = (box[0] - rim, box[1] - rim, box[2] + rim, box[3] + rim)
        draw.rounded_rectangle(outer, plate.radius + rim, fill=(255, 255, 255))
        draw.rounded_rectangle(
            box, plate.radius, fill=plate.colour, outline=PLATE_EDGE, width=max(1, rim // 2)
        )
        for x, text in plate.words:
            plate.font.draw(draw, (x, plate.middle), text, plate.ink)


def _on_canvas(region: tuple[int, int, int, int], origin: tuple[int, int]) -> Box:
    x, y = region[0] + origin[0], region[1] + origin[1]
    return (x, y, x + region[2], y + region[3])


def _best_place(
    region: Box, width: float, height: float, bounds: Box, taken: list[Box], regions: list[Box]
) -> Box:
    """Near the region, inside the bounds, off other plates, and where it hides least of the named regions."""
    left, top, right, bottom = region
    gap = height * 0.2
    rows = [top - height - gap, bottom + gap, top + gap, bottom - height - gap]
    columns = [left, right - width, (left + right - width) / 2]
    places = [(x, y) for y in rows for x in columns]
    places += [(x, y) for x in (right + gap, left - width - gap) for y in (top + gap, bottom - height - gap)]
    steps = int((bounds[3] - bounds[1]) / (height + gap)) if taken else 0
    places += [(left, bounds[1] + i * (height + gap)) for i in range(min(steps, 200))]
    best, least = (bounds[0], bounds[1], bounds[0] + width, bounds[1] + height), float("inf")
    for order, (x, y) in enumerate(places):
        x = max(bounds[0] + gap, min(x, bounds[2] - width - gap))
        y = max(bounds[1] + gap, min(y, bounds[3] - height - gap))
        box = (x, y, x + width, y + height)
        far = abs(y + height / 2 - (top + bottom) / 2) / max(bottom - top, height)
        cost = (
            1000 * sum(_overlap(box, _grown(other, gap)) for other in taken) / (width * height)
            + 4 * sum(_overlap(box, other) for other in regions if other != region) / (width * height)
            + _overlap(box, region) / (width * height)
            + 0.1 * order
            + far
        )
        if cost < least:
            best, least = box, cost
    return best


def _overlap(a: Box, b: Box) -> float:
    """Area that two boxes share."""
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))


def _grown(box: Box, by: float) -> Box:
    return (box[0] - by, box[1] - by, box[2] + by, box[3] + by)
