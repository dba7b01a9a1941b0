"""How well the estimated effects of one trace agree with measurements of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from core.faithfulness import bootstrap, correlation, lds
from core.trace import Measurement, Trace

RELIANT: Final = 1.0
"""Nats of measured reliance from which a step counts as depending on the screenshot."""


def agreement(trace: Trace, measured: Sequence[Measurement]) -> dict[str, Any]:
    """How well the estimates of a trace agree with measurements of some of its steps.

    LDS as in ``core/faithfulness.py``: a rank correlation over the random masks, then the mean over steps.

    Args:
        measured: one or more, all under the same masks; each one step of the trace.

    Returns:
        plain JSON: {"operator", "masks", "lds": {"mean", "low", "high", "steps"}, "lds_reliant": {"mean",
        "steps"} (of steps with a measured reliance of at least ``RELIANT`` nats), "steps": [{"step", "text",
        "lds", "correlation_with_single_drops", "estimated_reliance", "measured_reliance", "estimated",
        "measured"}]}.
    """
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
        "operator": measured[0].operator,
        "masks": len(measured[0].masks),
        "lds": {"mean": interval.mean, "low": interval.low, "high": interval.high, "steps": len(scores)},
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
