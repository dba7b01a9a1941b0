"""The way from an answer back to the step that read what it needs."""

from __future__ import annotations

import numpy as np
import pytest
from fake_traces import fake_trace

from core.earlier import no_steps
from core.trace import Identity
from core.trail import MOST_HOPS, trail


def answer_through(reliances, *hops):
    """A trace whose last step attends to the first of ``hops``, that one to the next, and so on."""
    trace = fake_trace()
    count = trace.step_count
    effects = np.zeros((len(trace), len(trace.region_map)), np.float32)
    for index, reliance in enumerate(reliances):
        effects[trace.step(index).start, 1] = reliance
    trace.set_effects(0, effects, effects.sum(1))
    earlier = no_steps(len(trace))
    for here, (there, share) in zip((count - 1, *(step for step, _ in hops)), hops, strict=False):
        step = trace.step(here)
        earlier.steps[step.start : step.end, 0] = there
        earlier.shares[step.start : step.end, 0] = share
    trace.set_earlier(0, earlier)
    step = trace.step(count - 1)
    return trace, step.start, step.end


def test_it_ends_at_the_first_step_that_rests_on_the_screenshot():
    trace, start, end = answer_through([9.0, 4.0, 0.1, 0.0, 0.0], (3, 0.5), (1, 0.25), (0, 0.5))
    assert trail(trace, start, end) == [(3, pytest.approx(0.5)), (1, pytest.approx(0.25))]


def test_where_nothing_was_seen_only_the_nearest_step_is_told():
    trace, start, end = answer_through([0.0] * 5, (3, 0.5), (1, 0.25))
    assert trail(trace, start, end) == [(3, pytest.approx(0.5))]


def test_it_breaks_off_where_attention_is_too_thin():
    trace, start, end = answer_through([9.0, 0, 0, 0, 0], (3, 0.5), (0, 0.01))
    assert trail(trace, start, end) == [(3, pytest.approx(0.5))]
    assert trail(trace, start, end, least=0.6) == []


def test_without_calibrated_effects_nothing_can_be_said_to_rest_on_the_screenshot():
    trace, start, end = answer_through([9.0, 4.0, 0, 0, 0], (3, 0.5), (1, 0.25))
    trace.estimator = Identity("none", details={"calibrated": False})
    assert trail(trace, start, end) == [(3, pytest.approx(0.5))]


def test_it_is_never_long():
    trace, start, end = answer_through([0.0] * 5, (3, 0.5), (2, 0.5), (1, 0.5), (0, 0.5))
    assert len(trail(trace, start, end)) <= MOST_HOPS
