"""Taking a screenshot of an area of the screen, where the platform lets a program do that."""

from __future__ import annotations

import os

from PySide6.QtCore import QPoint, QRect, Qt, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QColor,
    QGuiApplication,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QWidget

from app.theme import DARK, GAP

HIDE_FOR = 350
"""Milliseconds that the window needs to vanish from the screen before the picture is taken."""
_HINT = "Drag over what you want. Enter takes the whole screen, Escape nothing."


def possible() -> bool:
    """Whether this platform lets a program see the screen: on Wayland, and without a screen, it does not.

    A program that speaks X11 on a Wayland desktop may ask, and gets a black picture.
    """
    if os.environ.get("XDG_SESSION_TYPE") == "wayland" or os.environ.get("WAYLAND_DISPLAY"):
        return False
    return QGuiApplication.platformName() in ("xcb", "windows", "cocoa")


class AreaChooser(QWidget):
    """Covers a screen with its own picture, dimmed, until an area of it is chosen.

    Signals:
        chosen(QImage): the part of the picture that was chosen.
        cancelled: nothing was.
    """

    chosen = Signal(QImage)
    cancelled = Signal()

    def __init__(self, picture: QImage, area: QRect) -> None:
        """``picture``: what the screen shows; ``area``: where that screen is, in logical pixels."""
        super().__init__(None, Qt.WindowType.FramelessWindowHint | Qt.WindowType.WindowStaysOnTopHint)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Choose an Area")
        self.setAccessibleName(_HINT)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setGeometry(area)
        self._picture = picture
        self._from: QPoint | None = None
        self._to = QPoint()
        self._taken = False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._take(self.rect())
        else:
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._taken:  # the window manager may close it too, and the window waits to come back
            self.cancelled.emit()
        super().closeEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._from = self._to = event.position().toPoint()
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._to = event.position().toPoint()
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._to = event.position().toPoint()
        area, self._from = self._marked(), None
        if area.width() >= 4 and area.height() >= 4:
            self._take(area)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.drawImage(self.rect(), self._picture)
        painter.fillRect(self.rect(), QColor(0, 0, 0, 110))
        area = self._marked()
        if not area.isEmpty():
            painter.drawImage(area, self._picture, self._in_picture(area))
            painter.setPen(QPen(QColor(DARK.accent), 2))
            painter.drawRect(area)
        box = painter.fontMetrics().boundingRect(_HINT).adjusted(-GAP, -GAP, GAP, GAP)
        box.moveCenter(QPoint(self.width() // 2, 3 * box.height()))
        painter.fillRect(box, QColor(DARK.raised))
        painter.setPen(QColor(DARK.text))
        painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), _HINT)

    def _marked(self) -> QRect:
        if self._from is None:
            return QRect()
        return QRect(self._from, self._to).normalized() & self.rect()

    def _in_picture(self, area: QRect) -> QRect:
        """An area of the screen in pixels of the picture, which has more of them on a scaled screen."""
        across = self._picture.width() / max(1, self.width())
        down = self._picture.height() / max(1, self.height())
        return QRect(
            round(area.x() * across),
            round(area.y() * down),
            round(area.width() * across),
            round(area.height() * down),
        )

    def _take(self, area: QRect) -> None:
        self._taken = True
        self.chosen.emit(self._picture.copy(self._in_picture(area)))
        self.close()
