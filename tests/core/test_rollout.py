"""Rollout multiplies the attention of all layers, as a plain product of eager attention matrices does."""

from __future__ import annotations

import numpy as np
import torch

from core.probe import Layer
from core.rollout import Rollout
from core.trace import Sampling


def test_rollout_equals_the_product_of_eager_attention(tiny_thinker, tiny_folder):
    from transformers import AutoModelForImageTextToText

    pixels = np.random.default_rng(3).integers(0, 255, (100, 170, 3), dtype=np.uint8)
    prepared = tiny_thinker.prepare(pixels, "What is this?")
    ids = [d.id for d in tiny_thinker.decode(prepared, Sampling(temperature=1.0, max_new_tokens=6))]
    found = tiny_thinker.rollout(prepared, ids)

    model = AutoModelForImageTextToText.from_pretrained(tiny_folder, attn_implementation="eager").eval()
    whole = torch.cat((prepared.inputs["input_ids"], torch.tensor([ids[:-1]])), 1)
    with torch.no_grad():
        attentions = model(
            input_ids=whole,
            mm_token_type_ids=(whole == model.config.image_token_id).int(),
            pixel_values=prepared.inputs["pixel_values"],
            image_grid_thw=prepared.inputs["image_grid_thw"],
            output_attentions=True,
        ).attentions
    product = torch.eye(whole.shape[1])
    for attention in attentions:
        product = (attention[0].mean(0) + torch.eye(whole.shape[1])) / 2 @ product
    expected = product[prepared.prompt_length - 1 :][:, prepared.image_tokens]
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-6)
    assert found.shape == (6, len(prepared.cells))


def test_long_texts_are_rolled_out_in_blocks_of_rows(monkeypatch):
    rng = np.random.default_rng(0)
    query = torch.from_numpy(rng.normal(size=(1, 4, 9, 8))).float()
    key = torch.from_numpy(rng.normal(size=(1, 2, 9, 8))).float()
    reached = []
    for rows in (256, 4):
        monkeypatch.setattr("core.rollout._ROWS", rows)
        rollout = Rollout([Layer(0, 0.3, torch.nn.Identity())], torch.tensor([1, 2]), 9)
        rollout.hear_attention(0, query, key, key, query)
        reached.append(rollout.reached)
    torch.testing.assert_close(*reached)


def test_layers_that_cannot_be_read_are_passed_straight_through():
    rollout = Rollout([Layer(0, 0.3, torch.nn.Identity())], torch.tensor([1]), 3)
    some = torch.ones(1, 2, 3, 4)
    rollout.hear_attention(5, some, some, some, some)
    assert rollout.reached.tolist() == [[0.0], [1.0], [0.0]]
