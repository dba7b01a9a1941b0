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


def tint_levels(reliance: np.ndarray, scale: float) -> np.ndarray:
    """The levels, int8 [tokens], of a reliance [tokens] in nats; ``scale`` nats get the strongest tint."""
    owed = np.asarray(reliance, np.float64)
    size = np.abs(owed)
    level = np.rint(LEVELS * np.minimum(1.0, size / scale) ** 0.8)
    return np.where(size >= LEAST, np.copysign(level, owed), 0.0).astype(np.int8)


class TintLevels:
    """The levels of a run's tokens, worked out once for each and not at every painting."""

    def __init__(self) -> None:
        self._scale = 1.0
        self._levels = np.zeros(0, np.int8)

    def forget(self, start: int = 0) -> None:
        """What tokens from ``start`` on owe is no longer what it was."""
        self._levels = self._levels[:start]

    def of(self, reliance: np.ndarray, scale: float) -> np.ndarray:
        """The levels, int8 [tokens], of all tokens whose reliance [tokens] is known so far.

        ``scale``: nats at the strongest tint.
        """
        if scale != self._scale or len(reliance) < len(self._levels):
            self._scale = scale
            self.forget()
        if len(reliance) > len(self._levels):
            new = tint_levels(reliance[len(self._levels) :], scale)
            self._levels = np.concatenate([self._levels, new])
        return self._levels


def reliance_scale(reliance: np.ndarray) -> float:
    """Nats at the strongest tint for the reliance [tokens] of a run: few tokens lie above it."""
    return scale_of(reliance[:, None]) if len(reliance) else SCALE_FLOOR
