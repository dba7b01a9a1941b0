"""Which tokens and steps rest on which region: questions to the estimated effects of a trace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from core.quantity import ESTIMATED
from core.trace import Trace

LEAST_EFFECT: Final = 0.1
"""Nats below which a region does not count as what a token rests on."""

SHARE_OF_STRONGEST: Final = 0.5
"""A token rests on every region with at least this share of the effect of its strongest region."""

LITTLE_EVIDENCE: Final = 0.5
"""Nats. A span whose reliance stays below this is said to rest on almost no visual evidence."""

Kind = Literal["all", "region", "reliant", "unseen"]


@dataclass(frozen=True, slots=True)
class StepFilter:
    """Which steps to show.

    Attributes:
        kind: "all"; "region" keeps steps that rest on a region; "reliant" those with a reliance of at least
            ``nats``; "unseen" those below it, which rest on no visual evidence as far as the estimate tells.
            The latter two need nats: they keep every step of a trace that shows uncalibrated attention.
        nats: threshold of "reliant" and "unseen".
    """

    kind: Kind = "all"
    nats: float = LITTLE_EVIDENCE


def least_effect(trace: Trace) -> float:
    """What a region needs for a token to rest on it: nats, or anything where the numbers have no unit."""
    return LEAST_EFFECT if trace.quantity is ESTIMATED else float(np.finfo(np.float32).tiny)


def rests_on(effects: np.ndarray, region: int, least: float = LEAST_EFFECT) -> np.ndarray:
    """Whether each target rests on a region: bool [targets].

    Args:
        effects: [targets, regions], nats; targets are tokens or steps.
        region: the region; every row is False when there is none of that number.
        least: effect below which nothing counts, above 0; see ``least_effect``.
    """
    if not 0 <= region < effects.shape[1]:
        return np.zeros(len(effects), bool)
    own = effects[:, region]
    near = own >= least
    near[near] = own[near] >= SHARE_OF_STRONGEST * effects[near].max(1)
    return near


def step_sums(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Sums over steps along the first axis: [tokens, …] → [steps, …].

    Args:
        values: of tokens.
        starts: int [steps], the first token of each, strictly ascending from 0. A step of which no value is
            there gets 0.
    """
    sums = np.zeros((len(starts), *values.shape[1:]), values.dtype)
    known = starts[starts < len(values)]
    if len(known):
        sums[: len(known)] = np.add.reduceat(values, known, axis=0)
    return sums


def passing(trace: Trace, wanted: StepFilter, region: int = -1) -> np.ndarray:
    """Which steps a filter keeps: bool [steps]. Steps that are not wholly estimated are kept.

    Args:
        region: the region of the kind "region"; with none, every step is kept.
    """
    starts = trace.step_starts
    unknown = region < 0 if wanted.kind == "region" else trace.quantity is not ESTIMATED
    if wanted.kind == "all" or unknown:
        return np.ones(len(starts), bool)
    known = trace.estimated
    if wanted.kind == "region":
        kept = rests_on(step_sums(trace.effects[:known], starts), region, least_effect(trace))
    else:
        reliant = step_sums(trace.reliance[:known], starts) >= wanted.nats
        kept = reliant if wanted.kind == "reliant" else ~reliant
    ends = np.append(starts[1:], len(trace))
    return kept | (ends > known)
