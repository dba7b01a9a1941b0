"""Calibrate This Model: a small dialog, progress, an end in the message bar, and nothing lost by a cancel."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from windows import press, run_to_the_end, settled

from app.calibrating import division
from app.dialogs.calibrate import CalibrateDialog
from app.engine import Engine
from app.settings import settings
from app.window import UNCALIBRATED_MODEL, Places, Window
from core.adaptation import Divided


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "screens"
    place.mkdir()
    for number in range(2):
        pixels = np.full((60, 90, 3), 245, np.uint8)
        pixels[10:30, 10 + 20 * number : 40 + 20 * number] = (200, 30, 30)
        pixels[36:52, 50:80] = (30, 30, 200)
        Image.fromarray(pixels).save(place / f"{number}.png")
    return place


def opened(window) -> CalibrateDialog:
    press(window, "calibrate")
    dialog = window.findChild(CalibrateDialog)
    assert dialog.isVisible()
    assert not dialog.isModal()
    return dialog


def engine_of(window):
    return window.controller._engine


def test_it_learns_from_a_folder_and_the_open_screenshot_and_says_what_came_of_it(qtbot, window, folder):
    run_to_the_end(qtbot, window)
    dialog = opened(window)
    dialog.folder.setText(str(folder))
    assert "3 screenshots" in dialog.answer.text()
    dialog.prompts.setPlainText("What is red?\n\nWhere?")
    dialog.screens.setValue(20)
    dialog.start.click()
    qtbot.waitUntil(lambda: not window.controller.calibrator.busy)
    (wish,) = engine_of(window).wishes
    assert (wish.folder, wish.prompts, wish.screens) == (folder, ("What is red?", "Where?"), 20)
    assert wish.extra is window.controller.scene.screenshot
    told = [dialog.results.item(row).text() for row in range(dialog.results.count())]
    assert told[0].startswith("12 screenshots to learn from, 3 to judge by")
    assert told[2].startswith("8 screenshots: held-out step LDS .55")
    assert ".42 → .63" in window.message.text
    assert "Run again" in window.message.text
    dialog.close()


def test_a_cancelled_calibration_says_what_is_kept(qtbot, window, folder):
    engine_of(window).calibrating_takes = 10_000
    dialog = opened(window)
    dialog.folder.setText(str(folder))
    dialog.start.click()
    qtbot.waitUntil(lambda: dialog.results.count() > 0)
    assert not dialog.start.isEnabled()
    press(window, "run")
    assert "being calibrated" in window.message.text
    window.message.dismiss()
    dialog.close()
    dialog = opened(window)
    assert dialog.results.count() > 0, "closing the dialog leaves it running"
    dialog.cancel.click()
    qtbot.waitUntil(lambda: not window.controller.calibrator.busy)
    assert "goes on there" in window.message.text
    assert dialog.start.isEnabled()
    dialog.close()


def test_what_cannot_be_calibrated_on_is_said_before_and_what_broke_after(qtbot, window, folder, tmp_path):
    dialog = opened(window)
    assert not dialog.start.isEnabled()
    dialog.folder.setText(str(tmp_path / "gone"))
    assert "cannot be read" in dialog.answer.text()
    assert not dialog.start.isEnabled()
    dialog.folder.setText(str(folder))
    engine_of(window).refuses = "The disk is full."
    dialog.start.click()
    qtbot.waitUntil(lambda: window.message.text == "The disk is full.")
    dialog.close()


def test_a_text_that_is_no_folder_gets_a_sentence_at_once_and_after_a_restart(make, window, folder):
    dialog = opened(window)
    dialog.folder.setText(str(folder))
    assert dialog.start.isEnabled()
    dialog.folder.setText("~nosuchuser/screens")
    assert "No home folder is known" in dialog.answer.text()
    assert not dialog.start.isEnabled()
    dialog.close()
    settings().setValue("calibration_folder", "~nosuchuser/screens")
    again = opened(make())
    assert "No home folder is known" in again.answer.text()
    again.close()


def test_one_screenshot_is_no_plural():
    assert division(Divided(1, 1, 1)) == "1 screenshot to learn from, 1 to judge by; 1 question in all"


def test_a_model_without_an_estimator_is_offered_a_calibration(qtbot, make, photo):
    window = make(uncalibrated=True)
    engine_of(window).generated_only = False
    window.begin(photo)
    qtbot.waitUntil(lambda: settled(window) and window.message.text == UNCALIBRATED_MODEL)
    assert window.message.offer.isVisible()
    window.message.offer.click()
    window.findChild(CalibrateDialog).close()
    window.message.show_message("Something else.")
    assert not window.message.offer.isVisible()


def test_a_calibrated_model_is_offered_none(qtbot, window):
    assert not window.message.offer.isVisible()


def test_a_real_model_is_calibrated_through_the_window(qtbot, tmp_path, theme, sample, folder, tiny_folder):
    window = Window(Engine(str(tiny_folder)), theme, Places(tmp_path / "runs", (sample,)))
    qtbot.addWidget(window, before_close_func=lambda w: w.controller.close())
    window.show()
    window.begin(folder / "0.png")
    qtbot.waitUntil(lambda: settled(window) and window.message.offer.isVisible(), timeout=60_000)
    dialog = opened(window)
    dialog.folder.setText(str(folder))
    dialog.prompts.setPlainText("What?")
    assert "2 screenshots" in dialog.answer.text(), "the open one is in the folder"
    dialog.start.click()
    qtbot.waitUntil(lambda: not window.controller.calibrator.busy, timeout=60_000)
    assert window.message.level == "info", window.message.text
    assert "on 1 screenshot that it never learned from" in window.message.text
    installed = list((tmp_path / "data" / "estimators").glob("*/README.md"))
    if installed:
        qtbot.waitUntil(lambda: "uncalibrated" not in window.status.model.text())
    else:
        assert "nothing was changed" in window.message.text
    dialog.close()
