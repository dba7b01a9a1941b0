"""What an ablation operator is: a way to remove regions, named in every result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from core.regions import RegionMap
from core.thinking import Prepared, ThinkingModel

Scorer = Callable[[np.ndarray, Sequence[int]], np.ndarray]
"""Masks, bool [B, regions], and T tokens → log-probability of each, float32 [B, T], nats; in one pass."""


@dataclass(frozen=True, slots=True)
class Operator:
    """A way to remove regions.

    Attributes:
        name: as results and the command line name it.
        description: for people.
        scorer: (model, prompt, screenshot uint8 [H, W, 3], regions) → how to score masks; what is the same
            for all masks is done once.
    """

    name: str
    description: str
    scorer: Callable[[ThinkingModel, Prepared, np.ndarray, RegionMap], Scorer]
