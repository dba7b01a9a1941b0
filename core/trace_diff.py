"""How the reasoning of two traces differs, token by token."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import Match, SequenceMatcher
from itertools import accumulate
from typing import Literal

from core.trace import Trace

MOST_PAIRS = 4_000_000
"""Tokens of one side times tokens of the other that are compared; longer passages count as rewritten."""
MOST_COMPARISONS = 5_000_000
"""Of equal texts, in all of a difference: less than a second. What does not repeat itself stays far below."""

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
    spans, other_spans = ([(step.start, step.end) for step in some] for some in (steps, others))
    passages: list[Passage] = []
    effort = _Effort(MOST_COMPARISONS)
    matcher = _Matcher([step.text for step in steps], [step.text for step in others], effort)
    for tag, i, j, k, m in matcher.get_opcodes():
        a = _range(spans, i, j, len(first))
        b = _range(other_spans, k, m, len(second))
        alike = tag == "equal" and a[1] - a[0] == b[1] - b[0]
        passages += [Passage("same", *a, *b)] if alike else _tokens(first, second, a, b, effort)
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


@dataclass(slots=True)
class _Effort:
    """How many more texts may be compared."""

    left: int


class _Matcher(SequenceMatcher[str]):
    """Gives up where it would take too long: what repeats itself is cubic to match, and models do loop.

    What can no longer be afforded is only compared from its two ends.
    """

    def __init__(self, mine: Sequence[str], theirs: Sequence[str], effort: _Effort) -> None:
        super().__init__(None, mine, theirs, autojunk=False)
        times = Counter(theirs)
        self._mine, self._theirs = mine, theirs
        self._effort = effort
        self._costs = [0, *accumulate(1 + times[text] for text in mine)]

    def find_longest_match(
        self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None
    ) -> Match:
        ahi = len(self._mine) if ahi is None else ahi
        bhi = len(self._theirs) if bhi is None else bhi
        cost = self._costs[ahi] - self._costs[alo]
        if cost <= self._effort.left:
            self._effort.left -= cost
            return super().find_longest_match(alo, ahi, blo, bhi)
        most = min(ahi - alo, bhi - blo)
        alike = _alike(self._mine[alo : alo + most], self._theirs[blo : blo + most])
        if alike:
            return Match(alo, blo, alike)
        alike = _alike(self._mine[ahi - most : ahi][::-1], self._theirs[bhi - most : bhi][::-1])
        return Match(ahi - alike, bhi - alike, alike)


def _alike(mine: Sequence[str], theirs: Sequence[str]) -> int:
    """How many texts, from the first, are the same."""
    pairs = zip(mine, theirs, strict=True)
    return next((i for i, (text, other) in enumerate(pairs) if text != other), len(mine))


def _tokens(
    first: Trace, second: Trace, a: tuple[int, int], b: tuple[int, int], effort: _Effort
) -> list[Passage]:
    if (a[1] - a[0]) * (b[1] - b[0]) > MOST_PAIRS:
        return _rewritten(*a, *b)
    mine = [token.text for token in first.tokens[a[0] : a[1]]]
    theirs = [token.text for token in second.tokens[b[0] : b[1]]]
    passages = []
    for tag, i, j, k, m in _Matcher(mine, theirs, effort).get_opcodes():
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
