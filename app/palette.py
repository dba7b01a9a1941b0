"""The command palette: everything that can be done, found by a few letters of its name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Slot
from PySide6.QtGui import QColor, QKeyEvent, QPalette
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHeaderView,
    QLabel,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app import fuzzy
from app.theme import GAP, TIGHT, tokens

WIDTH, HEIGHT = 560, 380
_PASSED_ON = (Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_PageDown, Qt.Key.Key_PageUp)


@dataclass(frozen=True, slots=True)
class Command:
    """One line of the palette.

    Attributes:
        text: what it is called; hint: where it belongs, such as its menu; keys: its shortcuts, for people.
        enabled: whether it can be done now; what cannot is shown at the end and does nothing.
        run: does it.
    """

    text: str
    hint: str
    keys: str
    enabled: bool
    run: Callable[[], object]


def ranked(query: str, commands: Sequence[Command]) -> list[Command]:
    """The commands that answer a query, best first; what cannot be done now comes last."""
    found = [
        (points + 1.0, command)
        for command in commands
        if (points := fuzzy.score(query, f"{command.text} {command.hint}")) is not None
    ]
    return [command for _, command in sorted(found, key=lambda pair: (not pair[1].enabled, -pair[0]))]


class Palette(QFrame):
    """A field and a list over the top of the window. Escape, or a click elsewhere, closes it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._commands: list[Command] = []
        self._shown: list[Command] = []
        self._before: QWidget | None = None
        self.setObjectName("palette")
        self.setAccessibleName("Command palette")
        self.setAutoFillBackground(True)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.field = QLineEdit()
        self.field.setPlaceholderText("Type what you want to do…")
        self.field.setAccessibleName("Search commands")
        self.field.textChanged.connect(self._search)
        self.field.installEventFilter(self)
        self.list = QTreeWidget()
        self.list.setColumnCount(3)
        self.list.setHeaderHidden(True)
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setAccessibleName("Commands")
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.header().setStretchLastSection(False)
        self.list.itemClicked.connect(self._clicked)
        self._none = QLabel("Nothing is called like that. Try fewer letters.")
        self._none.setContentsMargins(GAP, GAP, GAP, GAP)
        column = QVBoxLayout(self)
        column.setContentsMargins(GAP, GAP, GAP, GAP)
        column.setSpacing(TIGHT)
        column.addWidget(self.field)
        column.addWidget(self._none)
        column.addWidget(self.list, 1)
        self.hide()

    def open(self, commands: Sequence[Command]) -> None:
        """Show these commands and take the keyboard."""
        self._commands = list(commands)
        self._before = QApplication.focusWidget()
        self.field.clear()
        self._search("")
        self._place()
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.PopupFocusReason)

    def close_it(self) -> None:
        """Hide, and give the keyboard back."""
        self.hide()
        if self._before is not None and self.isAncestorOf(QApplication.focusWidget() or self.field):
            self._before.setFocus(Qt.FocusReason.PopupFocusReason)
        self._before = None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FocusOut and self.isVisible():
            QTimer.singleShot(0, self, self._left)
        elif event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if event.key() == Qt.Key.Key_Escape:  # or it would stop the run
                event.accept()
                return True
        elif event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            return self._key(event)
        return super().eventFilter(watched, event)

    def _key(self, event: QKeyEvent) -> bool:
        if event.key() == Qt.Key.Key_Escape:
            self.close_it()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._run(self.list.currentIndex().row())
        elif event.key() in _PASSED_ON:
            QApplication.sendEvent(self.list, event)
        else:
            return False
        return True

    @Slot()
    def _left(self) -> None:
        now = QApplication.focusWidget()
        if self.isVisible() and now is not None and now is not self.field:
            self.close_it()

    @Slot(str)
    def _search(self, query: str) -> None:
        self._shown = ranked(query, self._commands)
        colours = tokens(self.palette())
        self.list.clear()
        rows = []
        for command in self._shown:
            row = QTreeWidgetItem([command.text, command.hint, command.keys])
            row.setForeground(1, QColor(colours.muted))
            row.setSizeHint(0, QSize(0, self.fontMetrics().height() + GAP))
            if not command.enabled:
                row.setForeground(0, QColor(colours.muted))
                row.setToolTip(0, "Not possible right now")
            rows.append(row)
        self.list.addTopLevelItems(rows)
        if rows:
            self.list.setCurrentItem(rows[0])
        header = self.list.header()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.ResizeToContents)
        self._none.setVisible(not rows)
        self.list.setVisible(bool(rows))

    @Slot(QTreeWidgetItem, int)
    def _clicked(self, row: QTreeWidgetItem, _column: int) -> None:
        self._run(self.list.indexOfTopLevelItem(row))

    def _run(self, row: int) -> None:
        if 0 <= row < len(self._shown) and self._shown[row].enabled:
            command = self._shown[row]
            self.close_it()
            command.run()

    def _place(self) -> None:
        """At the top in the middle of the parent, inside it."""
        above = self.parentWidget()
        assert above is not None
        palette = QPalette(above.palette())
        palette.setColor(QPalette.ColorRole.Window, QColor(tokens(palette).raised))
        self.setPalette(palette)
        width, height = min(WIDTH, above.width() - 2 * GAP), min(HEIGHT, above.height() - 2 * GAP)
        top = min(above.height() - height - GAP, max(GAP, above.height() // 12))
        self.setGeometry((above.width() - width) // 2, top, width, height)
