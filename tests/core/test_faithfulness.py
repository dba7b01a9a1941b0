"""Faithfulness metrics give the answers that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from core.faithfulness import (
    bootstrap,
    bootstrap_groups,
    bootstrap_ratio,
    curve_area,
    curve_counts,
    explained,
    lds,
    over_spans,
    ranks,
    roc_auc,
    scale_sums,
    spearman,
    top_k,
    top_k_drop,
)


@pytest.fixture
def linear():
    """A model whose log-probability is exactly a sum over kept regions: effects, masks, log-probabilities."""
    rng = np.random.default_rng(0)
    effects = rng.normal(size=(6, 9))
    masks = rng.random((64, 9)) < 0.5
    return effects, masks, masks @ effects.T - 3.0


def test_ranks_average_ties():
    np.testing.assert_array_equal(ranks(np.array([3.0, 1.0, 3.0, 2.0])), [3.5, 1, 3.5, 2])


@pytest.mark.parametrize("seed", range(5))
def test_spearman_equals_scipys_with_ties(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 6, (30, 3)).astype(float), rng.integers(0, 4, (30, 3)).astype(float)
    expected = [stats.spearmanr(a[:, i], b[:, i]).statistic for i in range(3)]
    np.testing.assert_allclose(spearman(a, b), expected)


def test_true_effects_of_a_linear_model_have_an_lds_of_one(linear):
    np.testing.assert_allclose(lds(*linear), 1.0)


def test_scale_does_not_matter_to_lds_and_the_sign_turns_it_around(linear):
    effects, masks, log_probs = linear
    np.testing.assert_allclose(lds(effects * 7, masks, log_probs), 1.0)
    np.testing.assert_allclose(lds(-effects, masks, log_probs), -1.0)


def test_shuffled_effects_have_an_lds_of_about_zero(linear):
    effects, masks, log_probs = linear
    rng = np.random.default_rng(1)
    log_probs = masks @ (effects - effects.mean(1, keepdims=True)).T
    shuffled = np.concatenate([lds(rng.permuted(effects, axis=1), masks, log_probs) for _ in range(60)])
    assert abs(shuffled.mean()) < 0.1


def test_a_target_that_nothing_moves_scores_zero():
    masks = np.random.default_rng(0).random((20, 3)) < 0.5
    assert lds(np.ones((1, 3)), masks, np.full((20, 1), -2.0)) == 0


def test_r2_is_one_for_true_effects_and_feels_the_scale(linear):
    effects, masks, log_probs = linear
    assert explained(effects, masks, log_probs) == pytest.approx(1)
    assert explained(np.zeros_like(effects), masks, log_probs) == pytest.approx(0)
    assert explained(2 * effects, masks, log_probs) == pytest.approx(0, abs=1e-9)


def test_sums_over_spans():
    np.testing.assert_array_equal(
        over_spans(np.arange(12.0).reshape(2, 6), [(0, 2), (2, 6)]), [[1, 14], [13, 38]]
    )


def test_top_k_removes_the_largest_and_the_drop_is_what_is_lost():
    masks = top_k(np.array([[1.0, 5.0, -2.0], [0.0, 1.0, 2.0]]), 1)
    np.testing.assert_array_equal(masks, [[True, False, True], [True, True, False]])
    np.testing.assert_array_equal(top_k_drop(np.array([-1.0]), np.array([-4.0])), [3.0])


def test_the_bootstrap_interval_holds_the_mean_and_narrows_with_more_values():
    rng = np.random.default_rng(0)
    few, many = bootstrap(rng.normal(size=20)), bootstrap(rng.normal(size=2000))
    assert few.low < few.mean < few.high
    assert many.high - many.low < few.high - few.low
    assert many.high - many.low == pytest.approx(2 * 1.96 / np.sqrt(2000), rel=0.2)


def test_targets_of_one_screen_count_as_one_draw():
    groups = [np.full(50, value) for value in (0.0, 1.0, 0.0, 1.0)]
    together, apart = bootstrap_groups(groups), bootstrap(np.concatenate(groups))
    assert together.mean == apart.mean == 0.5
    assert together.high - together.low > 3 * (apart.high - apart.low)
    assert together.count == 200


def test_r2_and_slope_are_made_of_sums_over_texts(linear):
    effects, masks, log_probs = linear
    error, total, product, square = scale_sums(effects, masks, log_probs)
    assert error == pytest.approx(0, abs=1e-9)
    assert product / square == pytest.approx(1)
    error, total, product, square = scale_sums(effects / 2, masks, log_probs)
    assert (
        1 - error / total == pytest.approx(explained(effects / 2, masks, log_probs)) == pytest.approx(3 / 4)
    )
    assert product / square == pytest.approx(2)  # what is measured is twice what was estimated


def test_curves_stop_at_one_three_and_five_regions_and_at_all_of_them():
    assert curve_counts(16) == [0, 1, 3, 5, 8, 12, 16]
    assert curve_counts(2) == [0, 1, 2]


def test_the_area_under_a_curve_is_that_of_its_trapezoids():
    # Height falls from 1 to 0 with the first of four regions and stays there: a triangle of base ¼.
    assert curve_area([0, 1, 4], np.array([-1.0, -5.0, -5.0]), -5.0, -1.0) == pytest.approx(1 / 8)
    # The straight line from all to nothing: one half, deleted or inserted.
    assert curve_area([0, 2, 4], np.array([-1.0, -3.0, -5.0]), -5.0, -1.0) == pytest.approx(1 / 2)
    assert curve_area([0, 2, 4], np.array([-5.0, -3.0, -1.0]), -5.0, -1.0) == pytest.approx(1 / 2)


def test_the_true_order_deletes_a_linear_model_fastest(linear):
    effects = np.abs(linear[0])
    counts = curve_counts(9)

    def area(order: np.ndarray, true: np.ndarray) -> float:
        left = [true.sum() - true[order[:count]].sum() for count in counts]
        return curve_area(counts, np.array(left), 0.0, float(true.sum()))

    rng = np.random.default_rng(3)
    for true in effects:
        best = area(np.argsort(-true), true)
        assert all(best <= area(rng.permutation(9), true) + 1e-12 for _ in range(20))


def test_the_roc_area_counts_pairs_in_the_right_order():
    positive = np.array([True, True, False, False])
    assert roc_auc(np.array([3.0, 2.0, 1.0, 0.0]), positive) == 1
    assert roc_auc(np.array([0.0, 2.0, 1.0, 3.0]), positive) == 0.25
    assert roc_auc(np.array([1.0, 1.0, 1.0, 1.0]), positive) == 0.5
    assert roc_auc(np.array([np.inf, 0.0, 1.0, np.inf]), positive) == 0.375
    with pytest.raises(ValueError, match="both outcomes"):
        roc_auc(np.ones(2), np.array([True, True]))


def test_a_ratio_of_sums_weighs_screens_by_what_they_hold():
    found = bootstrap_ratio(np.array([1.0, 0.0]), np.array([1.0, 3.0]))
    assert found.mean == 0.25
    assert (found.low, found.high, found.count) == (0.0, 1.0, 2)
    assert bootstrap_ratio(np.zeros(0), np.zeros(0)).mean is None
