"""The sheet of keyboard shortcuts: every action, its keys, and other keys for it."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QAction, QColor, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QTreeWidgetItemIterator,
    QVBoxLayout,
    QWidget,
)

from app import fuzzy, keys
from app.actions import ACTIONS, MENUS, Action, shown
from app.theme import GAP, tokens
from core.errors import InputError

_ID = Qt.ItemDataRole.UserRole


class ShortcutsSheet(QDialog):
    """Every action by menu, with its keys; they can be changed. Not modal.

    Attributes:
        table: one row an action, below the row of its menu.
        answer: says what came of the last change.
    """

    def __init__(self, actions: Mapping[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._actions = actions
        self.setWindowTitle("Keyboard Shortcuts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search actions and keys")
        self.search.setAccessibleName("Search shortcuts")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._filter)
        self.table = QTreeWidget()
        self.table.setHeaderLabels(["Action", "Keys", "What it does"])
        self.table.setRootIsDecorated(False)
        self.table.setAccessibleName("Keyboard shortcuts")
        self.table.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.table.currentItemChanged.connect(self._chosen)
        self._fill()
        self.field = QKeySequenceEdit()
        self.field.setMaximumSequenceLength(1)
        self.field.setClearButtonEnabled(True)
        self.field.setAccessibleName("New keys")
        self.field.setToolTip("Press the keys that the chosen action shall have")
        self._buttons = {
            "Set": ("Give the action these keys", self._set),
            "Remove": ("Leave the action without keys", self._remove),
            "Default": ("Give the action its own keys again", self._default),
            "All Defaults": ("Give every action its own keys again", self._all_defaults),
        }
        row = QHBoxLayout()
        row.setSpacing(GAP)
        label = QLabel("New &keys")
        label.setBuddy(self.field)
        row.addWidget(label)
        row.addWidget(self.field, 1)
        for text, (tip, slot) in self._buttons.items():
            button = QPushButton(text)
            button.setToolTip(tip)
            button.setAutoDefault(False)
            button.clicked.connect(slot)
            row.addWidget(button)
        self.answer = QLabel()
        self.answer.setWordWrap(True)
        self.answer.setTextFormat(Qt.TextFormat.PlainText)
        self.answer.setMinimumHeight(2 * self.fontMetrics().lineSpacing())
        self.answer.setAlignment(Qt.AlignmentFlag.AlignTop)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        column = QVBoxLayout(self)
        column.addWidget(self.search)
        column.addWidget(self.table, 1)
        column.addLayout(row)
        column.addWidget(self.answer)
        column.addWidget(buttons)
        self._say("Choose an action, press its new keys in the field, then Set. Changes count at once.")
        room = self.screen().availableGeometry().size()
        self.resize(min(760, room.width()), min(600, room.height()))

    @property
    def chosen(self) -> Action | None:
        """The action whose row is chosen."""
        row = self.table.currentItem()
        wanted = row.data(0, _ID) if row is not None else None
        return next((action for action in ACTIONS if action.id == wanted), None)

    def choose(self, action_id: str) -> None:
        """Choose the row of an action."""
        for row in self._rows():
            if row.data(0, _ID) == action_id:
                self.table.setCurrentItem(row)

    def _fill(self) -> None:
        for menu in MENUS:
            heading = QTreeWidgetItem([menu])
            font = heading.font(0)
            font.setBold(True)
            heading.setFont(0, font)
            heading.setFlags(Qt.ItemFlag.ItemIsEnabled)
            self.table.addTopLevelItem(heading)
            for action in ACTIONS:
                if action.menu == menu:
                    row = QTreeWidgetItem([action.text.rstrip("…"), "", action.tip])
                    row.setData(0, _ID, action.id)
                    heading.addChild(row)
        self.table.expandAll()
        self._show_keys()

    def _show_keys(self) -> None:
        assigned = keys.assigned()
        for row in self._rows():
            row.setText(1, shown(assigned[row.data(0, _ID)]))

    def _rows(self) -> list[QTreeWidgetItem]:
        rows = []
        iterator = QTreeWidgetItemIterator(self.table)
        while (row := iterator.value()) is not None:
            if row.data(0, _ID):
                rows.append(row)
            iterator += 1
        return rows

    @Slot(str)
    def _filter(self, query: str) -> None:
        for row in self._rows():
            row.setHidden(fuzzy.score(query, f"{row.text(0)} {row.text(1)}") is None)
        for i in range(self.table.topLevelItemCount()):
            heading = self.table.topLevelItem(i)
            assert heading is not None
            below = [heading.child(k) for k in range(heading.childCount())]
            heading.setHidden(all(row is None or row.isHidden() for row in below))

    @Slot()
    def _chosen(self) -> None:
        action = self.chosen
        assigned = keys.assigned()[action.id] if action is not None else ()
        self.field.setKeySequence(QKeySequence(assigned[0]) if assigned else QKeySequence())

    @Slot()
    def _set(self) -> None:
        self._change([self.field.keySequence().toString(QKeySequence.SequenceFormat.PortableText)])

    @Slot()
    def _remove(self) -> None:
        self._change([])

    @Slot()
    def _default(self) -> None:
        if self.chosen is not None:
            self._change(self.chosen.keys)

    @Slot()
    def _all_defaults(self) -> None:
        keys.reset_all()
        self._changed("Every action has its own keys again.")

    def _change(self, wanted: list[str] | tuple[str, ...]) -> None:
        action = self.chosen
        if action is None:
            self._say("Choose an action in the list first.", bad=True)
            return
        try:
            keys.assign(action, wanted)
        except InputError as error:
            self._say(str(error), bad=True)
            return
        now = shown(keys.assigned()[action.id])
        name = action.text.rstrip("…")
        self._changed(f"“{name}” is on {now} now." if now else f"“{name}” has no keys now.")

    def _changed(self, sentence: str) -> None:
        keys.apply(self._actions)
        self._show_keys()
        self._chosen()
        self._say(sentence)

    def _say(self, sentence: str, bad: bool = False) -> None:
        colours = tokens(self.palette())
        palette = self.answer.palette()
        palette.setColor(self.answer.foregroundRole(), QColor(colours.error if bad else colours.muted))
        self.answer.setPalette(palette)
        self.answer.setText(sentence)
        self.answer.setAccessibleName(sentence)
