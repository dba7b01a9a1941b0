"""From a text back to the screenshot, through the earlier steps that it attended to.

An answer often rests on no region itself: what it needs was read by an earlier step. Attention tells which;
what taking that step away would do is not measured.
"""

from __future__ import annotations

from typing import Final

from core.links import LITTLE_EVIDENCE
from core.quantity import ESTIMATED
from core.trace import Trace

MOST_HOPS: Final = 4
"""Steps after which a trail is no longer worth telling."""


def trail(trace: Trace, start: int, end: int, least: float = 0.02) -> list[tuple[int, float]]:
    """The way back from a token span: (step, share of the attention of the one after it), nearest first.

    Each time it goes on to the step that was attended to most, and ends at one whose estimated reliance is at
    least ``core.links.LITTLE_EVIDENCE`` nats. Where no step on the way rests on the screenshot, or the trace
    has no calibrated effects, it is the first one alone. Empty where no step got a share of ``least``.
    """
    path: list[tuple[int, float]] = []
    here = (start, end)
    while len(path) < MOST_HOPS:
        found = trace.span_earlier(*here)
        if not found or found[0][1] < least:
            break
        path.append(found[0])
        step = trace.step(found[0][0])
        here = (step.start, step.end)
        if trace.quantity is not ESTIMATED:
            break
        if float(trace.reliance[step.start : step.end].sum()) >= LITTLE_EVIDENCE:
            return path
    return path[:1]
