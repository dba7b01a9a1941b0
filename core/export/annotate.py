"""An annotated picture of some steps: the screenshot at full resolution, the effects over it, the words, and
what the colours mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from PIL import Image, ImageDraw

from core.colour_maps import luminance, map_effects, scale_of
from core.errors import InputError
from core.export.format import Steps, checked_steps, token_range
from core.export.labels import Label, place_labels
from core.export.lettering import Lettering, lettering
from core.trace import Trace

PAPER: Final = (250, 250, 249)
INK: Final = (24, 26, 30)
SOFT_INK: Final = (84, 88, 96)
RULE: Final = (208, 210, 214)
ROWS_AT_ONCE: Final = 512
SMALLEST: Final = 240
"""A screenshot whose longer side is shorter than this is enlarged by a whole factor."""
NARROWEST: Final = 480
"""Width in pixels below which the words would not fit."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a picture is drawn.

    Attributes:
        kind: "estimated" effects, or "measured" ones (of a measurement of exactly this span).
        signed: show negative effects too.
        opacity: of the strongest effect, 0 to 1.
        outlines: draw the outlines of regions.
        labels: how many regions are named, those with the strongest effects.
        colour_map: name of a colour map.
        scale: the effect in nats with the strongest colour; None takes the span's own.
    """

    kind: Literal["estimated", "measured"] = "estimated"
    signed: bool = True
    opacity: float = 0.65
    outlines: bool = True
    labels: int = 3
    colour_map: str = "default"
    scale: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    """What one picture shows: effects [regions] and reliance in nats, or None where there are none."""

    effects: np.ndarray | None
    reliance: float
    scale: float
    heading: str
    text: str


def most_reliant_step(trace: Trace) -> Steps | None:
    """The step that depends most on the screenshot, as a range of one: what to show of a whole trace.

    Of its estimated steps the one with the largest sum of reliance; the first step of a trace without
    estimates; None for a trace without steps.
    """
    if not trace.step_count:
        return None
    sums = np.add.reduceat(trace.reliance, [step.start for step in trace.steps])
    best = int(sums.argmax())
    return best, best + 1


def annotate(trace: Trace, steps: Steps | None = None, look: Look | None = None) -> Image.Image:
    """Draw a range of steps.

    Args:
        trace: what to draw; never changed.
        steps: the steps whose effects, summed, are shown; None takes ``most_reliant_step``.
        look: how to draw it.

    Returns:
        An RGB picture in which one pixel of the screenshot is one pixel (or a whole number of them, where the
        screenshot is tiny), with margins for the words.

    Raises:
        InputError: there are no such steps, or measured effects are asked for and there are none.
    """
    look = look or Look()
    shown = _shown(trace, most_reliant_step(trace) if steps is None else checked_steps(trace, steps), look)
    height, width = trace.screenshot.pixels.shape[:2]
    factor = max(1, -(-SMALLEST // max(height, width)))
    size = _letter_size(width * factor, height * factor)
    picture, labels = _picture(trace, shown, look, factor, lettering(round(size * 0.92), bold=True))

    canvas_width = max(picture.width, NARROWEST, size * 26)
    margin = size
    head = _head(trace, size, canvas_width - 2 * margin)
    foot = _foot(shown, size, canvas_width - 2 * margin)
    head_height = margin + sum(font.line for font, _, _ in head) + margin * 2 // 3
    bar_height = _colour_bar_height(size) if shown.effects is not None else 0
    foot_height = margin * 2 // 3 + sum(font.line for font, _, _ in foot) + bar_height + margin
    canvas = Image.new("RGB", (canvas_width, head_height + picture.height + foot_height), PAPER)
    draw = ImageDraw.Draw(canvas)

    _write(draw, head, margin, margin)
    left = (canvas_width - picture.width) // 2
    canvas.paste(picture, (left, head_height))
    frame = (left - 1, head_height - 1, left + picture.width, head_height + picture.height)
    draw.rectangle(frame, outline=RULE)
    bounds = (0, head_height, canvas_width, head_height + picture.height)
    place_labels(draw, labels, (left, head_height), bounds, lettering(round(size * 0.92), bold=True))
    y = _write(draw, foot, margin, head_height + picture.height + margin * 2 // 3)
    if shown.effects is not None:
        _colour_bar(canvas, draw, (margin, y), canvas_width - 2 * margin, size, shown, look)
    return canvas


def _shown(trace: Trace, steps: Steps | None, look: Look) -> _Shown:
    if steps is None:
        return _Shown(None, 0.0, 1.0, "Nothing was generated", "")
    first, last = steps
    start, end = token_range(trace, steps)
    phase = trace.step(first).phase
    text = "".join(token.text for token in trace.tokens[start:end]).removeprefix(" ")
    which = f"Step {first + 1}" if last == first + 1 else f"Steps {first + 1} to {last}"
    heading = f"{which} of {trace.step_count} · {phase}"
    if look.kind == "measured":
        found = [m for m in trace.measured if (m.start, m.end) == (start, end)]
        if not found:
            raise InputError(f"Nothing was measured for {which.lower()}. Run `sightline verify` on it first.")
        effects, reliance = found[-1].effects, found[-1].reliance
        heading += f" · ablation operator: {found[-1].operator}"
    elif trace.estimated > start:
        effects, reliance = trace.span_effects(start, end), float(trace.reliance[start:end].sum())
    else:
        return _Shown(None, 0.0, 1.0, f"{heading} · effects were not estimated", text)
    heading += f" · {look.kind} reliance: {signed(reliance)} nats"
    effects = np.nan_to_num(np.asarray(effects, np.float32))
    return _Shown(effects, reliance, look.scale or scale_of(effects), heading, text)


def signed(nats: float) -> str:
    """A number of nats with its sign and at most three significant digits: "+1.25", "−0.03", "0"."""
    digits = 2 if abs(nats) < 10 else 1 if abs(nats) < 100 else 0
    text = f"{abs(nats):.{digits}f}"
    return "0" if float(text) == 0 else f"{'+' if nats > 0 else '−'}{text}"


def _letter_size(width: int, height: int) -> int:
    """Letters grow with the picture, and stay small enough for words to fit its width."""
    return round(max(14, min(0.0155 * (width * height) ** 0.5, max(width, NARROWEST) / 30)))


def _picture(
    trace: Trace, shown: _Shown, look: Look, factor: int, font: Lettering
) -> tuple[Image.Image, list[Label]]:
    """The screenshot with overlay and outlines, enlarged by ``factor``, and the labels to put on it."""
    labels = trace.region_map.labels
    pixels = trace.screenshot.pixels
    if factor > 1:
        labels = labels.repeat(factor, 0).repeat(factor, 1)
        pixels = pixels.repeat(factor, 0).repeat(factor, 1)
    out = pixels.copy()
    if shown.effects is None:
        return Image.fromarray(out), []
    colours = map_effects(shown.effects, shown.scale, look.signed, look.colour_map)
    _tint(out, labels, colours, look.opacity)
    strength = np.abs(shown.effects) if look.signed else shown.effects
    least = max(0.005, 0.02 * shown.scale)
    strongest = [int(i) for i in np.argsort(-strength, kind="stable")[: look.labels] if strength[i] >= least]
    thin = max(1, round(font.size / 16))
    if look.outlines:
        _outline(out, _edges(labels, thin))
    for region in reversed(strongest):
        _outline_region(out, labels, region, _box_of(trace, region, factor), colours[region, :3], thin)
    return Image.fromarray(out), [
        Label(
            _box_of(trace, i, factor),
            signed(float(shown.effects[i])),
            trace.region_map.regions[i].name,
            (int(colours[i, 0]), int(colours[i, 1]), int(colours[i, 2])),
        )
        for i in strongest
    ]


def _tint(pixels: np.ndarray, labels: np.ndarray, colours: np.ndarray, opacity: float) -> None:
    """Lay the colour of each region (RGBA uint8 [regions, 4]) over its pixels, in place, a band at a time."""
    colour = colours[:, :3].astype(np.int32)
    alpha = np.round(colours[:, 3:] * opacity).astype(np.int32)
    for y in range(0, len(pixels), ROWS_AT_ONCE):
        band = pixels[y : y + ROWS_AT_ONCE]
        here = labels[y : y + ROWS_AT_ONCE]
        below = band.astype(np.int32)
        band[:] = below + ((colour[here] - below) * alpha[here] + 127) // 255


def _box_of(trace: Trace, region: int, factor: int) -> tuple[int, int, int, int]:
    x, y, width, height = trace.region_map.regions[region].bbox
    return x * factor, y * factor, width * factor, height * factor


def _edges(labels: np.ndarray, thickness: int) -> np.ndarray:
    """Bool [H, W]: the ``thickness`` rows and columns of pixels around each change of label."""
    near = np.zeros(labels.shape, bool)
    _mark(near, labels[1:] != labels[:-1], thickness)
    _mark(near.T, (labels[:, 1:] != labels[:, :-1]).T, thickness)
    return near


def _mark(near: np.ndarray, change: np.ndarray, thickness: int) -> None:
    """Mark rows of ``near`` [H, W] around each change; ``change[i]`` [H − 1, W]: row i differs from i + 1."""
    for offset in range(1 - (thickness + 1) // 2, thickness // 2 + 1):
        first, last = max(0, -offset), min(len(change), len(change) + 1 - offset)
        if first < last:
            near[first + offset : last + offset] |= change[first:last]


def _outline(pixels: np.ndarray, edges: np.ndarray) -> None:
    """Darken light pixels and lighten dark ones along edges, in place, so that lines show on anything."""
    under = pixels[edges].astype(np.float32)
    line = np.where(under.mean(1, keepdims=True) > 127, 0.0, 255.0)
    pixels[edges] = (0.5 * under + 0.5 * line).astype(np.uint8)


def _outline_region(
    pixels: np.ndarray,
    labels: np.ndarray,
    region: int,
    box: tuple[int, int, int, int],
    colour: np.ndarray,
    thin: int,
) -> None:
    """A line of the region's colour between two thin contrasting ones, in place."""
    x, y, width, height = box
    pad = 4 * thin
    window = (slice(max(0, y - pad), y + height + pad), slice(max(0, x - pad), x + width + pad))
    own = labels[window] == region
    part = pixels[window]
    part[_edges(own, 4 * thin)] = (255, 255, 255) if luminance(colour) < 0.4 else INK
    part[_edges(own, 2 * thin)] = colour


