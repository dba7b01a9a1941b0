"""Integrated gradients (Sundararajan et al. 2017) at the visual tokens, from those of the blank screenshot.

The blank screenshot is the one that whole-image ablation leaves, so that the effects of all regions together
add up to the reliance of the token, in nats, as the number of points grows.
"""

from __future__ import annotations

import numpy as np

from core.ablation import ablate_pixels
from core.attribution.method import Case, Method

POINTS = 8


def _effects(case: Case) -> np.ndarray:
    blank = ablate_pixels(case.pixels, case.region_map, np.zeros(len(case.region_map), bool))
    return case.thinker.input_gradients(case.prepared, case.token_ids, blank, POINTS) @ case.coverage


def _passes(case: Case) -> int:
    return POINTS * (1 + len(case.token_ids))


METHOD = Method(
    "integrated gradients",
    f"gradients at {POINTS} points from the blank screenshot to the screenshot",
    _effects,
    _passes,
    in_nats=True,
    costly=True,
)
