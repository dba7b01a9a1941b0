"""The reasoning pane finds words and steps, hides what a filter leaves out, and counts a region's tokens."""

from __future__ import annotations

import numpy as np
import pytest
from fake_traces import fake_trace
from PySide6.QtCore import Qt

from app.reasoning import Reasoning
from app.session import Session
from core.trace import Identity


@pytest.fixture
def session(qapp):
    return Session()


@pytest.fixture
def pane(qtbot, session):
    pane = Reasoning(session)
    qtbot.addWidget(pane)
    pane.resize(460, 420)
    pane.show()
    trace = fake_trace()
    effects = np.zeros_like(trace.effects)
    effects[[12, 14, 48], 3] = 2.0
    trace.set_effects(0, effects, effects.sum(1))
    session.set_trace(trace)
    session.select(0)
    return pane


def shown_steps(pane) -> list[int]:
    steps = []
    for block, *_ in pane.text.visible_blocks():
        if block.userState() >= 0 and block.userState() not in steps:
            steps.append(block.userState())
    return steps


def test_typing_marks_what_is_found_and_return_goes_there(pane, session, qtbot):
    pane.open_find()
    assert pane.find_bar.isVisible()
    qtbot.keyClicks(pane.find_bar.field, "42")
    assert pane.find_bar.walk.text == "2"
    qtbot.keyClick(pane.find_bar.field, Qt.Key.Key_Return)
    assert session.trace.tokens[session.selection.start].text.strip() == "42"
    assert pane.find_bar.walk.text == "1 of 2"


def test_found_words_look_different(pane):
    before = pane.text.grab().toImage()
    pane.find_bar.field.setText("labelled")
    assert pane.text.grab().toImage() != before


def test_steps_without_evidence_can_be_listed_alone(pane, session, qtbot):
    assert shown_steps(pane) == [0, 1, 2, 3, 4]
    pane.open_find()
    pane.find_bar.kind.setCurrentText("No visual evidence")
    assert pane.find_bar.nats.isVisible()
    assert shown_steps(pane) == [0, 2, 3]
    assert pane.find_bar.walk.text == "3"
    qtbot.mouseClick(pane.find_bar.walk._buttons[1], Qt.MouseButton.LeftButton)
    assert session.trace.tokens[session.selection.start].step in (0, 2, 3)
    pane.find_bar.nats.setValue(50.0)
    assert shown_steps(pane) == [0, 1, 2, 3, 4]


def test_steps_on_the_chosen_region_can_be_listed_alone(pane, session):
    pane.find_bar.kind.setCurrentText("On the chosen region")
    assert shown_steps(pane) == [0, 1, 2, 3, 4]
    session.select_region(3)
    assert shown_steps(pane) == [1, 4]
    session.select_region(7)
    assert shown_steps(pane) == []


def test_escape_shows_everything_again(pane, session, qtbot):
    pane.open_find()
    pane.find_bar.field.setText("42")
    pane.find_bar.kind.setCurrentText("No visual evidence")
    qtbot.keyClick(pane.find_bar.field, Qt.Key.Key_Escape)
    assert not pane.find_bar.isVisible()
    assert session.finder.query == ""
    assert shown_steps(pane) == [0, 1, 2, 3, 4]


def test_a_click_still_finds_its_token_when_steps_are_hidden(pane, session):
    pane.find_bar.kind.setCurrentText("Relying on the image")
    assert shown_steps(pane) == [1, 4]
    for index in (session.trace.step(1).start + 1, session.trace.step(4).start + 1):
        rect = pane.text.token_rects(index)[0]
        assert pane.text.token_under(rect.center()) == index
    assert pane.text.token_rects(session.trace.step(2).start + 1) == []


def test_the_region_line_counts_and_walks(pane, session, qtbot):
    assert not pane.region_bar.isVisible()
    session.select_region(3)
    assert pane.region_bar.isVisible()
    assert "estimated" in pane.region_bar.text
    assert pane.region_bar.walk.text == "3"
    qtbot.mouseClick(pane.region_bar.walk._buttons[1], Qt.MouseButton.LeftButton)
    assert session.selection.start == 12
    assert pane.region_bar.walk.text == "1 of 3"
    qtbot.mouseClick(pane.region_bar._close, Qt.MouseButton.LeftButton)
    assert session.selected == -1
    assert not pane.region_bar.isVisible()


def test_a_long_text_with_few_steps_left_is_drawn_without_walking_through_the_rest(qtbot, session):
    pane = Reasoning(session)
    qtbot.addWidget(pane)
    pane.resize(460, 420)
    pane.show()
    trace = fake_trace(6000)
    effects = np.zeros_like(trace.effects)
    effects[[trace.step(3).start, trace.step(400).start], 2] = 5.0
    trace.set_effects(0, effects, effects.sum(1))
    session.set_trace(trace)
    session.select(0)
    pane.find_bar.kind.setCurrentText("Relying on the image")
    assert shown_steps(pane) == [3, 400, trace.step_count - 1] or shown_steps(pane) == [3, 400]
    looked_at = []
    pane.text.tokens.next_visible, real = (
        lambda block: looked_at.append(block.blockNumber()) or real(block),
        pane.text.tokens.next_visible,
    )
    list(pane.text.visible_blocks())
    assert len(looked_at) < 10


def uncalibrated_trace():
    """A run of a model that has no estimator."""
    trace = fake_trace()
    trace.estimator = Identity("attention, uncalibrated", "", {"calibrated": False})
    return trace


def test_steps_are_not_told_apart_by_nats_where_nothing_is_in_nats(pane, session):
    pane.open_find()
    pane.find_bar.kind.setCurrentText("No visual evidence")
    session.set_trace(uncalibrated_trace())
    assert pane.find_bar.kind.currentText() == "All steps"
    assert not pane.find_bar.nats.isVisible()
    entries = pane.find_bar.kind.model()
    assert [entries.item(row).isEnabled() for row in range(4)] == [True, True, False, False]
    assert "estimated" not in pane.find_bar.kind.toolTip()
    session.set_trace(fake_trace())
    assert all(entries.item(row).isEnabled() for row in range(4))


def test_the_region_line_of_an_uncalibrated_run_speaks_of_attention(pane, session):
    session.set_trace(uncalibrated_trace())
    session.select_region(3)
    assert pane.region_bar.text.startswith("Tokens that attend to")
    assert pane.region_bar.text.endswith("uncalibrated")
    assert "effect" not in pane.region_bar._text.toolTip()
