"""A picture is taken of one window of another program."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from windows import press

from app import screen_capture, window_capture, window_grabber
from app.dialogs.window_chooser import WindowChooser

GRABBER = """
import json, sys
from PIL import Image
what, *rest = sys.argv[1:]
if what == "list":
    print(json.dumps(["text editor", "minimized"]))
elif rest[0] == "minimized":
    sys.stderr.write("noise\\nNo picture.\\n")
    sys.exit(2)
else:
    Image.new("RGB", (40, 30), "blue").save(rest[1])
"""
"""Stands for the process that looks at windows: gives a blue picture of every window but a minimized one."""


@pytest.fixture
def desktop(monkeypatch):
    """A platform that allows it, with two windows on it."""
    monkeypatch.setattr(screen_capture, "possible", lambda: True)
    monkeypatch.setattr(window_capture, "COMMAND", (sys.executable, "-c", GRABBER))


def chooser_of(qtbot, window) -> WindowChooser:
    press(window, "capture_window")
    chooser = window.findChild(WindowChooser)
    assert not chooser.isModal()
    qtbot.waitUntil(lambda: chooser.list.count() == 2, timeout=20_000)
    assert [chooser.list.item(row).text() for row in range(2)] == ["minimized", "text editor"]
    return chooser


def test_it_is_hidden_where_the_platform_forbids_it(window, make, monkeypatch):
    assert not window.actions_by_id["capture_window"].isVisible()
    monkeypatch.setattr(screen_capture, "possible", lambda: True)
    assert make(shown=False).actions_by_id["capture_window"].isVisible()


@pytest.mark.parametrize("name", ["WAYLAND_DISPLAY", "XDG_SESSION_TYPE"])
def test_a_wayland_desktop_forbids_it_also_to_programs_that_speak_x11(qapp, monkeypatch, name):
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("XDG_SESSION_TYPE", raising=False)
    monkeypatch.setattr(screen_capture.QGuiApplication, "platformName", lambda: "xcb")
    assert screen_capture.possible()
    monkeypatch.setenv(name, "wayland")
    assert not screen_capture.possible()


def test_the_picture_of_the_chosen_window_is_opened(qtbot, desktop, make):
    window = make()
    chooser = chooser_of(qtbot, window)
    chooser.list.setCurrentRow(1)
    qtbot.waitUntil(chooser.use.isEnabled, timeout=20_000)
    qtbot.mouseClick(chooser.use, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.controller.scene is not None)
    assert window.controller.scene.screenshot.name == "text editor"
    assert window.controller.scene.screenshot.pixels.shape == (30, 40, 3)


def test_a_window_that_shows_nothing_is_told(qtbot, desktop, make):
    chooser = chooser_of(qtbot, make())
    chooser.list.setCurrentRow(1)
    chooser.list.setCurrentRow(0)
    qtbot.waitUntil(lambda: chooser.answer.text() == "No picture.", timeout=20_000)
    assert not chooser.use.isEnabled()
    chooser.close()


def test_escape_leaves_no_process_and_no_folder_behind(qtbot, desktop, make):
    chooser = chooser_of(qtbot, make())
    chooser.list.setCurrentRow(1)
    capture = chooser._capture
    folder = Path(capture._folder.name)
    assert folder.is_dir()
    qtbot.keyClick(chooser, Qt.Key.Key_Escape)
    assert capture._process is None
    assert not folder.exists()


@pytest.mark.parametrize("command", [(sys.executable, "-c", "import os; os.abort()"), ("no-such-program",)])
def test_a_process_that_dies_is_told_and_takes_nothing_with_it(qtbot, desktop, make, monkeypatch, command):
    monkeypatch.setattr(window_capture, "COMMAND", command)
    window = make()
    press(window, "capture_window")
    chooser = window.findChild(WindowChooser)
    qtbot.waitUntil(lambda: "Capture Screen can still" in chooser.answer.text(), timeout=20_000)
    assert not chooser.use.isEnabled()
    chooser.close()


def test_the_grabber_says_what_its_system_lacks(monkeypatch, capsys, qapp):
    monkeypatch.setattr(window_grabber, "QGuiApplication", lambda _arguments: qapp)
    monkeypatch.setitem(sys.modules, "PySide6.QtMultimedia", None)
    assert window_grabber.main(["list"]) == 2
    assert "multimedia part is missing" in capsys.readouterr().err
