"""The shape of a reasoning: the path that the effects take from step to step, and what it tells.

After the paper (arXiv 2604.16587): the vectors of effects of consecutive steps, cut to the entries that
matter most and rotated to their principal axes, are points of a path. A right answer tends to
come by a shorter and straighter one; a hallucination stays on one region, an error of reasoning wanders.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from core.events import EffectsEstimated, Event, StepEnded
from core.links import LITTLE_EVIDENCE
from core.quantity import ESTIMATED
from core.trace import Trace

ENTRIES: Final = 32
"""How many regions, those with the largest effects, span the path."""
AXES: Final = 3
"""Principal axes that are kept."""
MEASURES: Final = ("length", "tortuosity", "concentration", "fixation", "wandering")


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """What a path of n steps looks like.

    Attributes:
        points: float64 [n, ``AXES``], nats; the path, mean at the origin. Missing axes are 0.
        length: nats; sum of the distances between consecutive points.
        tortuosity: length over the distance of the last point from the first; 1 for a straight way and for
            fewer than two points, infinite for one that ends where it began.
        concentration: share of all positive effects that falls on the region with most of them, 0 to 1.
        fixation: share of the steps whose strongest region is the commonest one, 0 to 1.
        wandering: share of passages from step to step in which the strongest region changes, 0 to 1.

    Fixation and wandering count the steps that look at anything: those with a positive effect.
    """

    points: np.ndarray
    length: float
    tortuosity: float
    concentration: float
    fixation: float
    wandering: float


def shape_of(effects: np.ndarray) -> Shape:
    """The shape of a path, effects [n, regions] in nats; n may be 0."""
    points = _principal(effects)
    hops = np.linalg.norm(np.diff(points, axis=0), axis=1)
    length = float(hops.sum())
    net = float(np.linalg.norm(points[-1] - points[0])) if len(points) else 0.0
    tortuosity = 1.0
    if length > 1e-12:
        tortuosity = length / net if net > 1e-9 * length else float("inf")
    support = np.clip(effects, 0, None)
    looking = support[support.max(1, initial=0) > 0]
    tops = looking.argmax(1)
    totals = support.sum(0)
    return Shape(
        points=points,
        length=length,
        tortuosity=tortuosity,
        concentration=float(totals.max() / totals.sum()) if totals.sum() > 0 else 0.0,
        fixation=float(np.bincount(tops).max() / len(tops)) if len(tops) else 0.0,
        wandering=float((np.diff(tops) != 0).mean()) if len(tops) > 1 else 0.0,
    )


def shape_of_trace(trace: Trace) -> Shape:
    """The shape of the steps of a trace whose effects are all known, from the first."""
    return shape_of(_known_sums(trace, trace.effects))


def changes(trace: Trace) -> float:
    """Share of passages in which the strongest region changes, between steps that rest on the screenshot.

    As ``Shape.wandering``, but steps with an estimated reliance below ``LITTLE_EVIDENCE`` are passed over: of
    what they hardly rest on, the strongest is chance. Those of a trace without nats all count. 0 to 1.
    """
    effects = _known_sums(trace, trace.effects)
    if trace.quantity is ESTIMATED:
        effects = effects[_known_sums(trace, trace.reliance) >= LITTLE_EVIDENCE]
    return shape_of(effects).wandering


def _known_sums(trace: Trace, values: np.ndarray) -> np.ndarray:
    """Sums of the values of tokens over the steps that are wholly estimated: [tokens, …] → [steps, …]."""
    bounds = np.append(trace.step_starts, len(trace))
    bounds = bounds[: np.searchsorted(bounds, trace.estimated, side="right")]
    return values[:0] if len(bounds) < 2 else np.add.reduceat(values[: bounds[-1]], bounds[:-1])


def _principal(effects: np.ndarray) -> np.ndarray:
    """The steps' strongest entries in their principal axes: [n, ``AXES``]."""
    points = np.zeros((len(effects), AXES))
    if len(effects) < 2:
        return points
    kept = np.argsort(-np.abs(effects).sum(0), kind="stable")[:ENTRIES]
    centred = effects[:, kept].astype(np.float64)
    centred -= centred.mean(0)
    left, spread, _ = np.linalg.svd(centred, full_matrices=False)
    axes = min(AXES, len(spread))
    points[:, :axes] = left[:, :axes] * spread[:axes]
    return points


class Path:
    """The path of a run, as its events come.

    Attributes:
        shape: of the steps that have ended so far.
    """

    def __init__(self) -> None:
        self._tokens: list[np.ndarray] = []
        self._steps: list[np.ndarray] = []
        self.shape = shape_of(np.zeros((0, 1)))

    def hear(self, event: Event) -> bool:
        """Take an event of the run; whether ``shape`` has changed."""
        match event:
            case EffectsEstimated(effects=effects):
                self._tokens.extend(effects)
            case StepEnded(step=step) if step.end <= len(self._tokens):
                self._steps.append(np.sum(self._tokens[step.start : step.end], axis=0))
                self.shape = shape_of(np.stack(self._steps))
                return True
        return False
