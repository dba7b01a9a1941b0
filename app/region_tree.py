"""The regions as they lie in each other: window, card, label."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Slot
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QAbstractItemView, QTreeView, QWidget

from app.region_cells import tabular
from app.regions_delegate import RegionsDelegate
from app.regions_model import NAME, REGION_ROLE, RegionsModel
from app.regions_table import Header, toggles
from app.scroll_bar import flat_bars
from app.session import Session
from core.hierarchy import by_hierarchy

Index = QModelIndex | QPersistentModelIndex
TOP = -1


class RegionTreeModel(QAbstractItemModel):
    """The rows of a ``RegionsModel``, arranged by which region lies in which.

    What a row says comes from there; an index carries the id of its region.
    """

    def __init__(self, rows: RegionsModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows = rows
        self._children: dict[int, list[int]] = {}
        self._up: dict[int, int] = {}
        rows.modelReset.connect(self._rebuild)
        rows.dataChanged.connect(self._refresh)
        rows.headerDataChanged.connect(self.headerDataChanged)
        self._rebuild()

    def index_of(self, region: int) -> QModelIndex:
        """Where a region is; an invalid index where it is not."""
        if region not in self._up:
            return QModelIndex()
        return self.createIndex(self._children[self._up[region]].index(region), NAME, region)

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008
        siblings = self._children.get(self._region(parent), [])
        if 0 <= row < len(siblings) and 0 <= column < self.columnCount():
            return self.createIndex(row, column, siblings[row])
        return QModelIndex()

    def parent(self, index: Index = QModelIndex()) -> QModelIndex:  # type: ignore[override]  # noqa: B008
        return self.index_of(self._up.get(self._region(index), TOP))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return len(self._children.get(self._region(parent), [])) if parent.column() <= 0 else 0

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return self._rows.columnCount()

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        return self._rows.headerData(section, orientation, role)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        return self._rows.data(self._rows.index(self._rows.row_of(self._region(index)), index.column()), role)

    @staticmethod
    def _region(index: Index) -> int:
        return int(index.internalId()) if index.isValid() else TOP

    @Slot()
    def _rebuild(self) -> None:
        self.beginResetModel()
        self._children, self._up = {}, {}
        region_map = self._rows.region_map
        for region in by_hierarchy(region_map) if region_map is not None else ():
            above = region_map.regions[region].parent  # type: ignore[union-attr]
            self._up[region] = above or TOP
            self._children.setdefault(self._up[region], []).append(region)
        self.endResetModel()

    @Slot()
    def _refresh(self) -> None:
        last = self.columnCount() - 1
        for siblings in self._children.values():
            first = self.index_of(siblings[0])
            self.dataChanged.emit(first, self.createIndex(len(siblings) - 1, last, siblings[-1]))


class RegionTree(QTreeView):
    """Keeps in step with the canvas; ← and → close and open, Space, Home and End belong to the playback."""

    def __init__(self, session: Session, rows: RegionsModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self._tree = RegionTreeModel(rows, self)
        self._following = False
        self._closed: set[str] = set()
        self.setModel(self._tree)
        flat_bars(self)
        self.setItemDelegate(RegionsDelegate(session, rows, self))
        self.setAccessibleName("Regions by what they lie in")
        self.setHeader(Header(Qt.Orientation.Horizontal, self))
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QTreeView.Shape.NoFrame)
        self.setUniformRowHeights(True)
        self.setAllColumnsShowFocus(True)
        self.setMouseTracking(True)
        self.setAutoScroll(False)
        self.setMinimumSize(200, 100)
        self.setFont(tabular(self.font()))
        self._tree.modelAboutToBeReset.connect(self._note_closed)
        self._tree.modelReset.connect(self._open)
        self.entered.connect(self._entered)
        self.selectionModel().currentChanged.connect(self._current_changed)
        session.region_selected.connect(self.follow)
        session.region_highlighted.connect(self.viewport().update)
        session.display_changed.connect(self.viewport().update)
        self._open()

    @Slot()
    def follow(self) -> None:
        """Go to the chosen region."""
        self._following = True
        index = self._tree.index_of(self._session.selected)
        self.selectionModel().setCurrentIndex(index, self.selectionModel().SelectionFlag.NoUpdate)
        if index.isValid() and self.isVisible():
            self.scrollTo(index)
        self._following = False
        self.viewport().update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not toggles(event, self, self._session):
            super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in _MOVES:
            super().keyPressEvent(event)
        else:
            event.ignore()

    @Slot()
    def _note_closed(self) -> None:
        """Remember by name what is closed: ids change when regions do."""
        self._closed = {str(index.data()) for index in self._parents() if not self.isExpanded(index)}

    @Slot()
    def _open(self) -> None:
        for index in self._parents():
            self.setExpanded(index, str(index.data()) not in self._closed)
        self.follow()

    def _parents(self) -> list[QModelIndex]:
        """All regions that hold others."""
        found, waiting = [], [QModelIndex()]
        while waiting:
            above = waiting.pop()
            for row in range(self._tree.rowCount(above)):
                index = self._tree.index(row, NAME, above)
                if self._tree.rowCount(index):
                    found.append(index)
                    waiting.append(index)
        return found

    @Slot(QModelIndex)
    def _entered(self, index: QModelIndex) -> None:
        self._session.highlight(int(index.data(REGION_ROLE)))

    @Slot(QModelIndex, QModelIndex)
    def _current_changed(self, current: QModelIndex, previous: QModelIndex) -> None:
        if not self._following and current.isValid():
            self._session.select_region(int(current.data(REGION_ROLE)))


_MOVES = {
    Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_PageUp,
    Qt.Key.Key_PageDown, Qt.Key.Key_Plus, Qt.Key.Key_Minus, Qt.Key.Key_Asterisk,
}  # fmt: skip
