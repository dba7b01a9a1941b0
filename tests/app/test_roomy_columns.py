"""Columns leave a gap between their texts."""

from __future__ import annotations

from PySide6.QtWidgets import QTreeWidget, QTreeWidgetItem

from app.roomy_columns import make_roomy
from app.theme import WIDE


def test_a_column_is_wider_than_its_longest_text(qtbot):
    texts = ["to be fetched, 17.5 GB", "36.4 GiB, 630 visual tokens"]
    table = QTreeWidget()
    qtbot.addWidget(table)
    table.setHeaderLabels(["Where", "Memory"])
    table.setRootIsDecorated(False)
    make_roomy(table)
    table.addTopLevelItem(QTreeWidgetItem(texts))
    table.show()
    assert table.columnWidth(0) >= table.fontMetrics().horizontalAdvance(texts[0]) + WIDE
