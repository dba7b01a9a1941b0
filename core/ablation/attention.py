"""The operator ``attention``: a region's visual tokens are hidden from attention, as the paper does it.

Every other token keeps its position. What other visual tokens took over from the region inside the vision
tower stays. Recurrent layers, where a model has them, are given nothing in place of a hidden token.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.ablation.operator import Operator, Scorer
from core.ablation.ownership import ownership, removed_tokens
from core.coverage import coverage
from core.regions import RegionMap
from core.thinking import Prepared, ThinkingModel


def _scorer(thinker: ThinkingModel, prepared: Prepared, pixels: np.ndarray, region_map: RegionMap) -> Scorer:
    owned = ownership(coverage(region_map, prepared.cells), prepared.cells)
    visual = thinker.encode(prepared, pixels)

    def score(masks: np.ndarray, token_ids: Sequence[int]) -> np.ndarray:
        return thinker.score_hidden(prepared, visual, removed_tokens(owned, masks), token_ids)

    return score


ATTENTION = Operator("attention", "hide its visual tokens from attention", _scorer)
