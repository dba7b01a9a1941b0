"""The command palette finds what a person means and does it."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QMainWindow

from app.fuzzy import score
from app.palette import Command, Palette, ranked


@pytest.mark.parametrize(
    ("query", "better", "worse"),
    [
        ("zi", "Zoom In", "Resize Window"),
        ("exp", "Export Picture", "Example"),
        ("png", "Picture PNG", "Paste Nothing Good"),
        ("theme dark", "Dark Theme", "Light Theme and darker kites"),
        ("open", "Open", "Open Recent Things"),
    ],
)
def test_what_a_person_means_comes_first(query, better, worse):
    assert score(query, better) > (score(query, worse) or 0)


def test_letters_that_are_not_there_do_not_match():
    assert score("xyz", "Zoom In") is None
    assert score("nizoom", "Zoom In") is None
    assert score("", "Zoom In") == 0


@pytest.fixture
def done():
    return []


@pytest.fixture
def listed(done):
    names = {"Zoom In": True, "Zoom Out": True, "Quit": True, "Stop": False}
    return [
        Command(name, "View", "", enabled, lambda name=name: done.append(name))
        for name, enabled in names.items()
    ]


@pytest.fixture
def window(qtbot):
    made = QMainWindow()
    made.setCentralWidget(QLineEdit())
    qtbot.addWidget(made)
    made.resize(700, 500)
    made.show()
    qtbot.waitActive(made)
    return made


@pytest.fixture
def palette(window, listed):
    box = Palette(window)
    window.centralWidget().setFocus()
    box.open(listed)
    return box


def test_what_cannot_be_done_comes_last(listed):
    assert [c.text for c in ranked("", listed)][-1] == "Stop"


def test_typing_and_enter_do_it_and_give_the_keyboard_back(qtbot, window, palette, done):
    qtbot.waitUntil(palette.field.hasFocus)
    qtbot.keyClicks(palette.field, "zo")
    qtbot.keyClick(palette.field, Qt.Key.Key_Down)
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert done == ["Zoom Out"]
    assert not palette.isVisible()
    assert window.centralWidget().hasFocus()


def test_escape_does_nothing_but_close(qtbot, window, palette, done):
    qtbot.keyClick(palette.field, Qt.Key.Key_Escape)
    assert not palette.isVisible()
    assert done == []
    assert window.centralWidget().hasFocus()


def test_what_cannot_be_done_now_is_not_done(qtbot, palette, done):
    qtbot.keyClicks(palette.field, "stop")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert done == []
    assert palette.isVisible()


def test_a_click_does_it_and_a_click_elsewhere_closes(qtbot, window, palette, listed, done):
    row = palette.list.topLevelItem(2)
    place = palette.list.visualItemRect(row).center()
    qtbot.mouseClick(palette.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert done == ["Quit"]
    palette.open(listed)
    window.centralWidget().setFocus()
    qtbot.waitUntil(lambda: not palette.isVisible())


def test_no_match_says_so(qtbot, palette):
    qtbot.keyClicks(palette.field, "qqqq")
    assert palette._none.isVisible()


def test_it_stays_inside_a_small_window(window, palette, listed):
    palette.close_it()
    window.resize(320, 240)
    palette.open(listed)
    assert window.rect().contains(palette.geometry())
