"""The ranked list of the regions panel, and the header that it shares with the tree."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from app import theme
from app.region_cells import RegionCells, tabular
from app.regions_model import REGION_ROLE, RegionsModel
from app.scroll_bar import flat_bars
from app.session import Session


class Header(QHeaderView):
    """Quiet column titles, in line with the cells below them."""

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        colours = theme.tokens(self.palette())
        painter.fillRect(rect, QColor(colours.raised))
        painter.fillRect(QRect(rect.x(), rect.bottom(), rect.width(), 1), QColor(colours.border))
        painter.setPen(QColor(colours.muted))
        painter.setFont(self.font())
        side = self.model().headerData(section, Qt.Orientation.Horizontal, Qt.ItemDataRole.TextAlignmentRole)
        inner = rect.adjusted(theme.GAP, 0, -theme.GAP, 0)
        text = painter.fontMetrics().elidedText(
            str(self.model().headerData(section, Qt.Orientation.Horizontal)),
            Qt.TextElideMode.ElideRight,
            inner.width(),
        )
        painter.drawText(inner, int(side), text)

    def sectionSizeFromContents(self, section: int) -> QSize:
        return super().sectionSizeFromContents(section).expandedTo(QSize(0, self.fontMetrics().height() + 8))


class RegionsTable(QTableView):
    """A list of rows; Space, ←, →, Home and End stay free for the playback."""

    def __init__(self, session: Session, model: RegionsModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self._model = model
        self._cells = RegionCells(session, model)
        self.setModel(model)
        flat_bars(self)
        self.setAccessibleName("Regions by estimated effect")
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setShowGrid(False)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setMinimumSize(200, 100)
        self.verticalHeader().hide()
        self.setAutoScroll(False)  # the chosen region may change its rank at every token; the list stays
        self.setHorizontalHeader(Header(Qt.Orientation.Horizontal, self))
        self.setFont(tabular(self.font()))

    def paintEvent(self, event: QPaintEvent) -> None:
        """All cells that show at once: a delegate, asked for each, takes three times as long."""
        area = event.rect()
        header, first = self.horizontalHeader(), self.rowAt(area.top())
        columns = [
            (column, header.sectionViewportPosition(column), header.sectionSize(column))
            for column in range(self._model.columnCount())
            if not header.isSectionHidden(column)
        ]
        cells = []
        for row in range(max(first, 0), self._model.rowCount() if first >= 0 else 0):
            top, height = self.rowViewportPosition(row), self.rowHeight(row)
            if top > area.bottom():
                break
            region = self._model.region_at(row)
            cells += [(QRect(left, top, wide, height), region, column) for column, left, wide in columns]
        painter = QPainter(self.viewport())
        self._cells.paint(painter, self.palette(), self.font(), cells)
        painter.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown}
        if event.key() in moves:
            super().keyPressEvent(event)
        else:
            event.ignore()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not toggles(event, self, self._session):
            super().mousePressEvent(event)


def toggles(event: QMouseEvent, view: QAbstractItemView, session: Session) -> bool:
    """Whether a click was one with Ctrl: then its region is one more that is chosen, or one less."""
    ctrl = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
    region = view.indexAt(event.position().toPoint()).data(REGION_ROLE)
    if not ctrl or not region:
        return False
    session.toggle_region(int(region))
    return True
