"""The few-shot curve as a picture: LDS over the number of screens, on a logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from PIL import Image, ImageDraw

from core.export.annotate import INK, PAPER, RULE, SOFT_INK
from core.export.lettering import lettering

SIZE: Final = 22
PANEL: Final = (760, 520)
MARGIN: Final = 44
LEFT: Final = 64
HEAD: Final = 96
FOOT: Final = 108
COLOURS: Final = ((200, 96, 32), (74, 128, 196), (96, 150, 96))

Point = tuple[int, float, float, float]
"""Screens, LDS, and the ends of its interval."""


def draw_curves(result: dict[str, Any]) -> Image.Image:
    """Draw what ``models.bundled.estimator.curve`` found, RGB; adapting has a panel of its own."""
    panels = [
        (
            f"Fitted on few screens, judged on {result['judging_screens']} others",
            {name: points_of(result["curve"], name) for name in ("estimator", "linear attention")},
            {"uncalibrated attention": result["uncalibrated attention"]["steps"]["mean"]},
        )
    ]
    if result.get("transfer"):
        before = [point["before"]["steps"]["mean"] for point in result["transfer"]]
        panels.append(
            (
                "A kind of screen never seen before, mean of five",
                {name: points_of(result["transfer"], name) for name in ("adapted", "from scratch")},
                {"not adapted": sum(before) / len(before)},
            )
        )
    width, height = PANEL
    picture = Image.new("RGB", (len(panels) * width + MARGIN, height), PAPER)
    draw = ImageDraw.Draw(picture)
    for place, panel in enumerate(panels):
        _panel(draw, place * width + MARGIN, *panel)
    return picture


def points_of(found: Sequence[Mapping[str, Any]], name: str) -> list[Point]:
    """Means over repeats and kinds for each number of screens, with the mean ends of their intervals."""
    counts = sorted({one["screens"] for one in found})
    points = []
    for count in counts:
        steps = [one[name]["steps"] for one in found if one["screens"] == count]
        steps = [one for one in steps if one["mean"] is not None]
        if steps:
            mean, low, high = (sum(one[k] for one in steps) / len(steps) for k in ("mean", "low", "high"))
            points.append((count, mean, low, high))
    return points


def _panel(
    draw: ImageDraw.ImageDraw,
    x: int,
    title: str,
    curves: Mapping[str, Sequence[Point]],
    levels: Mapping[str, float | None],
) -> None:
    text, small = lettering(SIZE, bold=True), lettering(round(SIZE * 0.8))
    left, right = x + LEFT, x + PANEL[0] - MARGIN
    top, bottom = HEAD, PANEL[1] - FOOT
    counts = sorted({point[0] for points in curves.values() for point in points}) or [1]
    least, most = math.log(counts[0]), math.log(max(counts[-1], counts[0] + 1))

    def at(count: float, lds: float) -> tuple[float, float]:
        across = 0.05 + 0.9 * (math.log(count) - least) / (most - least)
        return left + across * (right - left), bottom - min(max(lds, 0.0), 1.0) * (bottom - top)

    text.draw(draw, (x, MARGIN), title, INK)
    small.draw(draw, (x, MARGIN + SIZE * 1.3), "LDS of steps, 95 % intervals", SOFT_INK)
    for tenth in range(0, 11, 2):
        _, y = at(counts[0], tenth / 10)
        draw.line((left, y, right, y), fill=RULE)
        small.draw(draw, (x, y), f"{tenth / 10:.1f}", SOFT_INK)
    for count in counts:
        across, _ = at(count, 0)
        small.draw(draw, (across - small.width(f"{count:,}") / 2, bottom + SIZE), f"{count:,}", SOFT_INK)
    small.draw(draw, (left, bottom + 2.2 * SIZE), "screens that it was fitted on", SOFT_INK)
    for level in levels.values():
        if level is not None:
            _, y = at(counts[0], level)
            for dash in range(left, right, 16):
                draw.line((dash, y, dash + 8, y), fill=SOFT_INK, width=2)
    # Named below, where no curve reaches; curves that agree lie on each other.
    named = [*zip(curves, COLOURS, strict=False), *((name, SOFT_INK) for name in levels)]
    across, y = float(x), bottom + 3.6 * SIZE
    for name, colour in named:
        draw.line((across, y, across + 24, y), fill=colour, width=4 if name in curves else 2)
        small.draw(draw, (across + 32, y), name, colour)
        across += small.width(name) + 54
    for place, (colour, points) in enumerate(zip(COLOURS, curves.values(), strict=False)):
        places = [at(count, mean) for count, mean, _, _ in points]
        draw.line([value for place in places for value in place], fill=colour, width=4, joint="curve")
        for (across, y), (count, mean, low, high) in zip(places, points, strict=True):
            draw.line((across, at(count, low)[1], across, at(count, high)[1]), fill=colour, width=2)
            draw.ellipse((across - 6, y - 6, across + 6, y + 6), fill=colour)
            away = SIZE if place else -SIZE  # the first curve's figures above, the others' below
            small.draw(draw, (across + 8, y + away), f"{mean:.2f}", colour)
