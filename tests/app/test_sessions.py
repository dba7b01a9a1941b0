"""The window comes back to where a person was, even after a crash, and begins with a first page."""

from __future__ import annotations

import json
import os

import numpy as np
from fake_traces import fake_trace
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from windows import idle, press, run_to_the_end, settled

from app import preferences, thumbnails
from app.dialogs.preferences import PreferencesDialog
from app.environment import data_folder
from app.last_session import LastSession, Whereabouts, left_behind
from app.settings import settings
from app.side_by_side import SideBySide
from app.start_page import SENTENCES, StartPage
from app.theme import tokens
from core.store import save_trace


def dies(window) -> None:
    """End a window as a kill would: what is on disk stays as it is."""
    window._last_session.save()
    window._last_session._timer.stop()
    window._last_session._lock.unlock()  # the system frees the lock of a dead process
    window._last_session.end = lambda: None


def test_after_a_crash_the_trace_and_the_playhead_are_there_again(qtbot, window, make):
    run_to_the_end(qtbot, window)
    window.controller.session.select(10, 20)
    kept = window.controller.trace_path
    dies(window)
    window.close()
    again = make()
    again.begin(None)
    qtbot.waitUntil(lambda: again.controller.session.selection is not None)
    assert again.controller.trace_path == kept
    assert (again.controller.session.selection.start, again.controller.session.selection.end) == (10, 20)
    assert "ended unexpectedly" in again.message.text
    assert again.front.currentWidget() is again.canvas


def test_after_a_crash_the_run_beside_is_there_again_too(qtbot, window, make, tmp_path):
    other = tmp_path / "other.sightline"
    save_trace(other, fake_trace())
    run_to_the_end(qtbot, window)
    window.dialogs.compare_with(str(other))
    qtbot.waitUntil(lambda: window.dialogs.beside_path == str(other))
    dies(window)
    window.close()
    assert window.dialogs.beside_path == ""
    again = make()
    again.begin(None)
    qtbot.waitUntil(lambda: again.dialogs.beside_path == str(other))
    beside = again.findChild(SideBySide)
    assert beside.sessions[0].trace is again.controller.session.trace
    beside.close()
    assert again.dialogs.beside_path == ""


def test_a_run_whose_file_is_gone_leaves_its_screenshot_to_come_back_to(qtbot, window, photo, tmp_path):
    window.open(photo)
    qtbot.waitUntil(lambda: window._opened == photo)
    window.controller.trace_path = tmp_path / "gone.sightline"
    assert window._whereabouts().path == str(photo)
    window.controller.trace_path.touch()
    assert window._whereabouts().path.endswith("gone.sightline")


def test_a_layout_changed_before_a_crash_is_kept(qtbot, make, photo):
    window = make()
    window._opened = photo
    window.resize(780, 640)
    window.panes.columns.setSizes([330, 450])
    kept = window.panes.columns.sizes()
    dies(window)
    window.closeEvent = lambda event: event.accept()
    window.close()
    again = make()
    qtbot.waitUntil(lambda: again.panes.columns.sizes() == kept)  # a layout takes a few turns


def test_after_closing_there_is_nothing_to_come_back_to(qtbot, window):
    run_to_the_end(qtbot, window)
    window._last_session.save()
    window.close()
    assert left_behind(data_folder() / "open") is None


def test_what_changes_while_a_window_closes_is_not_written_down(qtbot, tmp_path, photo):
    folder = tmp_path / "open"
    closing = LastSession(folder, lambda: Whereabouts(str(photo)))
    closing.save()
    closing.end()
    closing.changed()  # a run that was shown beside the window closes with it
    assert not closing._timer.isActive()
    closing.save()
    assert not list(folder.iterdir())


def test_a_comparison_that_closes_with_its_window_starts_no_timer(qtbot, window, tmp_path):
    other = tmp_path / "other.sightline"
    save_trace(other, fake_trace())
    run_to_the_end(qtbot, window)
    window.dialogs.compare_with(str(other))
    qtbot.waitUntil(lambda: window.dialogs.beside_path == str(other))
    window.close()
    assert not window._last_session._timer.isActive()


