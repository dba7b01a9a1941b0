"""Examples whose effects are known, and small items to make real ones of."""

from __future__ import annotations

import numpy as np
import torch

from core.ablation import half_masks
from core.calibration import Example, Item
from core.features import CARRIED, Features
from core.regions import region_map_from_labels
from core.trace import Identity, Sampling

SAMPLING = Sampling(temperature=1.0, max_new_tokens=8)


def item(name: str, seed: int) -> Item:
    rng = np.random.default_rng(seed)
    labels = np.zeros((64, 96), np.int32)
    labels[:32, :48], labels[32:, 48:] = 1, 2
    return Item(
        name, rng.integers(0, 255, (64, 96, 3), dtype=np.uint8), "Hi?", region_map_from_labels(labels), seed
    )


def synthetic(seed: int, tokens: int = 12, regions: int = 6, turned: bool = False) -> Example:
    """Log-probabilities that are sums of effects which can be read off the direct features of one head.

    ``turned``: with which sign, the token's hidden state says, and nothing else.
    """
    generator = torch.Generator().manual_seed(seed)
    direct = torch.randn(tokens, 1, 2, regions, generator=generator) * 0.2
    attention = torch.rand(tokens, 1, 2, regions, generator=generator) / (2 * regions)
    masks = torch.from_numpy(half_masks(regions, 32, seed))
    hidden = torch.randn(tokens, 4, generator=generator)
    effects = direct[:, 0, 1] * 3
    if turned:
        effects = effects * hidden[:, :1].sign()
    log_prob = -torch.rand(tokens, generator=generator)
    removed = (~masks).float() @ effects.T
    features = Features(
        attention, direct, torch.rand(tokens, 1, len(CARRIED), regions, generator=generator),
        attention.sum(-1), log_prob, -log_prob, torch.full((regions,), 1 / regions),
        torch.rand(regions, 3, generator=generator), attention,
        torch.rand(tokens, 1, 2, regions, generator=generator), torch.rand(regions, 3, generator=generator),
        hidden, direct.sum(-1),
    )  # fmt: skip
    spans = [(0, 5), (5, tokens)]
    return Example(
        features, masks, log_prob - removed, log_prob - effects.T, log_prob - effects.sum(1), spans,
        list(range(tokens)),
    )  # fmt: skip


class Model:
    """Stands for the thinking model; fitting asks only who it is."""

    identity = Identity("synthetic", "0")
