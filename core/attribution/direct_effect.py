"""Direct effect: what all heads together moved from a region straight into the token's log-probability.

Attention × value through the output projection, along the gradient at the final hidden state; no learning.
The gradient of log-odds is 1 / (1 − p) times that of the log-probability.
"""

from __future__ import annotations

import numpy as np

from core.attribution.method import Case, Method


def _effects(case: Case) -> np.ndarray:
    log_odds = case.features.direct.float().sum((1, 2))
    doubt = -case.features.log_prob.float().expm1()
    return (log_odds * doubt.unsqueeze(1)).cpu().numpy()


METHOD = Method(
    "direct effect", "value-projected attention, summed over layers and heads", _effects, in_nats=True,
    encodes=True,
)  # fmt: skip
