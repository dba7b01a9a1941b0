"""The operator ``embeddings``: a region's visual tokens become those of an empty screenshot.

The empty screenshot has the median colour of the real one everywhere. What enters deeper layers
(DeepStack) is replaced as well. What other visual tokens took over from the region inside the vision tower
stays; with nothing kept, this operator and ``pixels`` are the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.ablation.operator import Operator, Scorer
from core.ablation.ownership import ownership, removed_tokens
from core.ablation.pixels import median_colour
from core.coverage import coverage
from core.regions import RegionMap
from core.thinking import Prepared, ThinkingModel


def _scorer(thinker: ThinkingModel, prepared: Prepared, pixels: np.ndarray, region_map: RegionMap) -> Scorer:
    owned = ownership(coverage(region_map, prepared.cells), prepared.cells)
    empty = np.broadcast_to(median_colour(pixels), pixels.shape)
    visual, other = thinker.encode(prepared, pixels), thinker.encode(prepared, empty)

    def score(masks: np.ndarray, token_ids: Sequence[int]) -> np.ndarray:
        return thinker.score_replaced(prepared, visual, other, removed_tokens(owned, masks), token_ids)

    return score


EMBEDDINGS = Operator("embeddings", "replace its visual tokens by those of an empty screenshot", _scorer)
