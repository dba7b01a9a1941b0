"""The numbers of the steps beside the text of the reasoning."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app import theme
from app.session import Session

if TYPE_CHECKING:
    from app.reasoning_text import ReasoningText

GUTTER = 44
"""Logical pixels that the gutter is wide at least."""
RAIL = 3
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)


class StepGutter(QWidget):
    """Step numbers beside the text; a click selects the step."""

    def __init__(self, text: ReasoningText, session: Session) -> None:
        super().__init__(text)
        self._text = text
        self._session = session
        self._fonts_of: tuple[QFont, QFont, QFont] | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # nothing behind it needs painting
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip("Click a number to select its step")
        self.setAccessibleName("Step numbers")

    def sizeHint(self) -> QSize:
        return QSize(self.width_needed(), 0)

    def width_needed(self) -> int:
        """Room for the numbers of all steps so far, the selected ones in bold.

        It is that of the longest number with as many digits, so that not every step lays out the text anew.
        """
        trace = self._session.trace
        last = "9" * len(str(trace.step_count if trace is not None else 0))
        bold = QFontMetricsF(self._fonts()[1])
        return max(GUTTER, RAIL + ceil(bold.horizontalAdvance(f"{int(last):,}")) + theme.TIGHT)

    def follow(self, rect: QRect, dy: int) -> None:
        """The text scrolled or changed."""
        self.update()

    def step_at(self, y: float) -> int | None:
        """The step beside a height of the viewport."""
        for _, top, height, step, *_ in self._text.visible_blocks():
            if step >= 0 and top <= y < top + height:
                return step
        return None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        step = self.step_at(event.position().y())
        if step is not None and event.button() == Qt.MouseButton.LeftButton:
            self._session.select_step(step)

    def paintEvent(self, event: QPaintEvent) -> None:
        text, session = self._text, self._session
        colours = theme.tokens(self.palette())
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor(colours.surface))
        if not session.trace:  # none, or one that was stopped before its first token
            return
        font, chosen = self._fonts()
        accent, muted = QColor(colours.accent), QColor(colours.muted)
        rails = {True: QColor(colours.answer), False: QColor(colours.thinking)}
        selection = session.selection
        steps = range(0)
        if selection is not None:
            last = min(selection.end, len(session.trace)) - 1
            steps = range(session.trace.tokens[selection.start].step, session.trace.tokens[last].step + 1)
        width, shown = self.width(), None
        rail: list[tuple[bool, float]] = []
        end = 0.0
        for block, top, height, step, answer, begins, _ in text.visible_blocks():
            if answer:
                painter.fillRect(QRectF(RAIL, top, width, height), text.answer_paper)
            if not rail or rail[-1][0] != answer:
                rail.append((answer, top))
            end = top + height
            first = begins and step != shown
            shown = step if step >= 0 else shown
            if not first:
                continue
            painter.setFont(chosen if step in steps else font)
            painter.setPen(accent if step in steps else muted)
            line = block.layout().lineAt(0)
            box = QRectF(RAIL, top, width - RAIL - theme.TIGHT, line.height())
            painter.drawText(box, _RIGHT, f"{step + 1:,}")
        for answer, top in rail:  # the next one, if any, lies over it
            painter.fillRect(QRectF(0, top, RAIL, end - top), rails[answer])

    def _fonts(self) -> tuple[QFont, QFont]:
        """Of a number, and of that of a selected step; made once, as a new font is looked up at every use."""
        of = self._text.font()
        if self._fonts_of is None or self._fonts_of[0] != of:
            small = QFont(of)
            small.setPointSizeF(small.pointSizeF() * 0.88)
            bold = QFont(small)
            bold.setBold(True)
            self._fonts_of = of, small, bold
        return self._fonts_of[1:]
