"""How the reasoning of two traces differs, token by token."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from core.trace import Trace

MOST_PAIRS = 4_000_000
"""Tokens of one side times tokens of the other that are compared; longer passages count as rewritten."""

Kind = Literal["same", "removed", "added"]


@dataclass(frozen=True, slots=True)
class Passage:
    """Tokens of the first trace (``start`` to ``end``) and of the second (``other_start`` to ``other_end``).

    ``same``: they read the same; ``removed``: only the first has them; ``added``: only the second.
    """

    kind: Kind
    start: int
    end: int
    other_start: int
    other_end: int


def difference(first: Trace, second: Trace) -> list[Passage]:
    """What to keep, take away and add to turn the reasoning of ``first`` into that of ``second``, in order.

    Steps are compared first, then the tokens of steps that were rewritten.
    """
    steps, others = first.steps, second.steps
    passages: list[Passage] = []
    matcher = SequenceMatcher(None, [s.text for s in steps], [s.text for s in others], autojunk=False)
    for tag, i, j, k, m in matcher.get_opcodes():
        a = _range([(step.start, step.end) for step in steps], i, j, len(first))
        b = _range([(step.start, step.end) for step in others], k, m, len(second))
        alike = tag == "equal" and a[1] - a[0] == b[1] - b[0]
        passages += [Passage("same", *a, *b)] if alike else _tokens(first, second, a, b)
    return passages


class Alignment:
    """Which token of one trace belongs to which of the other."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = list(passages)
        self._starts = {
            False: [passage.start for passage in passages],
            True: [passage.other_start for passage in passages],
        }

    def across(self, token: int, back: bool = False) -> int:
        """The token of the second trace for ``token`` of the first; ``back``: the other way round.

        A token that only one trace has belongs to the place where it would stand in the other.
        """
        at = bisect_right(self._starts[back], token) - 1
        while at >= 0:
            passage = self._passages[at]
            mine, theirs = (passage.start, passage.end), (passage.other_start, passage.other_end)
            if back:
                mine, theirs = theirs, mine
            if mine[0] <= token < mine[1]:
                return theirs[0] + (token - mine[0] if passage.kind == "same" else 0)
            at -= 1
        return 0


def _tokens(first: Trace, second: Trace, a: tuple[int, int], b: tuple[int, int]) -> list[Passage]:
    if (a[1] - a[0]) * (b[1] - b[0]) > MOST_PAIRS:
        return _rewritten(*a, *b)
    mine = [token.text for token in first.tokens[a[0] : a[1]]]
    theirs = [token.text for token in second.tokens[b[0] : b[1]]]
    passages = []
    for tag, i, j, k, m in SequenceMatcher(None, mine, theirs, autojunk=False).get_opcodes():
        place = (a[0] + i, a[0] + j, b[0] + k, b[0] + m)
        passages += [Passage("same", *place)] if tag == "equal" else _rewritten(*place)
    return passages


def _rewritten(start: int, end: int, other_start: int, other_end: int) -> list[Passage]:
    passages = []
    if end > start:
        passages.append(Passage("removed", start, end, other_start, other_start))
    if other_end > other_start:
        passages.append(Passage("added", end, end, other_start, other_end))
    return passages


def _range(spans: Sequence[tuple[int, int]], i: int, j: int, whole: int) -> tuple[int, int]:
    """Tokens of the steps ``i`` to ``j``, also when there are none."""
    start = spans[i][0] if i < len(spans) else whole
    return start, spans[j - 1][1] if j > i else start
