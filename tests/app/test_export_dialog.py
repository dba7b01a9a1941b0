"""The export dialog on the real window: choose, look, save, cancel, and find it again as it was left."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox
from wheel import turn
from windows import press, run_to_the_end

from core.export.options import Option
from core.export.registry import FORMATS


@pytest.fixture
def dialog(qtbot, window):
    """The dialog after a run, with the playhead on the second step."""
    run_to_the_end(qtbot, window)
    window.controller.session.select_step(1)
    return opened(qtbot, window)


def opened(qtbot, window):
    press(window, "export")
    qtbot.waitExposed(window.dialogs.export_dialog)
    return window.dialogs.export_dialog


def choose(dialog, name):
    dialog.format.setCurrentIndex(dialog.format.findData(name))


def save(dialog, monkeypatch, out):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args: (str(out), ""))
    assert dialog.save.isEnabled()
    dialog.save.click()


def previewed(qtbot, dialog, made=lambda dialog: dialog._image is not None):
    qtbot.waitUntil(lambda: made(dialog), timeout=30_000)


def test_the_preview_shows_what_is_saved(qtbot, dialog, window, tmp_path, monkeypatch):
    previewed(qtbot, dialog)
    save(dialog, monkeypatch, tmp_path / "a.png")
    qtbot.waitUntil(lambda: dialog.note.text() == f"Saved {tmp_path / 'a.png'}", timeout=30_000)
    assert window.message.text == f"Saved {tmp_path / 'a.png'}"
    with Image.open(tmp_path / "a.png") as picture:
        assert (picture.width, picture.height) == (dialog._image.width(), dialog._image.height())
        middle = np.asarray(picture)[picture.height // 2, picture.width // 2]
    colour = dialog._image.pixelColor(dialog._image.width() // 2, dialog._image.height() // 2)
    assert colour.getRgb()[:3] == tuple(middle)
    assert dialog.picture.pixmap().width() <= dialog._preview.width()


def test_the_preview_follows_the_playhead_and_the_options(qtbot, dialog, window):
    previewed(qtbot, dialog)
    first = dialog._image
    window.controller.session.select_step(3)
    previewed(qtbot, dialog, lambda dialog: dialog._image is not first)
    assert dialog._image != first
    before = dialog._image
    dialog.form.editors["enlarge"].setValue(2)
    previewed(qtbot, dialog, lambda dialog: dialog._image is not before)
    assert dialog._image.width() > before.width()


def test_what_cannot_be_shown_says_why(qtbot, dialog):
    dialog.form.editors["effects"].setCurrentText("measured")
    previewed(qtbot, dialog, lambda dialog: "Nothing was measured" in dialog.picture.text())


def test_data_is_previewed_as_text_and_saved_for_the_chosen_steps(qtbot, dialog, tmp_path, monkeypatch):
    choose(dialog, "json")
    previewed(qtbot, dialog, lambda dialog: '"sightline.trace/1"' in dialog.text.toPlainText())
    dialog.steps.setCurrentIndex(dialog.steps.findData("range"))
    dialog.first.setValue(2)
    dialog.last.setValue(3)
    save(dialog, monkeypatch, tmp_path / "a")
    qtbot.waitUntil(lambda: dialog.note.text() == f"Saved {tmp_path / 'a.json'}", timeout=30_000)
    assert [s["index"] for s in json.loads((tmp_path / "a.json").read_text())["steps"]] == [1, 2]


def test_the_wheel_with_control_leaves_the_font_of_the_preview(qtbot, dialog):
    choose(dialog, "json")
    previewed(qtbot, dialog, lambda dialog: bool(dialog.text.toPlainText()))
    font = dialog.text.font()
    turn(dialog.text.viewport(), 120, Qt.KeyboardModifier.ControlModifier)
    assert dialog.text.font() == font


def test_every_format_has_its_options_in_the_dialog(dialog):
    for name, format in FORMATS.items():
        choose(dialog, name)
        assert list(dialog.form.editors) == [option.name for option in format.options]
        assert dialog.form.values() == {option.name: option.default for option in format.options}
        for editor in dialog.form.editors.values():
            assert editor.accessibleName()


def test_settings_are_remembered_for_each_format(qtbot, dialog, window):
    choose(dialog, "svg")
    dialog.form.editors["layers"].boxes["outlines"].setChecked(False)
    dialog.form.editors["signed"].setChecked(False)
    choose(dialog, "gif")
    dialog.form.editors["by"].setCurrentText("steps")
    dialog.form.editors["speed"].setValue(20)
    dialog.close()
    qtbot.waitUntil(lambda: window.dialogs.export_dialog is None)
    again = opened(qtbot, window)
    assert again.format.currentData() == "gif"
    assert (again.form.values()["by"], again.form.values()["speed"]) == ("steps", 20)
    choose(again, "svg")
    values = again.form.values()
    assert values["layers"] == ("screenshot", "overlay", "labels", "words")
    assert values["signed"] is False


def test_a_remembered_value_that_no_longer_fits_has_its_default(dialog):
    dialog._settings.setValue("export/gif/speed", "900")
    choose(dialog, "gif")
    assert dialog.form.values()["speed"] == 8


def test_a_completed_name_asks_before_it_replaces_a_file(qtbot, dialog, tmp_path, monkeypatch):
    asked, earlier = [], tmp_path / "report.json"
    earlier.write_text("earlier")

    def answer(button):
        monkeypatch.setattr(QMessageBox, "question", lambda *args: asked.append(args[2]) or button)

    choose(dialog, "json")
    answer(QMessageBox.StandardButton.No)
    save(dialog, monkeypatch, tmp_path / "report")
    assert asked == ["report.json exists. Replace it?"]
    assert not dialog.note.text()
    assert earlier.read_text() == "earlier"
    answer(QMessageBox.StandardButton.Yes)
    save(dialog, monkeypatch, tmp_path / "report")
    qtbot.waitUntil(lambda: dialog.note.text() == f"Saved {earlier}", timeout=30_000)
    qtbot.waitUntil(lambda: dialog.save.isEnabled())
    save(dialog, monkeypatch, earlier)  # about the name as it was typed, the file dialog has asked
    assert len(asked) == 2
    qtbot.waitUntil(lambda: dialog.save.isEnabled(), timeout=30_000)


def test_a_dot_in_a_name_begins_no_extension(qtbot, dialog, tmp_path, monkeypatch):
    choose(dialog, "json")
    save(dialog, monkeypatch, tmp_path / "run 0.5")
    qtbot.waitUntil(lambda: dialog.note.text() == f"Saved {tmp_path / 'run 0.5.json'}", timeout=30_000)
    assert [path.name for path in tmp_path.glob("run*5*")] == ["run 0.5.json"]


def test_a_name_that_is_too_long_with_its_extension_is_said(dialog, tmp_path, monkeypatch):
    choose(dialog, "json")
    save(dialog, monkeypatch, tmp_path / ("x" * 253))
    assert "cannot be used" in dialog.note.text()
    assert dialog.save.isEnabled()


@pytest.fixture
def slow(monkeypatch):
    """A format whose export waits to be let on; returns what lets it on."""
    go, reached = threading.Event(), threading.Event()

    def export(trace, out, steps=None, progress=None, **options):
        progress(0.5)
        reached.set()
        go.wait(30)
        progress(0.9)
        out.write_text("done")

    made = replace(
        FORMATS["json"], name="json", export=export, options=(Option("x", "flag", True, "X", "An x"),)
    )
    monkeypatch.setitem(FORMATS, "json", replace(made, preview=lambda *_args, **_values: "a preview"))
    return go, reached


def test_an_export_shows_its_progress_and_can_be_cancelled(
    qtbot, dialog, window, tmp_path, monkeypatch, slow
):
    go, reached = slow
    choose(dialog, "json")
    save(dialog, monkeypatch, tmp_path / "a.json")
    qtbot.waitUntil(lambda: dialog.bar.value() == 500)
    assert reached.is_set()
    assert dialog.cancel.isEnabled()
    assert not dialog.save.isEnabled()
    dialog.cancel.click()
    assert dialog.note.text() == "The export was cancelled."
    go.set()
    qtbot.waitUntil(lambda: dialog.save.isEnabled())
    assert not (tmp_path / "a.json").exists()
    assert dialog.bar.value() == 0


def test_an_export_outlives_its_dialog(qtbot, dialog, window, tmp_path, monkeypatch, slow):
    go, reached = slow
    choose(dialog, "json")
    save(dialog, monkeypatch, tmp_path / "a.json")
    qtbot.waitUntil(reached.is_set)
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: window.dialogs.export_dialog is None)
    go.set()
    qtbot.waitUntil(lambda: window.message.text == f"Saved {tmp_path / 'a.json'}")
    assert (tmp_path / "a.json").read_text() == "done"


def test_a_place_that_cannot_be_written_is_said(qtbot, dialog, window, tmp_path, monkeypatch):
    choose(dialog, "json")
    save(dialog, monkeypatch, tmp_path / "no" / "a.json")
    qtbot.waitUntil(lambda: "There is no folder" in dialog.note.text(), timeout=30_000)
    assert window.message.level == "error"
    qtbot.waitUntil(lambda: dialog.save.isEnabled())
