"""The estimator: what Sightline shows while a model runs."""

from __future__ import annotations

import numpy as np

from core.attribution.method import Case, Method


def _effects(case: Case) -> np.ndarray:
    if case.estimator is None:
        raise ValueError("this method needs an estimator")
    return case.estimator.estimate(case.features)[0]


METHOD = Method(
    "estimator",
    "the fitted estimator, from attention and what regions change of the visual tokens",
    _effects,
    in_nats=True,
    encodes=True,
    needs="estimator",
)
