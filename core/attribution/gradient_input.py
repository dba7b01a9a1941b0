"""Gradient × input: the gradient of a token's log-probability at the visual tokens, times those."""

from __future__ import annotations

import numpy as np

from core.attribution.method import Case, Method


def _effects(case: Case) -> np.ndarray:
    return case.thinker.input_gradients(case.prepared, case.token_ids) @ case.coverage


def _passes(case: Case) -> int:
    return 1 + len(case.token_ids)


METHOD = Method(
    "gradient × input",
    "gradient at the visual tokens, times them",
    _effects,
    _passes,
    in_nats=True,
    costly=True,
)
