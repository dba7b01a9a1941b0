"""Finds words in the reasoning of a trace."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate

from core.trace import Token


def find(tokens: Sequence[Token], needle: str) -> list[tuple[int, int]]:
    """Where ``needle`` stands in the text of ``tokens``: token spans, end exclusive, in order.

    Case does not matter, and any blank or line break matches any other. Matches inside the same tokens are
    reported once.
    """
    words = needle.split()
    if not words:
        return []
    ends = list(accumulate(len(token.text) for token in tokens))
    pattern = re.compile(r"\s+".join(re.escape(word) for word in words), re.IGNORECASE)
    found: list[tuple[int, int]] = []
    for match in pattern.finditer("".join(token.text for token in tokens)):
        span = bisect_right(ends, match.start()), bisect_left(ends, match.end()) + 1
        if not found or span != found[-1]:
            found.append(span)
    return found
