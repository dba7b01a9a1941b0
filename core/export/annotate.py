"""An annotated picture of some steps: the screenshot at full resolution, the effects over it, the words, and
what the colours mean."""

from __future__ import annotations

from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from core.colour_maps import luminance, map_effects
from core.export.composition import (
    INK,
    PAPER,
    RULE,
    SOFT_INK,
    Bar,
    Composition,
    Line,
    Shown,
    box_of,
    compose,
)
from core.export.format import Steps
from core.export.labels import draw_plates
from core.export.look import Look
from core.trace import Trace

ROWS_AT_ONCE: Final = 512


def annotate(
    trace: Trace, steps: Steps | None = None, look: Look | None = None, enlarge: int = 1
) -> Image.Image:
    """Draw a range of steps.

    Args:
        trace: what to draw; never changed.
        steps: the steps whose effects, summed, are shown; None takes ``most_reliant_step``.
        look: how to draw it.
        enlarge: pixels of the picture for one of the screenshot, 1 to 4.

    Returns:
        An RGB picture in which one pixel of the screenshot is ``enlarge`` pixels (more where it is tiny),
        with margins for the words.

    Raises:
        InputError: there are no such steps, measured effects are asked for and there are none, or the picture
            would be too large.
    """
    plan = compose(trace, steps, look or Look(), enlarge)
    canvas = Image.new("RGB", (plan.width, plan.height), PAPER)
    draw = ImageDraw.Draw(canvas)
    picture = Image.fromarray(paint(trace, plan.shown, plan.look, plan.factor, plan.thin))
    left, top = plan.origin
    canvas.paste(picture, (left, top))
    if plan.look.words:
        draw.rectangle((left - 1, top - 1, left + picture.width, top + picture.height), outline=RULE)
    draw_plates(draw, plan.plates)
    write(draw, plan.lines)
    if plan.bar is not None:
        _colour_bar(canvas, draw, plan.bar, plan)
    return canvas


def paint(trace: Trace, shown: Shown, look: Look, factor: int, thin: int) -> np.ndarray:
    """The screenshot with overlay and outlines, uint8 [H × factor, W × factor, 3]."""
    labels, pixels = trace.region_map.labels, trace.screenshot.pixels
    if not look.screenshot:
        pixels = np.full_like(pixels, 255)
    if factor > 1:
        labels = labels.repeat(factor, 0).repeat(factor, 1)
        out = pixels.repeat(factor, 0).repeat(factor, 1)
    else:
        out = pixels.copy()
    if shown.effects is not None and look.overlay:
        tint(out, labels, shown.colours, look.opacity)
    if look.outlines:
        if shown.effects is not None or not look.screenshot:
            _outline(out, _edges(labels, thin))
        for region in reversed(shown.strongest):
            box = box_of(trace, region, factor)
            _outline_region(out, labels, region, box, shown.colours[region, :3], thin)
    return out


def tint(pixels: np.ndarray, labels: np.ndarray, colours: np.ndarray, opacity: float) -> None:
    """Lay the colour of each region (RGBA uint8 [regions, 4]) over its pixels, in place, a band at a time."""
    colour = colours[:, :3].astype(np.int32)
    alpha = np.round(colours[:, 3:] * opacity).astype(np.int32)
    for y in range(0, len(pixels), ROWS_AT_ONCE):
        band = pixels[y : y + ROWS_AT_ONCE]
        here = labels[y : y + ROWS_AT_ONCE]
        below = band.astype(np.int32)
        band[:] = below + ((colour[here] - below) * alpha[here] + 127) // 255


def write(draw: ImageDraw.ImageDraw, lines: tuple[Line, ...]) -> None:
    """Draw lines of text where they belong."""
    for line in lines:
        line.font.draw(draw, (line.x, line.y), line.text, line.colour)


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


def _colour_bar(canvas: Image.Image, draw: ImageDraw.ImageDraw, bar: Bar, plan: Composition) -> None:
    """The colours as they look over white."""
    left, right, y = bar.rule
    draw.line((left, y, right, y), fill=RULE)
    scale, look = plan.shown.scale, plan.look
    effects = np.linspace(-scale if look.signed else 0.0, scale, bar.length)
    colours = map_effects(effects, scale, look.signed, look.colour_map)
    strip = np.full((bar.height, bar.length, 3), 255, np.uint8)
    tint(strip, np.broadcast_to(np.arange(bar.length), strip.shape[:2]), colours, look.opacity)
    canvas.paste(Image.fromarray(strip), (bar.left, bar.top))
    edge = (bar.left, bar.top, bar.left + bar.length - 1, bar.top + bar.height - 1)
    draw.rectangle(edge, outline=SOFT_INK)
