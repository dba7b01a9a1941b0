"""The action table: every action once, no two on one key, and no key stolen from a field."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QComboBox, QLabel, QMainWindow, QPushButton, QSlider, QTreeView

from app.actions import ACTIONS, MENUS, Action, build, clashes, widget_wants
from app.icons import ICONS


def test_no_two_actions_claim_the_same_keys():
    assert clashes() == []


def test_a_clash_is_found_however_the_keys_are_written():
    first = Action("a", "A", "", "File/x", ("Ctrl+Shift+E",))
    second = Action("b", "B", "", "File/x", ("Shift+Ctrl+e",))
    assert clashes((first, second)) == [("Ctrl+Shift+E", "a", "b")]


def test_ids_are_unique_and_every_action_says_what_it_does():
    assert len({a.id for a in ACTIONS}) == len(ACTIONS)
    assert all(a.text and a.tip and a.menu in MENUS for a in ACTIONS)


def test_every_shortcut_is_one_that_qt_understands():
    for action in ACTIONS:
        for keys in action.keys:
            assert QKeySequence(keys).toString() != "", (action.id, keys)


def test_every_icon_is_there_and_used():
    named = {a.icon for a in ACTIONS if a.icon}
    drawn = {path.stem for path in ICONS.glob("*.svg")}
    assert named <= drawn
    unused = drawn - named - {"app", "close", "samples", "settings"}
    assert not unused


def test_an_action_without_a_handler_is_refused(qtbot):
    window = QMainWindow()
    qtbot.addWidget(window)
    with pytest.raises(KeyError):
        build(window, {"open": lambda: None})


@pytest.mark.parametrize(
    ("make", "key", "wanted"),
    [
        (QPushButton, Qt.Key.Key_Space, True),
        (QPushButton, Qt.Key.Key_Left, False),
        (QSlider, Qt.Key.Key_Left, True),
        (QComboBox, Qt.Key.Key_Home, True),
        (QLabel, Qt.Key.Key_Space, False),
        (QSlider, Qt.Key.Key_O, False),
        (QTreeView, Qt.Key.Key_Left, True),
        (QTreeView, Qt.Key.Key_Space, False),
    ],
)
def test_a_focused_control_keeps_the_keys_that_it_lives_on(qtbot, make, key, wanted):
    widget = make()
    qtbot.addWidget(widget)
    event = QKeyEvent(QEvent.Type.ShortcutOverride, key, Qt.KeyboardModifier.NoModifier)
    assert widget_wants(widget, event) is wanted


def test_keys_with_ctrl_belong_to_the_actions_wherever_the_focus_is(qtbot):
    slider = QSlider()
    qtbot.addWidget(slider)
    event = QKeyEvent(QEvent.Type.ShortcutOverride, Qt.Key.Key_Left, Qt.KeyboardModifier.ControlModifier)
    assert not widget_wants(slider, event)


def test_no_shortcut_is_one_that_the_question_field_takes_for_itself():
    """On X11 a line of text claims these keys; pasting and undoing are meant to be shared."""
    claimed = {f"Ctrl+{letter}" for letter in "ACDEKUXY"}
    assert not [action.id for action in ACTIONS if claimed & set(action.keys)]
