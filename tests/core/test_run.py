"""A run is a stream of events: tokens at once, effects soon after, and nothing is lost when it breaks."""

from __future__ import annotations

import threading
import time
import weakref

import numpy as np
import pytest

from core.control import RunControl
from core.earlier import KEPT
from core.errors import InputError
from core.events import EffectsEstimated, Failed, Finished, Stage, Started, StepEnded, TokenDecoded, fold
from core.known_influence import forget
from core.regions import Region, RegionMap
from core.run import EFFECTS_AT_ONCE, found, run
from core.screenshot import Screenshot
from core.trace import Identity, Sampling, Trace

SHORT = Sampling(max_new_tokens=60, temperature=1.0, seed=3)


class SumOfLooks:
    """A stand-in estimator: the mean share of attention on each region, and all of it."""

    identity = Identity("sum of looks")

    def estimate(self, features):
        return features.attention.mean((1, 2)).numpy(), features.image_mass.mean((1, 2)).numpy()


class Kept:
    """A writer that remembers."""

    def __init__(self, trace):
        self.trace, self.events, self.closed, self.flushes = trace, [], [], 0

    def write(self, event):
        assert not self.closed
        self.events.append(event)

    def flush(self):
        self.flushes += 1

    def close(self, status=None):
        self.closed.append(status)


@pytest.fixture(scope="module")
def screenshot():
    pixels = np.random.default_rng(0).integers(0, 255, (100, 170, 3), dtype=np.uint8)
    return Screenshot(pixels, "noise", "0")


@pytest.fixture(scope="module")
def segment():
    labels = np.zeros((100, 170), np.uint8)
    labels[10:60, 20:90] = 1
    labels[50:90, 100:160] = 2
    boxes = [(0, 0, 170, 100), (20, 10, 70, 50), (100, 50, 60, 40)]
    regions = tuple(Region(i, f"r{i}", box, int((labels == i).sum())) for i, box in enumerate(boxes))
    return found(RegionMap(labels, regions), Identity("by hand"))


@pytest.fixture
def start(tiny_thinker, screenshot, segment):
    """Start a run with anything replaced."""

    def begin(**changes):
        arguments = {
            "screenshot": screenshot, "prompt": "What?", "thinker": tiny_thinker, "segment": segment,
            "estimator": SumOfLooks(), "sampling": SHORT,
        } | changes  # fmt: skip
        return run(**arguments)

    return begin


def replay(events) -> Trace:
    trace = next(event.trace for event in events if isinstance(event, Started))
    for event in events:
        fold(trace, event)
    return trace


def test_events_fold_into_a_complete_trace(start, tiny_thinker, screenshot, segment):
    events = list(start(generation=7))
    assert {event.generation for event in events} == {7}
    trace = replay(events)
    assert len(trace) == SHORT.max_new_tokens == trace.estimated
    assert trace.status == "finished"
    assert trace.details["finish_reason"] == "length"
    assert trace.details["tokens_per_second"] > 0
    assert trace.details["image_size"] == [160, 96]
    assert trace.steps == [event.step for event in events if isinstance(event, StepEnded)]


def test_live_effects_equal_those_of_one_teacher_forced_pass(start, tiny_thinker, screenshot, segment):
    from core.coverage import coverage

    trace = replay(list(start()))
    prepared = tiny_thinker.prepare(screenshot.pixels, "What?")
    shares = coverage(trace.region_map, prepared.cells)
    features = tiny_thinker.teach(prepared, [token.id for token in trace.tokens], shares)
    effects, reliance = SumOfLooks().estimate(features)
    np.testing.assert_allclose(trace.effects, effects, atol=1e-4)
    np.testing.assert_allclose(trace.reliance, reliance, atol=1e-4)


def test_effects_follow_their_tokens_closely_and_precede_the_end_of_their_step(start):
    drawn = estimated = 0
    for event in start():
        if isinstance(event, TokenDecoded):
            drawn = event.token.index + 1
        elif isinstance(event, EffectsEstimated):
            assert event.start == estimated, "no token is skipped or estimated twice"
            estimated += len(event.effects)
        elif isinstance(event, StepEnded):
            assert estimated >= event.step.end
        elif isinstance(event, Finished):
            assert estimated == drawn
        assert drawn - estimated <= EFFECTS_AT_ONCE


