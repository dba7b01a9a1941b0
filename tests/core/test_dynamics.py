"""The shape of a reasoning is what can be worked out by hand on simple paths."""

from __future__ import annotations

import numpy as np
import pytest
from fake_traces import fake_trace

from core.dynamics import Path, changes, shape_of, shape_of_trace
from core.events import EffectsEstimated, StepEnded
from core.trace import Identity, Step


def test_a_straight_path_is_as_long_as_its_ends_are_apart():
    steps = np.outer(np.arange(4.0), [3.0, 4.0, 0.0])
    shape = shape_of(steps)
    assert shape.length == pytest.approx(15)
    assert shape.tortuosity == pytest.approx(1)
    assert np.linalg.norm(shape.points[3] - shape.points[0]) == pytest.approx(15)


def test_a_detour_is_tortuous_and_a_closed_path_endlessly_so():
    corner = shape_of(np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]]))
    assert corner.length == pytest.approx(7)
    assert corner.tortuosity == pytest.approx(7 / 5)
    assert shape_of(np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 0.0]])).tortuosity == float("inf")


def test_where_the_path_lies_does_not_matter():
    rng = np.random.default_rng(0)
    steps = rng.normal(size=(6, 3))
    rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    assert shape_of(steps @ rotation + 5).length == pytest.approx(shape_of(steps).length)


def test_only_the_strongest_entries_span_the_path():
    steps = np.zeros((2, 40))
    steps[1, :32] = 1.0
    steps[1, 32:] = 0.1
    assert shape_of(steps).length == pytest.approx(np.sqrt(32))


def test_staying_on_one_region_is_fixation_and_changing_it_is_wandering():
    stays = shape_of(np.array([[2.0, 0.0], [1.0, 0.0], [3.0, 1.0]]))
    assert (stays.fixation, stays.wandering) == (1.0, 0.0)
    assert stays.concentration == pytest.approx(6 / 7)
    changes = shape_of(np.array([[2.0, 0.0], [0.0, 1.0], [-1.0, -2.0], [3.0, 1.0], [3.0, 0.0]]))
    assert changes.fixation == pytest.approx(3 / 4)  # the third step looks at nothing
    assert changes.wandering == pytest.approx(2 / 3)


@pytest.mark.parametrize("steps", [np.zeros((0, 3)), np.zeros((1, 3)), np.zeros((4, 3))])
def test_a_path_of_nothing_has_an_even_shape(steps):
    shape = shape_of(steps)
    assert (shape.length, shape.tortuosity) == (0, 1)
    assert (shape.concentration, shape.fixation, shape.wandering) == (0, 0, 0)
    assert shape.points.shape == (len(steps), 3)


def test_a_run_has_the_shape_of_its_steps_whenever_one_has_ended():
    effects = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)
    path = Path()
    assert not path.hear(EffectsEstimated(0, 0, effects[:3], np.zeros(3)))
    assert path.hear(StepEnded(0, Step(0, 0, 2, "thinking", "")))
    assert path.shape.length == 0
    path.hear(EffectsEstimated(0, 3, effects[3:], np.zeros(2)))
    assert path.hear(StepEnded(0, Step(1, 2, 5, "thinking", "")))
    both = np.stack([effects[:2].sum(0), effects[2:].sum(0)])
    assert path.shape.length == pytest.approx(np.linalg.norm(both[1] - both[0]), rel=1e-5)


def test_a_step_without_estimates_leaves_the_shape_alone():
    path = Path()
    assert not path.hear(StepEnded(0, Step(0, 0, 2, "thinking", "")))
    assert path.shape.points.shape == (0, 3)


def test_the_shape_of_a_trace_is_that_of_its_steps_with_known_effects():
    trace = fake_trace()
    sums = np.stack([trace.span_effects(step.start, step.end) for step in trace.steps])
    np.testing.assert_allclose(shape_of_trace(trace).points, shape_of(sums).points, atol=1e-5)


def test_steps_without_visual_evidence_change_no_region():
    trace = fake_trace()
    effects = np.zeros((len(trace), len(trace.region_map)), np.float32)
    for step in trace.steps:
        seen = step.index % 2 == 0
        effects[step.start, 1 if seen else 2] = 5.0 if seen else 0.2
    trace.set_effects(0, effects, effects.sum(1))
    assert trace.step_count > 2
    assert shape_of_trace(trace).wandering == 1.0
    assert changes(trace) == 0.0
    trace.estimator = Identity("none", details={"calibrated": False})
    assert changes(trace) == 1.0
