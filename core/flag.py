"""The *no visual evidence* flag: how well a score tells what owes nothing to the screenshot. Imports torch.

A token or step has no visual evidence when its *measured* reliance is below ``core.links.LITTLE_EVIDENCE``;
the app says so when its *estimated* reliance is. The area under the ROC curve asks how often, of one target
with and one without evidence, the score is lower for the one without.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from core.attribution.method import Case
from core.faithfulness import bootstrap_auc, bootstrap_ratio
from core.links import LITTLE_EVIDENCE

ESTIMATOR: Final = "estimated reliance"


def _reliance(case: Case) -> np.ndarray | None:
    return None if case.estimator is None else case.estimator.estimate(case.features)[1]


def _sum_of_effects(case: Case) -> np.ndarray | None:
    return None if case.estimator is None else case.estimator.estimate(case.features)[0].sum(1)


def _image_attention(case: Case) -> np.ndarray:
    return case.features.image_mass.float().mean((1, 2)).cpu().numpy()


def _leave_one_out(case: Case) -> np.ndarray:
    return (case.whole - case.singles).sum(0)


SCORES: Final[dict[str, Callable[[Case], np.ndarray | None]]] = {
    ESTIMATOR: _reliance,
    "sum of estimated effects": _sum_of_effects,
    "attention on the image": _image_attention,
    "sum of leave-one-out": _leave_one_out,
}
"""Name → a score of each token, [T], which should be low for tokens without visual evidence; None: not there.
That of a step is the sum over its tokens."""


def flag_scores(case: Case) -> dict[str, np.ndarray]:
    """Every score of ``SCORES`` that there is, float64 [T]."""
    found = {name: score(case) for name, score in SCORES.items()}
    return {name: values.astype(np.float64) for name, values in found.items() if values is not None}


def judge_flag(measured: Sequence[np.ndarray], scores: Sequence[dict[str, np.ndarray]]) -> dict[str, Any]:
    """How well each score tells targets without visual evidence from those with it.

    Args:
        measured: for each screen [targets], nats; measured reliance.
        scores: for each screen, score → [targets].

    Returns:
        plain JSON: {"targets", "without" (how many lack evidence), "auc": {score: {"mean", "low", "high",
        "count"}}}; where there is an estimator also "right" (of the targets that it flags, the share that
        measurably lacks evidence) and "found" (of those that lack it, the share that it flags), as intervals.
    """
    lacking = [values < LITTLE_EVIDENCE for values in measured]
    names = [name for name in SCORES if scores and name in scores[0]]
    result: dict[str, Any] = {
        "targets": sum(map(len, lacking)),
        "without": int(sum(values.sum() for values in lacking)),
        "auc": {name: asdict(bootstrap_auc([-one[name] for one in scores], lacking)) for name in names},
    }
    if ESTIMATOR in names:
        flagged = [one[ESTIMATOR] < LITTLE_EVIDENCE for one in scores]
        both = np.array([(a & b).sum() for a, b in zip(flagged, lacking, strict=True)])
        result["right"] = asdict(bootstrap_ratio(both, np.array([a.sum() for a in flagged])))
        result["found"] = asdict(bootstrap_ratio(both, np.array([a.sum() for a in lacking])))
    return result
