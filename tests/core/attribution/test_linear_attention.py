"""The paper's linear map finds the heads that matter, and is kept beside the estimator."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from core.attribution.linear_attention import FILE, fit_linear, load_linear, save_linear
from core.calibration import Example, save_example
from core.errors import InputError
from core.faithfulness import lds, over_spans
from core.features import CARRIED, Features

LAYERS, HEADS, REGIONS, TOKENS = 2, 3, 5, 6
WEIGHTS = np.array([[1.0, 0.0, -0.5], [0.0, 2.0, 0.0]], np.float32)


def example(seed: int) -> Example:
    """A text whose log-probability is exactly linear in attention, head by head, on unequal scales."""
    rng = np.random.default_rng(seed)
    scale = np.array([[1.0, 0.3, 0.5], [0.5, 0.2, 1.0]])[None, :, :, None]
    attention = rng.random((TOKENS, LAYERS, HEADS, REGIONS)) * scale
    effects = np.einsum("tlhr,lh->tr", attention, WEIGHTS)
    masks = rng.random((24, REGIONS)) < 0.5
    none = torch.zeros(TOKENS)
    features = Features(
        torch.from_numpy(attention).float(), torch.zeros(TOKENS, LAYERS, HEADS, REGIONS),
        torch.zeros(TOKENS, LAYERS, len(CARRIED), REGIONS), torch.ones(TOKENS, LAYERS, HEADS), none,
        none.clone(), torch.full((REGIONS,), 1 / REGIONS), torch.zeros(REGIONS, 0),
        torch.zeros(TOKENS, LAYERS, HEADS, REGIONS), torch.zeros(TOKENS, LAYERS, 2, REGIONS),
        torch.zeros(REGIONS, 3), torch.zeros(TOKENS, 0), torch.zeros(TOKENS, LAYERS, HEADS),
    )  # fmt: skip
    log_probs = torch.from_numpy(masks @ effects.T - 4).float()
    return Example(
        features,
        torch.from_numpy(masks),
        log_probs,
        torch.zeros(REGIONS, TOKENS),
        none.clone(),
        [(0, 2), (2, 6)],
        list(range(TOKENS)),
    )


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("examples")
    paths = [folder / f"{seed}.safetensors" for seed in range(24)]
    for seed, path in enumerate(paths):
        save_example(path, example(seed))
    return paths


@pytest.fixture(scope="module")
def fitted(examples):
    return fit_linear(examples, "ab" * 32, epochs=200)


def test_the_fit_finds_the_heads_that_matter(fitted):
    np.testing.assert_allclose(fitted.weights, WEIGHTS / np.linalg.norm(WEIGHTS), atol=0.15)
    assert fitted.examples == 24


def test_its_scores_predict_texts_it_has_not_seen(fitted):
    unseen = example(1000)
    effects = over_spans(fitted.scores(unseen.features).T, unseen.spans).T
    found = lds(effects, unseen.masks.numpy(), over_spans(unseen.log_probs.numpy(), unseen.spans))
    assert found.min() > 0.9


def test_mean_attention_is_where_it_begins(examples):
    start = fit_linear(examples, "ab" * 32, epochs=0)
    np.testing.assert_allclose(
        start.weights, np.full((LAYERS, HEADS), 1 / np.sqrt(LAYERS * HEADS)), rtol=1e-4
    )


def test_the_map_survives_the_disk(fitted, tmp_path):
    assert load_linear(tmp_path) is None
    save_linear(tmp_path, fitted)
    again = load_linear(tmp_path)
    np.testing.assert_allclose(again.weights, fitted.weights, atol=1e-5)
    assert (again.thinker_sha256, again.examples) == ("ab" * 32, 24)


def test_a_damaged_map_is_named(tmp_path):
    (tmp_path / FILE).write_text('{"weights": 3}')
    with pytest.raises(InputError, match="damaged"):
        load_linear(tmp_path)


def test_nothing_to_fit_on_is_said(tmp_path):
    with pytest.raises(InputError, match="no examples"):
        fit_linear([], "ab" * 32)
    flat = dataclasses.replace(example(0), log_probs=torch.zeros(24, TOKENS))
    save_example(tmp_path / "flat.safetensors", flat)
    with pytest.raises(InputError, match="changes under ablation"):
        fit_linear([tmp_path / "flat.safetensors"], "ab" * 32)
