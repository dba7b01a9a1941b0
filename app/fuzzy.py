"""Finding a thing by a few letters of its name."""

from __future__ import annotations

_START, _NEXT, _LETTER, _SKIPPED = 8.0, 5.0, 1.0, 0.05


def score(query: str, text: str) -> float | None:
    """How well ``text`` answers ``query``; None when it does not. Higher is better, the empty query gives 0.

    Each word of the query must occur in the text as letters in that order, not necessarily side by side; the
    words themselves may come in any order. Letters that begin a word or follow each other count more, and of
    two equal answers the shorter text is better.
    """
    folded = text.casefold()
    total = 0.0
    for word in query.casefold().split():
        best = max(
            (points for at, letter in enumerate(folded) if letter == word[0]
             if (points := _from(word, folded, at)) is not None),
            default=None,
        )  # fmt: skip
        if best is None:
            return None
        total += best
    return total - _SKIPPED * len(text) / 10 if total else 0.0


def _from(word: str, text: str, at: int) -> float | None:
    """Points for ``word`` in ``text`` when its first letter is the one at ``at``."""
    points, before = 0.0, -2
    for letter in word:
        found = text.find(letter, at)
        if found < 0:
            return None
        starts = found == 0 or not text[found - 1].isalnum()
        points += _LETTER + (_START if starts else 0.0) + (_NEXT if found == before + 1 else 0.0)
        points -= _SKIPPED * (found - before - 1 if before >= 0 else 0)
        before, at = found, found + 1
    return points
