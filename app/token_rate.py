"""How fast a run goes at the moment."""

from __future__ import annotations

import time

WINDOW = 2.0
"""Seconds over which the rate is taken."""


class TokenRate:
    """Tokens a second over the last moments."""

    def __init__(self) -> None:
        self._seen: list[tuple[float, int]] = []

    def after(self, tokens: int) -> float:
        """Note that ``tokens`` arrived now; the rate over the last seconds."""
        now = time.monotonic()
        self._seen = [(at, n) for at, n in self._seen if now - at < WINDOW]
        self._seen.append((now, tokens))
        elapsed = now - self._seen[0][0]
        return sum(n for _, n in self._seen[1:]) / elapsed if elapsed > 0.2 else 0.0
