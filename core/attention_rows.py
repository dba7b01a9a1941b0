"""A few rows of attention, as eager attention computes them. Imports torch."""

from __future__ import annotations

import torch
from torch import Tensor


def causal_mask(
    count: int, first_position: int, keys: Tensor, groups: int, first_key: int = 0, window: int | None = None
) -> Tensor:
    """What hides keys from consecutive positions: [groups · count, S], 0 or −inf.

    Args:
        count: how many positions, from ``first_position`` on; each sees the keys up to its own.
        keys: [key_heads, S, head_dim]; gives length, format and device.
        groups: heads that share a key head; their rows stand below each other.
        first_key: position of the first key.
        window: how many keys, its own included, each position sees; None for all.
    """
    positions = torch.arange(first_position, first_position + count, device=keys.device)[:, None]
    places = torch.arange(first_key, first_key + keys.shape[1], device=keys.device)
    hidden = places > positions
    if window is not None:
        hidden |= places <= positions - window
    mask = torch.zeros(hidden.shape, dtype=keys.dtype, device=keys.device)
    return mask.masked_fill_(hidden, float("-inf")).repeat(groups, 1)


def attention_rows(queries: Tensor, keys: Tensor, mask: Tensor, scaling: float) -> Tensor:
    """Attention of consecutive positions over all keys, as eager attention computes it.

    Args:
        queries: [heads, n, head_dim] after norm and rotary embedding.
        keys: [key_heads, S, head_dim]; consecutive heads share a key head.
        mask: from ``causal_mask``.
        scaling: factor of the products.

    Returns:
        float32 [heads, n, S]; rows sum to 1.
    """
    heads, count, size = queries.shape
    # The heads that share a key head stand below each other, so that keys are never repeated.
    stacked = queries.reshape(keys.shape[0], -1, size)
    scores = torch.baddbmm(mask.unsqueeze(0), stacked, keys.transpose(1, 2), alpha=scaling)
    return torch.softmax(scores, -1, dtype=torch.float32).view(heads, count, -1)
