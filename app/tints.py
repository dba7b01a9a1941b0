"""Background colours of tokens by reliance, on which the text stays readable."""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QColor

from app import theme
from core.colour_maps import COLOUR_MAPS, SCALE_FLOOR, scale_of

LEVELS = 16
STRONGEST = 0.72
LEAST = 0.1
"""Nats; what is smaller gets no tint."""

READABLE = 4.5
"""Smallest contrast of text on any tint (WCAG 2.2, AA)."""


def blend(below: str, above: str, amount: float) -> str:
    """``above`` laid over ``below`` with an opacity of ``amount``; colours as "#rrggbb"."""
    one, two = QColor(below), QColor(above)
    mixed = (
        round(a + (b - a) * amount)
        for a, b in zip(one.getRgb()[:3], two.getRgb()[:3], strict=True)  # type: ignore[index]
    )
    return QColor(*mixed).name()


def tint_colours(colours: theme.Tokens, colour_map: str) -> dict[int, QColor]:
    """The tint of each level from −LEVELS to LEVELS, without 0, which has none.

    Hues are those of the signed overlay: what a token owes to the screenshot looks alike in both panes.
    """
    table = COLOUR_MAPS[colour_map].diverging
    ends = {-1: QColor(*map(int, table[32])).name(), 1: QColor(*map(int, table[255 - 32])).name()}
    result = {}
    for sign, end in ends.items():
        for level in range(1, LEVELS + 1):
            amount = STRONGEST * level / LEVELS
            while theme.contrast(colours.text, blend(colours.surface, end, amount)) < READABLE:
                amount -= 0.02
            result[sign * level] = QColor(blend(colours.surface, end, amount))
    return result


def tint_level(reliance: float, scale: float) -> int:
    """The level of a reliance in nats; ``scale`` nats get the strongest tint."""
    if not abs(reliance) >= LEAST:
        return 0
    level = round(LEVELS * min(1.0, abs(reliance) / scale) ** 0.8)
    return level if reliance > 0 else -level


def reliance_scale(reliance: np.ndarray) -> float:
    """Nats at the strongest tint for the reliance [tokens] of a run: few tokens lie above it."""
    return scale_of(reliance[:, None]) if len(reliance) else SCALE_FLOOR
