"""The regions panel: what the selection rests on, in a sentence and as a ranked list."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QModelIndex, QObject, Qt, Slot
from PySide6.QtGui import QAction, QFont, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.measure_bar import MeasureBar
from app.region_tree import RegionTree
from app.regions_model import EFFECT, MEASURED, NAME, SHARE, RegionsModel
from app.regions_table import RegionsTable
from app.session import Session
from app.settings import settings
from app.still_room import StillRoom
from app.wording import earlier_finding, nats, selection_finding
from core.quantity import ESTIMATED
from core.regions import RegionMap

_TREE = "regions_tree"
NOTHING = "Run a question, then choose a token or a step to see which regions it rests on."


class RegionsPanel(QWidget):
    """A sentence about the selection, then every region with its estimated effect.

    Attributes:
        model: the ranked regions.
        table, tree: the list, ranked and as regions lie in each other; ``lists`` shows one of them.
        tree_button: switches between the two.
        measure_bar: what was measured, and measuring more.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._following = False
        self._preview: tuple[RegionMap | None, np.ndarray | None] = (None, None)
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
        self.table = RegionsTable(session, self.model, self)
        self._size_columns()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, theme.GAP, 0, 0)
        column.setSpacing(theme.TIGHT)
        self.tree_button = QToolButton(self)
        self.tree_button.setAutoRaise(True)
        head = QHBoxLayout()
        head.setContentsMargins(theme.WIDE, 0, theme.GAP, 0)
        head.addWidget(self._title, 1)
        head.addWidget(self.tree_button)
        column.addLayout(head)
        self._finding.setContentsMargins(theme.WIDE, 0, theme.WIDE, 0)
        self._finding_room = StillRoom(self._finding, self)
        self._give_lines(3)
        column.addWidget(self._finding_room)
        self.tree = RegionTree(session, self.model, self)
        self.lists = QStackedWidget(self)
        self.lists.addWidget(self.table)
        self.lists.addWidget(self.tree)
        column.addWidget(self.lists, 1)
        self.measure_bar = MeasureBar(session, self)
        column.addWidget(self.measure_bar)
        self.setFocusProxy(self.table)
        self.table.entered.connect(self._entered)
        for view in (self.table, self.tree):
            view.viewport().installEventFilter(self)
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

    def set_preview(self, region_map: RegionMap | None, pixels: np.ndarray | None = None) -> None:
        """Regions to list while there is no run; ``pixels``, uint8 [H, W, 3] RGB, are those they lie in."""
        self._preview = (region_map, pixels)
        if self._session.trace is None:
            self._trace_changed()

    def set_tree_action(self, action: QAction) -> None:
        """The action that switches between the two lists; it is as the person left it last time."""
        self.tree_button.setDefaultAction(action)
        action.setChecked(str(settings().value(_TREE, "")).lower() == "true")
        self.show_tree(action.isChecked())

    @Slot(bool)
    def show_tree(self, on: bool) -> None:
        """List regions by what they lie in, or by their effect."""
        settings().setValue(_TREE, on)
        shown = self.tree if on else self.table
        self.lists.setCurrentWidget(shown)
        self.setFocusProxy(shown)

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
        self._size_tree()
        self._give_lines(3 if self.width() >= 420 else 4)

    def _give_lines(self, count: int) -> None:
        """Room for so many lines of the sentence, and for all of what it says now."""
        lines = count * self._finding.fontMetrics().lineSpacing() + 2
        self._finding_room.setFixedHeight(max(lines, self._needed()))

    def _needed(self) -> int:
        """The height of what the sentence says now; it is as wide as the pane."""
        return self._finding.heightForWidth(self.width())

    def _size_tree(self) -> None:
        """Give the tree the columns of the table."""
        of, header = self.table.horizontalHeader(), self.tree.header()
        header.setStretchLastSection(False)
        for section in range(self.model.columnCount()):
            header.setSectionResizeMode(section, of.sectionResizeMode(section))
            header.setSectionHidden(section, of.isSectionHidden(section))
            header.resizeSection(section, of.sectionSize(section))
        header.moveSection(header.visualIndex(MEASURED), 2)

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
        region_map, pixels = self._preview if trace is None else (trace.region_map, trace.screenshot.pixels)
        self.model.set_regions(region_map, quantity, pixels)
        self.table.scrollToTop()  # or it would show the weakest, where another list was scrolled down
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
        needed = self._needed()
        if needed > self._finding_room.height():  # the room stays until the pane gets another size
            self._finding_room.setFixedHeight(needed)

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
