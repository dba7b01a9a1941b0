"""One message at the top of the window: not modal, closed by a click, never in the way."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QEvent, QSize, Qt, Signal, Slot
from PySide6.QtGui import QAction, QColor, QPalette
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from app.icons import icon
from app.theme import GAP, TIGHT, tokens

Level = Literal["info", "warning", "error"]
_URGENCY = {"info": 0, "warning": 1, "error": 2}


class MessageBar(QFrame):
    """Shows the latest message; a less urgent one does not replace an unread error.

    Attributes:
        level: of the message shown, or None when nothing is shown.
        offer: a button for what the message suggests, hidden when it suggests nothing.

    Signals:
        closed: the person has read it.
    """

    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.level: Level | None = None
        self.setObjectName("message_bar")
        self.setAutoFillBackground(True)
        self._label = QLabel()
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self._label.setWordWrap(True)
        self._label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.offer = QToolButton()
        self.offer.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.offer.hide()
        self._close = QToolButton()
        self._close.setAutoRaise(True)
        self._close.setIconSize(QSize(16, 16))
        self._close.setToolTip("Close this message")
        self._close.setAccessibleName("Close message")
        self._close.clicked.connect(self.dismiss)
        row = QHBoxLayout(self)
        row.setContentsMargins(GAP, TIGHT, TIGHT, TIGHT)
        row.addWidget(self._label, 1)
        row.addWidget(self.offer, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._close, 0, Qt.AlignmentFlag.AlignTop)
        self._recolour()
        self.hide()

    @property
    def text(self) -> str:
        """The message shown; "" when nothing is."""
        return self._label.text() if self.level else ""

    def show_message(self, text: str, level: Level = "info", offer: QAction | None = None) -> None:
        """Show a message of plain text, and a button for an action that it suggests."""
        if self.level is not None and _URGENCY[level] < _URGENCY[self.level]:
            return
        self._suggest(offer)
        self.offer.setVisible(offer is not None)
        self.level = level
        self._label.setText(text)
        self._label.setAccessibleName(f"{level}: {text}")
        self._recolour()
        self.show()

    def _suggest(self, offer: QAction | None) -> None:
        """Put an action on the button; a button keeps earlier ones, and would offer them in a menu."""
        before = self.offer.defaultAction()
        if before is not None and before is not offer:
            self.offer.removeAction(before)
        if offer is not None:
            self.offer.setDefaultAction(offer)

    @Slot()
    def dismiss(self) -> None:
        """Close the message."""
        self.level = None
        self._label.clear()
        self.hide()
        self.closed.emit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._recolour()

    def _recolour(self) -> None:
        # Asks the parent, because this widget's own palette is the one that is changed here.
        above = self.parentWidget()
        colours = tokens(above.palette() if above is not None else self.palette())
        paper = QColor(
            {"info": colours.info_bar, "warning": colours.warning_bar, "error": colours.error_bar}[
                self.level or "info"
            ]
        )
        if self.palette().color(QPalette.ColorRole.Window) == paper:
            return
        palette = QPalette(above.palette() if above is not None else self.palette())
        palette.setColor(QPalette.ColorRole.Window, paper)
        self.setPalette(palette)
        self._close.setIcon(icon("close", colours.text))
