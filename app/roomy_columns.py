"""Columns as wide as their text and a gap: Qt leaves so little between two that they read as one."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize
from PySide6.QtWidgets import QHeaderView, QStyledItemDelegate, QStyleOptionViewItem, QTreeView

from app.theme import WIDE


class _Roomy(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return super().sizeHint(option, index) + QSize(WIDE, 0)


def make_roomy(view: QTreeView) -> None:
    """Fit the columns of a list to what they hold; the last one takes what is left."""
    view.setItemDelegate(_Roomy(view))
    view.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
