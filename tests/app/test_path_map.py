"""The map of a run's path has one dot a step, and its playhead is the window's."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtWidgets import QApplication
from windows import press, run_to_the_end

from app.path_map import EMPTY, PathDialog


def opened(window) -> PathDialog:
    press(window, "path")
    return next(w for w in QApplication.topLevelWidgets() if isinstance(w, PathDialog) and w.isVisible())


def test_a_click_on_a_step_moves_the_playhead_and_keys_go_on(qtbot, window):
    trace = run_to_the_end(qtbot, window)
    session = window.controller.session
    dialog = opened(window)
    assert trace.step_count > 2
    for step in (0, 2):
        place = dialog.map.place(step).toPoint()
        qtbot.mouseClick(dialog.map, Qt.MouseButton.LeftButton, pos=place)
        chosen = trace.tokens[session.selection.start].step
        assert dialog.map.place(chosen).toPoint() == place  # equal steps may lie on each other
    session.select_step(0)
    qtbot.keyClick(dialog.map, Qt.Key.Key_Right)
    assert session.selection.start == trace.step(1).start
    dialog.close()


def test_the_mark_of_the_playhead_follows_the_window(qtbot, window):
    run_to_the_end(qtbot, window)
    dialog = opened(window)
    window.controller.session.select_step(0)
    first = dialog.map.grab().toImage()
    window.controller.session.select_step(2)
    assert dialog.map.grab().toImage() != first
    dialog.close()


def test_numbers_of_steps_have_room_inside_the_map_at_large_text(qtbot, window):
    trace = run_to_the_end(qtbot, window)
    dialog = opened(window)
    font = dialog.map.font()
    font.setPointSizeF(26)
    dialog.map.setFont(font)
    for step in range(trace.step_count):
        box = dialog.map.label_box(step)
        metrics = dialog.map.fontMetrics()
        assert box.height() >= metrics.height()
        assert box.width() >= metrics.horizontalAdvance(f"{step + 1:,}")
        assert box.bottom() < dialog.map.place(step).y()
        assert QRectF(dialog.map.rect()).contains(box)
    dialog.close()


def test_the_map_grows_with_a_run_and_says_so_before(qtbot, window):
    dialog = opened(window)
    assert dialog.figures.text() == EMPTY
    run_to_the_end(qtbot, window)
    assert "length" in dialog.figures.text()
    assert "estimated" in dialog.figures.text()
    dialog.close()
