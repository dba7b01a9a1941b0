"""Direct effect: what all heads together moved from a region straight into the token's log-probability.

Attention × value through the output projection, along the gradient at the final hidden state; no learning.
"""

from __future__ import annotations

import numpy as np

from core.attribution.method import Case, Method


def _effects(case: Case) -> np.ndarray:
    return case.features.direct.float().sum((1, 2)).cpu().numpy()


METHOD = Method(
    "direct effect", "value-projected attention, summed over layers and heads", _effects, in_nats=True,
    encodes=True,
)  # fmt: skip
