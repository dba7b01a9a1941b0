"""The ways to lay effects over the screenshot, one entry a view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage

from app import overlay
from core.colour_maps import map_effects

HEAT_CELLS: Final = 160
"""A heat map is computed for so many cells across the view and drawn smoothly in between."""
HEAT_RADIUS: Final = 2
"""Cells over which a heat map is smoothed, to each side and twice."""
RIM: Final = 4
"""Width of the coloured rims of the outline view, in logical pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Colouring:
    """What is to be shown, and how strongly.

    Attributes:
        effects: float32 [regions], nats.
        scale: nats at the strongest colour.
        signed: also show negative effects.
        colour_map: name of a colour map.
        opacity: 0 to 1.
    """

    effects: np.ndarray
    scale: float
    signed: bool
    colour_map: str
    opacity: float

    def rgba(self, values: np.ndarray) -> np.ndarray:
        """Colours uint8 [..., 4] of values [...] in nats."""
        return map_effects(values, self.scale, self.signed, self.colour_map)


Draw = Callable[[overlay.LabelPicture, Colouring, float], QImage]
"""Makes the overlay from the labels in view, the colouring, and the device pixels for one logical pixel."""


@dataclass(frozen=True, slots=True)
class View:
    """One way to show effects.

    Attributes:
        id: as ``Display.view`` names it; text: for people.
        draw: makes the overlay.
        shade: colours uint8 [n, 4] of values [n] in nats, as the legend shows them.
    """

    id: str
    text: str
    draw: Draw
    shade: Callable[[Colouring, np.ndarray], np.ndarray]


def _fill(picture: overlay.LabelPicture, colouring: Colouring, _ratio: float) -> QImage:
    return picture.coloured(overlay.colour_table(colouring.rgba(colouring.effects), colouring.opacity))


def _outline(picture: overlay.LabelPicture, colouring: Colouring, ratio: float) -> QImage:
    return picture.rims(
        overlay.colour_table(colouring.rgba(colouring.effects), colouring.opacity), round(RIM * ratio)
    )


def _heat(picture: overlay.LabelPicture, colouring: Colouring, _ratio: float) -> QImage:
    height, width = picture.labels.shape
    cell = max(4, width // HEAT_CELLS)
    values = np.asarray(colouring.effects, np.float32)[picture.labels[cell // 2 :: cell, cell // 2 :: cell]]
    if not values.size:
        return _fill(picture, colouring, _ratio)
    rgba = colouring.rgba(overlay.smoothed(values, HEAT_RADIUS))
    return overlay.premultiplied(rgba, colouring.opacity).scaled(
        width, height, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
    )


def _spotlight(picture: overlay.LabelPicture, colouring: Colouring, _ratio: float) -> QImage:
    return picture.coloured(overlay.colour_table(_dimming(colouring, colouring.effects), colouring.opacity))


def _dimming(colouring: Colouring, values: np.ndarray) -> np.ndarray:
    """Black, the more transparent the stronger the effect."""
    colours = np.zeros((*np.shape(values), 4), np.uint8)
    colours[..., 3] = 255 - colouring.rgba(values)[..., 3]
    return colours


VIEWS: Final = (
    View("fill", "Fill", _fill, Colouring.rgba),
    View("outline", "Outline", _outline, Colouring.rgba),
    View("heat", "Heat", _heat, Colouring.rgba),
    View("spotlight", "Spotlight", _spotlight, _dimming),
)


def view_named(name: str) -> View:
    """The view called ``name``; the first one when there is no such view."""
    return next((view for view in VIEWS if view.id == name), VIEWS[0])


def strongest(effects: np.ndarray, count: int, signed: bool) -> np.ndarray:
    """Effects [regions] with all but the ``count`` strongest set to 0; all of them when ``count`` is 0.

    Unsigned, only positive effects count as strong.
    """
    if not count or count >= len(effects):
        return effects
    sizes = np.abs(effects) if signed else effects
    kept = np.argsort(-sizes, kind="stable")[:count]
    result = np.zeros_like(effects)
    result[kept] = effects[kept]
    return result
