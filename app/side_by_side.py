"""Two runs side by side: overlays with playheads that move together, and how their reasoning differs."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QHBoxLayout,
    QLabel,
    QSlider,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from app.canvas import Canvas
from app.diff_text import DiffText
from app.elided_label import ElidedLabel
from app.session import Display, Session
from app.theme import GAP, TIGHT
from app.wording import span_title
from core.counted import counted
from core.trace import Trace
from core.trace_diff import Alignment, Passage, difference


class SideBySide(QDialog):
    """Not modal.

    Attributes:
        sessions: of the first and the second run; canvases: their overlays.
        playhead: moves both; text: the difference of their reasoning; subtract: show what the second run's
        effects have more than the first one's.
    """

    def __init__(self, first: Trace, second: Trace, display: Display, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Two Runs Side by Side")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._traces = (first, second)
        self.sessions = (Session(self), Session(self))
        self.canvases = tuple(Canvas(session, self) for session in self.sessions)
        passages = difference(first, second)
        self._alignment = Alignment(passages)
        self._moving = False
        self.text = DiffText(first, second, passages, self)
        self.text.token_chosen.connect(self._token_chosen)
        self.subtract = QCheckBox("Second minus first")
        hindrance = _hindrance(first, second)
        self.subtract.setEnabled(not hindrance)
        self.subtract.setToolTip(hindrance or "Show on the right how the effects differ")
        self.subtract.toggled.connect(self._show_difference)
        self.playhead = QSlider(Qt.Orientation.Horizontal)
        self.playhead.setRange(0, max(0, len(first) - 1))
        self.playhead.setAccessibleName("Playhead of both runs")
        self.playhead.setToolTip("← and → move by tokens")
        self.playhead.valueChanged.connect(self._slid)
        self._where = QLabel()
        self._arrange()
        for session, trace in zip(self.sessions, self._traces, strict=True):
            session.set_display(**{name: getattr(display, name) for name in Display.__dataclass_fields__})
            session.set_trace(trace)
        self.sessions[0].selection_changed.connect(self._first_moved)
        self.sessions[1].selection_changed.connect(self._second_moved)
        self.sessions[0].select(0)
        for keys, by in (("Right", 1), ("Left", -1)):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.activated.connect(self._forward if by > 0 else self._back)
        room = self.screen().availableGeometry().size()
        self.resize(min(1180, room.width()), min(760, room.height()))

    def _arrange(self) -> None:
        halves = QSplitter(Qt.Orientation.Horizontal)
        halves.setChildrenCollapsible(False)
        for trace, canvas, name in zip(self._traces, self.canvases, ("First", "Second"), strict=True):
            part = QWidget()
            column = QVBoxLayout(part)
            column.setContentsMargins(0, 0, 0, 0)
            column.setSpacing(TIGHT)
            title = ElidedLabel()
            title.setText(f"{name}: {_title(trace)}")
            title.setToolTip(_title(trace))
            column.addWidget(title)
            column.addWidget(canvas, 1)
            canvas.setAccessibleName(f"{name} run")
            canvas.view_button.hide()
            halves.addWidget(part)
        row = QHBoxLayout()
        row.setSpacing(GAP)
        row.addWidget(self._where)
        row.addWidget(self.playhead, 1)
        row.addWidget(self.subtract)
        below = QWidget()
        column = QVBoxLayout(below)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(QLabel(_verdict(*self._traces, self.text.passages)))
        column.addWidget(self.text, 1)
        rows = QSplitter(Qt.Orientation.Vertical)
        rows.setChildrenCollapsible(False)
        rows.addWidget(halves)
        rows.addWidget(below)
        rows.setSizes([460, 280])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GAP, GAP, GAP, GAP)
        layout.addWidget(rows)

    @Slot(int)
    def _slid(self, token: int) -> None:
        if not self._moving:
            self.sessions[0].select(token)

    @Slot()
    def _first_moved(self) -> None:
        self._follow(0)

    @Slot()
    def _second_moved(self) -> None:
        self._follow(1)

    def _follow(self, moved: int) -> None:
        """Bring the other run to where ``moved`` went."""
        selection = self.sessions[moved].selection
        if self._moving or selection is None:
            return
        self._moving = True
        try:
            start = self._alignment.across(selection.start, back=moved == 1)
            last = self._alignment.across(selection.end - 1, back=moved == 1)
            self.sessions[1 - moved].select(start, max(start, last) + 1)
            first = self.sessions[0].selection
            if first is not None:
                self.playhead.setValue(first.start)
        finally:
            self._moving = False
        self._show_difference()
        names = [
            span_title(trace, session.selection.start, session.selection.end)
            for trace, session in zip(self._traces, self.sessions, strict=True)
            if session.selection is not None
        ]
        self._where.setText(" and ".join(names))

    @Slot()
    def _show_difference(self) -> None:
        first = self.sessions[0].selected_effects() if self.subtract.isChecked() else None
        self.sessions[1].set_baseline(first)

    @Slot(int, bool)
    def _token_chosen(self, token: int, of_second: bool) -> None:
        self.sessions[of_second].select(token)

    @Slot()
    def _forward(self) -> None:
        self.playhead.setValue(self.playhead.value() + 1)

    @Slot()
    def _back(self) -> None:
        self.playhead.setValue(self.playhead.value() - 1)


def _hindrance(first: Trace, second: Trace) -> str:
    """Why what the runs show cannot be subtracted; "" if it can."""
    if not np.array_equal(first.region_map.labels, second.region_map.labels):
        return "The two runs have different regions, so their effects cannot be subtracted"
    if first.quantity is not second.quantity:
        return "One of the two runs shows uncalibrated attention, which cannot be subtracted from effects"
    return ""


def _title(trace: Trace) -> str:
    return f"{trace.screenshot.name} · {trace.prompt} · {trace.model.name} · seed {trace.sampling.seed}"


def _verdict(first: Trace, second: Trace, passages: list[Passage]) -> str:
    """One sentence on what differs."""
    changed = sum(p.end - p.start + p.other_end - p.other_start for p in passages if p.kind != "same")
    if not changed:
        return "The two runs say the same, word for word."
    same = first.text("answer").split() == second.text("answer").split()
    answer = "The answer is the same" if same else "The answer is another one"
    differ = f"{counted(changed, 'token')} differ{'s' * (changed == 1)}"
    return f"{answer}; {differ}. Struck through: first run only. Underlined: second only."
