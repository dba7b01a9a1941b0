"""Shortcuts can be changed: at once, without clashes, and for good."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMainWindow

from app import keys
from app.actions import ACTIONS, build, shown
from app.dialogs.shortcuts import ShortcutsSheet
from app.settings import settings
from core.errors import InputError


def action(action_id):
    return next(a for a in ACTIONS if a.id == action_id)


@pytest.fixture
def window(qtbot):
    made = QMainWindow()
    qtbot.addWidget(made)
    return made


@pytest.fixture
def actions(window):
    built = build(window, {a.id: (lambda *_: None) for a in ACTIONS})
    keys.apply(built)
    return built


@pytest.fixture
def sheet(qtbot, actions, window):
    made = ShortcutsSheet(actions, window)
    qtbot.addWidget(made)
    return made


def test_without_changes_every_action_has_its_defaults(qapp):
    assert keys.assigned() == {a.id: tuple(map(keys.portable, a.keys)) for a in ACTIONS}


def test_a_change_is_kept_and_can_be_taken_back(qapp):
    keys.assign(action("open"), ["Ctrl+Alt+O"])
    assert keys.assigned()["open"] == ("Ctrl+Alt+O",)
    keys.reset(action("open"))
    assert keys.assigned()["open"] == ("Ctrl+O",)
    keys.assign(action("quit"), [])
    keys.reset_all()
    assert keys.assigned()["quit"] == ("Ctrl+Q",)


def test_a_clash_is_refused_and_names_the_other_action(qapp):
    with pytest.raises(InputError, match=r"Ctrl\+Q belongs to “Quit”"):
        keys.assign(action("open"), ["Ctrl+Q"])
    assert keys.assigned()["open"] == ("Ctrl+O",)


def test_keys_that_someone_gave_up_are_free(qapp):
    keys.assign(action("quit"), ["Ctrl+Alt+Q"])
    keys.assign(action("open"), ["Ctrl+Q"])
    assert keys.assigned()["open"] == ("Ctrl+Q",)
    with pytest.raises(InputError, match="belongs to “Open”"):
        keys.reset(action("quit"))


@pytest.mark.parametrize("wanted", ["", "Tab", "no such key"])
def test_keys_that_would_lock_a_person_out_are_refused(qapp, wanted):
    with pytest.raises(InputError):
        keys.assign(action("open"), [wanted])


@pytest.mark.parametrize("nonsense", ["{}", "[1, null]", "¿", '["Ctrl+Q"]'])
def test_nonsense_in_the_settings_never_gives_two_actions_one_key(qapp, nonsense):
    settings().setValue("keys/open", nonsense)
    given = [key for theirs in keys.assigned().values() for key in theirs]
    assert len(given) == len(set(given))


def test_the_sheet_lists_every_action_with_its_keys(sheet):
    assert len(sheet._rows()) == len(ACTIONS)
    assert {row.text(1) for row in sheet._rows()} >= {"Ctrl+O", "Ctrl+Shift+P"}


def test_the_sheet_changes_keys_at_once(qtbot, sheet, actions):
    sheet.choose("open")
    sheet.field.setFocus()
    sheet.field.setKeySequence(QKeySequence("Ctrl+Alt+O"))
    sheet._set()
    assert actions["open"].shortcut() == QKeySequence("Ctrl+Alt+O")
    assert "Ctrl+Alt+O" in actions["open"].toolTip()
    sheet._default()
    assert actions["open"].shortcut() == QKeySequence("Ctrl+O")


def test_the_sheet_says_why_it_refuses(sheet, actions):
    sheet.choose("open")
    sheet.field.setKeySequence(QKeySequence("Ctrl+Q"))
    sheet._set()
    assert "belongs to “Quit”" in sheet.answer.text()
    assert actions["open"].shortcut() == QKeySequence("Ctrl+O")


def test_the_sheet_is_searched_by_name_and_by_keys(qtbot, sheet):
    qtbot.keyClicks(sheet.search, "zoom in")
    left = [row.text(0) for row in sheet._rows() if not row.isHidden()]
    assert left == ["Zoom In"]
    sheet.search.setText("Ctrl+Q")
    assert "Quit" in [row.text(0) for row in sheet._rows() if not row.isHidden()]


def test_the_chosen_keys_come_back_in_the_next_window(qtbot, sheet):
    sheet.choose("quit")
    sheet._remove()
    again = QMainWindow()
    qtbot.addWidget(again)
    built = build(again, {a.id: (lambda *_: None) for a in ACTIONS})
    keys.apply(built)
    assert built["quit"].shortcuts() == []
    assert built["open"].shortcuts() == [QKeySequence(Qt.Modifier.CTRL | Qt.Key.Key_O)]


def test_the_panes_tell_the_keys_that_are_assigned_now(make):
    window = make(shown=False)
    tips = {
        "step_back": window.timeline._buttons["step-back"].toolTip,
        "live": window.reasoning._live.toolTip,
        "find": window.reasoning._find.toolTip,
        "find_next": window.reasoning.find_bar.walk._buttons[1].toolTip,
        "region_previous": window.reasoning.region_bar.walk._buttons[-1].toolTip,
        "measure_step": window.regions.measure_bar._button.toolTip,
    }
    for number, (name, tip) in enumerate(tips.items()):
        plain, _, told = tip().rpartition(" (")
        assert told == f"{shown(action(name).keys)})"
        keys.assign(action(name), [f"Ctrl+Alt+{number}"])
        keys.apply(window.actions_by_id)
        assert tip() == f"{plain} (Ctrl+Alt+{number})"
        keys.assign(action(name), [])
        keys.apply(window.actions_by_id)
        assert tip() == plain
