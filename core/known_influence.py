"""The influence of regions, measured once for any number of questions about the same screenshot."""

from __future__ import annotations

from collections.abc import Generator, Hashable
from typing import Final
from weakref import WeakKeyDictionary

import numpy as np

from core.events import Stage
from core.influence import measure_influence
from core.regions import RegionMap
from core.screenshot import pixel_hash
from core.thinking import Prepared, ShouldStop, ThinkingModel

_LAST: Final[WeakKeyDictionary[ThinkingModel, tuple[Hashable, np.ndarray]]] = WeakKeyDictionary()
"""What was measured last with each model, and of what."""


def known_influence(
    thinker: ThinkingModel,
    prepared: Prepared,
    pixels: np.ndarray,
    region_map: RegionMap,
    covered: np.ndarray,
    *,
    should_stop: ShouldStop | None = None,
    generation: int = 0,
    share: float = 1.0,
) -> Generator[Stage, None, np.ndarray | None]:
    """As ``measure_influence``, but at once where the same was measured last: no question changes it.

    Returns a copy, float32 [cells, regions]; None when stopped, of which nothing is kept.
    """
    key = (prepared.image_size, *(pixel_hash(part) for part in (pixels, region_map.labels, covered)))
    known, found = _LAST.get(thinker, (None, None))
    if found is None or known != key:
        found = yield from measure_influence(
            thinker, prepared, pixels, region_map, covered,
            should_stop=should_stop, generation=generation, share=share,
        )  # fmt: skip
        if found is None:
            return None
        _LAST[thinker] = key, found
    return found.copy()


def forget(thinker: ThinkingModel) -> None:
    """Measure with this model anew, as for a screenshot that nobody asked about yet."""
    _LAST.pop(thinker, None)
