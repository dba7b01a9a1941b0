"""Draws the rows of the tree of regions as the list of regions draws its own."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QSize
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from app.region_cells import RegionCells
from app.regions_model import REGION_ROLE, RegionsModel
from app.session import Session


class RegionsDelegate(QStyledItemDelegate):
    """Hands one cell at a time to ``RegionCells``."""

    def __init__(self, session: Session, model: RegionsModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cells = RegionCells(session, model)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(40, option.fontMetrics.height() + 8)  # type: ignore[attr-defined]

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        cell = (option.rect, index.data(REGION_ROLE), index.column())  # type: ignore[attr-defined]
        painter.save()
        self._cells.paint(painter, option.palette, option.font, [cell])  # type: ignore[attr-defined]
        painter.restore()
