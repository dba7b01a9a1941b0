"""When a pane shows that it has the keyboard."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFocusEvent

_KEYBOARD = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
)


def reached_by_keyboard(event: QFocusEvent) -> bool:
    """Whether a frame is called for: someone who clicked a pane knows where they are."""
    return event.reason() in _KEYBOARD
