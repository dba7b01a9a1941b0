"""Tool tips that tell which keys do the same, also after a person chose others."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from app.keys import with_keys


class KeyTip(QObject):
    """Adds the keys of an action to the tool tip that a widget has, and lives as long as the widget."""

    def __init__(self, widget: QWidget, action: QAction) -> None:
        super().__init__(widget)
        self._widget, self._action, self._tip = widget, action, widget.toolTip()
        action.changed.connect(self._tell)
        self._tell()

    @Slot()
    def _tell(self) -> None:
        self._widget.setToolTip(with_keys(self._tip, self._action))
