"""Two runs are compared: with a region hidden, or with any other trace."""

from __future__ import annotations

import numpy as np
import pytest
from fake_traces import fake_trace
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFileDialog
from wheel import turn
from windows import idle, press, run_to_the_end

from app.session import Display
from app.side_by_side import SideBySide, _verdict
from core.store import read_trace, save_trace
from core.trace import Identity, Token
from core.trace_diff import Passage


@pytest.fixture
def pair():
    first, second = fake_trace(), fake_trace(seed=3)
    old = second.tokens[2]
    second.tokens[2] = Token(2, old.id, " <b>window</b>", old.log_prob, old.phase, old.step)
    return first, second


@pytest.fixture
def beside(qtbot, pair):
    made = SideBySide(*pair, Display())
    qtbot.addWidget(made)
    made.show()
    return made


def test_playheads_move_together_from_either_side(beside):
    left, right = beside.sessions
    beside.playhead.setValue(7)
    assert (left.selection.start, right.selection.start) == (7, 7)
    right.select(11)
    assert left.selection.start == 11
    assert beside.playhead.value() == 11
    left.select_step(1)
    assert (right.selection.start, right.selection.end) == (left.selection.start, left.selection.end)


def test_the_difference_of_the_effects_is_shown_on_request(beside, pair):
    beside.playhead.setValue(5)
    assert not beside.sessions[1].comparing
    beside.subtract.setChecked(True)
    expected = pair[1].effects[5] - pair[0].effects[5]
    assert np.allclose(beside.sessions[1].compared_effects(), expected)
    beside.playhead.setValue(6)
    assert np.allclose(beside.sessions[1].compared_effects(), pair[1].effects[6] - pair[0].effects[6])
    beside.subtract.setChecked(False)
    assert np.allclose(beside.sessions[1].compared_effects(), pair[1].effects[6])


def test_what_changed_is_marked_and_shown_as_plain_text(beside, pair):
    text = beside.text.toPlainText()
    assert pair[0].tokens[2].text in text
    assert "<b>window</b>" in text
    struck = beside.text.textCursor()
    struck.setPosition(text.index("<b>window") + 2)
    assert struck.charFormat().fontUnderline()


def test_one_token_differs_and_several_differ():
    first = fake_trace()
    one, several = [Passage("added", 0, 0, 0, 1)], [Passage("removed", 0, 2, 0, 0)]
    assert "1 token differs." in _verdict(first, first, one)
    assert "2 tokens differ." in _verdict(first, first, several)


def test_a_place_in_the_text_moves_both_playheads(beside):
    place = beside.text.toPlainText().index("<b>window") + 1
    beside.text.choose_at(place)
    assert beside.sessions[1].selection.start == 2


def test_a_click_anywhere_on_a_character_means_its_token(qtbot, beside):
    view, text = beside.text, beside.text.toPlainText()
    chosen = []
    view.token_chosen.connect(lambda token, of_second: chosen.append((token, of_second)))
    last = text.index("</b>") + len("</b>") - 1
    cursor = view.textCursor()
    edges = []
    for position in (last, last + 1):
        cursor.setPosition(position)
        edges.append(view.cursorRect(cursor))
    for share in (0.2, 0.8):
        x = edges[0].x() + share * (edges[1].x() - edges[0].x())
        place = QPoint(round(x), edges[0].center().y())
        qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert chosen == [(2, True), (2, True)]


def test_the_wheel_with_control_leaves_the_text_its_size(beside):
    font = beside.text.font()
    turn(beside.text.viewport(), 120, Qt.KeyboardModifier.ControlModifier)
    assert beside.text.font() == font


def test_attention_without_a_unit_is_not_subtracted_from_effects(qtbot, pair):
    pair[1].estimator = Identity("attention, uncalibrated", "", {"calibrated": False})
    made = SideBySide(*pair, Display())
    qtbot.addWidget(made)
    assert not made.subtract.isEnabled()
    assert "uncalibrated attention" in made.subtract.toolTip()


def test_runs_over_different_regions_cannot_be_subtracted(qtbot):
    from fake_traces import fake_screenshot, grid_regions

    shot = fake_screenshot()
    other = fake_trace(screenshot=shot, region_map=grid_regions(shot.width, shot.height, 2, 2))
    made = SideBySide(fake_trace(), other, Display())
    qtbot.addWidget(made)
    assert not made.subtract.isEnabled()


def test_hiding_a_region_runs_again_and_shows_what_changed(qtbot, window):
    before = run_to_the_end(qtbot, window)
    assert not window.actions_by_id["what_if"].isEnabled()
    window.controller.session.select_region(2)
    press(window, "what_if")
    qtbot.waitUntil(lambda: window.findChild(SideBySide) is not None, timeout=30_000)
    beside = window.findChild(SideBySide)
    assert not beside.isModal()
    trace = window.controller.session.trace
    assert trace is not before
    assert trace.prompt == before.prompt
    assert "without part 2" in trace.screenshot.name
    hidden = before.region_map.labels == 2
    assert np.array_equal(trace.screenshot.pixels[~hidden], before.screenshot.pixels[~hidden])
    assert beside.sessions[0].trace is before
    qtbot.waitUntil(lambda: idle(window))
    assert read_trace(window.controller.trace_path).screenshot.name == trace.screenshot.name
    beside.close()


def test_any_other_trace_is_shown_beside_the_open_one(qtbot, window, tmp_path, monkeypatch):
    assert not window.actions_by_id["side_by_side"].isEnabled()
    run_to_the_end(qtbot, window)
    path = tmp_path / "other.sightline"
    save_trace(path, fake_trace())
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_args: (str(path), ""))
    press(window, "side_by_side")
    qtbot.waitUntil(lambda: window.findChild(SideBySide) is not None, timeout=30_000)
    window.findChild(SideBySide).close()
