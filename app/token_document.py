"""The reasoning as a text document, and which token each character belongs to.

Each step is a paragraph of its own below the heading of its phase, with a narrow empty paragraph before it.
What the model wrote is inserted as plain text, never as markup; characters that would not show, or would
reorder what is around them, are replaced by ones that show.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

import numpy as np
from PySide6.QtGui import (
    QColor,
    QFont,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
)
from PySide6.QtWidgets import QPlainTextDocumentLayout

from core.trace import Phase, Token

SPACER = -2
HEADING = -3
"""States of blocks that hold no tokens; the state of any other block is its step."""

HEADINGS: dict[Phase, str] = {"thinking": "Thinking", "answer": "Answer"}

_SHOWN_AS = (
    {code: 0x2400 + code for code in range(32) if chr(code) not in "\n\t"}
    | dict.fromkeys([*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)], 0xFFFD)
    | dict.fromkeys([*range(0xD800, 0xE000), *range(0xFDD0, 0xFDF0), 0xFFFC, 0xFFFE, 0xFFFF], 0xFFFD)
    | {0x7F: 0x2421, 0x2028: 0x0A, 0x2029: 0x0A}
)


def shown(text: str) -> str:
    """``text`` with control, bidirectional-override and unpaired surrogate characters made visible."""
    return text if text.isascii() and text.isprintable() else text.translate(_SHOWN_AS)


def units(text: str) -> int:
    """Length in UTF-16 code units, in which Qt counts positions."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


