"""For every family: a model whose weights lie on the disk is read and scored as one in memory."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from family_reference import PROMPT

from core.ablation import ATTENTION, measure
from core.coverage import coverage
from core.trace import Sampling
from models import checkpoint
from models.placement import SPREAD, place
from models.thinker import Thinker, load_thinker


@pytest.fixture(scope="module")
def offloaded(folder, thinker):
    """The same checkpoint with the whole decoder on the disk, except the embeddings."""
    decoder = [name for name, _ in thinker.model.model.language_model.named_children()]
    where = {f"model.{name}": "cpu" for name, _ in thinker.model.model.named_children()}
    del where["model.language_model"]
    where |= {f"model.language_model.{name}": "disk" if name == "norm" else "cpu" for name in decoder}
    del where["model.language_model.layers"]
    count = len(thinker.model.model.language_model.layers)
    where |= {f"model.language_model.layers.{index}": "disk" for index in range(count)}
    where["lm_head"] = "cpu" if thinker.model.config.tie_word_embeddings else "disk"

    def on_disk(*given):
        placed = place(*given)
        return dataclasses.replace(placed, arguments=placed.arguments | {"device_map": where})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "place", on_disk)
        return load_thinker(str(folder), loading=checkpoint.Loading(SPREAD))


def read(thinker: Thinker, prepared, shares):
    """Token ids and features of a short run."""
    probe = thinker.probe(prepared, shares)
    ids = [drawn.id for drawn in thinker.decode(prepared, Sampling(max_new_tokens=8), probe)]
    return ids, probe.flush()


def test_direct_effects_of_weights_on_the_disk_are_those_of_weights_in_memory(
    thinker, offloaded, pixels, region_map
):
    assert all(layer.output.weight.is_meta for layer in offloaded._decoder.layers)
    assert offloaded._decoder.norm.weight.is_meta
    prepared = thinker.prepare(pixels, PROMPT)
    shares = coverage(region_map, prepared.cells)
    ids, features = read(thinker, prepared, shares)
    again, from_disk = read(offloaded, offloaded.prepare(pixels, PROMPT), shares)
    assert again == ids
    for name in ("attention", "direct", "carried", "log_prob", "entropy"):
        torch.testing.assert_close(getattr(from_disk, name), getattr(features, name), atol=1e-6, rtol=1e-5)
    assert features.direct.abs().max() > 1e-3
    taught = offloaded.teach(offloaded.prepare(pixels, PROMPT), ids, shares)
    torch.testing.assert_close(taught.direct, features.direct, atol=2e-4, rtol=1e-3)
    assert all(layer.output.weight.is_meta for layer in offloaded._decoder.layers), "nothing stays in memory"


def test_ablation_of_weights_on_the_disk_is_that_of_weights_in_memory(thinker, offloaded, pixels, region_map):
    ids, masks = [5, 6, 7, 8], np.array([[1, 0, 1, 1], [0, 1, 1, 0]], bool)
    rows = [
        measure(model, model.prepare(pixels, PROMPT), pixels, region_map, ids, masks, operator=ATTENTION)
        for model in (thinker, offloaded)
    ]
    np.testing.assert_allclose(*rows, atol=1e-5)
