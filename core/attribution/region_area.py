"""Region area: the share of the screenshot that each region covers, whatever the token."""

from __future__ import annotations

import numpy as np

from core.attribution.method import Case, Method


def _effects(case: Case) -> np.ndarray:
    return np.tile(case.features.area.float().cpu().numpy(), (len(case.token_ids), 1))


METHOD = Method("region area", "the share of the screenshot that a region covers", _effects)
