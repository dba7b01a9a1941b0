"""Ridge regression on ablations finds the effects of an additive model."""

from __future__ import annotations

import numpy as np

from core.attribution.ridge import ridge, ridge_effects


def test_ridge_recovers_the_weights_of_a_linear_model():
    rng = np.random.default_rng(0)
    weights, masks = rng.normal(size=(3, 5)), rng.random((400, 5)) < 0.5
    found = ridge_effects(masks, (masks @ weights.T - 2).astype(np.float32))
    np.testing.assert_allclose(found, weights, atol=0.05)


def test_ridge_shrinks_what_few_ablations_cannot_tell():
    masks, log_probs = np.array([[True, False], [False, True]]), np.array([[0.0], [-4.0]], np.float32)
    found = ridge_effects(masks, log_probs)[0]
    assert 0 < found[0] < 2
    assert found[1] == -found[0]


def test_a_ridge_says_how_many_forward_passes_it_takes():
    assert (ridge(17).ablations, ridge(17).passes(None), ridge(17).in_nats) == (17, 17, True)
