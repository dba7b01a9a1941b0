"""Slow references: a second copy of a checkpoint, used only by the roads that transformers documents."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from transformers import (
    AttentionInterface,
    AttentionMaskInterface,
    AutoModelForImageTextToText,
    AutoProcessor,
)
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS

from models.families import Family

PROMPT = "What is this?"


class Reference:
    """A checkpoint in eager mode.

    Attributes:
        weights, values: of the last forward pass under ``by_hand``, by layer: attention [heads, query, key]
            and the values of each head [heads, key, size].
    """

    def __init__(self, folder: Path, family: Family) -> None:
        self.family = family
        self.processor = AutoProcessor.from_pretrained(folder)
        self.model = AutoModelForImageTextToText.from_pretrained(folder, attn_implementation="eager").eval()
        self.decoder = self.model.model.language_model
        self.weights: dict[int, Tensor] = {}
        self.values: dict[int, Tensor] = {}
        self._hidden: Sequence[int] = ()

    def inputs(self, pixels: np.ndarray, ids: Sequence[int] = ()) -> dict[str, Any]:
        """The processor's own answer, and a continuation after it."""
        content = [{"type": "image", "image": Image.fromarray(pixels)}, {"type": "text", "text": PROMPT}]
        messages: list[dict[str, Any]] = [{"role": "user", "content": content}]
        if self.family.system_prompt:
            told = [{"type": "text", "text": self.family.system_prompt}]
            messages.insert(0, {"role": "system", "content": told})
        batch = self.processor.apply_chat_template(
            messages, tokenize=True, return_dict=True, return_tensors="pt", add_generation_prompt=True,
            **self.family.template_arguments,
        )  # fmt: skip
        given = torch.tensor([list(ids)], dtype=torch.long)
        after = {"input_ids": given, "mm_token_type_ids": torch.zeros_like(given)}
        batch = {
            key: torch.cat((value, after[key]), 1) if key in after else value for key, value in batch.items()
        }
        batch.pop("attention_mask", None)
        return batch

    def forward(self, pixels: np.ndarray, ids: Sequence[int], **arguments: Any) -> Any:
        with torch.no_grad():
            return self.model(**self.inputs(pixels, ids), use_cache=False, **arguments)

    def log_probs(self, pixels: np.ndarray, ids: Sequence[int]) -> np.ndarray:
        """Log-probability of each token of a continuation: float32 [T]."""
        logits = self.forward(pixels, ids).logits[0, -len(ids) - 1 : -1].float()
        return torch.log_softmax(logits, -1).gather(1, torch.tensor(list(ids))[:, None])[:, 0].numpy()

    def image_features(self, pixels: np.ndarray) -> Any:
        image = {key: value for key, value in self.inputs(pixels).items() if key in self.family.image_inputs}
        with torch.no_grad():
            return self.model.model.get_image_features(**image)

    @contextlib.contextmanager
    def by_hand(self, hidden: Sequence[int] = ()) -> Iterator[None]:
        """Attention written out, with some places of the prompt hidden from every token."""
        AttentionInterface.register("by_hand", self._attention)
        AttentionMaskInterface.register("by_hand", ALL_MASK_ATTENTION_FUNCTIONS["eager"])
        self.model.set_attn_implementation({"text_config": "by_hand"})
        self._hidden = hidden
        recurrent = [layer.linear_attn for layer in self.decoder.layers if hasattr(layer, "linear_attn")]
        handles = [m.register_forward_pre_hook(self._erase, with_kwargs=True) for m in recurrent]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
            self._hidden = ()
            self.model.set_attn_implementation({"text_config": "eager"})

    def _attention(
        self, module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor, scaling: float, **_: Any
    ) -> tuple[Tensor, Tensor]:
        groups = query.shape[1] // key.shape[1]
        key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
        scores = query @ key.transpose(2, 3) * scaling + mask
        scores[..., list(self._hidden)] = -1e30
        weights = scores.softmax(-1)
        self.weights[module.layer_idx], self.values[module.layer_idx] = weights[0], value[0]
        return (weights @ value).transpose(1, 2), weights

    def _erase(self, module: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        states = kwargs.get("hidden_states", args[0] if args else None).clone()
        states[:, list(self._hidden)] = 0.0
        return (states, *args[1:]) if args else args, {
            **kwargs,
            **({} if args else {"hidden_states": states}),
        }
