"""Plain text to read and to copy, in the font that the preferences say."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QPlainTextEdit, QWidget


class ReadOnlyText(QPlainTextEdit):
    """A plain text that neither the keyboard nor the wheel changes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setReadOnly(True)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            event.ignore()  # Qt would zoom by another font, which no longer follows the preferences
            return
        super().wheelEvent(event)
