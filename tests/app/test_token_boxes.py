"""What the text keeps of where tokens lie shows the same as looking it up again."""

from __future__ import annotations

import pytest
from fake_traces import fake_events, fake_trace
from pixels import picture
from PySide6.QtGui import QFont

from app.reasoning import Reasoning
from app.session import Session


@pytest.fixture
def show(qtbot):
    """Makes a pane of a session."""

    def made(session: Session) -> Reasoning:
        pane = Reasoning(session)
        qtbot.addWidget(pane)
        pane.resize(420, 360)
        pane.show()
        return pane

    return made


def shows_what_it_would_anew(pane: Reasoning) -> bool:
    """Whether a pane draws the same from what it has kept as with nothing kept."""
    kept = picture(pane.text.viewport())
    pane.text._boxes.forget()
    pane.text._levels.forget()
    return picture(pane.text.viewport()) == kept


def test_the_text_is_drawn_alike_the_second_time(qapp, show):
    session = Session()
    session.set_trace(fake_trace())
    pane = show(session)
    picture(pane.text.viewport())
    for token in (3, 40, 3):
        session.select(token)
        assert shows_what_it_would_anew(pane)


def test_the_text_is_drawn_anew_in_another_width_or_font(qapp, show):
    session = Session()
    session.set_trace(fake_trace())
    session.select(0)
    pane = show(session)
    picture(pane.text.viewport())
    pane.resize(260, 360)
    assert shows_what_it_would_anew(pane)
    larger = QFont(pane.font())
    larger.setPointSizeF(larger.pointSizeF() * 1.5)
    pane.setFont(larger)
    assert shows_what_it_would_anew(pane)


def test_the_text_is_drawn_anew_as_it_grows_and_when_another_run_is_shown(qapp, show):
    session, events = Session(), list(fake_events())
    pane = show(session)
    for start in range(0, len(events), 7):
        session.apply(events[start : start + 7])
        picture(pane.text.viewport())
    session.select(20)
    assert shows_what_it_would_anew(pane)
    session.set_trace(fake_trace())
    session.select(20)
    assert shows_what_it_would_anew(pane)


def test_effects_that_are_estimated_again_tint_the_text_anew(qapp, show):
    session = Session()
    session.set_trace(fake_trace())
    session.select(5)
    pane = show(session)
    before = picture(pane.text.viewport())
    trace = session.trace
    trace.set_effects(3, -trace.effects[3:6], -trace.reliance[3:6])
    session.effects_added.emit(3, 6)
    assert picture(pane.text.viewport()) != before
    assert shows_what_it_would_anew(pane)