class TokenDocument:
    """Grows with the tokens.

    Attributes:
        document: what a QPlainTextEdit shows.
    """

    def __init__(self, font: QFont) -> None:
        self.document = QTextDocument()
        self.document.setDocumentLayout(QPlainTextDocumentLayout(self.document))
        self.document.setUndoRedoEnabled(False)
        self.document.setDocumentMargin(8)
        self._text = QTextCharFormat()
        self._heading = QTextCharFormat()
        self._space = QTextCharFormat()
        self._inks_of_phases: dict[Phase, str] = {}
        self.set_font(font)
        self._forget()

    def _forget(self) -> None:
        self._starts: list[int] = []
        self._inks: list[int] = []
        self._ends: list[int] = []
        self._step = -1
        self._phase: Phase | None = None
        self._phases: list[Phase] = []
        self._headings: list[tuple[int, Phase]] = []
        self._breaks, self._written = 0, False
        self._shown: tuple[bytes, int] | None = None

    def set_font(self, font: QFont) -> None:
        """The font of what is appended from now on."""
        self.document.setDefaultFont(font)
        self._heading.setFontWeight(QFont.Weight.Bold)
        small = QFont(font)
        small.setPointSizeF(max(1.0, font.pointSizeF() * 0.4))
        self._space.setFont(small)

    def set_heading_colours(self, colours: dict[Phase, str]) -> None:
        """Colour the headings, "#rrggbb" of each phase."""
        self._inks_of_phases = colours
        for position, phase in self._headings:
            cursor = QTextCursor(self.document)
            cursor.setPosition(position)
            cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
            cursor.setCharFormat(self._heading_format(phase))

    def _heading_format(self, phase: Phase) -> QTextCharFormat:
        coloured = QTextCharFormat(self._heading)
        if phase in self._inks_of_phases:
            coloured.setForeground(QColor(self._inks_of_phases[phase]))
        return coloured

    def clear(self) -> None:
        """Remove all tokens."""
        self.document.clear()
        self._forget()

    def __len__(self) -> int:
        return len(self._starts)

    def append(self, tokens: Sequence[Token]) -> None:
        """Add tokens at the end; indices go on where the last call ended."""
        cursor = QTextCursor(self.document)
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.beginEditBlock()
        position = cursor.position()
        waiting: list[str] = []  # text not inserted yet, so that a batch costs few insertions
        for token in tokens:
            text = shown(token.text)
            goes_on = token.step == self._step and token.phase == self._phase and not self._breaks
            if goes_on and text.isascii() and "\n" not in text:  # nearly all; the rest would do it as well
                self._starts.append(position)
                self._inks.append(position + len(text) - len(text.lstrip(" ")))
                position += len(text)
                self._ends.append(position)
                waiting.append(text)
                self._written = True
                continue
            if token.phase != self._phase or token.step != self._step:
                cursor.insertText("".join(waiting), self._text)
                waiting.clear()
                self._begin_step(cursor, token)
                position = cursor.position()
                text = text.lstrip("\n")
                text = text[1:] if text[:1] == " " and text[1:2] not in ("", " ") else text
            body = text.rstrip("\n")
            if body and self._breaks:  # line breaks within a step; those at its end are the paragraph's own
                cursor.insertText("".join(waiting), self._text)
                waiting.clear()
                for _ in range(self._breaks):
                    self._insert_block(cursor, token.step)
                position = cursor.position()
                self._breaks = 0
            first, *others = body.split("\n")
            self._starts.append(position)
            self._inks.append(position + units(first) - units(first.lstrip(" ")))
            waiting.append(first)
            position += units(first)
            for line in others:
                cursor.insertText("".join(waiting), self._text)
                self._insert_block(cursor, token.step)
                waiting = [line]
                position = cursor.position() + units(line)
            self._ends.append(position)
            self._written = self._written or bool(body)
            if self._written:  # a step begins with its first words, however many line breaks come before
                self._breaks += len(text) - len(body)
        cursor.insertText("".join(waiting), self._text)
        cursor.endEditBlock()

    def _begin_step(self, cursor: QTextCursor, token: Token) -> None:
        self._breaks, self._written = 0, False
        if token.phase != self._phase:
            if self._phase is not None:
                self._insert_block(cursor, SPACER)
                self._insert_block(cursor, SPACER)  # more room above a heading
                self._insert_block(cursor, HEADING)
            cursor.block().setUserState(HEADING)
            self._headings.append((cursor.position(), token.phase))
            cursor.insertText(HEADINGS[token.phase], self._heading_format(token.phase))
        self._insert_block(cursor, SPACER)
        self._insert_block(cursor, token.step)
        self._step, self._phase = token.step, token.phase
        self._phases += [token.phase] * (token.step + 1 - len(self._phases))

    def _insert_block(self, cursor: QTextCursor, state: int) -> None:
        formats = {SPACER: self._space, HEADING: self._heading}
        cursor.insertBlock(QTextBlockFormat(), formats.get(state, self._text))
        cursor.block().setUserState(state)

    def span(self, index: int) -> tuple[int, int]:
        """Document positions of a token: start, end (exclusive)."""
        return self._starts[index], self._ends[index]

    def ink(self, index: int) -> int:
        """The position where the visible part of a token begins, after its leading blanks."""
        return self._inks[index]

    def places(self, tokens: range) -> Iterable[tuple[int, int, int]]:
        """Of consecutive tokens: the token, where its visible part begins, and its end (exclusive)."""
        at = slice(tokens.start, tokens.stop)
        return zip(tokens, self._inks[at], self._ends[at], strict=True)

    def token_at(self, position: int) -> int | None:
        """The token that the character after ``position`` belongs to, or None."""
        index = bisect_right(self._starts, position) - 1
        while index > 0 and self._starts[index] == self._ends[index] and self._starts[index - 1] == position:
            index -= 1
        if index < 0 or not self._starts[index] <= position < self._ends[index]:
            return None
        return index

    def tokens_between(self, start: int, end: int) -> tuple[int, int]:
        """Tokens that overlap the positions ``start`` to ``end`` (exclusive): first, last + 1."""
        first = bisect_right(self._ends, start)
        return first, max(first, bisect_left(self._starts, end))

    def phase_of(self, block: QTextBlock) -> Phase | None:
        """The phase that a block belongs to; spacers and headings belong to the step after them."""
        state = block.userState()  # -1 of a block that is not valid
        while state in (SPACER, HEADING):
            block = block.next()
            state = block.userState()
        return self._phases[state] if 0 <= state < len(self._phases) else None

    def show_steps(self, kept: np.ndarray | None) -> bool:
        """Show only steps of which ``kept``, bool [steps], is True; None shows all, as do steps beyond it.

        A heading shows with any step below it. Returns whether anything changed.
        """
        wanted = None if kept is None else (kept.tobytes(), self.document.blockCount())
        if wanted == self._shown:
            return False
        self._shown, changed = wanted, False
        below = {
            phase
            for step, phase in enumerate(self._phases)
            if kept is None or step >= len(kept) or kept[step]
        }
        headings = dict(self._headings)
        block = self.document.begin()
        while block.isValid():
            meant = block
            while meant.userState() == SPACER and meant.next().isValid():  # belongs to what follows it
                meant = meant.next()
            step = meant.userState()
            if step == HEADING:
                shown = headings.get(meant.position()) in below
            else:
                shown = kept is None or not 0 <= step < len(kept) or bool(kept[step])
            if shown != block.isVisible():
                block.setVisible(shown)
                block.setLineCount(max(1, block.layout().lineCount()) if shown else 0)
                changed = True
            block = block.next()
        if changed:
            self.document.markContentsDirty(0, self.document.characterCount())
        return changed

    def next_visible(self, block: QTextBlock) -> QTextBlock:
        """The first block after a hidden one that shows; not valid when there is none."""
        line = block.firstLineNumber()  # that of the next line, as a hidden block has none
        found = self.document.findBlockByLineNumber(line)
        if found.isValid() and found.isVisible() and found.blockNumber() > block.blockNumber():
            return found
        block = block.next()
        while block.isValid() and not block.isVisible():
            block = block.next()
        return block

    def block_tokens(self, block: QTextBlock) -> range:
        """Tokens with characters in a block."""
        return range(*self.tokens_between(block.position(), block.position() + block.length()))
