"""Drawing the next token: greedy, temperature, top-k, top-p. Imports torch."""

from __future__ import annotations

import torch
from torch import Tensor

from core.trace import Sampling


def draw(log_probs: Tensor, sampling: Sampling, generator: torch.Generator) -> int:
    """The id of the next token.

    Args:
        log_probs: float32 [vocabulary], nats; the model's own distribution.
        sampling: temperature 0 is greedy; top_k 0 and top_p 1 keep everything.
        generator: on the device of ``log_probs``.
    """
    if sampling.temperature <= 0:
        return int(log_probs.argmax())
    scores, ids = log_probs, None
    if 0 < sampling.top_k < len(log_probs):
        scores, ids = log_probs.topk(sampling.top_k)
    probs = torch.softmax(scores / sampling.temperature, -1)
    if sampling.top_p < 1:
        probs, order = probs.sort(descending=True)
        ids = order if ids is None else ids[order]
        # The token that crosses top_p stays, as everywhere.
        probs = probs.masked_fill(probs.cumsum(0) - probs >= sampling.top_p, 0.0)
    place = int(torch.multinomial(probs, 1, generator=generator))
    return place if ids is None else int(ids[place])
