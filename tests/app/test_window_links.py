"""Through the real window: scrubbing by keys, loops, and the links between words, steps and regions."""

from __future__ import annotations

import numpy as np
import pytest
from fake_traces import fake_trace
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from scripted_engine import ScriptedEngine

from app.session import Selection
from app.theme import Theme
from app.window import Places, Window
from core.store import save_trace


@pytest.fixture
def window(qtbot, qapp, tmp_path):
    trace = fake_trace()
    effects = np.zeros_like(trace.effects)
    effects[[12, 14, 48], 3] = 2.0
    trace.set_effects(0, effects, effects.sum(1))
    save_trace(tmp_path / "a.sightline", trace)
    theme = Theme(qapp, "light")
    made = Window(ScriptedEngine(), theme, Places(tmp_path / "runs", ()))
    qtbot.addWidget(made, before_close_func=lambda w: w.controller.close())
    made.show()
    made.activateWindow()
    qtbot.waitActive(made)
    made.open(tmp_path / "a.sightline")
    qtbot.waitUntil(lambda: made.controller.session.selection is not None)
    made.timeline.strip.setFocus()
    yield made
    theme.deleteLater()


def key(qtbot, window, name: Qt.Key, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    qtbot.keyClick(QApplication.focusWidget() or window, name, modifier)


CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def test_digits_choose_the_speed(qtbot, window):
    for digit, speed in ((Qt.Key.Key_1, 0.25), (Qt.Key.Key_6, 8.0), (Qt.Key.Key_3, 1.0)):
        key(qtbot, window, digit)
        assert window.timeline.playback.speed == speed
        assert window.actions_by_id[f"speed_{speed:g}"].isChecked()


def test_digits_typed_into_a_field_stay_there(qtbot, window):
    window.reasoning.open_find()
    key(qtbot, window, Qt.Key.Key_6)
    assert window.reasoning.find_bar.field.text() == "6"
    assert window.timeline.playback.speed == 1.0


def test_a_range_loops_by_key(qtbot, window):
    window.controller.session.select(10, 14)
    key(qtbot, window, Qt.Key.Key_L, CTRL | SHIFT)
    assert window.timeline.playback.loop == Selection(10, 14)
    assert window.actions_by_id["loop"].isChecked()
    key(qtbot, window, Qt.Key.Key_L, CTRL | SHIFT)
    assert window.timeline.playback.loop is None


def test_from_a_region_to_its_tokens_and_back(qtbot, window):
    session = window.controller.session
    session.select_region(3)
    assert window.reasoning.region_bar.isVisible()
    seen = []
    for _ in range(3):
        key(qtbot, window, Qt.Key.Key_Down, CTRL)
        seen.append(session.selection.start)
    assert seen == [12, 14, 48]
    assert window.regions.model.region_at(0) == 3
    key(qtbot, window, Qt.Key.Key_Up, CTRL)
    assert session.selection.start == 14


def test_words_are_searched_by_keys_alone(qtbot, window):
    session = window.controller.session
    key(qtbot, window, Qt.Key.Key_F, CTRL)
    assert QApplication.focusWidget() is window.reasoning.find_bar.field
    qtbot.keyClicks(QApplication.focusWidget(), "labelled")
    key(qtbot, window, Qt.Key.Key_F3)
    first = session.selection
    key(qtbot, window, Qt.Key.Key_F3)
    assert session.selection.start > first.start
    key(qtbot, window, Qt.Key.Key_F3, SHIFT)
    assert session.selection == first
    key(qtbot, window, Qt.Key.Key_Escape)
    assert not window.reasoning.find_bar.isVisible()


def test_marked_words_of_the_answer_say_what_they_rest_on(qtbot, window):
    session, text = window.controller.session, window.reasoning.text
    step = session.trace.step(4)
    text.show_token(step.start)
    begin, end = (text.token_rects(i)[0].center().toPoint() for i in (step.start, step.start + 2))
    qtbot.mousePress(text.viewport(), Qt.MouseButton.LeftButton, pos=begin)
    qtbot.mouseMove(text.viewport(), end)
    qtbot.mouseRelease(text.viewport(), Qt.MouseButton.LeftButton, pos=end)
    assert session.selection == Selection(step.start, step.start + 3)
    assert "These 3 tokens depend on the screenshot: 2.0 nats" in window.regions.finding
