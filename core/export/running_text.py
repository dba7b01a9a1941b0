"""The text of a run that appears token by token: where each piece stands, and the lines of a moment."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.export.lettering import Lettering, visible, words

LONG: Final = 500
"""Characters above which a width is not remembered: each moment of a long line would keep a copy of it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a line.

    Attributes:
        x: its left end, from that of the line.
        now: whether it belongs to the tokens of the moment; else it was there before.
    """

    x: float
    text: str
    now: bool


class RunningText:
    """Tokens laid out in lines of a width."""

    def __init__(self, texts: Sequence[str], font: Lettering, width: float) -> None:
        self._font = font
        self._widths: dict[str, float] = {}
        shown = [visible(text) for text in texts]
        self._ends: list[int] = []  # of each token, in characters
        total = 0
        for text in shown:
            total += len(text)
            self._ends.append(total)
        self._text = "".join(shown)
        self._lines: list[tuple[int, int]] = []  # first character, and one past the last that is drawn
        self._starts: list[int] = []
        begin = 0
        for paragraph in self._text.split("\n"):
            self._wrap(paragraph, begin, width)
            begin += len(paragraph) + 1
        self._starts = [start for start, _ in self._lines]

    def at(self, start: int, end: int, most: int) -> list[list[Piece]]:
        """The last ``most`` lines at the moment when the tokens ``start`` to ``end`` (exclusive) appear."""
        now = self._ends[start - 1] if start else 0
        until = self._ends[end - 1] if end else 0
        last = max(0, bisect_right(self._starts, max(now, until - 1)) - 1)
        return [self._pieces(i, now, until) for i in range(max(0, last + 1 - most), last + 1)]

    def _pieces(self, line: int, now: int, until: int) -> list[Piece]:
        first, last = self._lines[line]
        middle, end = min(max(first, now), last), min(last, until)
        before, current = self._text[first:middle], self._text[middle:end]
        pieces = [Piece(0.0, before, False)] if before else []
        return [*pieces, Piece(self._width(before), current, True)] if current else pieces

    def _wrap(self, paragraph: str, begin: int, width: float) -> None:
        start, length, at = begin, 0.0, begin
        for word in words(paragraph):
            wide = self._wide(word, width)
            if length + wide > width and length and not word.isspace():
                self._lines.append((start, at))
                start, length = at, 0.0
            while wide > width and not word.isspace():
                fits = max(1, self._font.fitting(word, width))
                self._lines.append((at, at + fits))
                at, word = at + fits, word[fits:]
                start, wide = at, self._wide(word, width)
            at += len(word)
            length += wide
        self._lines.append((start, at))

    def _wide(self, word: str, width: float) -> float:
        """The width of a word, or one above ``width`` where it is wider."""
        return self._width(word[: self._font.enough(word, width)])

    def _width(self, text: str) -> float:
        if len(text) > LONG:
            return self._font.width(text)
        if text not in self._widths:
            if len(self._widths) > 100_000:
                self._widths.clear()
            self._widths[text] = self._font.width(text)
        return self._widths[text]
