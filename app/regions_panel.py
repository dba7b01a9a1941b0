"""The regions panel: what the selection rests on, in a sentence and as a ranked list."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QObject, QRect, QSize, Qt, Slot
from PySide6.QtGui import QColor, QFont, QKeyEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLabel, QTableView, QVBoxLayout, QWidget

from app import theme
from app.measure_bar import MeasureBar
from app.regions_delegate import RegionsDelegate, tabular
from app.regions_model import EFFECT, MEASURED, NAME, SHARE, RegionsModel
from app.session import Session
from app.wording import earlier_finding, nats, selection_finding
from core.quantity import ESTIMATED

NOTHING = "Run a question, then choose a token or a step to see which regions it rests on."


class RegionsPanel(QWidget):
    """A sentence about the selection, then every region with its estimated effect.

    Attributes:
        model: the ranked regions.
        table: the list.
        measure_bar: what was measured, and measuring more.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._following = False
        self.setAccessibleName("Regions pane")
        self._title = QLabel("Regions by estimated effect", self)
        font = QFont(self._title.font())
        font.setWeight(QFont.Weight.DemiBold)
        self._title.setFont(font)
        self._finding = QLabel(self)
        self._finding.setTextFormat(Qt.TextFormat.PlainText)
        self._finding.setWordWrap(True)
        self._finding.setAccessibleName("What the selection rests on")
        self._finding.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.model = RegionsModel(self)
        self.table = _Table(self)
        self.table.setModel(self.model)
        self.table.setItemDelegate(RegionsDelegate(session, self.model, self.table))
        self._size_columns()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, theme.GAP, 0, 0)
        column.setSpacing(theme.TIGHT)
        for label in (self._title, self._finding):
            label.setContentsMargins(theme.WIDE, 0, theme.WIDE, 0)
            column.addWidget(label)
        column.addWidget(self.table, 1)
        self.measure_bar = MeasureBar(session, self)
        column.addWidget(self.measure_bar)
        self.setFocusProxy(self.table)
        self.table.entered.connect(self._entered)
        self.table.viewport().installEventFilter(self)
        self.table.selectionModel().currentChanged.connect(self._current_changed)
        session.trace_changed.connect(self._trace_changed)
        session.selection_changed.connect(self._selection_changed)
        session.effects_added.connect(self._effects_added)
        session.tokens_added.connect(self._show_finding)
        session.measured_changed.connect(self._selection_changed)
        session.region_highlighted.connect(self._redraw)
        session.region_selected.connect(self._region_selected)
        session.display_changed.connect(self._redraw)
        self._trace_changed()

    @property
    def finding(self) -> str:
        """The sentence at the top."""
        return self._finding.text()

    def _size_columns(self) -> None:
        header, metrics = self.table.horizontalHeader(), self.table.fontMetrics()
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(EFFECT, QHeaderView.ResizeMode.Interactive)
        header.setSectionResizeMode(MEASURED, QHeaderView.ResizeMode.Interactive)
        header.setSectionResizeMode(SHARE, QHeaderView.ResizeMode.Fixed)
        header.moveSection(header.visualIndex(MEASURED), 2)
        header.hideSection(MEASURED)
        header.resizeSection(SHARE, metrics.horizontalAdvance("< 100 %") + 2 * theme.GAP)
        row = metrics.height() + 8
        self.table.verticalHeader().setMinimumSectionSize(row)
        self.table.verticalHeader().setDefaultSectionSize(row)

    def _share_room(self) -> None:
        """Give bars what names can spare, and the sentence as many lines as it may need.

        The sentence keeps its room, so that the list does not jump while the playhead moves.
        """
        header, metrics = self.table.horizontalHeader(), self.table.fontMetrics()
        both = self.model.measured is not None
        header.setSectionHidden(MEASURED, not both)
        header.setSectionHidden(SHARE, both)  # its room is for the measured effects
        title = "Measured, nats" if both else "Effect, nats"
        least = metrics.horizontalAdvance(title) + 2 * theme.GAP + (0 if both else 16)
        if both:
            wide = max(least, min(230, int(self.width() * 0.3)))
            header.resizeSection(MEASURED, wide)
        else:
            spare = self.width() - header.sectionSize(SHARE)
            wide = max(least, min(280, int(spare * 0.45)))
        header.resizeSection(EFFECT, wide)
        lines = 3 if self.width() >= 420 else 4
        self._finding.setMinimumHeight(lines * self._finding.fontMetrics().lineSpacing() + 2)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_room()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._size_columns()
            self._share_room()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave:
            self._session.highlight(-1)
        return super().eventFilter(watched, event)

    @Slot()
    def _trace_changed(self) -> None:
        trace = self._session.trace
        self._following = True
        quantity = ESTIMATED if trace is None else trace.quantity
        self._title.setText(f"Regions by {quantity.kind} {quantity.noun}")
        self.model.set_regions(None if trace is None else trace.region_map, quantity)
        self._following = False
        self._selection_changed()

    @Slot()
    def _selection_changed(self) -> None:
        measurement, shown = self._session.selected_measurement(), self.model.measured is not None
        self.model.set_effects(
            self._session.selected_effects(),
            None if measurement is None else measurement.effects,
            self._session.selected_bounds(),
        )
        if shown != (measurement is not None):
            self._share_room()
            self.table.horizontalHeader().viewport().update()
        self._follow_region()
        self._show_finding()

    @Slot(int, int)
    def _effects_added(self, start: int, end: int) -> None:
        selection = self._session.selection
        if selection is not None and selection.start < end and start < selection.end:
            self._selection_changed()

    @Slot()
    def _show_finding(self) -> None:
        trace, selection = self._session.trace, self._session.selection
        if trace is None or selection is None:
            self._finding.setText(NOTHING)
        else:
            text = selection_finding(trace, selection.start, selection.end)
            measurement = self._session.selected_measurement()
            if measurement is not None:
                text += f" Measured: {nats(measurement.reliance)}."
            back = earlier_finding(trace, selection.start, selection.end)
            self._finding.setText(f"{text} {back}" if back else text)

    @Slot()
    def _redraw(self) -> None:
        self.table.viewport().update()

    @Slot()
    def _follow_region(self) -> None:
        """Keep the current row on the chosen region, wherever it ranks now."""
        row = self.model.row_of(self._session.selected)
        self._following = True
        if row < 0:
            self.table.setCurrentIndex(QModelIndex())
        elif row != self.table.currentIndex().row():
            self.table.selectionModel().setCurrentIndex(
                self.model.index(row, NAME), self.table.selectionModel().SelectionFlag.NoUpdate
            )
        self._following = False
        self._redraw()

    @Slot()
    def _region_selected(self) -> None:
        self._follow_region()
        if self.table.currentIndex().isValid():
            self.table.scrollTo(self.table.currentIndex())

    @Slot(QModelIndex, QModelIndex)
    def _current_changed(self, current: QModelIndex, previous: QModelIndex) -> None:
        if not self._following and current.isValid():
            self._session.select_region(self.model.region_at(current.row()))

    @Slot(QModelIndex)
    def _entered(self, index: QModelIndex) -> None:
        self._session.highlight(self.model.region_at(index.row()))


class _Header(QHeaderView):
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


class _Table(QTableView):
    """A list of rows; Space, ←, →, Home and End stay free for the playback."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
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
        self.setHorizontalHeader(_Header(Qt.Orientation.Horizontal, self))
        self.setFont(tabular(self.font()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown}
        if event.key() in moves:
            super().keyPressEvent(event)
        else:
            event.ignore()
