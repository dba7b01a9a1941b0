"""Arcs lead from the selection to the earlier steps that it attended to."""

from __future__ import annotations

import numpy as np
import pytest
from fake_traces import fake_trace
from pixels import colour_at, differences, picture
from PySide6.QtCore import QPointF
from windows import press

from app import theme
from app.session import Session
from app.timeline import Timeline
from app.wording import earlier_finding
from core.earlier import no_steps, no_tokens
from core.store import save_trace
from core.trace import Trace


def looking_back() -> Trace:
    """As a trace of format 2 tells it."""
    trace = fake_trace()
    earlier = no_steps(len(trace))
    earlier.steps[47, :3], earlier.shares[47, :3] = (1, 3, 0), (0.25, 0.125, 0.01)
    trace.set_earlier(0, earlier)
    return trace


def followed() -> Trace:
    """Token 47 looks at a token of step 4 that read nothing, and that one at a token of step 1 that did."""
    trace = fake_trace()
    source, between = trace.step(0).start, trace.step(3).start
    effects = np.zeros((len(trace), len(trace.region_map)), np.float32)
    effects[source, 2] = 9.0
    trace.set_effects(0, effects, effects.sum(1))
    earlier = no_tokens(len(trace))
    earlier.tokens[between, 0], earlier.shares[between, 0] = source, 0.5
    earlier.tokens[47, 0], earlier.shares[47, 0] = between, 0.5
    trace.set_earlier(0, earlier)
    return trace


@pytest.fixture
def session(qapp):
    return Session()


@pytest.fixture
def pane(qtbot, session):
    pane = Timeline(session)
    qtbot.addWidget(pane)
    pane.resize(900, 260)
    pane.show()
    session.set_trace(looking_back())
    return pane


def test_arcs_go_to_the_steps_that_matter_and_frame_them(pane, session):
    session.select(47)
    trace = session.trace
    steps = [trace.step(1), trace.step(3)]
    assert [(a, b) for a, b, _ in pane.strip.arcs()] == [(step.start, step.end) for step in steps]
    layout, image = pane.strip.layout_now, picture(pane.strip)
    ink = theme.tokens(pane.palette()).thinking
    for step in steps:
        frame = QPointF(layout.token_x(step.start) + 1, layout.steps.center().y())
        assert colour_at(image, frame).name() == ink


def test_a_token_that_looks_nowhere_back_has_none(pane, session):
    session.select(46)
    assert pane.strip.arcs() == []
    assert earlier_finding(session.trace, 46, 47) == ""


def test_the_sentence_leads_back_to_where_it_was_read(session):
    trace = looking_back()
    quiet = trace.step(1)
    count = quiet.end - quiet.start
    trace.set_effects(quiet.start, np.zeros((count, len(trace.region_map))), np.zeros(count))
    earlier = trace.earlier
    earlier.steps[quiet.start : quiet.end, 0], earlier.shares[quiet.start : quiet.end, 0] = 0, 0.5
    trace.set_earlier(0, earlier)
    found = earlier_finding(trace, 47, 48)
    assert found.startswith("Looked back most at step 2 (25 % of attention), and from there at step 1 (50 %")
    assert "resting on “" in found


def test_where_tokens_are_known_arcs_and_the_sentence_come_from_them(pane, session):
    session.set_trace(followed())
    session.select(47)
    trace = session.trace
    step = trace.step(3)
    assert [(a, b) for a, b, _ in pane.strip.arcs()] == [(step.start, step.end)]
    name = trace.region_map.regions[2].name
    assert earlier_finding(trace, 47, 48) == (
        f"Looked back: followed from token to token, attention leads to “{name}”, read at step 1."
    )
    assert earlier_finding(trace, 46, 47) == ""


def test_what_a_word_reads_itself_is_no_looking_back():
    trace = followed()
    effects = trace.effects.copy()
    effects[47, 1] = 9.0
    trace.set_effects(0, effects, effects.sum(1))
    assert earlier_finding(trace, 47, 48) == ""


def test_arcs_can_be_switched_off(pane, session):
    session.select(47)
    before = picture(pane.strip)
    session.set_display(arcs=False)
    assert differences(before, picture(pane.strip))
    assert pane.strip.arcs() == []


def test_the_window_says_what_the_earlier_thought_rests_on(qtbot, window, tmp_path):
    save_trace(tmp_path / "a.sightline", looking_back())
    window.open(tmp_path / "a.sightline")
    qtbot.waitUntil(lambda: window.controller.session.selection is not None)
    window.controller.session.select(47)
    assert "Looked back most at step 2 (25 % of attention), resting on “" in window.regions.finding
    press(window, "arcs")
    assert not window.controller.session.display.arcs
    assert not window.actions_by_id["arcs"].isChecked()
