"""What was looked for shows on the timeline."""

from __future__ import annotations

import numpy as np
import pytest
from fake_traces import fake_trace
from pixels import colour_at, differences, picture
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor

from app import theme
from app.session import Selection, Session
from app.timeline import Timeline
from app.timeline_marks import pixels_of
from core.links import StepFilter


def test_spans_become_runs_of_pixels_at_least_one_wide():
    assert pixels_of([(0, 2), (3, 4)], 2.0, 10) == [(0, 4), (6, 8)]
    assert pixels_of([(5, 6), (900, 901), (999, 1000)], 0.01, 10) == [(0, 1), (9, 10)]
    assert pixels_of([(0, 3), (2, 5)], 1.0, 10) == [(0, 5)]
    assert pixels_of([], 1.0, 10) == []


@pytest.fixture
def session(qapp):
    return Session()


@pytest.fixture
def pane(qtbot, session):
    pane = Timeline(session)
    qtbot.addWidget(pane)
    pane.resize(900, 260)
    pane.show()
    trace = fake_trace()
    effects = np.zeros_like(trace.effects)
    effects[[5, 20], 3] = 2.0
    effects[30, 4] = 3.0
    trace.set_effects(0, effects, effects.sum(1))
    session.set_trace(trace)
    session.select(45)
    return pane


def test_tokens_on_the_chosen_region_are_marked_in_its_row(pane, session):
    session.select_region(3)
    image, layout = picture(pane.strip), pane.strip.layout_now
    bottom = layout.effects.y() + (pane.strip.rows.index(3) + 1) * layout.line - 2.5
    accent = theme.tokens(pane.palette()).accent

    def mark(token: int) -> str:
        return colour_at(image, QPointF(layout.token_x(token + 0.5), bottom)).name()

    assert [mark(t) == accent for t in (5, 20, 30, 10)] == [True, True, False, False]


def test_steps_that_a_filter_leaves_out_are_veiled(pane, session):
    layout = pane.strip.layout_now
    seen = QPointF(layout.token_x(session.trace.step(4).start + 0.3), layout.steps.y() + 2)
    unseen = QPointF(layout.token_x(session.trace.step(0).start + 0.3), layout.steps.y() + 2)
    before = picture(pane.strip)
    session.finder.set_filter(StepFilter("unseen", 1.0))
    after = picture(pane.strip)
    assert colour_at(before, unseen) != colour_at(after, unseen)
    assert colour_at(before, seen) == colour_at(after, seen)


def test_words_found_are_marked_below_the_steps(pane, session):
    before = picture(pane.strip)
    session.finder.set_query("north")
    layout, after = pane.strip.layout_now, picture(pane.strip)
    ((start, end),) = session.finder.matches
    places = differences(before, after)
    seen = {layout.token_at(p.x()) for p in places}
    assert set(range(start, end)) <= seen <= set(range(start - 1, end + 1))


def test_the_loop_is_bracketed_and_its_button_says_so(pane, session):
    session.select(10, 20)
    before = picture(pane.strip)
    pane._buttons["loop"].click()
    assert pane.playback.loop == Selection(10, 20)
    assert differences(before, picture(pane.strip))
    session.set_trace(fake_trace())
    assert not pane._buttons["loop"].isChecked()


def test_rows_can_be_ordered_as_regions_lie_in_each_other(pane, session, qtbot):
    assert pane.strip.layout_now
    assert pane.strip.rows[:2] == (3, 4)
    chosen = set(pane.strip.rows)
    pane._order.setCurrentText("by hierarchy")
    picture(pane.strip)
    assert list(pane.strip.rows) == [*sorted(chosen - {0}), *({0} & chosen)]
    again = Timeline(session)
    qtbot.addWidget(again)
    assert again.strip.order == "hierarchy"


def test_a_drag_along_the_phases_adds_a_range_up(pane, session, qtbot):
    layout = pane.strip.layout_now
    y = layout.phases.center().y()
    at = [QPointF(layout.token_x(i + 0.5), y).toPoint() for i in (8, 12)]
    qtbot.mousePress(pane.strip, Qt.MouseButton.LeftButton, pos=at[0])
    qtbot.mouseMove(pane.strip, at[1])
    qtbot.mouseRelease(pane.strip, Qt.MouseButton.LeftButton, pos=at[1])
    assert session.selection == Selection(8, 13)
    assert np.allclose(session.selected_effects(), session.trace.effects[8:13].sum(0))


def test_marks_do_not_hide_in_the_dark(qapp):
    for colours in (theme.LIGHT, theme.DARK):
        assert theme.contrast(colours.accent, colours.surface) >= 3.0
        assert QColor(colours.error).isValid()
