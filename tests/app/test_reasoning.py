"""The reasoning pane streams, tints, and lets tokens and steps be chosen."""

from __future__ import annotations

import numpy as np
import pytest
from fake_traces import fake_events, fake_screenshot, fake_trace, grid_regions
from pixels import colour_at, differences, picture
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QFontMetrics, QHelpEvent, QKeyEvent
from PySide6.QtWidgets import QApplication, QToolTip
from wheel import turn

from app import theme
from app.reasoning import Reasoning
from app.session import Selection, Session
from app.step_gutter import RAIL
from core.events import EffectsEstimated, Started, TokenDecoded
from core.trace import Identity, Sampling, Token, Trace


@pytest.fixture
def session(qapp):
    return Session()


@pytest.fixture
def pane(qtbot, session):
    pane = Reasoning(session)
    qtbot.addWidget(pane)
    pane.resize(420, 360)
    pane.show()
    return pane


def middle(pane: Reasoning, index: int) -> QPoint:
    return pane.text.token_rects(index)[0].center().toPoint()


def click(qtbot, pane, index, keys=Qt.KeyboardModifier.NoModifier):
    qtbot.mouseClick(pane.text.viewport(), Qt.MouseButton.LeftButton, keys, middle(pane, index))


def test_text_streams_in_order_under_headings(pane, session):
    events = list(fake_events())
    for start in range(0, len(events), 5):
        session.apply(events[start : start + 5])
        shown = pane.text.toPlainText().replace("\n", "")
        assert shown.endswith(session.trace.tokens[-1].text.strip())
    shown = pane.text.toPlainText()
    assert shown.index("Thinking") < shown.index("The screen shows") < shown.index("Answer")
    assert shown.index("Answer") < shown.index("The difference is 25")


def test_a_click_selects_the_token_and_stops_following(pane, session, qtbot):
    session.apply(list(fake_events()))
    assert session.follow
    click(qtbot, pane, 13)
    assert session.selection == Selection(13, 14)
    assert not session.follow


@pytest.mark.parametrize("key", [Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier])
def test_shift_or_control_click_selects_the_step(pane, session, qtbot, key):
    session.set_trace(fake_trace())
    step = session.trace.step(1)
    click(qtbot, pane, step.start + 2, key)
    assert session.selection == Selection(step.start, step.end)


def test_double_click_selects_the_step(pane, session, qtbot):
    session.set_trace(fake_trace())
    step = session.trace.step(2)
    qtbot.mouseDClick(pane.text.viewport(), Qt.MouseButton.LeftButton, pos=middle(pane, step.start + 1))
    assert session.selection == Selection(step.start, step.end)


def test_a_run_without_a_token_looks_like_none(pane, session):
    before = picture(pane.text._gutter)
    session.apply([next(event for event in fake_events() if isinstance(event, Started))])
    assert not differences(before, picture(pane.text._gutter))
    session.apply(list(fake_events()))
    assert differences(before, picture(pane.text._gutter))


def test_step_numbers_have_room_at_large_text(pane, session):
    font = pane.font()
    font.setPointSizeF(20)
    pane.setFont(font)
    for count in (100, 5000):
        session.set_trace(fake_trace(count))
        gutter = pane.text._gutter
        number = QFontMetrics(gutter._fonts()[1]).horizontalAdvance(f"{session.trace.step_count:,}")
        assert gutter.width() >= number + RAIL + theme.TIGHT
        assert gutter.geometry().right() < pane.text.viewport().geometry().left()


def test_room_for_step_numbers_grows_with_a_run(pane, session):
    font = pane.font()
    font.setPointSizeF(24)
    pane.setFont(font)
    events = list(fake_events(5000))
    session.apply(events[:20])
    narrow = pane.text._gutter.width()
    session.apply(events[20:])
    assert session.trace.step_count >= 100
    assert pane.text._gutter.width() > narrow
    assert pane.text.viewportMargins().left() == pane.text._gutter.width()


def test_a_step_number_selects_its_step(pane, session, qtbot):
    session.set_trace(fake_trace())
    step = session.trace.step(3)
    gutter = pane.text._gutter
    qtbot.mouseClick(gutter, Qt.MouseButton.LeftButton, pos=QPoint(20, middle(pane, step.start).y()))
    assert session.selection == Selection(step.start, step.end)