def test_every_event_is_written_before_it_is_seen(start):
    kept: list[Kept] = []
    for event in start(open_writer=lambda trace: kept.append(Kept(trace)) or kept[0]):
        if isinstance(event, TokenDecoded | EffectsEstimated | StepEnded | Finished):
            assert kept[0].events[-1] is event
    assert kept[0].closed == [None]


def test_stopping_keeps_what_exists(start):
    control = RunControl()
    events = []
    for event in start(control=control):
        events.append(event)
        if isinstance(event, TokenDecoded) and event.token.index == 4:
            control.stop()
    trace = replay(events)
    assert trace.status == "stopped"
    assert len(trace) == trace.estimated == 5


def test_a_paused_run_waits_saves_and_goes_on(start):
    control, kept = RunControl(), []
    for event in start(control=control, open_writer=lambda trace: kept.append(Kept(trace)) or kept[0]):
        if isinstance(event, Started):
            started_at = time.monotonic()
        if isinstance(event, TokenDecoded) and event.token.index == 4:
            control.pause()
            threading.Timer(0.2, control.resume).start()
            paused_at = time.monotonic()
        if isinstance(event, TokenDecoded) and event.token.index == 5:
            assert time.monotonic() - paused_at > 0.18
    assert isinstance(event, Finished)
    assert kept[0].flushes == 1
    assert 60 / event.tokens_per_second < time.monotonic() - started_at - 0.18, "the pause does not count"


def test_a_run_stopped_while_regions_are_looked_at_ends_without_a_token(start, tiny_thinker):
    forget(tiny_thinker)  # other tests looked already
    control, events = RunControl(), []
    for event in start(control=control):
        events.append(event)
        if isinstance(event, Stage) and event.text == "Seeing what each region changes":
            control.stop()
    assert [type(event) for event in events[-2:]] == [Stage, Finished]
    trace = replay(events)
    assert (len(trace), trace.estimated, trace.status) == (0, 0, "stopped"), "no effect from half a look"


def test_leaving_in_the_middle_closes_the_file_as_stopped(start):
    kept = []
    events = start(open_writer=lambda trace: kept.append(Kept(trace)) or kept[0])
    for event in events:
        if isinstance(event, TokenDecoded) and event.token.index == 3:
            events.close()
            break
    assert kept[0].closed == ["stopped"]


def test_without_an_estimator_there_are_tokens_and_no_effects(start):
    events = list(start(estimator=None))
    assert sum(isinstance(event, TokenDecoded) for event in events) == 60
    assert not any(isinstance(event, EffectsEstimated) for event in events)


def test_the_estimator_changes_no_token(start):
    ids = [[e.token.id for e in start(**c) if isinstance(e, TokenDecoded)] for c in ({}, {"estimator": None})]
    assert ids[0] == ids[1]


def test_a_failure_in_the_middle_becomes_a_sentence_and_keeps_the_tokens(start):
    class Breaks(SumOfLooks):
        def estimate(self, features):
            if self.calls:
                raise self.error
            self.calls += 1
            return super().estimate(features)

    import torch

    for error, words in (
        (RuntimeError("odd shape"), "RuntimeError: odd shape"),
        (torch.OutOfMemoryError("CUDA out of memory"), "ran out of memory"),
        (InputError("The disk is full. Make room."), "The disk is full. Make room."),
    ):
        breaks, kept = Breaks(), []
        breaks.error, breaks.calls = error, 0
        events = list(start(estimator=breaks, open_writer=lambda t, k=kept: k.append(Kept(t)) or k[0]))
        assert isinstance(events[-1], Failed)
        assert words in events[-1].message
        assert kept[0].closed == ["failed"]
        trace = replay(events)
        assert len(trace) > trace.estimated > 0
        assert trace.status == "failed"


def fills_the_memory(kind):
    """The error of a GPU, or a CPU's own, met by asking it for more than there can be."""
    import torch

    if kind == "gpu":
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
    torch.empty(2**55, dtype=torch.uint8)


