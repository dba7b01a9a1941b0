"""The difference of two texts in one: what went is struck through, what came is underlined."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QMouseEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QWidget

from app.read_only_text import ReadOnlyText
from app.theme import tokens
from core.trace import Trace
from core.trace_diff import Kind, Passage


class DiffText(ReadOnlyText):
    """Shows passages; everything the models wrote is inserted as plain text.

    Signals:
        token_chosen(int, bool): a token was clicked; whether it belongs to the second trace.
    """

    token_chosen = Signal(int, bool)

    def __init__(
        self, first: Trace, second: Trace, passages: Sequence[Passage], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.passages = list(passages)
        self._traces = (first, second)
        self._places: list[tuple[int, int, bool]] = []
        self.setAccessibleName("Difference of the reasoning")
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._fill()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._fill()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if event.button() == Qt.MouseButton.LeftButton and not self.textCursor().hasSelection():
            self.choose_at(self._character_at(event.position()))

    def _character_at(self, point: QPointF) -> int:
        """The character at a point of the viewport; a cursor goes behind one whose right half is clicked."""
        cursor = self.cursorForPosition(point.toPoint())
        block, layout = cursor.block(), cursor.block().layout()
        corner = self.blockBoundingGeometry(block).translated(self.contentOffset()).topLeft()
        for number in range(layout.lineCount()):
            line = layout.lineAt(number)
            if 0 <= point.y() - corner.y() - line.y() < line.height():
                place = line.xToCursor(point.x() - corner.x(), line.CursorPosition.CursorOnCharacter)
                return block.position() + place
        return cursor.position()

    def choose_at(self, position: int) -> None:
        """Choose the token at a place of the text, in characters."""
        for end, token, of_second in self._places:
            if position < end:
                self.token_chosen.emit(token, of_second)
                return

    def _fill(self) -> None:
        self.clear()
        self._places = []
        cursor = QTextCursor(self.document())
        for passage in self.passages:
            of_second = passage.kind == "added"
            span = (passage.other_start, passage.other_end) if of_second else (passage.start, passage.end)
            for token in self._traces[of_second].tokens[span[0] : span[1]]:
                cursor.insertText(token.text, self._format(passage.kind))
                self._places.append((cursor.position(), token.index, of_second))
        self.moveCursor(QTextCursor.MoveOperation.Start)

    def _format(self, kind: Kind) -> QTextCharFormat:
        colours = tokens(self.palette())
        format = QTextCharFormat()
        if kind == "removed":
            format.setFontStrikeOut(True)
            format.setForeground(QColor(colours.error))
        elif kind == "added":
            format.setFontUnderline(True)
            format.setFontWeight(QFont.Weight.DemiBold)
            format.setForeground(QColor(colours.good))
        else:
            format.setForeground(QColor(colours.text))
        return format