def test_a_window_that_lives_is_left_alone(qtbot, tmp_path, photo):
    living = LastSession(tmp_path / "open", lambda: Whereabouts(str(photo), 3, 4))
    living.save()
    assert left_behind(tmp_path / "open") is None
    assert list((tmp_path / "open").glob("*.json"))
    living.end()


def test_nonsense_and_vanished_files_are_passed_over(qtbot, tmp_path, photo):
    folder = tmp_path / "open"
    folder.mkdir()
    (folder / "a.json").write_text("{")
    (folder / "b.json").write_text(json.dumps({"path": str(tmp_path / "gone"), "start": 0, "end": 0}))
    (folder / "c.json").write_text(json.dumps({"path": str(photo), "start": 0, "end": 0}))
    assert left_behind(folder) == Whereabouts(str(photo))
    assert left_behind(folder) is None


def test_windows_that_died_together_come_back_one_by_one(qtbot, tmp_path, photo):
    folder = tmp_path / "open"
    folder.mkdir()
    for age, start in ((20, 1), (10, 2)):
        file = folder / f"{start}.json"
        file.write_text(json.dumps({"path": str(photo), "start": start, "end": start + 1}))
        os.utime(file, (1e9 - age, 1e9 - age))
    assert [left_behind(folder).start for _ in range(2)] == [2, 1]
    assert left_behind(folder) is None


def test_the_first_page_explains_in_three_sentences_and_offers_the_samples(qtbot, window, sample):
    qtbot.waitUntil(lambda: window.front.currentWidget() is window.start_page)
    assert len(SENTENCES) == 3
    assert [button.toolTip() for button in window.start_page.samples] == [sample.title]
    qtbot.mouseClick(window.start_page.samples[0], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.front.currentWidget() is window.canvas and settled(window))


def test_the_first_page_is_there_at_once_and_says_what_is_open(qtbot, make, sample):
    window = make()
    window.begin(None)
    page = window.start_page
    assert window.front.currentWidget() is page
    assert page.run.isHidden()
    qtbot.waitUntil(lambda: settled(window))
    assert window.front.currentWidget() is page
    assert page.heading.text() == f"Open now: {sample.title}"
    assert [button.isChecked() for button in page.samples] == [True]
    window.open_pixels(np.zeros((20, 30, 3), np.uint8), "pasted image")
    qtbot.waitUntil(lambda: page.heading.text() == "Open now: pasted image")
    assert [button.isChecked() for button in page.samples] == [False]


def test_the_first_page_runs_what_is_open(qtbot, window):
    qtbot.waitUntil(lambda: window.start_page.run.isEnabled())
    qtbot.mouseClick(window.start_page.run, Qt.MouseButton.LeftButton)
    assert window.front.currentWidget() is window.canvas
    qtbot.waitUntil(lambda: idle(window) and window.controller.trace_path is not None)


def test_run_leaves_the_first_page_for_good(qtbot, window, make):
    qtbot.waitUntil(lambda: window.front.currentWidget() is window.start_page)
    press(window, "run")
    assert window.front.currentWidget() is window.canvas
    qtbot.waitUntil(lambda: idle(window))
    window.close()
    again = make()
    again.begin(None)
    qtbot.waitUntil(lambda: settled(again))
    assert again.front.currentWidget() is again.canvas
    press(again, "start_page")
    assert again.front.currentWidget() is again.start_page


def test_the_title_of_the_first_page_follows_the_text_size(qtbot):
    page = StartPage((), QAction("Open"), QAction("Run"))
    qtbot.addWidget(page)
    font = page.font()
    assert page.title.font().pointSizeF() == 1.5 * font.pointSizeF()
    font.setPointSizeF(18)
    page.setFont(font)
    assert page.title.font().pointSizeF() == 27


def test_without_samples_the_first_page_still_helps(qtbot):
    page = StartPage((), QAction("Open"), QAction("Run"))
    qtbot.addWidget(page)
    assert page.samples == []
    assert "open, drop or paste" in page.heading.text()
    assert page.run.isHidden()
    assert page.done.isHidden()


