"""For every family: what is told of a checkpoint's needs before it is loaded is what the loaded model has."""

from __future__ import annotations

import numpy as np
import pytest

from models.hardware import shape_of, visual_tokens
from models.image_budget import budget, budget_of


def test_the_files_of_a_checkpoint_tell_its_sizes(thinker, folder):
    shape, text = shape_of(folder), thinker.model.config.text_config
    owned = sum(parameter.numel() for parameter in thinker.model.parameters())
    assert shape.parameters == pytest.approx(owned, rel=1e-3)  # a few buffers are in the files as well
    assert (shape.layers, shape.heads) == (text.num_hidden_layers, text.num_attention_heads)
    experts = sum(p.numel() for name, p in thinker.model.named_parameters() if ".experts." in name)
    kept = (
        sum(layer.output.weight.numel() for layer in thinker._decoder.layers)
        + thinker.model.get_output_embeddings().weight.numel()
    )
    assert kept < shape.unquantized < shape.parameters
    assert 0 < shape.active <= shape.parameters - experts / 2


def test_the_files_of_a_checkpoint_tell_how_many_visual_tokens_it_makes(thinker, folder):
    assert budget_of(folder) == budget(thinker.processor)
    pixels = np.zeros((150, 200, 3), np.uint8)
    prepared = thinker.prepare(pixels, "?")
    width, height = prepared.image_size
    views = prepared.cells.views
    cells = len(prepared.cells) if views is None else int((views == 0).sum())
    side = shape_of(folder).pixels
    assert side * side * cells == width * height
    assert visual_tokens(width, height, side, budget_of(folder)) == pytest.approx(cells, rel=0.2)
