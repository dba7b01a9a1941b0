"""Which tokens and steps rest on which region."""

from __future__ import annotations

import numpy as np
import pytest
from fake_traces import fake_trace
from hypothesis import given
from hypothesis import strategies as st

from core.links import StepFilter, least_effect, passing, rests_on, step_sums
from core.trace import Identity


def test_a_token_rests_on_its_strongest_regions_and_on_none_that_hardly_matters():
    effects = np.array([[2.0, 1.0, 0.9], [0.09, 0.0, 0.0], [-3.0, 0.2, 0.0]], np.float32)
    assert rests_on(effects, 0).tolist() == [True, False, False]
    assert rests_on(effects, 1).tolist() == [True, False, True]
    assert rests_on(effects, 2).tolist() == [False, False, False]


@pytest.mark.parametrize("region", [-1, 3, 99])
def test_nothing_rests_on_a_region_that_is_not_there(region):
    assert not rests_on(np.ones((4, 3), np.float32), region).any()


@given(st.lists(st.integers(1, 5), min_size=1, max_size=8), st.integers(0, 40))
def test_sums_over_steps_are_those_of_their_tokens(lengths, known):
    starts = np.cumsum([0, *lengths[:-1]])
    values = np.arange(min(known, sum(lengths)) * 2, dtype=np.float64).reshape(-1, 2)
    expected = [values[a : a + n].sum(0) for a, n in zip(starts, lengths, strict=True)]
    assert np.array_equal(step_sums(values, starts), np.array(expected).reshape(-1, 2))


def test_filters_keep_the_steps_that_they_name():
    trace = fake_trace()
    effects = np.zeros_like(trace.effects)
    effects[trace.step(1).start, 3] = 4.0
    effects[trace.step(2).start, 5] = 0.3
    trace.set_effects(0, effects, effects.sum(1))
    only = np.arange(trace.step_count)
    assert passing(trace, StepFilter("all")).all()
    assert passing(trace, StepFilter("region")).all(), "no region is chosen"
    assert only[passing(trace, StepFilter("region"), 3)].tolist() == [1]
    assert only[passing(trace, StepFilter("reliant", 0.2))].tolist() == [1, 2]
    assert only[passing(trace, StepFilter("unseen", 0.5))].tolist() == [0, 2, 3, 4]


def test_steps_without_estimates_are_not_left_out():
    trace = fake_trace()
    whole = trace.step_count
    trace._estimated = trace.step(3).start + 1
    assert passing(trace, StepFilter("reliant", 1e9)).tolist() == [False] * 3 + [True] * (whole - 3)


def test_attention_without_a_unit_has_no_threshold_and_no_step_is_left_out_by_nats():
    trace = fake_trace()
    scores = np.full_like(trace.effects, 0.004)
    scores[:, 3] = 0.01
    trace.set_effects(0, scores, scores.sum(1))
    assert not rests_on(trace.effects, 3, least_effect(trace)).any(), "as effects in nats, these are nothing"
    trace.estimator = Identity("attention, uncalibrated", "", {"calibrated": False})
    assert rests_on(trace.effects, 3, least_effect(trace)).all()
    assert not rests_on(trace.effects, 2, least_effect(trace)).any()
    assert passing(trace, StepFilter("region"), 3).all()
    assert not passing(trace, StepFilter("region"), 2).any()
    for kind in ("reliant", "unseen"):
        assert passing(trace, StepFilter(kind, 0.5)).all()
