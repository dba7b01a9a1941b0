"""Explicit positions of a prompt's tokens, and of the token that follows.

transformers otherwise infers them from state on the model or from the attention mask, and gets them wrong
when prompts are interleaved or tokens are hidden. Imports torch only inside its functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def multimodal_rope(model: Any, inputs: Mapping[str, Any]) -> tuple[Any, Any]:
    """Positions [4, 1, P] (text, time, height, width), and those of the next token, [4, 1, 1].

    Row 0 counts tokens; it builds the causal mask. ``get_rope_index`` is pure: nothing is left on the model.
    """
    import torch

    ids = inputs["input_ids"]
    spatial, _ = model.model.get_rope_index(
        ids, mm_token_type_ids=inputs["mm_token_type_ids"], image_grid_thw=inputs["image_grid_thw"]
    )
    count = ids.shape[1]
    text = torch.arange(count, device=ids.device).view(1, 1, -1)
    following = int(spatial.max()) + 1
    after = torch.tensor([count, following, following, following], device=ids.device).view(4, 1, 1)
    return torch.cat((text, spatial), 0), after


def counted(model: Any, inputs: Mapping[str, Any]) -> tuple[Any, Any]:
    """Positions [1, P] that count tokens, and that of the next token, [1, 1]."""
    import torch

    ids = inputs["input_ids"]
    return torch.arange(ids.shape[1], device=ids.device)[None], torch.full_like(ids[:, :1], ids.shape[1])
