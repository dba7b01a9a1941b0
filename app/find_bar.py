"""The bar above the reasoning in which words and kinds of steps are looked for."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QStandardItemModel
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.icons import icon
from app.session import Session
from app.walk_buttons import WalkButtons
from core.links import Kind, StepFilter
from core.quantity import ESTIMATED

IN_NATS = ("reliant", "unseen")
"""Kinds of steps that only a calibrated estimator can tell."""
KINDS: dict[str, Kind] = {
    "All steps": "all",
    "On the chosen region": "region",
    "Relying on the image": "reliant",
    "No visual evidence": "unseen",
}


class FindBar(QWidget):
    """A field for words, a choice of steps, and buttons to go from one to the next.

    Signals:
        closed: the person is done.
    """

    closed = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._finder = session.finder
        self.setAccessibleName("Find in the reasoning")
        self.field = QLineEdit(self)
        self.field.setPlaceholderText("Find words")
        self.field.setAccessibleName("Words to find")
        self.field.setClearButtonEnabled(True)
        self.field.setMinimumWidth(80)
        self.kind = QComboBox(self)
        self.kind.addItems(list(KINDS))
        self.kind.setAccessibleName("Steps to show")
        self.kind.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.kind.setMinimumContentsLength(12)
        self.kind.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.nats = QDoubleSpinBox(self)
        self.nats.setRange(0.0, 99.0)
        self.nats.setSingleStep(0.5)
        self.nats.setDecimals(1)
        self.nats.setSuffix(" nats")
        self.nats.setValue(self._finder.filter.nats)
        self.nats.setAccessibleName("Estimated reliance, nats")
        self.nats.setToolTip("Where a step's estimated reliance on the screenshot begins to count")
        self.walk = WalkButtons("result", self)
        self._close = QToolButton(self)
        self._close.setAutoRaise(True)
        self._close.setIconSize(QSize(14, 14))
        self._close.setAccessibleName("Close the find bar")
        self._close.setToolTip("Show everything again (Esc)")
        words, steps = QHBoxLayout(), QHBoxLayout()
        for row in (words, steps):
            row.setSpacing(theme.TIGHT)
        words.addWidget(self.field, 1)
        words.addWidget(self.walk)
        words.addWidget(self._close)
        steps.addWidget(self.kind, 1)
        steps.addWidget(self.nats)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.WIDE, theme.TIGHT, theme.GAP, theme.TIGHT)
        column.setSpacing(theme.TIGHT)
        column.addLayout(words)
        column.addLayout(steps)
        self.field.textChanged.connect(self._finder.set_query)
        self.field.returnPressed.connect(self._next)
        self.kind.currentTextChanged.connect(self._filter_changed)
        self.nats.valueChanged.connect(self._filter_changed)
        self.walk.walked.connect(self._finder.step)
        self._close.clicked.connect(self.close_bar)
        self._finder.changed.connect(self._show_position)
        session.trace_changed.connect(self._offer_kinds)
        session.selection_changed.connect(self._show_position)
        self._draw_icon()
        self._offer_kinds()
        self._filter_changed()
        self._show_position()

    @Slot()
    def close_bar(self) -> None:
        """Show everything again, and go away."""
        self.field.clear()
        self.kind.setCurrentIndex(0)
        self.closed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close_bar()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        # Esc ends the search here, and stops no run
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Escape
        ):
            event.accept()
            return True
        return super().event(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._draw_icon()

    @Slot()
    def _next(self) -> None:
        self._finder.step(1)

    @Slot()
    def _offer_kinds(self) -> None:
        """Offer what the trace can tell: without an estimator there are no nats to go by."""
        trace = self._session.trace
        in_nats = trace is None or trace.quantity is ESTIMATED
        entries = self.kind.model()
        assert isinstance(entries, QStandardItemModel)
        for row, kind in enumerate(KINDS.values()):
            entries.item(row).setEnabled(in_nats or kind not in IN_NATS)
        if not in_nats and KINDS[self.kind.currentText()] in IN_NATS:
            self.kind.setCurrentIndex(0)
        self.kind.setToolTip(
            "Which steps are shown, as far as the estimated effects tell"
            if in_nats
            else "Which steps are shown, as far as uncalibrated attention tells; how much a step relies on "
            "the image is known only with an estimator for this model"
        )

    @Slot()
    def _filter_changed(self) -> None:
        kind = KINDS[self.kind.currentText()]
        self.nats.setVisible(kind in IN_NATS)
        self._finder.set_filter(StepFilter(kind, self.nats.value()))

    @Slot()
    def _show_position(self) -> None:
        self.walk.show_position(*self._finder.position())

    def _draw_icon(self) -> None:
        colours = theme.tokens(self.palette())
        self._close.setIcon(icon("close", colours.text, colours.border))
