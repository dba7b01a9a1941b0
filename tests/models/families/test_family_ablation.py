"""For every family: each ablation operator gives what a slow reference gives, one image at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from family_reference import PROMPT

from core.ablation import ATTENTION, EMBEDDINGS, PIXELS, ablate_pixels, measure
from core.ablation.ownership import ownership, removed_tokens
from core.coverage import coverage
from core.trace import Sampling

MASKS = np.array([[1, 0, 1, 1], [0, 1, 1, 0], [1, 1, 1, 0]], bool)


@pytest.fixture(scope="module")
def prepared(thinker, pixels):
    return thinker.prepare(pixels, PROMPT)


@pytest.fixture(scope="module")
def ids(thinker, prepared):
    return [d.id for d in thinker.decode(prepared, Sampling(temperature=1, seed=1, max_new_tokens=10))]


@pytest.fixture(scope="module")
def removed(prepared, region_map):
    owned = ownership(coverage(region_map, prepared.cells), prepared.cells)
    return removed_tokens(owned, MASKS)


def blank(pixels):
    return np.broadcast_to(np.median(pixels.reshape(-1, 3), 0).round().astype(np.uint8), pixels.shape).copy()


def test_pixels_equal_one_forward_pass_for_each_ablated_screenshot(
    thinker, plain, prepared, pixels, region_map, ids
):
    rows = measure(thinker, prepared, pixels, region_map, ids, MASKS)
    for mask, row in zip(MASKS, rows, strict=True):
        expected = plain.log_probs(ablate_pixels(pixels, region_map, mask), ids)
        np.testing.assert_allclose(row, expected, atol=1e-4)
    assert np.abs(rows - plain.log_probs(pixels, ids)).max() > 1e-3, "the image must matter"


def test_embeddings_equal_visual_tokens_replaced_by_hand(
    thinker, plain, prepared, pixels, region_map, ids, removed, monkeypatch
):
    rows = measure(thinker, prepared, pixels, region_map, ids, MASKS, operator=EMBEDDINGS)
    for gone, row in zip(removed, rows, strict=True):
        features, empty = plain.image_features(pixels), plain.image_features(blank(pixels))
        joined = isinstance(features.pooler_output, torch.Tensor)
        levels = [(features.pooler_output, empty.pooler_output)]
        levels += zip(
            getattr(features, "deepstack_features", None) or (),
            getattr(empty, "deepstack_features", None) or (),
            strict=True,
        )
        for mine, others in levels:
            mine, others = (mine, others) if joined else (mine[0], others[0])
            flat, other = mine.view(-1, mine.shape[-1]), others.reshape(-1, mine.shape[-1])
            for cell in np.flatnonzero(gone):
                flat[cell] = other[cell]
        monkeypatch.setattr(plain.model.model, "get_image_features", lambda *a, f=features, **k: f)
        np.testing.assert_allclose(row, plain.log_probs(pixels, ids), atol=1e-4)
        monkeypatch.undo()
    assert np.abs(rows - plain.log_probs(pixels, ids)).max() > 1e-3


def test_attention_equals_columns_hidden_by_hand(thinker, plain, prepared, pixels, region_map, ids, removed):
    rows = measure(thinker, prepared, pixels, region_map, ids, MASKS, operator=ATTENTION)
    for gone, row in zip(removed, rows, strict=True):
        with plain.by_hand(prepared.image_tokens[gone].tolist()):
            np.testing.assert_allclose(row, plain.log_probs(pixels, ids), atol=1e-4)
    assert np.abs(rows - plain.log_probs(pixels, ids)).max() > 1e-3


def test_every_operator_leaves_a_whole_screenshot_alone_and_no_region_is_too_small_for_it(
    thinker, plain, prepared, pixels, region_map, ids
):
    masks = np.concatenate([np.ones((1, 4), bool), np.array([[1, 1, 1, 0]], bool)])
    for operator in (PIXELS, EMBEDDINGS, ATTENTION):
        whole, without = measure(thinker, prepared, pixels, region_map, ids, masks, operator=operator)
        np.testing.assert_allclose(whole, plain.log_probs(pixels, ids), atol=1e-4)
        assert np.abs(without - whole).max() > 1e-4, operator.name


def test_with_nothing_kept_embeddings_are_pixels(thinker, prepared, pixels, region_map, ids):
    nothing = np.zeros((1, 4), bool)
    pixel, embedding = (
        measure(thinker, prepared, pixels, region_map, ids, nothing, operator=operator)
        for operator in (PIXELS, EMBEDDINGS)
    )
    np.testing.assert_allclose(pixel, embedding, atol=1e-4)
