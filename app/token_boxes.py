"""Where the tokens of a paragraph lie in it, looked up once and kept for the next time it is drawn.

Asking a text layout for the place of each token is most of what it costs to draw their tints. A paragraph is
laid out anew only when the text gets another width or font, and it changes only at the end of a run.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator

from PySide6.QtCore import QRectF
from PySide6.QtGui import QTextBlock, QTextLine

from app.token_document import TokenDocument

MOST_BLOCKS = 1024
"""Paragraphs that are kept: many windows full, and some megabytes at the most."""

Box = tuple[int, QRectF]
"""A token and a rectangle of it, in logical pixels from the paragraph's corner."""


class TokenBoxes:
    """Rectangles of the tokens of blocks that are laid out; a token has one for each line that it is on."""

    def __init__(self, tokens: TokenDocument) -> None:
        self._tokens = tokens
        self._laid_out_for: Hashable = None
        self._kept: OrderedDict[int, tuple[int, range, list[Box]]] = OrderedDict()

    def forget(self) -> None:
        """The text, or its font, is another one."""
        self._kept.clear()

    def laid_out_for(self, stamp: Hashable) -> None:
        """Tell on what the lines depend, such as the width; what was kept for another ``stamp`` is let go."""
        if stamp != self._laid_out_for:
            self._laid_out_for = stamp
            self._kept.clear()

    def of(self, block: QTextBlock, inside: range) -> list[Box]:
        """The boxes of the consecutive tokens ``inside`` a block, in order."""
        position, length = block.position(), block.length()
        kept = self._kept.get(position)
        if kept is not None and kept[0] == length and kept[1] == inside:
            return kept[2]
        boxes = list(self._boxes(block, inside))
        if len(self._kept) >= MOST_BLOCKS:
            self._kept.popitem(last=False)  # all at once would take longer than a frame
        self._kept[position] = length, inside, boxes
        return boxes

    def _boxes(self, block: QTextBlock, inside: range) -> Iterator[Box]:
        """Lines, and places that neighbours share, are looked up once."""
        layout, begin = block.layout(), block.position()
        if not layout.lineCount():
            return
        length = block.length() - 1
        number, line = 0, layout.lineAt(0)
        stop = line.textStart() + line.textLength()
        y, height = line.y() + 0.5, line.height() - 1
        before, x_before = -1, 0.0
        for index, ink, end in self._tokens.places(inside):
            first, last = ink - begin, end - begin
            if first < 0:
                first = 0
            if last > length:
                last = length
            while first < last:
                while first >= stop and number + 1 < layout.lineCount():
                    number += 1
                    line = layout.lineAt(number)
                    stop = line.textStart() + line.textLength()
                    y, height = line.y() + 0.5, line.height() - 1
                    before = -1
                upto = last if last < stop else stop
                if upto <= first:
                    break
                x0 = x_before if first == before else x_in(line, first)
                x1 = x_in(line, upto)
                before, x_before = upto, x1
                yield index, QRectF(x0, y, x1 - x0, height) if x0 <= x1 else QRectF(x1, y, x0 - x1, height)
                first = upto


def x_in(line: QTextLine, position: int) -> float:
    """Where a position of the block is in its line; the binding returns the position as well."""
    return line.cursorToX(position)[0]  # type: ignore[index,no-any-return]  # its stubs forget that
