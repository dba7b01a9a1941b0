"""How well the estimated effects of one trace agree with measurements of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from core.errors import InputError
from core.faithfulness import Interval, bootstrap, correlation, lds
from core.intervals import NOMINAL
from core.trace import Measurement, Trace

RELIANT: Final = 1.0
"""Nats of measured reliance from which a step counts as depending on the screenshot."""

FEWEST_MASKS: Final = 8
"""Random masks below which a measurement says nothing about faithfulness."""


@dataclass(frozen=True, slots=True)
class Faithfulness:
    """How far the estimates of a trace agree with what was measured of it.

    Attributes:
        lds: the mean over measured spans, with a bootstrap interval over them.
        masks: the fewest random masks behind a span.
        operators: how regions were removed.
    """

    lds: Interval
    masks: int
    operators: tuple[str, ...]


def latest(trace: Trace) -> dict[tuple[int, int], Measurement]:
    """The last measurement of each measured span (start, end)."""
    return {(m.start, m.end): m for m in trace.measured}


def span_lds(trace: Trace, measured: Measurement) -> float | None:
    """LDS of one measured span; None without enough masks, or where its effects are not all estimated."""
    if len(measured.masks) < FEWEST_MASKS or measured.end > trace.estimated:
        return None
    effects = trace.span_effects(measured.start, measured.end)[None]
    return float(lds(effects, measured.masks, measured.mask_log_probs[:, None])[0])


def faithfulness(trace: Trace) -> Faithfulness | None:
    """Over the latest measurement of each span, whatever its masks; None when nothing was measured."""
    scored = [(m, score) for m in latest(trace).values() if (score := span_lds(trace, m)) is not None]
    if not scored:
        return None
    return Faithfulness(
        bootstrap(np.array([score for _, score in scored])),
        min(len(m.masks) for m, _ in scored),
        tuple(sorted({m.operator for m, _ in scored})),
    )


def inside_intervals(trace: Trace, measured: Sequence[Measurement]) -> tuple[int, int]:
    """How many measured effects of single regions lie in the intervals of their estimates, and of how many.

    (0, 0) where the estimator gives no intervals.
    """
    inside = count = 0
    for one in measured:
        bounds = trace.span_bounds(one.start, one.end)
        if bounds is not None:
            inside += int(((bounds[0] <= one.effects) & (one.effects <= bounds[1])).sum())
            count += len(one.effects)
    return inside, count


def estimated_spans(trace: Trace, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those of the token spans (start, end) whose effects are all estimated: what can be verified.

    Raises:
        InputError: there are none.
    """
    found = [(start, end) for start, end in spans if end <= trace.estimated]
    if not found:
        raise InputError(
            "The run ended before the effects of these steps were estimated, so there is nothing to hold "
            "against what would be measured. Choose earlier steps, or run again."
        )
    return found


def agreement(trace: Trace, measured: Sequence[Measurement]) -> dict[str, Any]:
    """How well the estimates of a trace agree with measurements of some of its steps.

    LDS as in ``core/faithfulness.py``: a rank correlation over the random masks, then the mean over steps.
    Steps whose effects are not all estimated, as at the end of a run that was killed, are left out.

    Args:
        measured: one or more, all under the same masks; each one step of the trace.

    Returns:
        plain JSON: {"kind" (of the estimates: "estimated" or "uncalibrated"), "operator", "masks", "lds":
        {"mean", "low", "high", "steps"}, "lds_reliant": {"mean", "steps"} (of steps with a measured
        reliance of at least ``RELIANT`` nats), "steps": [{"step", "text", "lds",
        "correlation_with_single_drops", "estimated_reliance", "measured_reliance", "estimated",
        "measured"}], "intervals": {"nominal", "inside", "effects"}}, the last of
        them only where the estimator gives intervals: how many of the single drops lie in them.

    Raises:
        InputError: nothing is estimated of what was measured.
    """
    known = set(estimated_spans(trace, [(m.start, m.end) for m in measured]))
    measured = [m for m in measured if (m.start, m.end) in known]
    inside, count = inside_intervals(trace, measured)
    intervals = {"nominal": NOMINAL, "inside": inside, "effects": count}
    estimated = np.stack([trace.span_effects(m.start, m.end) for m in measured])
    scores = lds(estimated, measured[0].masks, np.stack([m.mask_log_probs for m in measured], 1))
    drops = [
        float(correlation(e[:, None], m.effects[:, None])[0])
        for e, m in zip(estimated, measured, strict=True)
    ]
    reliance = np.array([m.reliance for m in measured])
    interval = bootstrap(scores)
    reliant = scores[reliance >= RELIANT]
    return {
        "kind": trace.quantity.kind,
        "operator": measured[0].operator,
        "masks": len(measured[0].masks),
        "lds": {"mean": interval.mean, "low": interval.low, "high": interval.high, "steps": len(scores)},
        **({"intervals": intervals} if count else {}),
        "lds_reliant": {"mean": float(reliant.mean()) if len(reliant) else None, "steps": len(reliant)},
        "steps": [
            {
                "step": trace.tokens[m.start].step,
                "text": trace.step(trace.tokens[m.start].step).text,
                "lds": round(float(score), 4),
                "correlation_with_single_drops": round(drop, 4),
                "estimated_reliance": round(float(trace.reliance[m.start : m.end].sum()), 4),
                "measured_reliance": round(float(m.reliance), 4),
                "estimated": [round(float(v), 4) for v in e],
                "measured": [round(float(v), 4) for v in m.effects],
            }
            for m, e, score, drop in zip(measured, estimated, scores, drops, strict=True)
        ],
    }
