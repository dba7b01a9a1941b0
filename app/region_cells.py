"""The cells of the regions panel: swatch, picture and name, bar and number, share."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPalette, QPen

from app import theme
from app.region_crops import RegionCrops
from app.regions_model import EFFECT, MEASURED, NAME, RegionsModel
from app.session import Session
from core.colour_maps import composite, map_effects

SWATCH = 5
"""Logical pixels that the mark in the colour of the effect is wide; a square would look like a check box."""
CROP = 44
"""Logical pixels that the picture of a region may be wide; a row is as high as it may be."""
LEAST_NAME = 80
"""Logical pixels that a name needs beside its picture; where there are fewer, the picture is left out."""
_TABULAR = QFont.Tag("tnum")
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
SHADES: Final = 511
"""Colours from the strongest opposing effect over none to the strongest supporting one."""


class RegionCells:
    """Paints from the session (highlight, selection, colours) and the model (names and numbers)."""

    def __init__(self, session: Session, model: RegionsModel) -> None:
        self._session = session
        self._model = model

    def paint(
        self,
        painter: QPainter,
        palette: QPalette,
        font: QFont,
        cells: Iterable[tuple[QRect, int, int]],
    ) -> None:
        """Paint cells, each a rectangle, a region and a column; the painter stays as the last one left it."""
        colours = theme.tokens(palette)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(font if font.isFeatureSet(_TABULAR) else tabular(font))
        font, chosen, highlighted = painter.font(), self._session.chosen, self._session.highlighted
        for rect, region, column in cells:
            paper = colours.hover if region == highlighted else colours.surface
            if region in chosen:
                paper = colours.chosen
            painter.fillRect(rect, _ink(paper))
            inner = rect.adjusted(theme.GAP, 0, -theme.GAP, 0)
            if column == NAME:
                if region in chosen:
                    painter.fillRect(QRect(rect.x(), rect.y(), 3, rect.height()), _ink(colours.accent))
                self._paint_name(painter, inner, region, font, colours)
                continue
            text = self._model.text_of(region, column)
            if column in (EFFECT, MEASURED):
                room = inner.adjusted(0, 0, -_number_width(font) - theme.GAP, 0)
                of = self._model.effect_of if column == EFFECT else self._model.measured_of
                self._paint_bar(painter, room, of(region), colours)
                if column == EFFECT and (bounds := self._model.bounds_of(region)) is not None:
                    self._paint_whisker(painter, room, bounds, colours)
                painter.setPen(_ink(colours.text))
            else:
                painter.setPen(_ink(colours.text if region in chosen else colours.muted))
            painter.drawText(inner, _RIGHT, text)

    def _paint_name(
        self, painter: QPainter, inner: QRect, region: int, font: QFont, colours: theme.Tokens
    ) -> None:
        self._paint_swatch(painter, inner, self._model.effect_of(region), colours)
        inner = inner.adjusted(SWATCH + theme.GAP, 0, 0, 0)
        if self._model.crops is not None and inner.width() >= CROP + theme.GAP + LEAST_NAME:
            room = QRect(inner.x(), inner.y() + 3, CROP, inner.height() - 6)
            self._paint_crop(painter, room, self._model.crops, region)
            inner = inner.adjusted(CROP + theme.GAP, 0, 0, 0)
        painter.setPen(_ink(colours.text))
        painter.drawText(inner, _LEFT, _elided(self._model.text_of(region, NAME), inner.width(), font))

    def _colour(self, effect: float, colours: theme.Tokens) -> QColor:
        """The colour that the canvas gives to an effect, over the paper of the list."""
        display = self._session.display
        relative = max(-1.0, min(1.0, effect / self._model.scale)) if effect == effect else 0.0
        shades = _shades(display.signed, display.colour_map, colours.surface)
        return shades[round((relative + 1) * (SHADES // 2))]

    def _paint_swatch(
        self, painter: QPainter, inner: QRect, effect: float | None, colours: theme.Tokens
    ) -> None:
        if effect is None:
            return
        box = QRectF(inner.x(), inner.y() + 4, SWATCH, inner.height() - 8)
        painter.setPen(QPen(_ink(colours.muted), 0.75))
        painter.setBrush(self._colour(effect, colours))
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 1, 1)

    def _paint_crop(self, painter: QPainter, room: QRect, crops: RegionCrops, region: int) -> None:
        """The region itself, in the middle of its room and at the density of the screen."""
        density = painter.device().devicePixelRatioF()
        picture = crops.picture(region, (room.size().toSizeF() * density).toSize())
        left = room.x() + int((room.width() - picture.width() / density) / 2)
        top = room.y() + int((room.height() - picture.height() / density) / 2)
        if density == 1:
            painter.drawImage(QPoint(left, top), picture)  # between pixels it would be blurred, and slow
        else:
            painter.drawImage(QRectF(QPointF(left, top), picture.size().toSizeF() / density), picture)

    def _paint_bar(self, painter: QPainter, room: QRect, effect: float | None, colours: theme.Tokens) -> None:
        """A bar from a zero line: to the right for support, to the left (a third of the room) against."""
        if effect is None or room.width() < 12:
            return
        zero, per_nat = self._axis(room)
        end = max(float(room.x()), zero + effect * per_nat)
        height = max(6, room.height() - 12)
        top = room.center().y() - height / 2 + 1
        bar = QRectF(min(zero, end), top, abs(end - zero), height)
        if bar.width() >= 0.5:
            painter.setPen(QPen(_ink(colours.muted), 0.75))
            painter.setBrush(self._colour(effect, colours))
            painter.drawRect(bar)
        painter.setPen(QPen(_ink(colours.border), 1))
        painter.drawLine(round(zero), room.y() + 2, round(zero), room.bottom() - 2)

    def _paint_whisker(
        self, painter: QPainter, room: QRect, bounds: tuple[float, float], colours: theme.Tokens
    ) -> None:
        """A line from the lower to the upper bound; an end that lies in the room has a cap."""
        if room.width() < 12:
            return
        zero, per_nat = self._axis(room)
        left, right = float(room.x()), float(room.right() + 1)
        ends = [zero + bound * per_nat for bound in bounds]
        low, high = (min(max(end, left), right) for end in ends)
        middle = room.center().y() + 1.0
        painter.setPen(QPen(_ink(colours.text), 1))
        painter.drawLine(QPointF(low, middle), QPointF(high, middle))
        for end in ends:
            if left <= end <= right:
                painter.drawLine(QPointF(end, middle - 3), QPointF(end, middle + 3))

    def _axis(self, room: QRect) -> tuple[float, float]:
        """Where 0 is, and how many pixels a nat takes."""
        zero = room.x() + room.width() / 3
        return zero, (room.right() + 1 - zero) / self._model.largest


@lru_cache(maxsize=64)
def _ink(colour: str) -> QColor:
    return QColor(colour)


@lru_cache(maxsize=1024)
def _elided(text: str, width: int, font: QFont) -> str:
    return QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, width)


@lru_cache(maxsize=8)
def _number_width(font: QFont) -> int:
    return QFontMetrics(font).horizontalAdvance("−00.00")


@lru_cache(maxsize=8)
def _shades(signed: bool, colour_map: str, paper: str) -> tuple[QColor, ...]:
    """The colours over paper of relative effects from −1 to 1; a row is too short to take them singly."""
    behind = QColor(paper)
    rgba = map_effects(np.linspace(-1, 1, SHADES), 1.0, signed, colour_map)
    rgb = composite(rgba, (behind.red(), behind.green(), behind.blue()))
    return tuple(QColor(*colour) for colour in rgb.tolist())


def tabular(font: QFont) -> QFont:
    """The font with digits of equal width, where it has them."""
    result = QFont(font)
    result.setFeature(_TABULAR, 1)
    return result
