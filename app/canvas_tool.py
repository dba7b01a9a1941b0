"""What the left mouse button may do on the canvas instead of choosing and panning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter

ToView = Callable[[float, float], QPointF]
"""Where a point (x, y) of the screenshot lies in the viewport, in logical pixels."""


class CanvasTool(Protocol):
    """Gets the mouse; points are in pixels of the screenshot and may lie beside it.

    Attributes:
        cursor: over the canvas.
    """

    cursor: Qt.CursorShape

    def press(self, at: QPointF, keys: Qt.KeyboardModifier) -> None: ...

    def move(self, at: QPointF, pressed: bool) -> None: ...

    def release(self, at: QPointF, keys: Qt.KeyboardModifier) -> None: ...

    def cancel(self) -> bool:
        """Give up what was begun; returns whether there was anything."""
        ...

    def paint(self, painter: QPainter, to_view: ToView) -> None:
        """Draw what is being done, in logical pixels of the viewport."""
        ...
