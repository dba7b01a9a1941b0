"""The prior: what is shown for a model that has no estimator yet. It needs no training and measures no
effect.

For each head, attention to a region counts only as far as it exceeds both what the region would get by its
area alone and what that head gives it anyway (the mean over the tokens so far): the second takes out
attention sinks, places that heads look at whatever the token. The root mean square of the excess over layers
and heads is the score, so that the few heads that look somewhere on purpose outweigh the many that look
everywhere.

Over training screens of the bundled model its order agrees with measured effects better than mean attention
does and far worse than a fitted estimator; nothing is known about other models. It is therefore always shown
as *uncalibrated*, and has no unit. Imports torch.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import torch

from core.attribution.method import Case, Method
from core.features import Features
from core.trace import Identity

SCALE: Final = 10.0
"""Brings the strongest regions near 1."""
_WEIGHT: Final = 4.0
"""Tokens' worth of attention spread by area that the mean begins with."""

DETAILS: Final[dict[str, Any]] = {"calibrated": False, "unit": "relative"}


class Prior:
    """Scores regions of one run, token after token; a new run needs a new one.

    Attributes:
        identity: as a trace keeps it; its details say that it is not calibrated.
    """

    identity = Identity("attention, uncalibrated", "", DETAILS)

    def __init__(self) -> None:
        self._sum: torch.Tensor | None = None
        self._mass: torch.Tensor | None = None
        self._seen = 0

    @torch.inference_mode()
    def estimate(self, features: Features) -> tuple[np.ndarray, np.ndarray]:
        """Scores float32 [n, regions] of the next n tokens, from 0, and their sums [n]; no unit."""
        look = features.attention.float()
        by_area = look.sum(-1, keepdim=True) * features.area.float()
        if self._sum is None or self._mass is None:
            self._sum, self._mass = torch.zeros_like(look[0]), torch.zeros_like(by_area[0])
        sums, masses = self._sum + look.cumsum(0), self._mass + by_area.cumsum(0)
        count = self._seen + torch.arange(1, len(look) + 1, device=look.device).view(-1, 1, 1, 1)
        anyway = (sums + _WEIGHT * masses / count) / (_WEIGHT + count)
        excess = (look - torch.maximum(anyway, by_area)).clamp_min(0)
        scores = SCALE * excess.square().mean((1, 2)).sqrt()
        self._sum, self._mass, self._seen = sums[-1], masses[-1], self._seen + len(look)
        return scores.cpu().numpy(), scores.sum(-1).cpu().numpy()


def _effects(case: Case) -> np.ndarray:
    return Prior().estimate(case.features)[0]


METHOD = Method("prior", "attention beyond sink and area, no training (uncalibrated)", _effects)
