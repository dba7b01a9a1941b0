"""Words, kinds of steps and the tokens of a region are found, and walked through."""

from __future__ import annotations

import numpy as np
import pytest
from fake_traces import fake_events, fake_trace

from app.session import Selection, Session
from core.links import StepFilter


@pytest.fixture
def session(qapp):
    session = Session()
    trace = fake_trace()
    effects = np.zeros_like(trace.effects)
    for token, region in ((5, 3), (20, 3), (30, 4), (48, 3)):
        effects[token, region] = 2.0
    trace.set_effects(0, effects, effects.sum(1))
    session.set_trace(trace)
    session.select(0)
    return session


def test_the_tokens_of_the_chosen_region_are_walked_through_and_round_the_end(session):
    session.select_region(3)
    assert session.finder.resting.tolist() == [5, 20, 48]
    seen = []
    for _ in range(4):
        session.finder.step_on_region(1)
        seen.append(session.selection.start)
    assert seen == [5, 20, 48, 5]
    assert session.finder.position_on_region() == (1, 3)
    session.finder.step_on_region(-1)
    assert session.selection == Selection(48, 49)
    session.select_region(-1)
    assert session.finder.resting.tolist() == []
    session.finder.step_on_region(1)
    assert session.selection == Selection(48, 49), "nothing to go to"


def test_words_are_walked_through(session):
    session.finder.set_query("labelled")
    places = session.finder.matches
    assert [session.trace.tokens[start].text.strip() for start, _ in places] == ["labelled"] * 2
    session.finder.step(1)
    assert session.selection == Selection(*places[0])
    assert session.finder.position() == (1, 2)
    session.finder.step(-1)
    assert session.selection == Selection(*places[1])


def test_without_words_the_kept_steps_are_walked_through(session):
    session.finder.set_filter(StepFilter("reliant", 1.0))
    kept = [i for i in range(session.trace.step_count) if session.finder.passing[i]]
    assert 0 < len(kept) < session.trace.step_count
    seen = []
    for _ in kept:
        session.finder.step(1)
        seen.append(session.trace.tokens[session.selection.start].step)
    assert sorted(seen) == kept


def test_words_are_looked_for_in_kept_steps_only(session):
    session.finder.set_query("is")
    everywhere = len(session.finder.matches)
    session.finder.set_filter(StepFilter("unseen", 1.0))
    assert 0 < len(session.finder.matches) < everywhere


def test_what_streams_in_is_found_too(qapp, qtbot):
    session = Session()
    session.finder.set_query("answer difference")
    session.finder.set_query("difference")
    events = list(fake_events())
    session.apply(events[:20])
    assert session.finder.matches == []
    session.apply(events[20:])
    assert len(session.finder.matches) == 2


def test_another_trace_is_looked_through_at_once(session):
    session.finder.set_query("north")
    assert session.finder.matches
    session.set_trace(None)
    assert session.finder.matches == []
    assert session.finder.results == []
