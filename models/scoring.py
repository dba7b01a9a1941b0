"""Log-probabilities of a given text with the screenshot changed, as pixels or as visual tokens.

One forward pass over prompt and text scores a batch of changes; ``core/ablation`` says which. Imports torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from core.log_probs import log_prob_of
from core.thinking import Prepared
from models.gradients import as_inputs

if TYPE_CHECKING:
    from models.thinker import Thinker, VisualTokens

_LOGITS_AT_ONCE = 2**24


def score(thinker: Thinker, prepared: Prepared, images: np.ndarray, token_ids: Sequence[int]) -> np.ndarray:
    """Log-probability of each given token with other images in place of the screenshot.

    Args:
        prepared: the prompt with its own screenshot.
        images: uint8 [B, H, W, 3], of the size of that screenshot; all in one forward pass.
        token_ids: the continuation, T tokens.

    Returns:
        float32 [B, T], nats.
    """
    hidden = thinker.continued(prepared, token_ids, len(images), thinker.image_inputs(images))
    return _log_probs(thinker, hidden, token_ids).cpu().numpy()


def score_replaced(
    thinker: Thinker,
    prepared: Prepared,
    visual: VisualTokens,
    other: VisualTokens,
    replaced: np.ndarray,
    token_ids: Sequence[int],
) -> np.ndarray:
    """As ``score``, with some visual tokens replaced by those of another image, at every depth.

    Args:
        prepared: the prompt.
        visual, other: from ``encode``; of the screenshot, and where to take replacements from.
        replaced: bool [B, cells].
        token_ids: the continuation, T tokens.

    Returns:
        float32 [B, T], nats.
    """
    where = torch.as_tensor(replaced, device=thinker.device)[:, :, None]

    def mixed(mine: Tensor, others: Tensor) -> Tensor:
        return torch.where(where.to(mine.device), others, mine).flatten(0, 1)

    deeper = [mixed(*pair) for pair in zip(visual.deeper, other.deeper, strict=True)]
    features = as_inputs(mixed(visual.embeddings, other.embeddings), deeper, visual.joined)
    hidden = thinker.continued(prepared, token_ids, len(replaced), features)
    return _log_probs(thinker, hidden, token_ids).cpu().numpy()


def score_hidden(
    thinker: Thinker, prepared: Prepared, visual: VisualTokens, hidden: np.ndarray, token_ids: Sequence[int]
) -> np.ndarray:
    """As ``score``, with some visual tokens hidden from attention; every other token keeps its position.

    Arguments as in ``score_replaced``; ``hidden`` is bool [B, cells].
    """
    count = len(hidden)
    features = as_inputs(
        visual.embeddings.repeat(count, 1),
        [level.repeat(count, 1) for level in visual.deeper],
        visual.joined,
    )
    length = prepared.prompt_length + len(token_ids) - 1
    mask = torch.ones(count, length, dtype=torch.long, device=thinker.device)
    mask[:, torch.as_tensor(prepared.image_tokens, device=thinker.device)] -= torch.as_tensor(
        hidden, dtype=torch.long, device=thinker.device
    )
    output = thinker.continued(prepared, token_ids, count, features | {"attention_mask": mask})
    return _log_probs(thinker, output, token_ids).cpu().numpy()


@torch.inference_mode()
def _log_probs(thinker: Thinker, hidden: Tensor, token_ids: Sequence[int]) -> Tensor:
    """Log-probability of each token, [B, T], from the decoder's output [B, T, hidden]."""
    count, length = hidden.shape[:2]
    wanted = torch.tensor(token_ids, device=thinker.device).repeat(count)
    rows = hidden.reshape(count * length, -1)
    step = max(1, _LOGITS_AT_ONCE // int(thinker.model.config.text_config.vocab_size))
    parts = []
    for start in range(0, len(rows), step):
        logits = thinker.logits(rows[start : start + step])
        parts.append(log_prob_of(logits, wanted[start : start + step].to(logits.device)))
    return torch.cat(parts).view(count, length)
