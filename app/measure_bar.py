"""The foot of the regions panel: how faithful the estimates proved, and the button that measures more."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from app import theme
from app.elided_label import ElidedLabel
from app.keys import with_keys
from app.session import Session
from app.wording import percent
from core.agreement import Faithfulness, faithfulness, inside_intervals, latest
from core.counted import counted
from core.intervals import NOMINAL
from core.quantity import ESTIMATED, Quantity


def explanation(quantity: Quantity) -> str:
    """What the badge's figure is, of a trace whose numbers are of this kind."""
    predicts = "the estimates predict" if quantity is ESTIMATED else "uncalibrated attention predicts"
    return (
        "Measured by ablation: regions are filled with the colour around them, and the model is asked again "
        f"for the same words. LDS is the rank correlation, from −1 to 1, of what {predicts} with what was "
        "measured, over random sets of regions."
    )


class MeasureBar(QWidget):
    """Says what was measured of the shown trace.

    Signals:
        measure_wanted, cancel_wanted: the button was pressed.
    """

    measure_wanted = Signal()
    cancel_wanted = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._busy = False
        self._measure: QAction | None = None
        self._badge = ElidedLabel(self)
        self._badge.setAccessibleName("Measured faithfulness of this trace")
        self._button = QPushButton(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.WIDE, theme.TIGHT, theme.GAP, theme.TIGHT)
        row.setSpacing(theme.GAP)
        row.addWidget(self._badge, 1)
        row.addWidget(self._button)
        self._button.clicked.connect(self._clicked)
        session.trace_changed.connect(self._show_state)
        session.tokens_added.connect(self._show_button)
        session.run_ended.connect(self._show_state)
        session.measured_changed.connect(self._show_state)
        self._show_state()

    def show_keys(self, measure: QAction) -> None:
        """Tell in the tool tip of the button which keys do the same."""
        self._measure = measure
        measure.changed.connect(self._show_button)
        self._show_button()

    @property
    def badge(self) -> str:
        """What the badge says."""
        return self._badge.text()

    def set_busy(self, busy: bool) -> None:
        """Whether something is being measured; the button then ends it."""
        self._busy = busy
        self._show_button()

    @Slot()
    def _show_state(self) -> None:
        trace = self._session.trace
        found = None if trace is None else faithfulness(trace)
        spans = 0 if trace is None else len(latest(trace))
        quantity = ESTIMATED if trace is None else trace.quantity
        self._badge.setText(_badge(found, spans, quantity))
        inside = (0, 0) if trace is None else inside_intervals(trace, list(latest(trace).values()))
        self._badge.setToolTip(_details(found, quantity, inside))
        self._show_button()

    @Slot()
    def _show_button(self) -> None:
        trace = self._session.trace
        self._button.setText("Cancel" if self._busy else "Measure step")
        measuring = "Remove each region and ask the model again"
        if self._measure is not None:
            measuring = with_keys(measuring, self._measure)
        self._button.setToolTip("Stop measuring" if self._busy else measuring)
        there = trace is not None and trace.status != "running" and len(trace) > 0
        self._button.setEnabled(self._busy or there)

    @Slot()
    def _clicked(self) -> None:
        (self.cancel_wanted if self._busy else self.measure_wanted).emit()


def _badge(found: Faithfulness | None, spans: int, quantity: Quantity) -> str:
    if found is None or found.lds.mean is None:
        return "Not measured yet" if not spans else f"{spans} measured, without random masks"
    count = found.lds.count
    whose = "Faithfulness" if quantity is ESTIMATED else "Uncalibrated attention"
    return f"{whose}: LDS {found.lds.mean:.2f}, {counted(count, 'step')} measured"


def _details(found: Faithfulness | None, quantity: Quantity, inside: tuple[int, int]) -> str:
    held = ""
    if inside[1]:
        held = f"{inside[0]} of {inside[1]} measured effects lie in the {percent(NOMINAL)} intervals.\n\n"
    if found is None or found.lds.mean is None:
        return f"{held}{explanation(quantity)}"
    interval = f"95 % interval {found.lds.low:.2f} to {found.lds.high:.2f}. " if found.lds.count > 1 else ""
    how = f"{found.masks} random masks a step, operator {' and '.join(found.operators)}."
    return f"{interval}{how}\n\n{held}{explanation(quantity)}"
