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

_POSITIONS_AT_ONCE = 1024  # short texts leave a processor half idle; the graph of long ones fills the memory


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
    at_once = max(1, _POSITIONS_AT_ONCE // (prepared.prompt_length + len(token_ids)))
    for some in torch.tensor(shares).split(at_once):
        here = [_between(origin, way, some).requires_grad_() for origin, way in zip(start, ways, strict=True)]
        log_probs = _log_probs(thinker, prepared, token_ids, here, whole.joined)
        for index, log_prob in enumerate(log_probs):
            last = index + 1 == len(log_probs)
            gradients = torch.autograd.grad(log_prob, here, retain_graph=not last)
            for gradient, way in zip(gradients, ways, strict=True):
                total[index] += (gradient * way).float().sum((0, -1)).to(total.device)
    return (total / len(shares)).cpu().numpy()


def _between(origin: Tensor, way: Tensor, shares: Tensor) -> Tensor:
    """The visual tokens after each share of the way, [shares, cells, hidden]."""
    return origin + shares.to(way)[:, None, None] * way


def as_inputs(embeddings: Tensor, deeper: Sequence[Tensor], joined: bool) -> dict[str, Any]:
    """Ready-made visual tokens [count · cells, hidden], as transformers' models take them."""
    features = SimpleNamespace(
        pooler_output=embeddings if joined else (embeddings,),
        deepstack_features=[(level,) for level in deeper],
    )
    return {"mm_encoder_outputs": {"image": features}}


def _log_probs(
    thinker: Thinker, prepared: Prepared, token_ids: Sequence[int], here: Sequence[Tensor], joined: bool
) -> Tensor:
    """Log-probability of each token, [T], with a graph back to the visual tokens.

    Those are [count, cells, hidden] of each level; over several, log-probabilities are summed.
    """
    count = len(here[0])
    with torch.enable_grad():
        first, *deeper = [level.flatten(0, 1) for level in here]
        rows = thinker.continuation(prepared, token_ids, count, as_inputs(first, deeper, joined))
        logits = thinker.logits(rows.flatten(0, 1))
        wanted = torch.tensor(list(token_ids), device=logits.device)
        return log_prob_of(logits, wanted.repeat(count)).view(count, -1).sum(0)
