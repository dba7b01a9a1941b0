"""A screenshot is taken of an area of the screen; files that the system hands over are opened."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect, Qt, QUrl
from PySide6.QtGui import QColor, QFileOpenEvent, QImage

from app import screen_capture
from app.file_open import FileOpener
from app.screen_capture import AreaChooser


@pytest.fixture
def chooser(qtbot):
    """A screen of 400 × 300 at 200 %, red on its left half."""
    picture = QImage(800, 600, QImage.Format.Format_RGB32)
    picture.fill(QColor("blue"))
    for x in range(400):
        for y in range(0, 600, 599):
            picture.setPixelColor(x, y, QColor("red"))
    made = AreaChooser(picture, QRect(0, 0, 400, 300))
    made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(made)
    made.show()
    return made


def test_a_dragged_area_is_cut_out_in_full_resolution(qtbot, chooser):
    with qtbot.waitSignal(chooser.chosen) as taken:
        qtbot.mousePress(chooser, Qt.MouseButton.LeftButton, pos=QPoint(150, 0))
        qtbot.mouseMove(chooser, QPoint(200, 40))
        qtbot.mouseRelease(chooser, Qt.MouseButton.LeftButton, pos=QPoint(249, 49))
    image = taken.args[0]
    assert (image.width(), image.height()) == (200, 100)
    assert image.pixelColor(0, 0).name() == "#ff0000"
    assert image.pixelColor(199, 0).name() == "#0000ff"
    assert not chooser.isVisible()


def test_enter_takes_everything(qtbot, chooser):
    with qtbot.assertNotEmitted(chooser.cancelled), qtbot.waitSignal(chooser.chosen) as taken:
        qtbot.keyClick(chooser, Qt.Key.Key_Return)
    assert taken.args[0].width() == 800


def test_escape_takes_nothing(qtbot, chooser):
    with qtbot.waitSignal(chooser.cancelled), qtbot.assertNotEmitted(chooser.chosen):
        qtbot.keyClick(chooser, Qt.Key.Key_Escape)


def test_the_window_comes_back_when_the_system_closes_the_overlay(qtbot, window):
    window.hide()
    window.intake._choose_area()
    assert not window.isVisible()
    window.intake._chooser.close()
    assert window.isVisible()


def test_a_mere_click_takes_nothing(qtbot, chooser):
    with qtbot.assertNotEmitted(chooser.chosen):
        qtbot.mouseClick(chooser, Qt.MouseButton.LeftButton, pos=QPoint(9, 9))
    assert chooser.isVisible()


def test_it_is_hidden_where_the_platform_forbids_it(window, make, monkeypatch):
    assert not screen_capture.possible()
    assert not window.actions_by_id["capture"].isVisible()
    monkeypatch.setattr(screen_capture, "possible", lambda: True)
    assert make(shown=False).actions_by_id["capture"].isVisible()


def test_a_captured_area_is_opened(qtbot, window):
    image = QImage(30, 20, QImage.Format.Format_RGB32)
    image.fill(QColor("red"))
    window.intake._area_taken(image)
    qtbot.waitUntil(lambda: window.controller.scene.screenshot.name == "captured screen")
    assert window.controller.scene.screenshot.pixels.shape == (20, 30, 3)


def test_a_file_handed_over_by_the_system_is_opened(qapp, tmp_path):
    opened = []
    opener = FileOpener(opened.append, qapp)
    event = QFileOpenEvent(QUrl.fromLocalFile(str(tmp_path / "a.sightline")))
    assert opener.eventFilter(qapp, event)
    assert opened == [Path(tmp_path / "a.sightline")]
    opener.deleteLater()
