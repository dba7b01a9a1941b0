"""What an attribution method is given and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from core.features import Features
from core.regions import RegionMap
from core.run import EffectEstimator
from core.thinking import Prepared, ThinkingModel


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One generated text over one screenshot, with everything a method may look at.

    Attributes:
        thinker, prepared, pixels, region_map, token_ids: the model and what it was given and wrote.
        coverage: float32 [cells, regions].
        features: what the probe read of every token.
        ablations: count → random half masks, bool [count, regions], and the log-probability of every token
            under each, float32 [count, T], nats. Never the masks that the method is judged by.
        estimator: the fitted estimator of this model, or None.
        seed: for methods that draw at random.
    """

    thinker: ThinkingModel
    prepared: Prepared
    pixels: np.ndarray
    region_map: RegionMap
    token_ids: Sequence[int]
    coverage: np.ndarray
    features: Features
    ablations: Callable[[int], tuple[np.ndarray, np.ndarray]]
    estimator: EffectEstimator | None
    seed: int


@dataclass(frozen=True, slots=True)
class Method:
    """An attribution method.

    Attributes:
        name: short, unique.
        description: one line.
        passes: forward passes of the model beyond the run itself.
        effects: case → float32 [T, regions]; nats where ``in_nats``, else any scale.
        in_nats: whether the scale means anything.
    """

    name: str
    description: str
    passes: int
    effects: Callable[[Case], np.ndarray]
    in_nats: bool = False
