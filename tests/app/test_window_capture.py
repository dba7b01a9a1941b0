"""A picture is taken of one window of another program."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QImage
from windows import press

from app import screen_capture, window_capture
from app.dialogs import window_chooser
from app.dialogs.window_chooser import WindowChooser
from core.errors import InputError


class FakeWindow:
    def __init__(self, title: str) -> None:
        self._title = title

    def description(self) -> str:
        return self._title


class FakeCapture(QObject):
    """Gives a blue picture of every window but a minimized one."""

    taken = Signal(QImage)
    failed = Signal(str)

    def __init__(self, window, parent) -> None:
        super().__init__(parent)
        self._window = window

    def start(self) -> None:
        if self._window.description() == "minimized":
            self.failed.emit("That window gave no picture.")
            return
        image = QImage(40, 30, QImage.Format.Format_RGB32)
        image.fill(QColor("blue"))
        self.taken.emit(image)

    def cancel(self) -> None:
        pass


@pytest.fixture
def desktop(monkeypatch):
    """A platform that allows it, with two windows on it."""
    monkeypatch.setattr(screen_capture, "possible", lambda: True)
    monkeypatch.setattr(
        window_capture, "windows", lambda: [FakeWindow("minimized"), FakeWindow("text editor")]
    )
    monkeypatch.setattr(window_chooser, "WindowCapture", FakeCapture)


def chooser_of(qtbot, window) -> WindowChooser:
    press(window, "capture_window")
    chooser = window.findChild(WindowChooser)
    assert not chooser.isModal()
    qtbot.waitUntil(lambda: chooser.list.count() == 2)
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
    assert chooser.use.isEnabled()
    qtbot.mouseClick(chooser.use, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.controller.scene is not None)
    assert window.controller.scene.screenshot.name == "text editor"
    assert window.controller.scene.screenshot.pixels.shape == (30, 40, 3)


def test_a_window_that_shows_nothing_is_told(qtbot, desktop, make):
    chooser = chooser_of(qtbot, make())
    chooser.list.setCurrentRow(1)
    chooser.list.setCurrentRow(0)
    assert chooser.answer.text() == "That window gave no picture."
    assert not chooser.use.isEnabled()
    chooser.close()


def test_a_system_that_lacks_what_it_takes_is_told_what_helps(qtbot, desktop, make, monkeypatch):
    def lacking():
        raise InputError("The system library libpulse.so.0 is missing.")

    monkeypatch.setattr(window_capture, "windows", lacking)
    window = make()
    press(window, "capture_window")
    chooser = window.findChild(WindowChooser)
    qtbot.waitUntil(lambda: "libpulse" in chooser.answer.text())
    assert not chooser.use.isEnabled()
    chooser.close()
