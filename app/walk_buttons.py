"""Two arrows with a count: "3 of 17"."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QWidget

from app import theme
from app.icons import icon
from app.key_tip import KeyTip


class WalkButtons(QWidget):
    """Goes from one of several things to the next.

    Signals:
        walked(int): -1 for the one before, 1 for the next.
    """

    walked = Signal(int)

    def __init__(self, what: str, parent: QWidget | None = None) -> None:
        """``what`` is walked through, such as "result"."""
        super().__init__(parent)
        self._count = QLabel(self)
        self._count.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        row.addWidget(self._count)
        self._buttons: dict[int, QToolButton] = {}
        for delta, text in ((-1, "Previous"), (1, "Next")):
            button = QToolButton(self)
            button.setAutoRaise(True)
            button.setIconSize(QSize(16, 16))
            button.setAccessibleName(f"{text} {what}")
            button.setToolTip(f"{text} {what}")
            self._buttons[delta] = button
            row.addWidget(button)
        self._buttons[-1].clicked.connect(self._back)
        self._buttons[1].clicked.connect(self._on)
        self.show_position(0, 0)
        self._draw_icons()

    def show_keys(self, back: QAction, on: QAction) -> None:
        """Tell in the tool tips which keys do the same."""
        KeyTip(self._buttons[-1], back)
        KeyTip(self._buttons[1], on)

    @property
    def text(self) -> str:
        """What the count says."""
        return self._count.text()

    def show_position(self, place: int, count: int) -> None:
        """The ``place``-th of ``count``; 0 when none of them is the one."""
        self._count.setText(f"{place:,} of {count:,}" if place else f"{count:,}")
        for button in self._buttons.values():
            button.setEnabled(count > 0)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._draw_icons()

    def _back(self) -> None:
        self.walked.emit(-1)

    def _on(self) -> None:
        self.walked.emit(1)

    def _draw_icons(self) -> None:
        colours = theme.tokens(self.palette())
        for delta, name in ((-1, "token-back"), (1, "token-forward")):
            self._buttons[delta].setIcon(icon(name, colours.text, colours.border))