def test_marking_words_selects_their_tokens(pane, session, qtbot):
    session.set_trace(fake_trace())
    view = pane.text.viewport()
    start, stop = middle(pane, 2), middle(pane, 5)
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(view, (start + stop) / 2)
    qtbot.mouseMove(view, stop)
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=stop)
    assert session.selection == Selection(2, 6)


def pixel(pane: Reasoning, index: int) -> tuple[int, int, int]:
    """The colour just inside the left edge of a token, beside its letters."""
    rect = pane.text.token_rects(index)[0]
    return colour_at(picture(pane.text.viewport()), rect.topLeft() + QPointF(3, 1)).getRgb()[:3]


def test_tokens_are_tinted_by_their_reliance(pane, session):
    trace = fake_trace()
    reliance = np.zeros(len(trace), np.float32)
    reliance[[3, 5]] = 5.0, -5.0
    effects = np.zeros((len(trace), len(trace.region_map)), np.float32)
    effects[:, 0] = reliance
    trace.set_effects(0, effects, reliance)
    session.set_trace(trace)
    plain, supported, opposed = (np.array(pixel(pane, i), int) for i in (4, 3, 5))
    assert supported[0] - supported[2] > plain[0] - plain[2] + 40  # vermilion
    assert opposed[2] - opposed[0] > plain[2] - plain[0] + 40  # blue


def test_another_theme_leaves_no_token_without_its_tint(pane, session):
    session.set_trace(fake_trace())
    picture(pane.text.viewport())
    pane.text.tokens.set_heading_colours({"thinking": "#ff0000", "answer": "#00ff00"})
    laid_out = [block.layout().lineCount() for block, *_ in pane.text.visible_blocks()]
    assert len(laid_out) > 3
    assert all(laid_out)


def test_tokens_that_rest_on_the_chosen_region_are_underlined(pane, session):
    trace = fake_trace()
    effects = np.zeros((len(trace), len(trace.region_map)), np.float32)
    effects[2, 4], effects[2, 5] = 3.0, 1.0
    effects[6, 4], effects[6, 5] = 1.0, 3.0
    trace.set_effects(0, effects, effects.sum(1))
    session.set_trace(trace)

    def underlined(index: int) -> bool:
        rect = pane.text.token_rects(index)[0]
        below = QPointF(rect.center().x(), rect.bottom() - 0.25)
        return colour_at(picture(pane.text.viewport()), below) == pane.text._accent

    assert not underlined(2)
    session.select_region(4)
    assert underlined(2)
    assert not underlined(6)
    session.select_region(5)
    assert not underlined(2)
    assert underlined(6)


def test_the_selection_is_marked(pane, session):
    session.set_trace(fake_trace())
    before = picture(pane.text.viewport())
    session.select(9)
    changed = differences(before, picture(pane.text.viewport()))
    rect = pane.text.token_rects(9)[0].adjusted(-4, -3, 4, 3)
    assert changed
    assert all(rect.contains(place) for place in changed)


def test_following_keeps_the_end_in_view_and_scrolling_up_lets_go(pane, session):
    events = list(fake_events(600))
    session.apply(events[:400])
    bar = pane.text.verticalScrollBar()
    assert bar.value() == bar.maximum() > 0
    pane.text.keyPressEvent(
        QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_PageUp, Qt.KeyboardModifier.NoModifier)
    )
    assert not session.follow
    assert not pane._live.isChecked()
    place = bar.value()
    session.apply(events[400:450])
    assert bar.value() == place
    pane._live.click()
    assert session.follow
    assert bar.value() == bar.maximum()


def test_the_playhead_is_scrolled_into_view(pane, session):
    session.set_trace(fake_trace(5000))
    for index in (4700, 10, 2500, 2502, 4999):
        session.select(index)
        area = pane.text.viewport().rect()
        rects = pane.text.token_rects(index)
        assert rects
        assert area.contains(rects[0].center().toPoint()), index


def test_a_playhead_in_view_does_not_scroll(pane, session):
    session.set_trace(fake_trace(5000))
    session.select(2500)
    place = pane.text.verticalScrollBar().value()
    session.select(2501)
    assert pane.text.verticalScrollBar().value() == place


