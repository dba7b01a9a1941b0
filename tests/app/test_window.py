"""The real window with an engine that plays a written run: what a newcomer does with it."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication, QImage
from PySide6.QtWidgets import QApplication, QLineEdit, QToolBar, QToolButton
from scripted_engine import ScriptedEngine
from windows import idle, press, run_to_the_end, settled

from app.actions import ACTIONS
from app.dialogs.about import AboutDialog
from app.dialogs.shortcuts import ShortcutsSheet
from app.run_state import RunState
from app.samples import GENERATED_ONLY
from app.status_bar import StatusBar
from app.theme import tokens
from core.errors import InputError
from core.store import read_trace


def test_it_opens_with_a_sample_its_regions_and_a_question(window):
    assert window.prompt.question() == "How many apples?"
    assert window.status.regions.text() == "4 regions"
    assert window.message.text == ""
    assert "sample.png" in window.windowTitle()
    assert window.actions_by_id["run"].isEnabled()


def test_the_status_bar_counts_one_region_as_one(window):
    window.status.set_regions(1)
    assert window.status.regions.text() == "1 region"


def test_the_status_bar_names_model_and_device_once_they_are_loaded(qtbot, window):
    qtbot.waitUntil(lambda: window.status.model.text() == "scripted · cpu")


def test_a_model_that_could_not_be_loaded_is_not_said_to_be_loading(qtbot, make, monkeypatch):
    def fail(*_) -> None:
        raise InputError("The model does not fit into memory.")

    monkeypatch.setattr(ScriptedEngine, "warm_up", fail)
    window = make()
    window.begin(None)
    qtbot.waitUntil(lambda: "does not fit" in window.message.text)
    assert window.status.model.text() == ""
    qtbot.waitUntil(lambda: window.controller.scene is not None)
    assert "does not fit" in window.message.text  # whichever came first


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (0.0, ""),
        (0.043, "0.043 tokens/s"),
        (0.43, "0.43 tokens/s"),
        (1.0, "1 token/s"),
        (1.04, "1 token/s"),
        (1.26, "1.3 tokens/s"),
        (9.96, "10 tokens/s"),
        (186.4, "186 tokens/s"),
    ],
)
def test_the_speed_of_a_slow_run_is_not_rounded_to_nothing(qtbot, rate, text):
    bar = StatusBar()
    qtbot.addWidget(bar)
    bar.set_rate(rate)
    assert bar.rate.text() == text


def test_run_streams_and_is_kept(qtbot, window):
    trace = run_to_the_end(qtbot, window)
    assert len(trace) == 40
    assert trace.prompt == "How many apples?"
    assert "tokens/s" in window.status.rate.text()
    assert len(read_trace(window.controller.trace_path)) == 40


def test_enter_in_the_question_runs_it(qtbot, window):
    window.prompt.set_question("Which is red?")
    qtbot.keyClick(window.prompt._field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.controller.session.trace is not None and idle(window))
    assert window.controller.session.trace.prompt == "Which is red?"


def test_keys_move_the_playhead_after_a_run(qtbot, window):
    run_to_the_end(qtbot, window)
    session = window.controller.session
    window.canvas.setFocus()
    qtbot.keyClick(window, Qt.Key.Key_Home)
    assert session.selection.start == 0
    qtbot.keyClick(window, Qt.Key.Key_Right)
    assert session.selection.start == 1
    qtbot.keyClick(window, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    assert (session.selection.start, session.selection.end) == (10, 20)
    qtbot.keyClick(window, Qt.Key.Key_End)
    assert session.selection.end == 40


def test_space_and_arrows_in_the_question_are_typing(qtbot, window):
    run_to_the_end(qtbot, window)
    press(window, "first")
    before = window.controller.session.selection
    press(window, "ask")
    field = window.prompt._field
    qtbot.waitUntil(field.hasFocus)
    field.setText("ab")
    for key in (Qt.Key.Key_Home, Qt.Key.Key_Right, Qt.Key.Key_Space):
        qtbot.keyClick(field, key)
    assert field.text() == "a b"
    assert window.controller.session.selection == before


def test_space_on_a_focused_button_presses_it_instead_of_playing(qtbot, window):
    run_to_the_end(qtbot, window)
    press(window, "first")
    button = window.findChild(QToolButton, "run_button")
    button.setFocus()
    qtbot.waitUntil(button.hasFocus)
    qtbot.keyClick(button, Qt.Key.Key_Space)
    assert window.controller.state is RunState.RUNNING
    qtbot.waitUntil(lambda: idle(window), timeout=20_000)


def test_escape_stops_a_run(qtbot, make):
    window = make(tokens=100_000)
    window.begin(None)
    qtbot.waitUntil(lambda: settled(window))
    press(window, "run")
    qtbot.waitUntil(lambda: window.controller.session.trace is not None)
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: idle(window))
    assert window.controller.session.trace.status == "stopped"


def test_closing_in_mid_run_keeps_the_run(qtbot, make):
    window = make(tokens=100_000)
    window.begin(None)
    qtbot.waitUntil(lambda: settled(window))
    press(window, "run")
    qtbot.waitUntil(lambda: window.controller.session.trace is not None)
    window.close()
    assert not window.isVisible()
    assert read_trace(window.controller.trace_path).status == "stopped"


def test_a_screenshot_of_ones_own_comes_with_a_notice(qtbot, window, photo):
    window.open(photo)
    qtbot.waitUntil(lambda: window.controller.scene.screenshot.name == "photo.png")
    assert window.message.text == GENERATED_ONLY
    assert window.prompt.question()
    qtbot.waitUntil(lambda: settled(window))
    window.run()
    qtbot.waitUntil(lambda: settled(window))
    assert window.message.text == GENERATED_ONLY


def test_an_image_can_be_dropped_and_pasted(qtbot, window, photo):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(photo))])
    window.dropEvent(
        QDropEvent(
            QPointF(5, 5),
            Qt.DropAction.CopyAction,
            data,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
    )
    qtbot.waitUntil(lambda: window.controller.scene.screenshot.name == "photo.png" and settled(window))
    picture = QImage(30, 20, QImage.Format.Format_RGB32)
    picture.fill(Qt.GlobalColor.red)
    QGuiApplication.clipboard().setImage(picture)
    press(window, "paste")
    qtbot.waitUntil(lambda: window.controller.scene.screenshot.name == "pasted image" and settled(window))
    pixels = window.controller.scene.screenshot.pixels
    assert pixels.shape == (20, 30, 3)
    assert pixels[3, 4].tolist() == [255, 0, 0]


def test_a_broken_file_is_told_in_the_window(qtbot, window, tmp_path):
    (tmp_path / "broken.png").write_text("no image")
    window.open(tmp_path / "broken.png")
    qtbot.waitUntil(lambda: window.message.level == "error")
    assert "broken.png" in window.message.text


def test_samples_and_recent_files_open_from_their_menus(qtbot, window, photo, sample):
    window.open(photo)
    qtbot.waitUntil(lambda: window.controller.scene.screenshot.name == "photo.png" and settled(window))
    window.files.samples.actions()[0].trigger()
    qtbot.waitUntil(lambda: window.controller.scene.screenshot.name == "sample.png" and settled(window))
    window.files.recent.aboutToShow.emit()
    recent = [action.text() for action in window.files.recent.actions()]
    assert recent == ["sample.png", "photo.png"]
    window.files.recent.actions()[1].trigger()
    qtbot.waitUntil(lambda: window.controller.scene.screenshot.name == "photo.png" and settled(window))


def test_a_run_opens_again_from_its_file(qtbot, window, photo):
    run_to_the_end(qtbot, window)
    kept = window.controller.trace_path
    window.open(photo)
    qtbot.waitUntil(lambda: window.controller.session.trace is None and settled(window))
    window.open(kept)
    qtbot.waitUntil(lambda: window.controller.session.trace is not None)
    assert window.prompt.question() == "How many apples?"
    assert window.message.text == ""


def test_the_annotated_picture_is_copied(qtbot, window):
    run_to_the_end(qtbot, window)
    QGuiApplication.clipboard().clear()
    press(window, "copy_picture")
    qtbot.waitUntil(lambda: window.message.level == "info", timeout=30_000)
    assert QGuiApplication.clipboard().image().width() >= 80


def test_nothing_can_be_exported_before_there_is_a_run(window):
    assert not any(window.actions_by_id[name].isEnabled() for name in ("export", "copy_picture"))


def test_the_theme_switches_at_once_and_is_remembered(qtbot, window, make):
    press(window, "theme_dark")
    qtbot.waitUntil(lambda: tokens(window.palette()).name == "dark")
    window.close()
    again = make()
    assert again.actions_by_id["theme_dark"].isChecked()


def test_layout_is_remembered(qtbot, make):
    window = make()
    window.resize(780, 640)  # the offscreen platform has a screen of 800 × 800
    window.panes.columns.setSizes([330, 450])
    kept = window.panes.columns.sizes()
    window.close()
    again = make()
    assert (again.width(), again.height()) == (780, 640)
    qtbot.waitUntil(lambda: again.panes.columns.sizes() == kept)  # a layout takes a few turns


def names_in(menu) -> set[str]:
    inner = [action.menu() for action in menu.actions() if action.menu() is not None]
    return {action.objectName() for action in menu.actions()}.union(*map(names_in, inner))


def test_every_action_is_in_a_menu_and_its_keys_work(window):
    listed = set()
    for menu_action in window.menuBar().actions():
        listed |= names_in(menu_action.menu())
    assert {action.id for action in ACTIONS} <= listed


def test_the_window_fits_small_and_scaled_screens(window):
    """A screen of 1280 × 800 at 200 % has 640 × 400 logical pixels; what does not fit scrolls."""
    window.resize(640, 400)
    assert (window.width(), window.height()) == (640, 400)
    for part in (window.canvas, window.reasoning, window.regions, window.timeline, window.prompt):
        assert part.width() >= part.minimumSizeHint().width()
        assert part.height() >= part.minimumSizeHint().height()
    window.resize(1280, 800)
    assert (window.width(), window.height()) == (1280, 800)


def test_everything_that_takes_the_keyboard_has_a_name(window):
    nameless = [
        widget
        for widget in window.findChildren(QToolButton)
        if widget.isVisible()
        and not isinstance(widget.parent(), QToolBar | QLineEdit)  # Qt's own buttons
        and not (widget.accessibleName() or widget.text() or widget.toolTip())
    ]
    assert not nameless


def test_about_and_shortcuts_do_not_block_the_window(qtbot, window):
    press(window, "about")
    press(window, "shortcuts")
    for kind in (AboutDialog, ShortcutsSheet):
        dialog = window.findChild(kind)
        assert dialog.isVisible()
        assert not dialog.isModal()
        dialog.close()


def test_a_click_on_the_canvas_lights_the_region_in_the_list(qtbot, window):
    run_to_the_end(qtbot, window)
    session = window.controller.session
    with qtbot.waitSignal(session.region_selected):
        viewport = window.canvas.view.viewport()
        centre = viewport.rect().center()
        qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=centre - QPoint(40, 30))
    assert session.selected >= 1
    assert QApplication.activeModalWidget() is None


def test_the_command_palette_does_what_was_typed(qtbot, window):
    qtbot.keyClick(
        window, Qt.Key.Key_P, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    )
    box = window.palette_box
    qtbot.waitUntil(box.field.hasFocus)
    qtbot.keyClicks(box.field, "dark")
    qtbot.keyClick(box.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: tokens(window.palette()).name == "dark")