def _head(trace: Trace, size: int, width: int) -> list[tuple[Lettering, str, tuple[int, int, int]]]:
    """The title bar: the prompt, and what made the picture."""
    title, small = lettering(round(size * 1.2), bold=True), lettering(round(size * 0.85))
    prompt = title.wrap(trace.prompt.strip() or "(no prompt)", width, 3)
    made_by = (
        f"Model: {trace.model.name} · regions: {trace.segmenter.name} · estimator: {trace.estimator.name}"
    )
    return [(title, line, INK) for line in prompt] + [
        (small, line, SOFT_INK) for line in small.wrap(made_by, width, 2)
    ]


def _foot(shown: _Shown, size: int, width: int) -> list[tuple[Lettering, str, tuple[int, int, int]]]:
    """The step's heading and words."""
    heading, body = lettering(round(size * 0.85), bold=True), lettering(size)
    return [(heading, line, SOFT_INK) for line in heading.wrap(shown.heading, width, 3)] + [
        (body, line, INK) for line in body.wrap(shown.text, width, 8) if shown.text.strip()
    ]


def _write(
    draw: ImageDraw.ImageDraw, lines: list[tuple[Lettering, str, tuple[int, int, int]]], x: int, y: int
) -> int:
    """Draw lines from a top left corner down; returns where the next would begin."""
    for font, text, colour in lines:
        font.draw(draw, (x, y + font.line / 2), text, colour)
        y += font.line
    return y


