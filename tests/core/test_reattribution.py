"""Changing regions after a run asks the model nothing new, and tells what the run would have told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.control import RunControl
from core.coverage import coverage
from core.errors import InputError
from core.events import Finished, Stage, Started, StepEnded, TokenDecoded, fold
from core.reattribution import OtherModelError, reattribute
from core.region_edits import add_box, merge
from core.regions import region_map_from_labels
from core.run import EFFECTS_AT_ONCE, found, run
from core.screenshot import Screenshot
from core.trace import Identity, Sampling, Trace


class AllFeatures:
    """A stand-in estimator that looks at everything the probe measures."""

    identity = Identity("all features")

    def estimate(self, features):
        looked = features.attention.mean((1, 2)) + features.direct.sum((1, 2)) + features.carried.sum((1, 2))
        return looked.numpy(), (features.image_mass.mean((1, 2)) + features.entropy).numpy()

    def interval(self, features):
        effects = self.estimate(features)[0]
        return effects - 0.5, effects + 2


def replay(events) -> Trace:
    trace = next(event.trace for event in events if isinstance(event, Started))
    for event in events:
        fold(trace, event)
    return trace


@pytest.fixture(scope="module")
def screenshot():
    pixels = np.random.default_rng(0).integers(0, 255, (100, 170, 3), dtype=np.uint8)
    return Screenshot(pixels, "noise", "0")


@pytest.fixture(scope="module")
def regions():
    labels = np.zeros((100, 170), np.int64)
    labels[10:60, 20:90] = 1
    labels[50:90, 100:160] = 2
    return region_map_from_labels(labels)


@pytest.fixture(scope="module")
def trace(tiny_thinker, screenshot, regions):
    sampling = Sampling(max_new_tokens=EFFECTS_AT_ONCE + 9, temperature=1.0, seed=3)
    segment = found(regions, Identity("opencv", "ab"))
    return replay(list(run(screenshot, "What?", tiny_thinker, segment, AllFeatures(), sampling)))


def test_the_numbers_are_those_of_a_run_with_these_regions_from_the_start(
    tiny_thinker, screenshot, regions, trace
):
    edited = merge(add_box(regions, (30, 20, 120, 95), "mine"), [1, 2])
    segment = found(edited, Identity("by hand"))
    direct = replay(list(run(screenshot, "What?", tiny_thinker, segment, AllFeatures(), trace.sampling)))
    before = trace.effects.copy()
    again = replay(list(reattribute(trace, edited, tiny_thinker, AllFeatures())))
    assert again.tokens == direct.tokens == trace.tokens
    assert again.steps == direct.steps
    assert again.estimated == len(trace)
    np.testing.assert_allclose(again.effects, direct.effects, atol=1e-4)
    np.testing.assert_allclose(again.reliance, direct.reliance, atol=1e-4)
    assert np.abs(again.effects).max() > 1e-2, "the comparison is of something"
    assert (trace.earlier.tokens >= 0).any()
    np.testing.assert_array_equal(again.earlier.tokens, trace.earlier.tokens)
    np.testing.assert_array_equal(again.earlier.rest, trace.earlier.rest)
    np.testing.assert_array_equal(again.earlier.shares, trace.earlier.shares)
    assert np.array_equal(trace.effects, before), "the old trace is as it was"
    assert trace.region_map is regions


def test_the_earlier_tokens_of_a_run_are_those_of_one_pass_over_its_text(
    tiny_thinker, screenshot, regions, trace
):
    prepared = tiny_thinker.prepare(screenshot.pixels, "What?")
    ids, first = [token.id for token in trace.tokens], prepared.prompt_length
    layers: dict[int, list[np.ndarray]] = {}

    def hear(layer, start, rows):
        whole = np.zeros((rows.shape[1], len(ids)))
        seen = rows[:, :, first : first + len(ids)].mean(0)
        whole[:, : seen.shape[1]] = seen
        layers.setdefault(layer, []).append(whole)

    tiny_thinker.teach(prepared, ids, coverage(regions, prepared.cells), hear)
    attention = np.mean([np.concatenate(parts) for parts in layers.values()], axis=0)
    for row, tokens, shares, rest in zip(
        attention, trace.earlier.tokens, trace.earlier.shares, trace.earlier.rest, strict=True
    ):
        known = tokens >= 0
        np.testing.assert_allclose(row[tokens[known]], shares[known], atol=3e-4)
        np.testing.assert_allclose(np.sort(row)[::-1][: known.sum()], shares[known], atol=3e-4)
        np.testing.assert_allclose(row.sum() - row[tokens[known]].sum(), rest, atol=3e-4)


def test_the_events_are_those_of_a_run(tiny_thinker, regions, trace):
    events = list(reattribute(trace, regions, tiny_thinker, AllFeatures(), generation=5))
    assert {event.generation for event in events} == {5}
    kinds = [type(event) for event in events]
    assert kinds.count(Started) == kinds.count(Finished) == 1
    assert kinds.index(Started) > max(i for i, kind in enumerate(kinds) if kind is Stage)
    assert kinds.count(TokenDecoded) == len(trace)
    assert kinds.count(StepEnded) == trace.step_count
    fractions = [event.fraction for event in events if isinstance(event, Stage)]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    again = replay(events)
    assert again.status == "finished"
    assert again.details == trace.details
    assert again.segmenter == Identity("opencv", "ab", {"edited": True})
    assert again.measured == []


def test_stopped_in_time_there_is_no_new_trace(tiny_thinker, regions, trace):
    stages = sum(
        isinstance(event, Stage) for event in reattribute(trace, regions, tiny_thinker, AllFeatures())
    )
    for stop_after in range(1, stages + 1):
        control, seen = RunControl(), []
        for event in reattribute(trace, regions, tiny_thinker, AllFeatures(), control=control):
            seen.append(event)
            if len(seen) == stop_after:
                control.stop()
        assert all(isinstance(event, Stage) for event in seen)
        assert len(seen) <= stop_after + 1


def test_what_cannot_be_attributed_gets_a_sentence(tiny_thinker, screenshot, regions, trace):
    empty = Trace(screenshot, regions, "?", trace.model, trace.segmenter, trace.estimator, trace.sampling)
    with pytest.raises(InputError, match="no tokens yet"):
        next(reattribute(empty, regions, tiny_thinker, AllFeatures()))
    with pytest.raises(InputError, match="pixels, the screenshot has 170 × 100"):
        next(reattribute(trace, region_map_from_labels(np.ones((9, 9), int)), tiny_thinker, AllFeatures()))
    other = Trace(
        screenshot, regions, "?", replace(trace.model, sha256="other"), trace.segmenter, trace.estimator,
        trace.sampling,
    )  # fmt: skip
    other.add_token(trace.tokens[0])
    with pytest.raises(OtherModelError, match="Load the trace's own model"):
        next(reattribute(other, regions, tiny_thinker, AllFeatures()))
    budget = replace(trace.model, details=trace.model.details | {"visual_tokens_at_most": 9})
    other.model = budget
    with pytest.raises(OtherModelError, match="another image budget"):
        next(reattribute(other, regions, tiny_thinker, AllFeatures()))
