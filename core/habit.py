"""How much attention an earlier token gets from every later one, and who looks at it beyond that.

A few tokens (the first, line breaks, whatever stands just before) draw attention from everything that is
written after them. That says nothing about any one of those; what exceeds it may.
"""

from __future__ import annotations

import numpy as np

from core.earlier import EarlierTokens


class Habit:
    """Takes the tokens of a run in order, and keeps how much attention each has got so far."""

    def __init__(self) -> None:
        self._given = np.zeros(0)
        self._count = 0

    def __len__(self) -> int:
        """How many tokens have been taken."""
        return self._count

    def beyond(self, earlier: EarlierTokens) -> np.ndarray:
        """Take the next ``n`` tokens: by how much each of their shares exceeds the usual one.

        Usual is the mean of what the attended token got from all tokens after it, up to and with the one
        that attends; where it was not among those kept, that counts as 0. So what comes later in the run
        changes nothing, and the first to look at a token has no excess.

        Returns:
            float32 [n, KEPT], at least 0; 0 where there is no earlier token.
        """
        start, count = self._count, len(earlier)
        self._count += count
        self._given = np.concatenate([self._given, np.zeros(max(0, self._count - len(self._given)))])
        excess = np.zeros(earlier.tokens.shape, np.float32)
        rows, columns = np.nonzero(earlier.tokens >= 0)
        if not len(rows):
            return excess
        seen, shares = earlier.tokens[rows, columns], earlier.shares[rows, columns].astype(np.float64)
        order = np.lexsort((rows, seen))
        rows, columns, seen, shares = rows[order], columns[order], seen[order], shares[order]
        sums = np.cumsum(shares)
        firsts = np.flatnonzero(np.diff(seen, prepend=-1))
        before = (sums[firsts] - shares[firsts]).repeat(np.diff(firsts, append=len(seen)))
        usual = (self._given[seen] + sums - before) / (start + rows - seen)
        excess[rows, columns] = np.maximum(shares - usual, 0)
        self._given[: self._count] += np.bincount(seen, shares, self._count)
        return excess
