"""A flat scroll bar: Fusion's own, with its gradients, takes as long to draw as a list of regions."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPolygon
from PySide6.QtWidgets import QAbstractScrollArea, QScrollBar, QStyle, QStyleOptionSlider

from app import theme

_PARTS = QStyle.SubControl
_ARROW = 3
"""Logical pixels from the middle of an arrow to its tip."""


def flat_bars(area: QAbstractScrollArea) -> None:
    """Give a pane flat scroll bars; before anything is connected to those that it has."""
    area.setVerticalScrollBar(FlatScrollBar(Qt.Orientation.Vertical, area))
    area.setHorizontalScrollBar(FlatScrollBar(Qt.Orientation.Horizontal, area))


class FlatScrollBar(QScrollBar):
    """Looks plain and behaves as the style's: its parts are where the style has them."""

    def paintEvent(self, event: QPaintEvent) -> None:
        colours = theme.tokens(self.palette())
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(colours.window))
        slider = self._part(option, _PARTS.SC_ScrollBarSlider)
        upright = self.orientation() == Qt.Orientation.Vertical
        slim = slider.adjusted(3, 1, -3, -1) if upright else slider.adjusted(1, 3, -1, -3)
        painter.fillRect(slim, QColor(colours.text if self.underMouse() else colours.muted))
        for part, way in ((_PARTS.SC_ScrollBarSubLine, -1), (_PARTS.SC_ScrollBarAddLine, 1)):
            self._paint_arrow(painter, self._part(option, part), upright, way, QColor(colours.muted))
        painter.end()

    def _part(self, option: QStyleOptionSlider, part: QStyle.SubControl) -> QRect:
        return self.style().subControlRect(QStyle.ComplexControl.CC_ScrollBar, option, part, self)

    def _paint_arrow(self, painter: QPainter, box: QRect, upright: bool, way: int, ink: QColor) -> None:
        """A triangle that points up or left (``way`` −1), or down or right."""
        middle, wide, tip = box.center(), _ARROW + 1, way * _ARROW
        corners = [(-wide, -tip // 2), (wide, -tip // 2), (0, tip)]
        if not upright:
            corners = [(along, across) for across, along in corners]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ink)
        painter.drawPolygon(QPolygon([middle + QPoint(x, y) for x, y in corners]))