@pytest.mark.parametrize("kind", ["gpu", "cpu"])
@pytest.mark.parametrize("passes", [0, 7])
def test_memory_that_runs_out_while_reading_or_thinking_keeps_the_tokens_and_says_what_helps(
    start, tiny_thinker, tmp_path, monkeypatch, kind, passes
):
    from core.store import TraceWriter, read_trace

    forward, calls = tiny_thinker.forward, []

    def full(*args, **inputs):
        calls.append(None)
        if len(calls) > passes:
            fills_the_memory(kind)
        return forward(*args, **inputs)

    monkeypatch.setattr(tiny_thinker, "forward", full)
    path = tmp_path / "run.sightline"
    events = list(start(open_writer=lambda trace: TraceWriter(path, trace)))
    assert isinstance(events[-1], Failed)
    for words in ("ran out of memory", "smaller image budget", "smaller model", "4 bit"):
        assert words in events[-1].message
    kept = read_trace(path)
    assert kept.status == "failed"
    assert kept.details["failure"] == events[-1].message
    drawn = [event.token.id for event in events if isinstance(event, TokenDecoded)]
    assert [token.id for token in kept.tokens] == drawn
    assert len(drawn) == passes


def test_what_a_broken_run_held_is_let_go_before_the_failure_is_told(start, tiny_thinker, monkeypatch):
    caches = []

    def full(cache, **inputs):
        caches.append(weakref.ref(cache))
        fills_the_memory("gpu")

    monkeypatch.setattr(tiny_thinker, "forward", full)
    for event in start():
        if isinstance(event, Failed):
            assert [cache() for cache in caches] == [None]
    assert isinstance(event, Failed)


def test_a_screenshot_that_does_not_fit_into_the_memory_is_refused_with_what_helps(
    start, tiny_thinker, monkeypatch
):
    monkeypatch.setattr(tiny_thinker, "prepare", lambda pixels, prompt: fills_the_memory("cpu"))
    with pytest.raises(InputError, match=r"not enough memory for this screenshot.*smaller image budget"):
        list(start())


def test_an_empty_prompt_is_refused_before_anything_is_done(start):
    with pytest.raises(InputError, match="empty"):
        list(start(prompt=" "))


def test_the_real_trace_file_holds_the_run(start, tmp_path):
    from core.store import TraceWriter, read_trace

    events = list(start(open_writer=lambda trace: TraceWriter(tmp_path / "run.sightline", trace)))
    trace, again = replay(events), read_trace(tmp_path / "run.sightline")
    assert [t.id for t in again.tokens] == [t.id for t in trace.tokens]
    np.testing.assert_allclose(again.effects, trace.effects, atol=1e-3)
    assert again.status == "finished"


def test_effects_come_with_the_earlier_tokens_that_theirs_attended_to(start):
    estimated = [e for e in start(sampling=Sampling(max_new_tokens=14)) if isinstance(e, EffectsEstimated)]
    for event in estimated:
        assert len(event.earlier) == len(event.effects)
        own = np.arange(event.start, event.start + len(event.effects))
        known = event.earlier.tokens >= 0
        assert known.sum(1).tolist() == np.minimum(own, KEPT).tolist(), (
            "each earlier token gets some attention"
        )
        assert (event.earlier.tokens[known] < np.repeat(own, known.sum(1))).all()
        sums = event.earlier.shares.astype(float).sum(1) + event.earlier.rest
        assert ((sums >= 0) & (sums <= 1)).all()


class Unsure(SumOfLooks):
    """Knows its effects to ±0.25 nats."""

    def interval(self, features):
        effects = self.estimate(features)[0]
        return effects - 0.25, effects + 0.25


def test_what_an_estimator_is_unsure_of_comes_with_its_effects_and_stays(start):
    trace = replay(list(start(estimator=Unsure())))
    np.testing.assert_allclose(trace.bounds[0], trace.effects - 0.25, atol=1e-6)
    np.testing.assert_allclose(trace.bounds[1], trace.effects + 0.25, atol=1e-6)
    low, high = trace.span_bounds(0, 4)
    np.testing.assert_allclose(high - low, 2 * 0.25 * 2, atol=1e-5)  # four tokens: twice the width of one
    assert replay(list(start())).bounds is None
