"""Small networks that tell which of the proposed boxes are elements, and where their sides really are.

Each box looks at itself and at those that it coincides with, lies in, holds, crosses or stands beside: which
of many boxes means an element depends on the others. Importing this module imports torch; import it lazily.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from models.mask_model import Tick
from models.sam_relations import COUNT
from models.screen_layout import Part

FARTHEST = 4
"""Pixels by which a side may be moved."""
_WIDTH, _TOLD = 96, 24
"""Numbers kept of each box, and told by it to those related to it."""
_ROUNDS = 2
_FAR = 5.0
"""Standard deviations from the mean from which evidence makes no difference."""
_STEADY = 8.0
_SMALLEST = 4
"""Pixels of a side that is left."""


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What the judges think of n boxes.

    Attributes:
        fit: float32 [n], the IoU with an element that it expects.
        chosen: float32 [n], how likely it is that no other box fits that element clearly better.
        moves: int64 [n, 4], pixels to add to x0, y0, x1, y1.
    """

    fit: np.ndarray
    chosen: np.ndarray
    moves: np.ndarray


class Judge(nn.Module):
    """Evidence float32 [n, features] and relations bool [COUNT, n, n] to a verdict."""

    mean: Tensor
    scale: Tensor

    def __init__(self, features: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))
        self.first = _layers(features, dropout)
        self.weight = nn.ModuleList(nn.Linear(_WIDTH, COUNT) for _ in range(_ROUNDS))
        self.message = nn.ModuleList(nn.Linear(_WIDTH, _TOLD) for _ in range(_ROUNDS))
        heard = _WIDTH + COUNT * _TOLD + COUNT
        self.update = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(heard), *_layers(heard, dropout)) for _ in range(_ROUNDS)
        )
        self.last = nn.Sequential(
            nn.LayerNorm(_WIDTH),
            nn.Linear(_WIDTH, _WIDTH),
            nn.ReLU(),
            nn.Linear(_WIDTH, 2 + 4 * (2 * FARTHEST + 1)),
        )

    def forward(self, evidence: Tensor, relations: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits of fit [n], of being chosen [n], and of each move of each side [n, 4, 2 * FARTHEST + 1]."""
        state = self.first(((evidence - self.mean) / self.scale).clamp(-_FAR, _FAR))
        for weigh, tell, update in zip(self.weight, self.message, self.update, strict=True):
            weights = weigh(state).clamp(-_STEADY, _STEADY).exp()
            attention = relations * weights.T[:, None, :]
            total = attention.sum(2)
            told = (attention @ tell(state)) / (total[..., None] + 1e-6)
            told = told.permute(1, 0, 2).flatten(1)
            state = state + update(torch.cat([state, told, torch.log1p(total.T)], 1))
        out = self.last(state)
        return out[:, 0], out[:, 1], out[:, 2:].view(-1, 4, 2 * FARTHEST + 1)


class Jury:
    """Judges that learned the same from different beginnings; what they think is averaged."""

    def __init__(self, judges: Sequence[Judge]) -> None:
        self._judges = nn.ModuleList(judges).eval()

    @torch.inference_mode()
    def verdict(self, evidence: np.ndarray, relations: np.ndarray, tick: Tick = lambda: None) -> Verdict:
        """On evidence float32 [n, features] and relations bool [COUNT, n, n].

        ``tick`` is called before each judge is asked and may raise to end the work.
        """
        seen, related = torch.from_numpy(evidence), torch.from_numpy(relations).float()
        told = []
        for judge in self._judges:
            tick()
            told.append(judge(seen, related))
        fit, chosen = (torch.stack([each[k] for each in told]).sigmoid().mean(0) for k in (0, 1))
        moves = torch.stack([each[2] for each in told]).softmax(3).mean(0)
        return Verdict(fit.numpy(), chosen.numpy(), moves.argmax(2).numpy() - FARTHEST)

    def state_dict(self) -> dict[str, Tensor]:
        """All weights, as ``load_jury`` reads them."""
        return {name: value.contiguous() for name, value in self._judges.state_dict().items()}


def load_jury(weights: Path) -> Jury:
    """The judges with their weights. What is wrong with them is raised as torch does."""
    tensors = load_file(weights)
    count = max(1, len({name.partition(".")[0] for name in tensors}))
    judges = [Judge(len(tensors[f"{k}.mean"])) for k in range(count)]
    nn.ModuleList(judges).load_state_dict(tensors)
    return Jury(judges)


def moved(part: Part, moves: np.ndarray, width: int, height: int) -> Part:
    """A part that fills its box with its sides moved, inside a picture; one with a shape stays as it is."""
    if not part.mask.all():
        return part
    low = np.maximum(np.array(part.box[:2]) + moves[:2], 0)
    high = np.minimum(np.array(part.box[2:]) + moves[2:], (width, height))
    if (high - low).min() < _SMALLEST:
        return part
    (x0, y0), (x1, y1) = low.tolist(), high.tolist()
    return replace(part, box=(x0, y0, x1, y1), mask=np.ones((y1 - y0, x1 - x0), bool))


def _layers(inputs: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, 2 * _WIDTH), nn.ReLU(), nn.Dropout(dropout), nn.Linear(2 * _WIDTH, _WIDTH)
    )
