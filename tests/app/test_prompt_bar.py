"""The prompt bar: a question, suggestions, settings, and buttons that make sense now."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication, QMainWindow

from app.actions import ACTIONS, build
from app.prompt_bar import PACES, PromptBar
from app.run_state import RunState
from core.trace import Sampling


@pytest.fixture
def bar(qtbot):
    window = QMainWindow()
    actions = build(window, {action.id: lambda *_: None for action in ACTIONS})
    made = PromptBar(actions, ["opencv", "grid"], window)
    window.setCentralWidget(made)
    qtbot.addWidget(window)
    made.actions_by_id = actions
    yield made
    assert made.window() is window


def enabled(bar) -> set[str]:
    return {name for name in ("run", "pause", "stop") if bar.actions_by_id[name].isEnabled()}


def test_the_first_suggestion_is_filled_in(bar):
    bar.set_questions(["What is the total?", "What is the date?"])
    assert bar.question() == "What is the total?"
    bar.set_questions([])
    assert bar.question() == ""


def test_enter_in_the_field_asks(qtbot, bar):
    bar.set_question("How many?")
    with qtbot.waitSignal(bar.submitted):
        qtbot.keyClick(bar._field, Qt.Key.Key_Return)


def test_buttons_follow_the_run(bar):
    expected = {
        (RunState.IDLE, False): set(),
        (RunState.IDLE, True): {"run"},
        (RunState.RUNNING, True): {"pause", "stop"},
        (RunState.PAUSED, True): {"pause", "stop"},
        (RunState.STOPPING, True): set(),
    }
    for (state, ready), names in expected.items():
        bar.set_state(state, ready)
        assert enabled(bar) == names, state
        assert bar.actions_by_id["pause"].isChecked() is (state is RunState.PAUSED)


def test_settings_become_the_sampling_of_the_run(bar):
    assert bar.sampling() == Sampling()
    bar._seed.setValue(7)
    bar._temperature.setValue(0.6)
    bar._length.setValue(99)
    assert bar.sampling() == Sampling(temperature=0.6, seed=7, max_new_tokens=99)


def test_the_speed_can_change_while_it_runs(qtbot, bar):
    bar.set_state(RunState.RUNNING)
    assert bar._pace.isEnabled()
    assert not bar._seed.isEnabled()
    with qtbot.waitSignal(bar.pace_changed) as told:
        bar._pace.setCurrentIndex(1)
    assert told.args == [PACES[1][1]]
    assert bar.pace() == 20.0


def test_the_run_button_takes_another_font_size_at_once(qtbot, bar):
    bar.window().show()
    before = QApplication.font()
    try:
        for points in (20.0, 15.0):
            font = QFont(before)
            font.setPointSizeF(points)
            QApplication.setFont(font)
            QApplication.processEvents()
            assert bar._buttons["run"].font().pointSizeF() == points
    finally:
        QApplication.setFont(before)
