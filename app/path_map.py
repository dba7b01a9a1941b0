"""A map of the path that a run takes through region space, with the playhead on it."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Slot
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QDialog, QLabel, QVBoxLayout, QWidget

from app import theme
from app.session import Session
from core.dynamics import changes, shape_of_trace
from core.quantity import ESTIMATED

MARGIN = 28
RISE = 10.0
"""Pixels between a step and the bottom of its number."""
DOT = 4.0
REACH = 14.0
"""Pixels around a step in which a click means it."""

EMPTY = "A path needs two steps. Run a question, or open a run."
MEANING = (
    "Each dot is a step. Steps that rest on the same regions lie together; long hops are changes of what the "
    "model looks at. Click a step, or use ← and →."
)


class PathMap(QWidget):
    """Steps as dots on the two principal axes of their effects, joined in their order."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setAccessibleName("Path through region space")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(220, 180)
        self._points = np.zeros((0, 2))
        self._steps = 0
        session.trace_changed.connect(self.follow)
        session.effects_added.connect(self._grown)
        session.run_ended.connect(self.follow)
        session.selection_changed.connect(self.update)
        self.figures = ""
        self.follow()

    def sizeHint(self) -> QSize:
        return QSize(480, 360)

    @Slot()
    def follow(self) -> None:
        """Take the steps of the session's trace again."""
        trace = self._session.trace
        self._points, self.figures = np.zeros((0, 2)), EMPTY
        self._steps = 0 if trace is None else trace.step_count
        if trace is not None:
            shape = shape_of_trace(trace)
            if len(shape.points) > 1:
                self._points = shape.points[:, :2]
                bent = f"{shape.tortuosity:.1f}" if math.isfinite(shape.tortuosity) else "∞ (it returns)"
                unit = " nats" if trace.quantity.unit == "nats" else ""
                seeing = "steps with visual evidence" if trace.quantity is ESTIMATED else "steps"
                self.figures = (
                    f"By {trace.quantity.kind} {trace.quantity.noun}: length {shape.length:,.1f}{unit}, "
                    f"tortuosity {bent}, {shape.concentration:.0%} on one region, the strongest region "
                    f"changes at {changes(trace):.0%} of the passages between {seeing}."
                )
        self.setAccessibleDescription(self.figures)
        self.update()

    @Slot()
    def _grown(self) -> None:
        trace = self._session.trace
        if trace is not None and trace.step_count != self._steps:  # another step has ended
            self.follow()

    def place(self, step: int) -> QPointF:
        """Where a step is drawn."""
        return QPointF(*self._places()[step].tolist())

    def label_box(self, step: int) -> QRectF:
        """Where the number of a step is written: above it, inside the map."""
        place, metrics = self.place(step), self.fontMetrics()
        wide, high = metrics.horizontalAdvance(f"{step + 1:,}") + 2, metrics.height()
        left = max(0.0, min(place.x() - wide / 2, self.width() - wide))
        return QRectF(left, place.y() - RISE - high, wide, high)

    def _places(self) -> np.ndarray:
        """Pixels of all steps, [steps, 2]; both axes have one scale, so that distances can be compared."""
        low, high = self._points.min(0), self._points.max(0)
        margin = max(MARGIN, RISE + self.fontMetrics().height())  # a number above the highest step has room
        room = np.maximum([self.width() - 2 * margin, self.height() - 2 * margin], 1.0)
        scale = float((room / np.maximum(high - low, 1e-9)).min())
        return np.array([self.width(), self.height()]) / 2 + (self._points - (low + high) / 2) * scale

    def _current(self) -> int | None:
        """The step at the playhead, if it is on the map."""
        trace, selection = self._session.trace, self._session.selection
        if trace is None or selection is None or selection.end > len(trace):
            return None
        step = trace.tokens[selection.end - 1].step
        return step if step < len(self._points) else None

    def paintEvent(self, event: QPaintEvent) -> None:
        colours, trace = theme.tokens(self.palette()), self._session.trace
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(colours.surface))
        if trace is None or not len(self._points):
            painter.setPen(QColor(colours.muted))
            painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), EMPTY)
            return
        places = [QPointF(x, y) for x, y in self._places().tolist()]
        painter.setPen(QPen(QColor(colours.border), 1.5))
        painter.drawPolyline(QPolygonF(places))
        painter.setPen(Qt.PenStyle.NoPen)
        for start, place in zip(trace.step_starts.tolist(), places, strict=False):
            answer = trace.tokens[start].phase == "answer"
            painter.setBrush(QColor(colours.answer if answer else colours.thinking))
            painter.drawEllipse(place, DOT, DOT)
        current = self._current()
        for step in sorted({0, len(places) - 1} | ({current} if current is not None else set())):
            painter.setPen(QColor(colours.accent if step == current else colours.muted))
            painter.drawText(self.label_box(step), int(Qt.AlignmentFlag.AlignCenter), f"{step + 1:,}")
        if current is not None:
            painter.setPen(QPen(QColor(colours.accent), 2.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(places[current], DOT + 4, DOT + 4)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not len(self._points):
            return
        at = np.array([event.position().x(), event.position().y()])
        distances = np.linalg.norm(self._places() - at, axis=1)
        if distances.min() <= REACH:
            self._session.select_step(int(distances.argmin()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        by = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        current = self._current()
        if by is None or current is None:
            event.ignore()
        elif 0 <= current + by < len(self._points):
            self._session.select_step(current + by)


class PathDialog(QDialog):
    """The map and its figures. Not modal: the playhead may be moved in either window.

    Attributes:
        map: the map; figures: what the path comes to.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Path Through the Regions")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.map = PathMap(session, self)
        self.figures = QLabel(self.map.figures)
        meaning = QLabel(MEANING)
        column = QVBoxLayout(self)
        column.addWidget(self.map, 1)
        for words in (self.figures, meaning):
            words.setTextFormat(Qt.TextFormat.PlainText)
            words.setWordWrap(True)
            column.addWidget(words)
        for signal in (session.trace_changed, session.effects_added, session.run_ended):
            signal.connect(self._tell)

    @Slot()
    def _tell(self) -> None:
        self.figures.setText(self.map.figures)