def test_the_wheel_with_control_neither_zooms_nor_scrolls_nor_lets_go(pane, session):
    session.apply(list(fake_events(600))[:400])
    font, place = pane.text.font(), pane.text.verticalScrollBar().value()
    for angle in (120, -120):
        turn(pane.text.viewport(), angle, Qt.KeyboardModifier.ControlModifier)
    assert pane.text.font() == font
    assert pane.text.verticalScrollBar().value() == place > 0
    assert session.follow


def resize_text(pane: Reasoning) -> None:
    """As the preferences do."""
    font = pane.font()
    font.setPointSizeF(font.pointSizeF() + 4)
    pane.setFont(font)


def test_another_text_size_keeps_the_selection_in_view(pane, session):
    session.set_trace(fake_trace(5000))
    session.select(2500)
    resize_text(pane)
    rects = pane.text.token_rects(2500)
    assert rects
    assert pane.text.viewport().rect().contains(rects[0].center().toPoint())


def test_another_text_size_keeps_the_live_end_in_view(pane, session):
    session.apply(list(fake_events(600))[:400])
    resize_text(pane)
    bar = pane.text.verticalScrollBar()
    assert bar.value() == bar.maximum() > 0
    assert session.follow


def test_another_text_size_leaves_a_run_that_was_opened_at_its_beginning(pane, session):
    session.set_trace(fake_trace(5000))
    assert session.follow
    resize_text(pane)
    assert pane.text.verticalScrollBar().value() == 0


@pytest.mark.qt_log_ignore("does not support raise", extend=True)
def test_hover_tells_log_probability_and_reliance_as_plain_text(pane, session):
    session.set_trace(fake_trace())
    at = middle(pane, 7)
    event = QHelpEvent(QEvent.Type.ToolTip, at, pane.text.viewport().mapToGlobal(at))
    pane.text.viewportEvent(event)
    shown = QToolTip.text()
    QToolTip.hideText()
    assert "log-probability" in shown
    assert "reliance" in shown
    assert session.trace.tokens[7].text.strip() in shown


def test_copying_gives_the_text_of_the_selected_tokens_or_the_marked_text(pane, session):
    session.set_trace(fake_trace())
    session.select_step(1)
    pane.text.copy_text()
    step = session.trace.step(1)
    assert QApplication.clipboard().text() == step.text
    pane.text.selectAll()
    pane.text.copy_text()
    lines = QApplication.clipboard().text().splitlines()
    assert lines[:2] == ["Thinking", session.trace.step(0).text.strip()]
    assert "" not in lines


def test_playback_keys_are_left_to_the_window(pane, session):
    session.set_trace(fake_trace())
    for key in (Qt.Key.Key_Space, Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End):
        event = QKeyEvent(QEvent.Type.ShortcutOverride, key, Qt.KeyboardModifier.NoModifier)
        event.ignore()
        pane.text.event(event)
        assert not event.isAccepted()


def hostile_trace(texts: list[str]) -> list:
    shot = fake_screenshot()
    regions = grid_regions(shot.width, shot.height)
    who = Identity("made up for a test")
    trace = Trace(shot, regions, "?", who, who, who, Sampling())
    tokens = [Token(i, 0, text, -1.0, "answer", i) for i, text in enumerate(texts)]
    effects = np.ones((len(texts), len(regions)), np.float32)
    return [
        Started(1, trace),
        *(TokenDecoded(1, t) for t in tokens),
        EffectsEstimated(1, 0, effects, effects.sum(1)),
    ]


def test_what_the_model_writes_is_never_markup(pane, session):
    texts = ["<h1>big</h1>", "<img src='file:///etc/passwd'>", "\u202eevil", "\x00", "🙂", "", "\u2029"]
    session.apply(hostile_trace(texts))
    shown = pane.text.toPlainText()
    assert "<h1>big</h1>" in shown
    assert "<img src=" in shown
    assert "\u202e" not in shown
    pane.grab()


def test_another_trace_replaces_the_text(pane, session):
    session.set_trace(fake_trace(300))
    session.set_trace(fake_trace())
    assert len(pane.text.tokens) == len(session.trace)
    session.set_trace(None)
    assert pane.text.toPlainText() == ""
    pane.grab()
