"""Gradients of each token's log-probability at the visual tokens. Imports torch.

The vision tower runs without gradients: what counts is what the text decoder does with its output, at the
first layer and wherever else it enters (DeepStack).
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from core.log_probs import log_prob_of
from core.thinking import Prepared

if TYPE_CHECKING:
    from models.thinker import Thinker


def input_gradients(
    thinker: Thinker,
    prepared: Prepared,
    token_ids: Sequence[int],
    baseline: np.ndarray | None = None,
    points: int = 1,
) -> np.ndarray:
    """Gradient times visual tokens, summed over their entries: float32 [T, cells], nats.

    Without a baseline this is gradient × input. With one, uint8 [H, W, 3] of the size of the screenshot, it
    is integrated gradients: the gradient is averaged over ``points`` midpoints of the line from the
    baseline's visual tokens to the screenshot's, and multiplied by their difference.

    Raises:
        ValueError: no tokens given.
    """
    whole = thinker.encode_inputs(prepared, prepared.inputs)
    levels = [level.clone() for level in (whole.embeddings, *whole.deeper)]  # of use to autograd
    start = [torch.zeros_like(level) for level in levels]
    shares = [1.0]
    if baseline is not None:
        blank = thinker.encode(prepared, baseline)
        start = [level.clone() for level in (blank.embeddings, *blank.deeper)]
        shares = [(point + 0.5) / points for point in range(points)]
    ways = [level - origin for level, origin in zip(levels, start, strict=True)]
    total = torch.zeros(len(token_ids), len(prepared.cells), device=thinker.device)
    for share in shares:
        here = [(o + share * way).requires_grad_() for o, way in zip(start, ways, strict=True)]
        log_probs = _log_probs(thinker, prepared, token_ids, as_inputs(here[0], here[1:], whole.joined))
        for index, log_prob in enumerate(log_probs):
            last = index + 1 == len(log_probs)
            gradients = torch.autograd.grad(log_prob, here, retain_graph=not last)
            for gradient, way in zip(gradients, ways, strict=True):
                total[index] += (gradient * way).float().sum(-1).to(total.device)
    return (total / len(shares)).cpu().numpy()


def as_inputs(embeddings: Tensor, deeper: Sequence[Tensor], joined: bool) -> dict[str, Any]:
    """Ready-made visual tokens [count · cells, hidden], as transformers' models take them."""
    features = SimpleNamespace(
        pooler_output=embeddings if joined else (embeddings,),
        deepstack_features=[(level,) for level in deeper],
    )
    return {"mm_encoder_outputs": {"image": features}}


def _log_probs(
    thinker: Thinker, prepared: Prepared, token_ids: Sequence[int], inputs: dict[str, Any]
) -> Tensor:
    """Log-probability of each token, [T], with a graph back to the visual tokens."""
    with torch.enable_grad():
        rows = thinker.continuation(prepared, token_ids, 1, inputs)[0]
        logits = thinker.logits(rows)
        wanted = torch.tensor(list(token_ids), device=logits.device)
        return log_prob_of(logits, wanted)
