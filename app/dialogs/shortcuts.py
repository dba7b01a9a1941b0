"""The sheet of keyboard shortcuts, made from the action table."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.actions import ACTIONS, MENUS, shown_keys


class ShortcutsSheet(QDialog):
    """Every action that has keys, by menu. Not modal."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard Shortcuts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        table = QTreeWidget()
        table.setHeaderLabels(["Action", "Keys", "What it does"])
        table.setRootIsDecorated(False)
        table.setAccessibleName("Keyboard shortcuts")
        for menu in MENUS:
            heading = QTreeWidgetItem([menu])
            font = heading.font(0)
            font.setBold(True)
            heading.setFont(0, font)
            heading.setFlags(Qt.ItemFlag.ItemIsEnabled)
            rows = [
                QTreeWidgetItem([action.text.rstrip("…"), shown_keys(action), action.tip])
                for action in ACTIONS
                if action.menu == menu and action.keys
            ]
            if rows:
                table.addTopLevelItem(heading)
                heading.addChildren(rows)
        table.expandAll()
        table.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.table = table
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        column = QVBoxLayout(self)
        column.addWidget(table)
        column.addWidget(buttons)
        self.resize(640, 560)
