"""Intervals of effects are calibrated, summed and checked in ways that can be worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.intervals import (
    bounds_of,
    conformal_factor,
    coverage_sums,
    over_span,
    over_spans,
    span_factor,
)


def test_the_factor_is_the_smallest_that_holds_nine_of_ten_and_one_to_come():
    # ⌈(9 + 1) · 0.9⌉ = 9: the largest of nine ratios.
    residuals = np.array([0.1, -0.2, 0.3, -0.4, 0.5, 0.6, -0.7, 0.8, -1.8])
    assert conformal_factor(np.full(9, 2.0), residuals) == pytest.approx(0.9)
    assert conformal_factor(np.full(9, 2.0), residuals, level=0.5) == pytest.approx(0.25)


def test_a_large_scale_makes_the_same_error_a_smaller_one():
    assert conformal_factor(np.array([1.0, 10.0, 1.0]), np.array([1.0, 20.0, 3.0]), 0.5) == pytest.approx(2)


def test_eight_examples_promise_no_nine_of_ten():
    assert conformal_factor(np.ones(8), np.ones(8)) == math.inf


@pytest.mark.parametrize("seed", range(3))
def test_the_factor_covers_draws_that_it_has_not_seen(seed):
    rng = np.random.default_rng(seed)
    scales = rng.uniform(0.5, 3, 8000)
    residuals = rng.laplace(size=8000) * scales
    factor = conformal_factor(scales[:4000], residuals[:4000])
    assert (np.abs(residuals[4000:]) <= factor * scales[4000:]).mean() == pytest.approx(0.9, abs=0.02)


def test_half_widths_of_tokens_add_as_squares_on_either_side():
    effects = np.array([[1.0, 0.0], [2.0, 0.0]])
    lower, upper = effects - np.array([[3.0, 1.0], [4.0, 0.0]]), effects + np.array([[0.6, 0.0], [0.8, 2.0]])
    low, high = over_span(effects, lower, upper)
    np.testing.assert_allclose(low, [3 - 5, 0 - 1])
    np.testing.assert_allclose(high, [3 + 1, 0 + 2])
    low, high = over_span(effects, lower, upper, factor=2.0)
    np.testing.assert_allclose(low, [3 - 10, 0 - 2])
    np.testing.assert_allclose(high, [3 + 2, 0 + 4])


def test_a_span_of_one_token_has_that_tokens_interval_whatever_the_factor():
    effects, lower, upper = np.array([[1.0]]), np.array([[0.5]]), np.array([[3.0]])
    np.testing.assert_allclose(over_span(effects, lower, upper, factor=7.0), [[0.5], [3.0]])


def test_bounds_on_the_wrong_side_of_an_estimate_count_as_the_estimate():
    low, high = over_span(np.ones((2, 1)), np.full((2, 1), 1.5), np.full((2, 1), 0.5))
    assert (low[0], high[0]) == (2, 2)


def test_several_spans_are_each_summed_by_themselves():
    effects = np.arange(6.0).reshape(3, 2)
    found = over_spans(effects, (effects - 3, effects + 4), [(0, 1), (1, 3)], 1.0)
    np.testing.assert_allclose(found[0], [[-3, -2], [6 - 3 * math.sqrt(2), 8 - 3 * math.sqrt(2)]], rtol=1e-6)
    np.testing.assert_allclose(found[1], [[4, 5], [6 + 4 * math.sqrt(2), 8 + 4 * math.sqrt(2)]], rtol=1e-6)


def test_coverage_counts_what_lies_inside_and_what_is_large_apart():
    lower, upper = np.array([[-1.0, 0.0], [0.0, 0.0]]), np.array([[1.0, 0.5], [2.0, 0.25]])
    measured = np.array([[1.0, 0.75], [-0.25, 0.0]])
    assert coverage_sums((lower, upper), measured).tolist() == [2, 4, 4.75, 1, 3, 4.5]


def test_the_factor_of_a_strange_file_is_one():
    assert span_factor({"interval_factor": 1.7}) == 1.7
    for strange in (None, "2", True, -1, 0, math.inf, math.nan, 1e9):
        assert span_factor({"interval_factor": strange}) == 1
    assert span_factor({}) == 1


def test_an_estimator_without_intervals_gives_none():
    assert bounds_of(object(), None) is None
