"""The small label that follows the pointer and never covers it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QLabel, QWidget

from app import theme

DISTANCE = 18
"""Logical pixels between the pointer and the nearest edge of the card."""


def beside(pointer: QPoint, size: QSize, area: QRect) -> QPoint:
    """Where a card of ``size`` goes: below and to the right of the pointer, flipped where there is no room.

    It is kept inside ``area`` as far as it can be without covering the pointer.
    """
    right = pointer.x() + DISTANCE
    left = pointer.x() - DISTANCE - size.width()
    below = pointer.y() + DISTANCE
    above = pointer.y() - DISTANCE - size.height()
    x = right if right + size.width() <= area.right() + 1 or left < area.left() else left
    y = below if below + size.height() <= area.bottom() + 1 or above < area.top() else above
    x = max(area.left(), min(x, area.right() + 1 - size.width()))
    y = max(area.top(), min(y, area.bottom() + 1 - size.height()))
    if QRect(QPoint(x, y), size).contains(pointer):
        y = below
    return QPoint(x, y)


class HoverCard(QLabel):
    """A floating label inside its parent; the mouse goes through it, its text is never read as markup."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._area = parent
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setMargin(theme.GAP)
        self.setMaximumWidth(320)
        self.hide()

    def show_at(self, text: str, pointer: QPoint) -> None:
        """Show ``text`` beside the pointer (in the parent's coordinates); an empty text hides the card."""
        if not text:
            self.hide()
            return
        if text != self.text():
            self.setText(text)
            self._fit()
        self.move(beside(pointer, self.size(), self._area.rect()))
        self.show()
        self.raise_()

    def _fit(self) -> None:
        """Take the size of the text, and wrap it only where it is too long for one line."""
        self.setWordWrap(False)
        self.setWordWrap(self.sizeHint().width() > self.maximumWidth())
        self.adjustSize()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._fit()

    def paintEvent(self, event: QPaintEvent) -> None:
        colours = theme.tokens(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(colours.border), 1))
        painter.setBrush(QColor(colours.raised))
        painter.drawRoundedRect(
            self.rect().toRectF().adjusted(0.5, 0.5, -0.5, -0.5), theme.TIGHT, theme.TIGHT
        )
        painter.end()
        super().paintEvent(event)
