"""The text of the reasoning, with tinted tokens that can be chosen.

A QPlainTextEdit lays out only what it shows, brings selection, copying, right-to-left text and a screen
reader's interface, and appends at a cost that does not grow with the text. Its ExtraSelections would be
walked through completely at every change, so tints, marks and underlines are painted here below the text, for
the visible tokens only: the cost depends on the size of the window, also at 32,768 tokens.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QHelpEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QTextBlock,
    QTextLayout,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QToolTip, QWidget

from app import theme
from app.read_only_text import ReadOnlyText
from app.scroll_bar import flat_bars
from app.session import Session
from app.step_gutter import StepGutter
from app.tints import TintLevels, blend, reliance_scale, tint_colours
from app.token_boxes import TokenBoxes, x_in
from app.token_document import SPACER, TokenDocument
from app.wording import plain_tooltip, token_finding


class ShownBlock(NamedTuple):
    """A paragraph that shows.

    Attributes:
        block: laid out.
        top, height: in the viewport, logical pixels.
        state: its step, or ``SPACER`` or ``HEADING``.
        answer: it belongs to the answer.
        begins: it is the first paragraph of a step.
        tokens: that have characters in it.
    """

    block: QTextBlock
    top: float
    height: float
    state: int
    answer: bool
    begins: bool
    tokens: range


class ReasoningText(ReadOnlyText):
    """Shows the tokens of the session's trace.

    Attributes:
        tokens: the document and the place of each token in it.
        answer_paper: the colour behind the answer.

    Signals:
        scrolled_away: the user moved up from the end of the text.
    """

    scrolled_away = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.tokens = TokenDocument(self.font())
        self.setDocument(self.tokens.document)
        self._boxes = TokenBoxes(self.tokens)
        self._levels = TintLevels()
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setFrameShape(ReasoningText.Shape.NoFrame)
        self.setPlaceholderText("The model's reasoning appears here, token by token.")
        self.setAccessibleName("Reasoning")
        self.setMinimumSize(180, 100)
        self.viewport().setMouseTracking(True)
        self._press: QPoint | None = None
        self._tinted_for = (0, 1.0)
        self._found_starts: list[int] = []
        self._seen: object = None
        self._shown_blocks: list[ShownBlock] = []
        self._restyle()
        flat_bars(self)
        self._gutter = StepGutter(self, session)
        self._make_room_for_numbers()
        self.updateRequest.connect(self._gutter.follow)
        self.verticalScrollBar().actionTriggered.connect(self._maybe_scrolled_away)

    # --- content -------------------------------------------------------------------------------------------

    def rebuild(self) -> None:
        """Show the trace from its first token."""
        self.tokens.clear()
        self._seen = None
        self._boxes.forget()
        self._levels.forget()
        self._tinted_for = (0, 1.0)
        trace = self._session.trace
        self._make_room_for_numbers()
        if trace is not None:
            self.tokens.append(trace.tokens)
        self.show_found()

    def show_found(self) -> None:
        """Show the steps that the filter keeps, and mark what was found."""
        finder = self._session.finder
        if self.tokens.show_steps(finder.passing):
            self._seen = None
            selection = self._session.selection
            if selection is not None and not self._session.follow:
                self.show_token(selection.start)
        self._found_starts = [start for start, _ in finder.matches]
        self.update_marks()

    def append_new(self) -> None:
        """Show tokens that have arrived since the last call."""
        trace = self._session.trace
        if trace is not None and len(trace) > len(self.tokens):
            self._make_room_for_numbers()
            self.tokens.append(trace.tokens[len(self.tokens) :])

    def effects_added(self, start: int) -> None:
        """Effects of the tokens from ``start`` on are known, or others than before."""
        self._levels.forget(start)
        self.update_marks()

    def scroll_to_end(self) -> None:
        self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())

    def update_marks(self) -> None:
        """Draw tints, selection and underlines again."""
        self.viewport().update()
        self._gutter.update()

    def show_token(self, index: int) -> None:
        """Scroll so that a token is seen; does nothing when it is."""
        if not 0 <= index < len(self.tokens):
            return
        block = self.document().findBlock(self.tokens.span(index)[0])
        if not block.isVisible():
            return
        for _ in range(3):  # lines that were never shown are counted when they are first laid out
            top = self.blockBoundingGeometry(block).translated(self.contentOffset()).top()
            line = block.layout().lineForTextPosition(self.tokens.ink(index) - block.position())
            y = top + (line.y() if line.isValid() else 0.0)
            if y >= 0 and y + self.fontMetrics().height() <= self.viewport().height():
                return
            number = block.firstLineNumber() + (line.lineNumber() if line.isValid() else 0)
            bar = self.verticalScrollBar()
            target = number - bar.pageStep() // 3
            if target == bar.value():
                return
            bar.setValue(target)

    def token_under(self, position: QPointF) -> int | None:
        """The token at a point of the viewport."""
        for block, top, *_ in self.visible_blocks():
            layout = block.layout()
            for number in range(layout.lineCount()):
                line = layout.lineAt(number)
                if top + line.y() <= position.y() < top + line.y() + line.height():
                    if not 0 <= position.x() - self.contentOffset().x() <= line.x() + line.naturalTextWidth():
                        return None
                    place = line.xToCursor(
                        position.x() - self.contentOffset().x(), line.CursorPosition.CursorOnCharacter
                    )
                    return self.tokens.token_at(block.position() + place)
        return None

    def token_rects(self, index: int) -> list[QRectF]:
        """Where a token is in the viewport; empty when it is not shown."""
        start, end = self.tokens.ink(index), self.tokens.span(index)[1]
        found: list[QRectF] = []
        for block, top, *_ in self.visible_blocks():
            if block.position() < end and start < block.position() + block.length():
                found += self._rects_in(block, top, start, end)
        return found

    # --- painting ------------------------------------------------------------------------------------------

    def visible_blocks(self) -> list[ShownBlock]:
        """Blocks that show, laid out, from the top; looked up again when the view or the text is another."""
        first, offset = self.firstVisibleBlock(), self.contentOffset()
        view, document = self.viewport().size(), self.document()
        seen = (first.position(), offset.y(), view, document.revision(), document.characterCount())
        if seen != self._seen:
            self._seen, self._shown_blocks = seen, list(self._blocks_from(first, offset))
        return self._shown_blocks

    def _blocks_from(self, block: QTextBlock, offset: QPointF) -> Iterator[ShownBlock]:
        top = self.blockBoundingGeometry(block).translated(offset).top()
        bottom = self.viewport().height()
        before = block.previous().userState()
        while top < bottom and block.isValid():
            state = block.userState()
            if block.isVisible():
                height = self.blockBoundingRect(block).height()  # this also lays it out
                answer = self.tokens.phase_of(block) == "answer"
                begins = state >= 0 and before == SPACER
                yield ShownBlock(block, top, height, state, answer, begins, self.tokens.block_tokens(block))
                top += height
                block = block.next()
            else:
                block = self.tokens.next_visible(block)
                state = block.previous().userState()
            before = state

    def _rects_in(self, block: QTextBlock, top: float, start: int, end: int) -> list[QRectF]:
        """Rectangles of the document positions ``start`` to ``end`` inside one block, one for each line."""
        layout: QTextLayout = block.layout()
        first = max(start - block.position(), 0)
        last = min(end - block.position(), block.length() - 1)
        left = self.contentOffset().x()
        found = []
        while first < last:
            line = layout.lineForTextPosition(first)
            if not line.isValid():
                break
            stop = min(last, line.textStart() + line.textLength())
            if stop <= first:
                break
            x0, x1 = x_in(line, first), x_in(line, stop)
            found.append(QRectF(left + min(x0, x1), top + line.y() + 0.5, abs(x1 - x0), line.height() - 1))
            first = stop
        return found

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._session.trace is not None and len(self.tokens):
            painter = QPainter(self.viewport())
            self._paint_tints(painter)  # without antialiasing, which takes six times as long
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._paint_frames(painter)
            painter.end()
        super().paintEvent(event)

    def _paint_tints(self, painter: QPainter) -> None:
        """What tokens owe to the screenshot, and lines below those that rest on the chosen region."""
        trace = self._session.trace
        assert trace is not None
        estimated = min(len(self.tokens), len(trace), trace.estimated)
        known = self._levels.of(trace.reliance[: trace.estimated], self._scale())
        resting, left = self._session.finder.resting, self.contentOffset().x()
        tints, boxes = self._tints, self._boxes
        boxes.laid_out_for((self.viewport().width(), self.logicalDpiX()))
        for block, top, height, state, answer, _, inside in self.visible_blocks():
            if answer:
                painter.fillRect(QRectF(0, top, self.viewport().width(), height), self.answer_paper)
            if state < 0:
                continue
            underlined_here: set[int] = set()
            if len(resting):
                first, last = np.searchsorted(resting, (inside.start, inside.stop))
                underlined_here.update(resting[first:last].tolist())
            painter.translate(left, top)
            levels = known[inside.start : min(inside.stop, estimated)].tolist()
            for index, rect in boxes.of(block, inside):
                if index - inside.start >= len(levels):  # nothing is known of it yet
                    break
                level = levels[index - inside.start]
                if level:
                    painter.fillRect(rect, tints[level])
                if index in underlined_here:
                    painter.fillRect(QRectF(rect.left(), rect.bottom() - 1.5, rect.width(), 2), self._accent)
            painter.translate(-left, -top)

    def _paint_frames(self, painter: QPainter) -> None:
        """Frames around what was searched for, and around the selection."""
        trace, selection, found = self._session.trace, self._session.selection, self._session.finder.matches
        assert trace is not None
        count = min(len(self.tokens), len(trace))
        for block, top, _, state, _, _, inside in self.visible_blocks():
            if state < 0:
                continue
            for place in range(
                bisect_left(self._found_starts, inside.start), bisect_left(self._found_starts, inside.stop)
            ):
                first_token, end_token = found[place]
                painter.setBrush(self._found_fill)
                painter.setPen(QPen(self._found, 1.5))
                for rect in self._rects_in(
                    block, top, self.tokens.ink(first_token), self.tokens.span(end_token - 1)[1]
                ):
                    painter.drawRoundedRect(rect, 2.5, 2.5)
            if selection is not None and selection.start < inside.stop and inside.start < selection.end:
                last = min(selection.end, count) - 1
                rects = self._rects_in(
                    block, top, self.tokens.ink(selection.start), self.tokens.span(last)[1]
                )
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(self._accent, 2))
                for rect in rects:
                    painter.drawRoundedRect(rect.adjusted(-1, 0, 1, 0), 3, 3)

    def _scale(self) -> float:
        """Nats at the strongest tint; taken again when the run has grown by an eighth."""
        trace = self._session.trace
        assert trace is not None
        known, scale = self._tinted_for
        if trace.estimated > known + known // 8 or (trace.status != "running" and trace.estimated != known):
            scale = reliance_scale(trace.reliance[: trace.estimated])
            self._tinted_for = (trace.estimated, scale)
        return scale

    def _restyle(self) -> None:
        colours = theme.tokens(self.palette())
        self._tints = tint_colours(colours, self._session.display.colour_map)
        self._accent = QColor(colours.accent)
        self._found = QColor(colours.warning)
        self._found_fill = QColor(colours.warning_bar)
        self.tokens.set_heading_colours({"thinking": colours.thinking, "answer": colours.answer})
        self.answer_paper = QColor(blend(colours.surface, colours.answer, 0.08))

    def restyle(self) -> None:
        """Take colours again after the palette or the colour map changed."""
        self._restyle()
        self.update_marks()

    # --- events --------------------------------------------------------------------------------------------

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.restyle()
        elif event.type() == QEvent.Type.FontChange:
            self.tokens.set_font(self.font())
            self.rebuild()
            self._return_to_selection()

    def _return_to_selection(self) -> None:
        """Scroll from the top, where new text begins, to the live end or to what is selected."""
        trace, selection = self._session.trace, self._session.selection
        if self._session.follow and trace is not None and trace.status == "running":
            self.scroll_to_end()
        elif selection is not None:
            self.show_token(selection.start)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_gutter()

    def _make_room_for_numbers(self) -> None:
        needed = self._gutter.width_needed()
        if needed != self.viewportMargins().left():
            self.setViewportMargins(needed, 0, 0, 0)
            self._place_gutter()

    def _place_gutter(self) -> None:
        area = self.contentsRect()
        self._gutter.setGeometry(QRect(area.left(), area.top(), self.viewportMargins().left(), area.height()))

    def event(self, event: QEvent) -> bool:
        # read-only text has no use for Space, arrows, Home and End: they belong to the playback
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            event.setAccepted(event.matches(QKeySequence.StandardKey.Copy))
            return event.isAccepted()
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        bar = self.verticalScrollBar()
        moves = {
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_PageUp: -bar.pageStep(),
            Qt.Key.Key_PageDown: bar.pageStep(),
        }
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_text()
        elif event.matches(QKeySequence.StandardKey.SelectAll):
            self.selectAll()
        elif event.key() in moves:
            bar.setValue(bar.value() + moves[Qt.Key(event.key())])
            self._maybe_scrolled_away()
        else:
            event.ignore()

    def copy_text(self) -> None:
        """Copy the marked text, or the text of the selected tokens when none is marked."""
        trace, selection = self._session.trace, self._session.selection
        if self.textCursor().hasSelection():
            self.copy()
        elif trace is not None and selection is not None:
            chosen = trace.tokens[selection.start : selection.end]
            QApplication.clipboard().setText("".join(token.text for token in chosen))

    def createMimeDataFromSelection(self) -> QMimeData:
        cursor = self.textCursor()
        start, end = cursor.selectionStart(), cursor.selectionEnd()
        lines = []
        block = self.document().findBlock(start)
        while block.isValid() and block.position() < end:
            if block.userState() != SPACER:
                part = block.text().encode("utf-16-le")
                first, last = max(0, start - block.position()), end - block.position()
                lines.append(part[2 * first : 2 * last].decode("utf-16-le", "replace"))
            block = block.next()
        data = QMimeData()
        data.setText("\n".join(lines))
        return data

    def wheelEvent(self, event: QWheelEvent) -> None:
        super().wheelEvent(event)
        if event.isAccepted():  # else nothing moved
            self._maybe_scrolled_away()

    def _maybe_scrolled_away(self) -> None:
        bar = self.verticalScrollBar()
        if bar.sliderPosition() < bar.maximum():
            self.scrolled_away.emit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        if event.button() == Qt.MouseButton.LeftButton:
            self._press = event.position().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        over = self.token_under(event.position()) is not None
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.IBeamCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        press, self._press = self._press, None
        if press is None or event.button() != Qt.MouseButton.LeftButton:
            return
        cursor = self.textCursor()
        moved = (event.position().toPoint() - press).manhattanLength() >= QApplication.startDragDistance()
        if moved and cursor.hasSelection():  # marked words become the selection
            start, end = self.tokens.tokens_between(cursor.selectionStart(), cursor.selectionEnd())
            if end > start:
                self._session.select(start, end)
            return
        index = self.token_under(event.position())
        if index is not None:
            whole = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier
            self.choose(index, bool(event.modifiers() & whole))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        index = self.token_under(event.position())
        if index is not None:
            self.choose(index, whole_step=True)

    def choose(self, index: int, whole_step: bool) -> None:
        """Select a token, or the step that it belongs to."""
        trace = self._session.trace
        if trace is None:
            return
        cursor = self.textCursor()
        cursor.clearSelection()
        self.setTextCursor(cursor)
        if whole_step:
            self._session.select_step(trace.tokens[index].step)
        else:
            self._session.select(index)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            index = self.token_under(QPointF(event.pos()))
            trace = self._session.trace
            if index is not None and trace is not None:
                QToolTip.showText(event.globalPos(), plain_tooltip(token_finding(trace, index)), self)
            else:
                QToolTip.hideText()
            return True
        return super().viewportEvent(event)
