"""What happens during a run, as small frozen events.

The window, the command line and a test drive the same generator (``core/run.py``) and see the same events.
``generation`` counts runs: a view drops events of a run that is no longer its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.earlier import Earlier
from core.intervals import Bounds
from core.trace import Step, Token, Trace


@dataclass(frozen=True, slots=True)
class Stage:
    """Something that takes time began or advanced, before or between tokens ("Finding regions", 0.4)."""

    generation: int
    text: str
    fraction: float | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """The run has its trace: screenshot, regions and prompt are fixed from here on."""

    generation: int
    trace: Trace


@dataclass(frozen=True, slots=True)
class TokenDecoded:
    generation: int
    token: Token


@dataclass(frozen=True, slots=True, eq=False)
class EffectsEstimated:
    """Effects of tokens ``start`` .. ``start + len(effects)``: float32 [n, regions] and [n], nats.

    ``earlier`` tells what these tokens attend to among those before, where that was read; ``bounds`` are the
    intervals of the effects, where the estimator gives any.
    """

    generation: int
    start: int
    effects: np.ndarray
    reliance: np.ndarray
    earlier: Earlier | None = None
    bounds: Bounds | None = None


@dataclass(frozen=True, slots=True)
class StepEnded:
    generation: int
    step: Step


@dataclass(frozen=True, slots=True)
class Finished:
    """The run ended. ``reason`` is "done", "stopped" or "length"."""

    generation: int
    reason: str
    tokens_per_second: float


@dataclass(frozen=True, slots=True)
class Failed:
    """The run broke. ``message`` says what happened and what to do; what was generated is kept."""

    generation: int
    message: str


Event = Stage | Started | TokenDecoded | EffectsEstimated | StepEnded | Finished | Failed


def fold(trace: Trace, event: Event) -> None:
    """Bring a trace up to date with an event.

    The run loop never touches the trace that it hands out with ``Started``: whoever consumes the events
    folds them in, in its own thread, so that no two threads share a growing trace.
    """
    match event:
        case TokenDecoded(token=token):
            trace.add_token(token)
        case EffectsEstimated(start=start):
            trace.set_effects(start, event.effects, event.reliance)
            if event.earlier is not None:
                trace.set_earlier(start, event.earlier)
            if event.bounds is not None:
                trace.set_bounds(start, event.bounds)
        case Finished(reason=reason, tokens_per_second=rate):
            trace.status = "stopped" if reason == "stopped" else "finished"
            trace.details["finish_reason"] = reason
            trace.details["tokens_per_second"] = rate
        case Failed(message=message):
            trace.status = "failed"
            trace.details["failure"] = message
        case _:
            pass
