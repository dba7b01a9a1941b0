"""What a model is given: its system prompt, the screenshot, the question, and the beginning of its own turn.

Imports torch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL import Image

from core.errors import InputError
from core.thinking import Prepared
from models.families.family import Family


def messages(family: Family, content: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The conversation: what makes the model think, and the user's turn."""
    asked: list[dict[str, Any]] = [{"role": "user", "content": content}]
    if not family.system_prompt:
        return asked
    told = {"role": "system", "content": [{"type": "text", "text": family.system_prompt}]}
    return [told, *asked]


def prepare(
    model: Any, processor: Any, family: Family, device: torch.device, pixels: np.ndarray, prompt: str
) -> Prepared:
    """Turn a screenshot, uint8 [H, W, 3], and a question into the model's input.

    Raises:
        InputError: the prompt is empty or too long, or the image too narrow for the model.
    """
    if not prompt.strip():
        raise InputError("The prompt is empty. Type a question about the screenshot.")
    height, width = pixels.shape[:2]
    image_token = processor.tokenizer.convert_ids_to_tokens(model.config.image_token_id)
    if image_token in prompt:
        raise InputError(f"The prompt holds {image_token}, which stands for the screenshot. Take it out.")
    content: list[dict[str, Any]] = [
        {"type": "image", "image": Image.fromarray(pixels)},
        {"type": "text", "text": prompt},
    ]
    try:
        batch = _templated(processor, family, content)
    except ValueError as error:
        raise InputError(f"The model cannot take this screenshot ({width} × {height}): {error}") from error
    ids = batch["input_ids"]
    places = (ids[0] == model.config.image_token_id).nonzero()[:, 0]
    cells, size = family.layout(batch, processor, width, height)
    if len(places) != len(cells):
        raise RuntimeError(f"{len(places)} visual tokens for {len(cells)} cells")
    positions, following = family.positions(model, batch)
    room = int(model.config.text_config.max_position_embeddings) - ids.shape[1]
    if room < 1:
        raise InputError(
            f"The screenshot ({len(places):,} visual tokens) and the question are longer than the "
            "model's context. Take a smaller image budget, or shorten the question."
        )
    wanted = ("input_ids", *family.token_inputs, *family.image_inputs)
    inputs = {key: batch[key].to(device) for key in wanted}
    inputs |= {"position_ids": positions.to(device), "following": following.to(device)}
    return Prepared(
        prompt=prompt,
        prompt_length=int(ids.shape[1]),
        image_tokens=places.numpy(),
        cells=cells,
        image_size=size,
        room=room,
        inputs=inputs,
    )


def _templated(processor: Any, family: Family, content: list[dict[str, Any]]) -> Any:
    return processor.apply_chat_template(
        messages(family, content),
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
        add_generation_prompt=True,
        **family.template_arguments,
    )
