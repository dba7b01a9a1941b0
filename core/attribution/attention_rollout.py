"""Attention rollout (Abnar & Zuidema 2020): attention multiplied through the layers.

Each layer passes half of what it has straight on and spreads the other half as its heads, averaged, attend.
"""

from __future__ import annotations

import numpy as np

from core.attribution.method import Case, Method


def _effects(case: Case) -> np.ndarray:
    return case.thinker.rollout(case.prepared, case.token_ids) @ case.coverage


METHOD = Method("attention rollout", "attention multiplied through all layers", _effects, lambda case: 1)
