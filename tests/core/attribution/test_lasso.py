"""Lasso regression minimizes what it says it minimizes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from core.attribution.lasso import lasso, lasso_effects


@pytest.mark.parametrize("count", [8, 40])
def test_lasso_equals_a_slow_solver_of_the_same_problem(count):
    rng = np.random.default_rng(count)
    masks = rng.random((count, 6)) < 0.5
    log_probs = masks @ np.array([3.0, -2.0, 0.0, 0.05, 0.0, 1.0]) - 2 + 0.1 * rng.normal(size=count)
    x, y = masks - masks.mean(0), log_probs - log_probs.mean()

    def cost(parts: np.ndarray) -> float:  # positive and negative parts make the norm smooth
        return float(((y - x @ (parts[:6] - parts[6:])) ** 2).mean() / 2 + 0.03 * parts.sum())

    slow = minimize(cost, np.zeros(12), bounds=[(0, None)] * 12, options={"ftol": 1e-14, "gtol": 1e-9})
    found = lasso_effects(masks, log_probs[:, None], 0.03)[0]
    np.testing.assert_allclose(found, slow.x[:6] - slow.x[6:], atol=2e-3)


def test_targets_are_fitted_apart_from_each_other():
    rng = np.random.default_rng(0)
    masks, log_probs = rng.random((30, 5)) < 0.5, rng.normal(size=(30, 3))
    together = lasso_effects(masks, log_probs)
    for index in range(3):
        np.testing.assert_allclose(together[index], lasso_effects(masks, log_probs[:, [index]])[0], atol=1e-5)


def test_small_effects_become_nothing_at_all():
    rng = np.random.default_rng(1)
    masks = rng.random((64, 4)) < 0.5
    found = lasso_effects(masks, masks @ np.array([[2.0], [0.01], [0.0], [0.0]]))[0]
    assert found[0] == pytest.approx(2, abs=0.1)
    assert found[1:].tolist() == [0, 0, 0]


def test_a_region_that_no_mask_removes_gets_nothing():
    masks = np.array([[True, True], [False, True], [True, True], [False, True]])
    assert lasso_effects(masks, np.array([[0.0], [-1.0], [0.0], [-1.0]]))[0, 1] == 0


def test_a_lasso_says_how_many_ablations_it_wants():
    assert (lasso(17).ablations, lasso(17).costly, lasso(17).in_nats) == (17, True, True)
