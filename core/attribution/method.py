"""What an attribution method is given and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from core.ablation.masks import distinct_masks
from core.features import Features
from core.regions import RegionMap
from core.run import EffectEstimator
from core.thinking import Prepared, ThinkingModel

if TYPE_CHECKING:
    from core.attribution.linear_attention import LinearAttention


class OpenModel(ThinkingModel, Protocol):
    """A thinking model whose inside can be read: what some of the methods need beyond attention rows."""

    def input_gradients(
        self,
        prepared: Prepared,
        token_ids: Sequence[int],
        baseline: np.ndarray | None = None,
        points: int = 1,
    ) -> np.ndarray:
        """Gradient of each token's log-probability at the visual tokens, times those: float32 [T, cells].

        With a baseline, uint8 [H, W, 3], the gradient is averaged over ``points`` midpoints of the straight
        line from its visual tokens to those of the screenshot, and multiplied by their difference.
        """
        ...

    def rollout(self, prepared: Prepared, token_ids: Sequence[int]) -> np.ndarray:
        """Attention multiplied through all layers, from the row of each token: float32 [T, cells]."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One generated text over one screenshot, with everything a method may look at.

    Attributes:
        thinker, prepared, pixels, region_map, token_ids: the model and what it was given and wrote.
        coverage: float32 [cells, regions].
        features: what the probe read of every token.
        whole: float32 [T], nats; log-probability of every token with everything kept, measured.
        singles: float32 [regions, T], nats; the same without one region each.
        ablations: count → random half masks, bool [count, regions], and the log-probability of every token
            under each, float32 [count, T], nats. Never the masks that the method is judged by.
        estimator: the fitted estimator of this model, or None.
        linear: the paper's linear map, fitted on this model, or None.
        seed: for methods that draw at random.
    """

    thinker: OpenModel
    prepared: Prepared
    pixels: np.ndarray
    region_map: RegionMap
    token_ids: Sequence[int]
    coverage: np.ndarray
    features: Features
    whole: np.ndarray
    singles: np.ndarray
    ablations: Callable[[int], tuple[np.ndarray, np.ndarray]]
    estimator: EffectEstimator | None
    linear: LinearAttention | None
    seed: int


def no_passes(case: Case) -> int:
    """For methods that look only at what the run itself computed."""
    return 0


def ablation_passes(count: int) -> Callable[[Case], int]:
    """For methods that are fitted on ``count`` random ablations: those of them that differ."""
    return lambda case: len(distinct_masks(case.ablations(count)[0])[0])


@dataclass(frozen=True, slots=True)
class Method:
    """An attribution method.

    Attributes:
        name: short, unique.
        description: one line.
        effects: case → float32 [T, regions]; nats where ``in_nats``, else any scale.
        passes: case → passes through the model, forward or backward, beyond the run itself.
        in_nats: whether the scale means anything.
        ablations: how many random ablations it is fitted on.
        measured: whether its passes are ablations that were measured for all methods together.
        encodes: whether it looks at what regions change of the visual tokens, for which the screenshot is
            encoded some more times before the run (``core/influence.py``).
        costly: whether it is judged on some of the screens only, for what it takes.
        needs: attribute of the case that must not be None, or "".
    """

    name: str
    description: str
    effects: Callable[[Case], np.ndarray]
    passes: Callable[[Case], int] = no_passes
    in_nats: bool = False
    ablations: int = 0
    measured: bool = False
    encodes: bool = False
    costly: bool = False
    needs: str = ""
