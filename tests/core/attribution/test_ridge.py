"""Ridge regression on ablations finds the effects of an additive model."""

from __future__ import annotations

from dataclasses import replace

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


def test_a_ridge_takes_a_forward_pass_for_each_ablation_that_differs(tiny_case):
    assert (ridge(4).ablations, ridge(4).in_nats) == (4, True)
    masks = np.array([[True, False], [False, False], [True, False], [True, True]])
    twice = replace(tiny_case, ablations=lambda count: (masks[:count], np.zeros((count, 1), np.float32)))
    assert [ridge(count).passes(twice) for count in (1, 2, 3, 4)] == [1, 2, 2, 3]
