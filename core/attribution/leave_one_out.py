"""Leave-one-out: the measured drop when a region alone is removed. What Captum calls feature ablation."""

from __future__ import annotations

import numpy as np

from core.attribution.method import Case, Method


def _effects(case: Case) -> np.ndarray:
    return (case.whole - case.singles).T.astype(np.float32)


def _passes(case: Case) -> int:
    return 1 + len(case.region_map)


METHOD = Method(
    "leave-one-out", "each region removed in turn", _effects, _passes, in_nats=True, measured=True
)  # fmt: skip
