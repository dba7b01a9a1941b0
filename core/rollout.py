"""Attention rollout (Abnar & Zuidema 2020), layer by layer while a forward pass runs. Imports torch.

Only the columns of the visual tokens are carried along, [positions, cells], so that a long text costs no
square matrix a layer.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from core.attention_rows import attention_rows, causal_mask
from core.probe import Layer, arm

_ROWS = 256
"""Positions whose attention is held at once."""


class Rollout:
    """Listens to one forward pass over prompt and text.

    Attributes:
        reached: float32 [positions, cells]; how much of each visual token each position holds. Rows of
            positions after the image sum to at most 1.
    """

    def __init__(self, layers: Sequence[Layer], image_tokens: Tensor, positions: int) -> None:
        """
        Args:
            layers: those with readable attention; others are passed straight through.
            image_tokens: int [cells]; places of the visual tokens.
            positions: length of prompt and text.
        """
        self._layers = {layer.index: layer for layer in layers}
        self.reached = torch.zeros(positions, len(image_tokens), device=image_tokens.device)
        self.reached[image_tokens, torch.arange(len(image_tokens), device=image_tokens.device)] = 1.0

    def __enter__(self) -> Rollout:
        arm(self)
        return self

    def __exit__(self, *exception: object) -> None:
        arm(None)

    def hear_attention(self, layer: int, query: Tensor, key: Tensor, value: Tensor, output: Tensor) -> None:
        """Multiply by half of one layer's attention, averaged over heads, and half of identity."""
        read = self._layers.get(layer)
        if read is None:
            return
        reached, keys = self.reached.to(query.device), key[0]
        mixed = []
        for first in range(0, len(reached), _ROWS):
            queries = query[0, :, first : first + _ROWS]
            mask = causal_mask(queries.shape[1], first, keys, len(queries) // len(keys), window=read.window)
            rows = attention_rows(queries, keys, mask, read.scaling).mean(0)
            mixed.append(rows @ reached)
        self.reached = 0.5 * torch.cat(mixed) + 0.5 * reached

    def hear_rows(self, what: str, place: int, rows: Tensor) -> None:
        """Nothing to learn from anything but attention."""
