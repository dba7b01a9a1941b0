"""The table of the faithfulness benchmark as a picture: bars with intervals and shaded figures."""

from __future__ import annotations

from typing import Any, Final

from PIL import Image, ImageDraw

from core.export.annotate import INK, PAPER, RULE, SOFT_INK
from core.export.lettering import lettering

SIZE: Final = 22
ROW: Final = 40
MARGIN: Final = 36
NAMES: Final = 300
BARS: Final = 420
CELL: Final = 118
BAR: Final = (74, 128, 196)
MARKED: Final = (200, 96, 32)
"""Colour of the estimator's bar."""
SHADE: Final = (116, 173, 122)

_FIGURES: Final = (
    ("tokens", "tokens"),
    ("read", "direct_tokens"),
    ("carried", "carried_tokens"),
    ("pointing", "pointing"),
    ("R², nats", "r2"),
)


def draw_table(result: dict[str, Any]) -> Image.Image:
    """Draw what ``core.comparison.summarize`` returned: one row a method, RGB.

    Bars are the LDS of steps with their interval; cells are shaded from 0 to 1. A dash means: not judged.
    """
    kinds, methods = list(result["kinds"]), result["methods"]
    heads = [*kinds, *(head for head, _ in _FIGURES), "passes", "encodings", "ms/token"]
    width = 2 * MARGIN + NAMES + BARS + CELL * len(heads)
    height = 2 * MARGIN + ROW * (len(methods) + 3)
    picture = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(picture)
    text, bold, small = lettering(SIZE), lettering(SIZE, bold=True), lettering(round(SIZE * 0.8))
    title = "How well estimated effects predict what ablation does: LDS of steps, 95 % intervals"
    bold.draw(draw, (MARGIN, MARGIN + ROW / 2), title, INK)
    setting = (
        f"{result['screens']} held-out screens, {result['masks']} random masks each, operator "
        f"{result['operator']}; costly methods on {result['thorough_screens']} of the screens; "
        f"passes through the model and encodings of the screenshot a text"
    )
    small.draw(draw, (MARGIN, MARGIN + ROW * 1.5), setting, SOFT_INK)
    top = MARGIN + 2 * ROW
    bars, cells = MARGIN + NAMES, MARGIN + NAMES + BARS
    small.draw(draw, (bars, top + ROW / 2), "steps, all kinds", SOFT_INK)
    for place, head in enumerate(heads):
        small.draw(draw, (cells + place * CELL + 8, top + ROW / 2), head, SOFT_INK)
    for row, (name, found) in enumerate(methods.items(), start=1):
        y = top + row * ROW
        draw.line((MARGIN, y, width - MARGIN, y), fill=RULE)
        face = bold if name == "estimator" else text
        face.draw(draw, (MARGIN, y + ROW / 2), face.elide(name, NAMES - 12), INK)
        _bar(draw, bars, y, found["steps"], MARKED if name == "estimator" else BAR)
        figures = [found["kinds"][kind]["steps"]["mean"] for kind in kinds]
        figures += [found[column]["mean"] for _, column in _FIGURES]
        for place, figure in enumerate(figures):
            _cell(draw, cells + place * CELL, y, figure)
        milliseconds = found["seconds_per_token"] * 1000
        costs = (f"{found['passes']:.0f}", f"{found['encodings']:.0f}", f"{milliseconds:.3g}")
        for place, cost in enumerate(costs, start=len(figures)):
            text.draw(draw, (cells + place * CELL + 8, y + ROW / 2), cost, INK)
    return picture


def _bar(
    draw: ImageDraw.ImageDraw, x: int, y: int, interval: dict[str, Any], colour: tuple[int, int, int]
) -> None:
    """A bar from 0 to the mean on a scale from 0 to 1, the interval over it, the figure beside it."""
    if interval["mean"] is None:
        return
    length = BARS - 110
    end, low, high = (x + length * min(max(interval[k], 0.0), 1.0) for k in ("mean", "low", "high"))
    draw.rectangle((x, y + 9, max(end, x + 1), y + ROW - 9), fill=colour)
    middle = y + ROW // 2
    draw.line((low, middle, high, middle), fill=INK, width=2)
    for edge in (low, high):
        draw.line((edge, middle - 5, edge, middle + 5), fill=INK, width=2)
    lettering(SIZE).draw(draw, (x + length + 14, middle), f"{interval['mean']:.3f}", INK)


def _cell(draw: ImageDraw.ImageDraw, x: int, y: int, figure: float | None) -> None:
    if figure is not None:
        share = min(max(figure, 0.0), 1.0)
        shade = tuple(round(p + (s - p) * share) for p, s in zip(PAPER, SHADE, strict=True))
        draw.rectangle((x + 1, y + 1, x + CELL - 2, y + ROW - 1), fill=shade)
    words = "–" if figure is None else f"{figure:.2f}"
    lettering(SIZE).draw(draw, (x + 8, y + ROW / 2), words, INK)
