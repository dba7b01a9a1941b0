"""The whole run at a glance: phases, steps, effects of the main regions and reliance, with the playhead.

What does not follow the playhead is drawn once into a pixmap; a move of the playhead copies it and adds
two lines.
"""

from __future__ import annotations

from bisect import bisect_right

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFont,
    QFontMetrics,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app import theme
from app.effect_columns import EffectColumns, Order
from app.focus import reached_by_keyboard
from app.playback import Playback
from app.session import Session
from app.timeline_arcs import LEAST_SHARE, MOST_ARCS, Arc, paint_arcs
from app.timeline_layout import HEAD, TimelineLayout, height_for, rows_in
from app.timeline_marks import MARK, paint_left_out, paint_loop, paint_marks
from app.timeline_painting import StepMark, paint_background
from app.wording import plain_tooltip, signed_number, token_finding
from core.agreement import latest
from core.trace import Phase, Trace

NOTCH = 120
"""What Qt calls a notch of the wheel, in eighths of a degree; a touchpad turns by far less at a time."""


class TimelineStrip(QWidget):
    """Draws the session's trace against its tokens; the mouse moves the playhead.

    Shift-drag, or a drag along the names of the phases, selects a range, whose effects add up; a click on a
    step selects it; a click on a region's name chooses the region.

    Attributes:
        order: how the rows are ordered.
    """

    scrubbed = Signal()
    """The user moved the playhead with the mouse."""

    def __init__(self, session: Session, playback: Playback, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._playback = playback
        self._columns: EffectColumns | None = None
        self._starts: list[int] = []
        self._phases: list[Phase] = []
        self._background: QPixmap | None = None
        self._layout: TimelineLayout | None = None
        self._anchor: int | None = None
        self._by_step = False
        self._by_range = False
        self._focus_shown = False
        self._turned = 0
        self.order: Order = "importance"
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # nothing behind it needs painting
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Timeline")
        self.setMinimumSize(self.minimumSizeHint())
        session.finder.changed.connect(self.redraw)
        playback.loop_changed.connect(self.redraw)

    # --- content -------------------------------------------------------------------------------------------

    def rebuild(self) -> None:
        """Another trace is shown."""
        trace = self._session.trace
        self._columns = None if trace is None else EffectColumns(trace)
        self._starts, self._phases = [], []
        self.tokens_added(0)

    def tokens_added(self, start: int) -> None:
        """Tokens from ``start`` on are new."""
        trace = self._session.trace
        if trace is not None:
            for token in trace.tokens[start:]:
                if token.step == len(self._starts):
                    self._starts.append(token.index)
                    self._phases.append(token.phase)
        self.redraw()

    def effects_added(self, start: int) -> None:
        """Effects of the tokens from ``start`` on are known."""
        if self._columns is not None:
            self._columns.update(start)
        self.redraw()

    def set_order(self, order: Order) -> None:
        """Order the rows by importance, or as the regions lie in each other."""
        if order != self.order:
            self.order = order
            self.redraw()

    @Slot()
    def redraw(self) -> None:
        """Draw everything again."""
        self._background = self._layout = None
        self.update()

    @property
    def span(self) -> int:
        """Tokens from the left to the right end: all of them, with room to grow while the run goes on."""
        trace = self._session.trace
        if trace is None:
            return 64
        if trace.status != "running":
            return max(1, len(trace))
        room = 64
        while room < len(trace):
            room *= 2
        return max(1, min(room, max(trace.sampling.max_new_tokens, len(trace))))

    @property
    def rows(self) -> tuple[int, ...]:
        """The regions that have a row of their own, from the top."""
        return () if self._columns is None else self._columns.rows

    def steps(self) -> list[StepMark]:
        """The steps so far; the last one ends with the last token."""
        trace = self._session.trace
        ends = [*self._starts[1:], 0 if trace is None else len(trace)]
        return [StepMark(*mark) for mark in zip(self._starts, ends, self._phases, strict=False)]

    # --- geometry ------------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        return QSize(900, height_for(9, self._line()))

    def minimumSizeHint(self) -> QSize:
        return QSize(260, height_for(3, self._line()))

    @property
    def layout_now(self) -> TimelineLayout:
        """Where things are; also brings rows and columns up to date with the size."""
        if self._layout is None:
            line, rows = self._line(), rows_in(self.height(), self._line())
            if self._columns is not None:
                bare = TimelineLayout(self.width(), self.height(), line, self.span, rows)
                pixels = int(bare.track.width() * self.devicePixelRatioF())
                self._columns.arrange(self.span, pixels, rows, self._session.selected, self.order)
                rows = len(self._columns.rows)
            self._layout = TimelineLayout(self.width(), self.height(), line, self.span, rows + 1)
        return self._layout

    def token_x(self, index: float) -> float:
        """The left edge of a token."""
        return self.layout_now.token_x(index)

    def token_at(self, x: float) -> int:
        """The token at a horizontal place, clipped to those that exist."""
        trace = self._session.trace
        return max(0, min(self.layout_now.token_at(x), (len(trace) if trace is not None else 1) - 1))

    def region_at(self, y: float) -> int:
        """The region whose row is at a height, or -1."""
        row = self.layout_now.row_at(y)
        return self.rows[row] if 0 <= row < len(self.rows) else -1

    def _line(self) -> int:
        return QFontMetrics(self._small()).height()

    def _small(self) -> QFont:
        font = QFont(self.font())
        font.setPointSizeF(max(7.5, font.pointSizeF() * 0.85))
        return font

    # --- painting ------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        ratio = self.devicePixelRatioF()
        if self._background is None or self._background.devicePixelRatio() != ratio:
            self._background = QPixmap(self.size() * ratio)
            self._background.setDevicePixelRatio(ratio)
            self._paint_background(self._background)
        colours = theme.tokens(self.palette())
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._background)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_row_marks(painter, colours)
        self._paint_arcs(painter, colours)
        self._paint_playhead(painter, colours)
        if self.hasFocus() and self._focus_shown:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(colours.accent), 2))
            painter.drawRect(QRectF(self.rect()).adjusted(1, 1, -1, -1))

    def _paint_playhead(self, painter: QPainter, colours: theme.Tokens) -> None:
        trace, selection = self._session.trace, self._session.selection
        if trace is None or selection is None:
            return
        track = self.layout_now.track
        left, right = self.token_x(selection.start), self.token_x(selection.end)
        accent = QColor(colours.accent)
        veil = QColor(accent)
        veil.setAlpha(40)
        if selection.end - selection.start > 1:
            painter.fillRect(QRectF(left, track.y(), right - left, track.height()), veil)
            for x in (left, right):
                painter.fillRect(QRect(round(x), track.y(), 1, track.height()), accent)
        middle = self.token_x(selection.end - 0.5)
        halo = QColor(colours.surface)
        halo.setAlpha(200)
        painter.fillRect(QRect(round(middle) - 2, 3, 4, track.bottom() - 2), halo)
        painter.fillRect(QRect(round(middle) - 1, 3, 2, track.bottom() - 2), accent)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(accent)
        painter.drawPolygon(
            QPolygonF([QPointF(middle - 6, 0), QPointF(middle + 6, 0), QPointF(middle, HEAD + 2)])
        )

    def arcs(self) -> list[Arc]:
        """The earlier steps that the selection attended to most, where arcs are wanted."""
        trace, selection = self._session.trace, self._session.selection
        if trace is None or selection is None or not self._session.display.arcs:
            return []
        found = trace.span_earlier(selection.start, selection.end)[:MOST_ARCS]
        return [(*self._extent(step), share) for step, share in found if share >= LEAST_SHARE]

    def _extent(self, step: int) -> tuple[int, int]:
        """First token and end of a step so far."""
        starts, trace = self._starts, self._session.trace
        assert trace is not None
        return starts[step], starts[step + 1] if step + 1 < len(starts) else len(trace)

    def _paint_arcs(self, painter: QPainter, colours: theme.Tokens) -> None:
        selection, arcs = self._session.selection, self.arcs()
        if selection is not None and arcs:
            paint_arcs(painter, self.layout_now, (selection.start + selection.end) / 2, arcs, colours)

    def _paint_row_marks(self, painter: QPainter, colours: theme.Tokens) -> None:
        """Frame the rows of the region under the mouse and of the chosen one."""
        effects, line = self.layout_now.effects, self.layout_now.line
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for region, colour in (
            (self._session.highlighted, colours.muted),
            (self._session.selected, colours.accent),
        ):
            if region in self.rows:
                top = effects.y() + self.rows.index(region) * line
                painter.setPen(QPen(QColor(colour), 1.5))
                left = theme.TIGHT if self.layout_now.names_width else effects.x()
                painter.drawRoundedRect(
                    QRectF(left, top + 0.5, effects.right() - left + 1, line - 1), 2.5, 2.5
                )

    def _paint_background(self, pixmap: QPixmap) -> None:
        colours = theme.tokens(self.palette())
        pixmap.fill(QColor(colours.window))
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        trace, layout = self._session.trace, self.layout_now
        if trace is None or self._columns is None or not len(trace):
            painter.setPen(QColor(colours.muted))
            painter.drawText(
                self.rect(), int(Qt.AlignmentFlag.AlignCenter), "The run appears here, token by token."
            )
            return
        painter.setFont(self._small())
        steps, display = self.steps(), self._session.display
        paint_background(painter, layout, trace, self._columns, steps, display, self.order, colours)
        self._paint_findings(painter, layout, trace, steps, colours)

    def _paint_findings(
        self,
        painter: QPainter,
        layout: TimelineLayout,
        trace: Trace,
        steps: list[StepMark],
        colours: theme.Tokens,
    ) -> None:
        finder, accent = self._session.finder, QColor(colours.accent)
        if finder.passing is not None:
            kept = zip(steps, finder.passing, strict=False)
            left_out = [(step.start, step.end) for step, passes in kept if not passes]
            paint_left_out(painter, layout, left_out, colours)
        measured = [span for span in latest(trace) if span[0] < len(trace)]
        paint_marks(painter, layout, measured, layout.steps.y() + MARK, QColor(colours.good))
        paint_marks(painter, layout, finder.matches, layout.steps.bottom() + 1, QColor(colours.error))
        if self._session.selected in self.rows:
            row = self.rows.index(self._session.selected)
            resting = ((int(i), int(i) + 1) for i in finder.resting)
            paint_marks(painter, layout, resting, layout.effects.y() + (row + 1) * layout.line - 1, accent)
        if self._playback.loop is not None:
            paint_loop(painter, layout, self._playback.loop, colours)

    # --- events --------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.redraw()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self.setMinimumSize(self.minimumSizeHint())
            self.redraw()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            text = self.finding_at(QPointF(event.pos()))
            if text:
                QToolTip.showText(event.globalPos(), plain_tooltip(text), self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    def finding_at(self, position: QPointF) -> str:
        """What the tool tip at a place says: the token, its step, and the effect of the row's region."""
        trace = self._session.trace
        if trace is None or not len(trace):
            return ""
        region = self.region_at(position.y())
        name = trace.region_map.regions[region].name if region >= 0 else ""
        if position.x() < self.layout_now.track.x() or self.token_x(len(trace)) < position.x():
            return name
        if position.y() < self.layout_now.steps.y():
            return "Drag here, or with Shift anywhere, to add up the effects of a range."
        index = self.token_at(position.x())
        lines = [token_finding(trace, index)]
        if self.layout_now.steps.contains(position.toPoint()):
            step = trace.step(trace.tokens[index].step)
            lines.append(step.text.strip()[:200])
            measured = latest(trace).get((step.start, step.end))
            if measured is not None:
                lines.append(f"step's reliance {signed_number(measured.reliance)} nats, measured")
        if region >= 0 and index < trace.estimated:
            effect = signed_number(float(trace.effects[index, region]))
            lines.append(f"{name}: {effect} {trace.quantity.unit}, {trace.quantity.kind}")
        return "\n".join(lines)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        trace, position = self._session.trace, event.position()
        if event.button() != Qt.MouseButton.LeftButton or trace is None or not len(trace):
            return
        if position.x() < self.layout_now.track.x():
            region = self.region_at(position.y())
            if region >= 0:
                self._session.select_region(-1 if region == self._session.selected else region)
            return
        index = self.token_at(position.x())
        self._by_step = self.layout_now.steps.contains(position.toPoint())
        self._by_range = position.y() < self.layout_now.steps.y()
        extending = event.modifiers() & Qt.KeyboardModifier.ShiftModifier and self._session.selection
        self._anchor = self._session.selection.start if extending and self._session.selection else index
        self._move_to(index, bool(extending))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._anchor is not None:
            extending = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._move_to(self.token_at(event.position().x()), extending or self._by_range)
        else:
            self._session.highlight(self.region_at(event.position().y()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._anchor = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._starts and event.position().x() >= self.layout_now.track.x():
            self._session.select_step(bisect_right(self._starts, self.token_at(event.position().x())) - 1)

    def _move_to(self, index: int, extending: bool) -> None:
        assert self._anchor is not None
        if extending:
            self._session.select(min(self._anchor, index), max(self._anchor, index) + 1)
        elif self._by_step:
            self._session.select_step(bisect_right(self._starts, index) - 1)
        else:
            self._session.select(index)
        self.scrubbed.emit()

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._focus_shown = reached_by_keyboard(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._session.highlight(-1)

    def wheelEvent(self, event: QWheelEvent) -> None:
        turn = event.angleDelta().y() or event.angleDelta().x()
        if turn * self._turned < 0:  # what is left of the other direction would delay this one
            self._turned = 0
        self._turned += turn
        notches = int(self._turned / NOTCH)
        if notches:
            self._turned -= notches * NOTCH
            by_step = event.modifiers() & Qt.KeyboardModifier.ControlModifier
            move = self._playback.step_step if by_step else self._playback.step_token
            move(-notches)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The playback keys, for a strip that no window with shortcuts surrounds."""
        control = event.modifiers() & Qt.KeyboardModifier.ControlModifier
        move = self._playback.step_step if control else self._playback.step_token
        match event.key():
            case Qt.Key.Key_Left:
                move(-1)
            case Qt.Key.Key_Right if event.modifiers() & Qt.KeyboardModifier.AltModifier:
                self._playback.follow_live()
            case Qt.Key.Key_Right:
                move(1)
            case Qt.Key.Key_Home:
                self._playback.go_home()
            case Qt.Key.Key_End:
                self._playback.go_end()
            case Qt.Key.Key_Space:
                self._playback.play_pause()
            case _:
                event.ignore()