def _colour_bar_height(size: int) -> int:
    return round(size * 5.2)


def _colour_bar(
    canvas: Image.Image,
    draw: ImageDraw.ImageDraw,
    at: tuple[int, int],
    width: int,
    size: int,
    shown: _Shown,
    look: Look,
) -> None:
    """The colours with their values, as they look over white, and the words that say what they are."""
    small = lettering(round(size * 0.85))
    x, y = at[0], at[1] + size
    length = min(width, size * 34)
    words = f"{look.kind} effect on these words, in nats"
    draw.line((at[0], at[1] + size // 3, at[0] + width, at[1] + size // 3), fill=RULE)
    lettering(round(size * 0.85), bold=True).draw(draw, (x, y + small.line / 2), words, INK)
    y += small.line
    low = -shown.scale if look.signed else 0.0
    effects = np.linspace(low, shown.scale, length)
    colours = map_effects(effects, shown.scale, look.signed, look.colour_map)
    strip = np.full((round(size * 0.9), length, 3), 255, np.uint8)
    _tint(strip, np.broadcast_to(np.arange(length), strip.shape[:2]), colours, look.opacity)
    canvas.paste(Image.fromarray(strip), (x, y))
    draw.rectangle((x, y, x + length - 1, y + strip.shape[0] - 1), outline=SOFT_INK)
    y += strip.shape[0] + round(small.line * 0.6)
    middle = "0" if look.signed else signed(shown.scale / 2)
    left = f"{signed(low)} against" if look.signed else "0"
    right = f"supports {signed(shown.scale)}"
    small.draw(draw, (x, y), left, INK)
    small.draw(draw, (x + (length - small.width(middle)) / 2, y), middle, INK)
    small.draw(draw, (x + length - small.width(right), y), right, INK)