def test_runs_and_pictures_are_among_the_recent_files_with_their_thumbnails(qtbot, window, photo):
    run_to_the_end(qtbot, window)
    kept = window.controller.trace_path
    window.open(photo)
    qtbot.waitUntil(lambda: window.controller.scene.screenshot.name == "photo.png" and settled(window))
    window.files.recent.aboutToShow.emit()
    entries = {action.text(): action for action in window.files.recent.actions()}
    assert {"photo.png", kept.name} <= set(entries)
    assert not entries["photo.png"].icon().isNull()
    assert not entries[kept.name].icon().isNull()
    colour = entries["photo.png"].icon().pixmap(160, 100).toImage().pixelColor(40, 40)
    assert abs(colour.red() - 90) < 3


def test_a_thumbnail_of_a_huge_screenshot_is_small(qapp):
    image = thumbnails.shrunk(fake_trace().screenshot.pixels.repeat(20, 0).repeat(20, 1))
    assert max(image.width(), image.height()) <= 160


def dialog_of(qtbot, window) -> PreferencesDialog:
    press(window, "preferences")
    dialog = window.findChild(PreferencesDialog)
    assert not dialog.isModal()
    return dialog


def test_preferences_apply_at_once(qtbot, window, qapp, tmp_path):
    before = qapp.font().pointSizeF()
    dialog = dialog_of(qtbot, window)
    dialog.theme.setCurrentIndex(dialog.theme.findData("dark"))
    qtbot.waitUntil(lambda: tokens(window.palette()).name == "dark")
    dialog.colours.setCurrentIndex(1)
    assert window.controller.session.display.colour_map == "purple and green"
    dialog.view.setCurrentIndex(dialog.view.findData("spotlight"))
    assert window.actions_by_id["view_spotlight"].isChecked()
    dialog.font_size.setValue(14)
    assert qapp.font().pointSizeF() == 14
    dialog.font_size.setValue(dialog.font_size.minimum())
    assert qapp.font().pointSizeF() == before
    dialog.folder.setText(str(tmp_path / "elsewhere"))
    dialog._folder_typed()
    run_to_the_end(qtbot, window)
    assert window.controller.trace_path.parent == tmp_path / "elsewhere"
    assert preferences.traces_folder() == tmp_path / "elsewhere"
    dialog._usual_folder()
    assert window.controller.runs == data_folder() / "runs"
    dialog.close()


def test_a_folder_that_cannot_be_made_is_refused_with_a_sentence(qtbot, window, photo):
    dialog = dialog_of(qtbot, window)
    dialog.folder.setText(str(photo / "below a file"))
    dialog._folder_typed()
    assert "cannot be created" in dialog.answer.text()
    assert dialog.folder.text() == str(preferences.traces_folder())
    dialog.close()


def test_the_home_folder_of_nobody_is_refused_with_a_sentence(qtbot, window):
    dialog = dialog_of(qtbot, window)
    dialog.folder.setText("~nosuchuser/runs")
    dialog._folder_typed()
    assert "No home folder is known" in dialog.answer.text()
    assert dialog.folder.text() == str(preferences.traces_folder())
    dialog.close()


def test_following_live_can_be_off_from_the_start(qtbot, window):
    preferences.set_follow_live(False)
    run_to_the_end(qtbot, window)
    assert not window.controller.session.follow


def test_the_way_to_draw_is_remembered(window, make):
    press(window, "view_heat")
    press(window, "signed")
    signed = window.controller.session.display.signed
    window.close()
    again = make()
    assert again.actions_by_id["view_heat"].isChecked()
    assert again.controller.session.display.signed is signed


def test_nonsense_in_the_settings_does_not_matter(qtbot, make):
    for name in ("view", "colour_map", "opacity", "signed"):
        settings().setValue(f"display/{name}", "¿")
    settings().setValue("font_size", "huge")
    window = make()
    assert window.controller.session.display.view == "fill"
    assert window.controller.session.display.opacity == 0.65
    assert preferences.font_size() == 0


def test_a_trace_given_by_name_opens_as_a_double_click_does(qtbot, make, tmp_path):
    path = tmp_path / "kept.sightline"
    save_trace(path, fake_trace())
    window = make()
    window.begin(path)
    qtbot.waitUntil(lambda: window.controller.session.trace is not None)
    assert window.controller.trace_path == path
    assert window.front.currentWidget() is window.canvas
