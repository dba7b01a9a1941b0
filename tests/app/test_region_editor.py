"""Regions are changed in the window: tools, undo and redo, and effects that follow."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QInputDialog
from windows import idle, press, run_to_the_end, settled

from app.calibrating import Wish
from app.model_offer import how_to_load
from core.store import read_trace
from core.trace import Identity

LEFT, NO_KEYS = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def regions(window):
    return window.controller.scene.region_map


def names(window):
    return [region.name for region in regions(window).regions[1:]]


def at(window, x, y) -> QPoint:
    """Where the middle of a pixel of the screenshot is on the canvas."""
    return window.canvas.view.to_view(x + 0.5, y + 0.5).toPoint()


def click(qtbot, window, x, y, keys=NO_KEYS):
    qtbot.mouseClick(window.canvas.view.viewport(), LEFT, keys, at(window, x, y))


def drag(qtbot, window, path, keys=NO_KEYS):
    view = window.canvas.view.viewport()
    qtbot.mousePress(view, LEFT, keys, at(window, *path[0]))
    for place in path[1:]:
        qtbot.mouseMove(view, at(window, *place))
    qtbot.mouseRelease(view, LEFT, keys, at(window, *path[-1]))


def changed(qtbot, window, do):
    """Do something and wait until the regions are other ones."""
    before = regions(window)
    do()
    qtbot.waitUntil(lambda: regions(window) is not before)


def attributed(window) -> bool:
    trace = window.controller.session.trace
    return trace is not None and trace.estimated == len(trace) and not window.controller.editor.busy


@pytest.fixture(autouse=True)
def _canvas(window):
    window._show_canvas()


@pytest.fixture
def engine(window):
    return window.controller._engine


def test_merge_undo_and_redo(qtbot, window):
    click(qtbot, window, 20, 15)
    click(qtbot, window, 60, 15, CTRL)
    assert set(window.controller.session.chosen) == {1, 2}
    changed(qtbot, window, lambda: press(window, "merge_regions"))
    assert names(window) == ["part 1", "part 3", "part 4"]
    assert regions(window).at(60, 15).name == "part 1"
    assert window.actions_by_id["undo"].text() == "Undo merge of part 1 and part 2"
    assert window.status.regions.text() == "3 regions"
    changed(qtbot, window, lambda: qtbot.keyClick(window, Qt.Key.Key_Z, CTRL))
    assert names(window) == ["part 1", "part 2", "part 3", "part 4"]
    assert not window.actions_by_id["undo"].isEnabled()
    assert window.actions_by_id["redo"].text() == "Redo merge of part 1 and part 2"
    changed(qtbot, window, lambda: qtbot.keyClick(window, Qt.Key.Key_Z, CTRL | SHIFT))
    assert len(regions(window)) == 4


def test_a_click_chooses_one_and_ctrl_more_in_step_with_the_panel(qtbot, window):
    run_to_the_end(qtbot, window)
    session = window.controller.session
    click(qtbot, window, 20, 15)
    click(qtbot, window, 60, 45, CTRL)
    assert session.chosen == (4, 1)
    click(qtbot, window, 60, 45, CTRL)
    assert session.chosen == (1,)
    click(qtbot, window, 60, 15)
    assert session.chosen == (2,)


def test_delete_gives_the_region_to_what_is_around_it(qtbot, window):
    click(qtbot, window, 20, 15)
    changed(qtbot, window, lambda: qtbot.keyClick(window, Qt.Key.Key_Delete))
    assert names(window) == ["part 2", "part 3", "part 4"]
    assert regions(window).at(20, 15).name == "background"
    assert window.actions_by_id["undo"].text() == "Undo deletion of part 1"


def settled_edits(window) -> bool:
    """Whether every change that was asked for is made."""
    return not window.controller.editor._worker.busy


def test_delete_pressed_twice_deletes_one_region(qtbot, window):
    window.controller.session.select_region(3)
    press(window, "delete_regions")
    press(window, "delete_regions")
    qtbot.waitUntil(lambda: settled_edits(window))
    assert names(window) == ["part 1", "part 2", "part 4"]
    assert window.message.text == ""


def test_a_region_chosen_while_another_is_deleted_stays_chosen(qtbot, window):
    session = window.controller.session
    session.select_region(3)
    press(window, "delete_regions")
    session.select_region(4)
    press(window, "delete_regions")
    session.choose_regions((2, 1))
    qtbot.waitUntil(lambda: settled_edits(window))
    assert names(window) == ["part 1", "part 2"]
    assert session.chosen == (2, 1)


def test_a_merge_asked_for_twice_is_made_once(qtbot, window):
    window.controller.session.choose_regions((1, 2))
    press(window, "merge_regions")
    press(window, "merge_regions")
    qtbot.waitUntil(lambda: settled_edits(window))
    assert names(window) == ["part 1", "part 3", "part 4"]
    assert window.controller.session.chosen == (1,)


def test_a_stroke_goes_on_with_its_region_after_one_that_swallowed_another(qtbot, window):
    window.controller.session.select_region(4)
    press(window, "tool_brush")
    window.edit_mode.resize_brush(1)
    drag(qtbot, window, [(5, 45), (35, 45)])
    drag(qtbot, window, [(60, 10), (62, 10)])
    qtbot.waitUntil(lambda: settled_edits(window))
    assert names(window) == ["part 1", "part 2", "part 4"]
    assert regions(window).at(60, 10).name == "part 4"
    assert window.controller.editor.names(window.controller.session.chosen) == "part 4"


def test_a_region_that_is_gone_when_its_turn_comes_is_told(qtbot, window):
    editor = window.controller.editor
    target = editor.targets([3])
    window.controller.session.select_region(3)
    press(window, "delete_regions")
    editor.rename(target, "total")
    qtbot.waitUntil(lambda: "“part 3” is no longer there" in window.message.text)
    assert names(window) == ["part 1", "part 2", "part 4"]


def test_rename_asks_for_a_name_and_refuses_one_that_is_taken(qtbot, window):
    click(qtbot, window, 20, 15)
    press(window, "rename_region")
    dialog = window.findChild(QInputDialog)
    dialog.setTextValue("total & sum")
    changed(qtbot, window, dialog.accept)
    assert names(window)[0] == "total & sum"
    assert window.actions_by_id["undo"].text() == "Undo new name of part 1"
    editor = window.controller.editor
    editor.rename(editor.targets([1]), "part 2")
    qtbot.waitUntil(lambda: "Another region is called" in window.message.text)
    assert names(window)[0] == "total & sum"


def test_a_point_offers_three_sizes_and_takes_the_one_chosen(qtbot, window, engine):
    qtbot.keyClick(window, Qt.Key.Key_A)
    assert window.edit_mode.bar.isVisible()
    click(qtbot, window, 20, 15)
    chooser = window.edit_mode.chooser
    qtbot.waitUntil(chooser.isVisible)
    assert [button.text() for button in chooser.buttons] == ["Small", "Medium", "Large"]
    assert window.canvas.hover_text == ""
    changed(qtbot, window, lambda: qtbot.keyClick(chooser.buttons[1], Qt.Key.Key_1))
    new = regions(window).regions[-1]
    assert (new.area, new.source, new.parent) == (25, "sam", 1)
    assert engine.prompts == [(20, 15)]
    assert engine.asked_in is not threading.main_thread()
    assert window.controller.session.selected == new.id
    click(qtbot, window, 60, 45)
    qtbot.waitUntil(chooser.isVisible)
    qtbot.keyClick(chooser.buttons[1], Qt.Key.Key_Escape)
    assert not chooser.isVisible()
    assert len(regions(window)) == 6


def test_sizes_that_were_offered_go_with_the_screenshot(qtbot, window, tmp_path):
    press(window, "tool_point")
    click(qtbot, window, 20, 15)
    qtbot.waitUntil(window.edit_mode.chooser.isVisible)
    Image.new("RGB", (40, 30)).save(tmp_path / "other.png")
    window.controller.open(tmp_path / "other.png")
    qtbot.waitUntil(lambda: regions(window) is not None and regions(window).width == 40)
    assert not window.edit_mode.chooser.isVisible()


def test_a_box_asks_sam_and_with_shift_is_itself_the_region(qtbot, window, engine):
    press(window, "tool_box")
    changed(qtbot, window, lambda: drag(qtbot, window, [(10, 10), (15, 12), (30, 20)]))
    assert engine.prompts == [(10, 10, 31, 21)]
    assert regions(window).regions[-1].source == "sam"
    changed(qtbot, window, lambda: drag(qtbot, window, [(50, 40), (60, 50)], SHIFT))
    assert regions(window).regions[-1].bbox == (50, 40, 11, 11)
    assert regions(window).regions[-1].source == "hand"
    assert len(engine.prompts) == 1


def test_the_brush_adds_takes_and_makes_a_region(qtbot, window):
    press(window, "tool_brush")
    for _ in range(3):
        qtbot.keyClick(window, Qt.Key.Key_BracketLeft)
    assert "Radius 3 px" in window.edit_mode.bar.hint.text()
    changed(qtbot, window, lambda: drag(qtbot, window, [(30, 10), (50, 10)]))
    new = window.controller.session.selected
    assert regions(window).regions[new].bbox[2] == pytest.approx(27, abs=2)
    before = regions(window).regions[new].area
    changed(qtbot, window, lambda: drag(qtbot, window, [(40, 20), (40, 30)]))
    assert window.controller.session.selected == new
    assert regions(window).regions[new].area > before
    changed(qtbot, window, lambda: drag(qtbot, window, [(40, 20), (40, 30)], SHIFT))
    assert regions(window).at(40, 25).id != new
    assert window.actions_by_id["undo"].text().startswith("Undo stroke off")


def test_a_line_cuts_and_a_click_lets_sam_cut_out(qtbot, window):
    press(window, "tool_cut")
    changed(qtbot, window, lambda: drag(qtbot, window, [(20, 2), (20, 25)]))
    assert regions(window).at(5, 15).name != regions(window).at(35, 15).name
    assert len(regions(window)) == 6
    window.controller.session.select_region(-1)
    click(qtbot, window, 60, 45)
    chooser = window.edit_mode.chooser
    qtbot.waitUntil(chooser.isVisible)
    changed(qtbot, window, chooser.buttons[0].click)
    assert regions(window).at(60, 45).area == 25
    assert len(regions(window)) == 7


def test_without_sam_the_window_says_what_is_missing(qtbot, window, engine):
    engine.no_sam = "This needs Segment Anything. Choose a checkpoint."
    press(window, "tool_point")
    click(qtbot, window, 20, 15)
    qtbot.waitUntil(lambda: "needs Segment Anything" in window.message.text)
    assert not window.controller.editor.busy


def test_escape_takes_a_question_to_sam_back_within_200_ms(qtbot, window, engine):
    engine.asking_takes = 30.0
    press(window, "tool_point")
    click(qtbot, window, 20, 15)
    qtbot.waitUntil(lambda: len(engine.prompts) == 1)
    assert window.edit_mode.bar.busy.isVisible()
    began = time.monotonic()
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not window.controller.editor.busy)
    assert time.monotonic() - began < 0.2
    assert not window.edit_mode.bar.busy.isVisible()
    engine.asking_takes = 0.0
    click(qtbot, window, 60, 45)
    qtbot.waitUntil(window.edit_mode.chooser.isVisible)
    window.edit_mode.chooser.dismiss()


def test_changed_regions_get_effects_without_a_run_and_the_file_follows(qtbot, window, engine):
    before = run_to_the_end(qtbot, window)
    session, path = window.controller.session, window.controller.trace_path
    session.select(7)
    window.controller.session.select_region(1)
    press(window, "delete_regions")
    qtbot.waitUntil(lambda: session.trace is not before)
    assert "not estimated yet" in window.regions.finding
    qtbot.waitUntil(lambda: attributed(window))
    after = session.trace
    assert [token.text for token in after.tokens] == [token.text for token in before.tokens]
    assert after.effects.shape == (40, 4)
    assert session.selection.start == 7
    assert window.regions.model.rowCount() == 4
    assert (engine.runs, engine.passes) == (1, 1)
    kept = read_trace(path)
    assert [r.name for r in kept.region_map.regions] == [r.name for r in after.region_map.regions]
    np.testing.assert_allclose(kept.effects, after.effects)
    assert kept.segmenter.details["edited"] is True
    press(window, "undo")
    qtbot.waitUntil(lambda: session.trace is before)
    assert engine.passes == 1, "what was known is shown again without a pass"
    assert session.selection.start == 7
    qtbot.waitUntil(lambda: len(read_trace(path).region_map) == 5)
    np.testing.assert_allclose(read_trace(path).effects, before.effects)
    press(window, "redo")
    qtbot.waitUntil(lambda: session.trace is after)
    assert engine.passes == 1


def test_effects_that_have_to_wait_for_a_calibration_are_told(qtbot, window, engine, tmp_path):
    run_to_the_end(qtbot, window)
    engine.calibrating_takes = 10_000
    window.controller.calibrate(Wish(tmp_path))
    window.controller.session.select_region(1)
    changed(qtbot, window, lambda: press(window, "delete_regions"))
    qtbot.waitUntil(lambda: "estimated when that has ended" in window.message.text)
    window.controller.calibrator.cancel()
    qtbot.waitUntil(lambda: attributed(window), timeout=30_000)  # the calibration loads libraries
    assert window.controller.session.trace.effects.shape == (40, 4)


def test_several_changes_at_once_cost_one_pass(qtbot, window, engine):
    run_to_the_end(qtbot, window)
    session = window.controller.session
    for name in ("first", "second", "third"):
        window.controller.editor.rename(window.controller.editor.targets([1]), name)
    qtbot.waitUntil(lambda: attributed(window) and names(window)[0] == "third")
    assert engine.passes == 1
    assert session.trace.region_map.regions[1].name == "third"


def test_measurements_stay_with_the_regions_they_belong_to(qtbot, window):
    run_to_the_end(qtbot, window)
    session, path = window.controller.session, window.controller.trace_path
    session.select_step(1)
    press(window, "measure_step")
    qtbot.waitUntil(lambda: bool(session.trace.measured) and not window.controller.verifier.busy)
    measured = len(session.trace.measured)
    session.select_region(2)
    changed(qtbot, window, lambda: press(window, "delete_regions"))
    qtbot.waitUntil(lambda: attributed(window))
    assert session.trace.measured == []
    assert "measured belongs to the regions of before" in window.message.text
    copies = [other for other in path.parent.glob("*.sightline") if "regions of before" in other.name]
    assert len(read_trace(copies[0]).measured) == measured
    changed(qtbot, window, lambda: press(window, "undo"))
    assert len(session.trace.measured) == measured
    qtbot.waitUntil(lambda: len(read_trace(path).measured) == measured)


def test_escape_stops_waiting_for_effects_within_200_ms_and_nothing_is_lost(qtbot, window, engine):
    run_to_the_end(qtbot, window)
    path = window.controller.trace_path
    engine.attributing_takes = 30.0
    window.controller.session.select_region(1)
    changed(qtbot, window, lambda: press(window, "delete_regions"))
    qtbot.waitUntil(lambda: engine.passes == 1)
    assert window.actions_by_id["stop"].isEnabled()
    began = time.monotonic()
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not window.controller.editor.busy)
    assert time.monotonic() - began < 0.2
    assert "Estimate Effects Again" in window.message.text
    assert len(read_trace(path).region_map) == 5, "the file keeps regions that have effects"
    press(window, "measure_step")
    assert "not known yet" in window.message.text, "the file would get measurements of other regions"
    assert engine.measured == []
    engine.attributing_takes = 0.0
    press(window, "reattribute")
    qtbot.waitUntil(lambda: attributed(window))
    assert len(read_trace(path).region_map) == 4


def test_a_change_just_before_closing_is_kept(qtbot, window):
    run_to_the_end(qtbot, window)
    path = window.controller.trace_path
    window.controller.session.select_region(1)
    changed(qtbot, window, lambda: press(window, "delete_regions"))
    qtbot.waitUntil(lambda: attributed(window))
    changed(qtbot, window, lambda: press(window, "undo"))
    window.controller.runner.worker.drop()
    window.close()
    assert len(read_trace(path).region_map) == 5


def test_regions_change_only_while_no_run_goes_on(qtbot, window, engine):
    engine.tokens = 100_000
    window.controller.session.select_region(1)
    assert window.actions_by_id["delete_regions"].isEnabled()
    press(window, "run")
    qtbot.waitUntil(lambda: window.controller.session.trace is not None)
    for action in ("undo", "delete_regions", "tool_box"):
        assert not window.actions_by_id[action].isEnabled()
    press(window, "stop")
    qtbot.waitUntil(lambda: idle(window))
    assert window.actions_by_id["tool_box"].isEnabled()


def test_regions_of_another_screenshot_cannot_be_undone_into_this_one(qtbot, window, photo):
    window.controller.session.select_region(1)
    changed(qtbot, window, lambda: press(window, "delete_regions"))
    window.open(photo)
    qtbot.waitUntil(lambda: window.controller.scene.screenshot.name == "photo.png" and settled(window))
    assert not window.actions_by_id["undo"].isEnabled()
    assert window.actions_by_id["undo"].text() == "Undo"


def test_the_view_stays_where_it_is_when_regions_change(qtbot, window):
    window.canvas.view.zoom_to(9.0, QPointF(100, 100))
    where = window.canvas.view.to_view(0, 0)
    window.controller.session.select_region(1)
    changed(qtbot, window, lambda: press(window, "delete_regions"))
    assert window.canvas.view.scale == 9.0
    assert window.canvas.view.to_view(0, 0) == where


def test_the_model_of_an_older_run_is_offered_and_then_effects_come(qtbot, window, engine):
    run_to_the_end(qtbot, window)
    engine.other_model = "This trace was made by the model A, and B is loaded."
    window.controller.session.select_region(1)
    changed(qtbot, window, lambda: press(window, "delete_regions"))
    qtbot.waitUntil(lambda: window.message.offer.isVisible())
    assert "made by the model A" in window.message.text
    assert window.message.offer.text() == "Load scripted"
    engine.other_model = ""
    window.message.offer.click()
    qtbot.waitUntil(lambda: attributed(window))
    assert engine.used[0] == "scripted"
    assert not window.message.offer.isVisible()


def test_many_offers_of_models_leave_one_action_that_loads_the_last(qtbot, window, engine):
    wanted = window.controller.editor.reattributor.model_wanted
    for name in ("A", "B"):
        wanted.emit(f"This trace was made by the model {name}.", Identity(name))
    assert [action.text() for action in window.message.offer.actions()] == ["Load B"]
    offers = [action.text() for action in window.message.findChildren(QAction)]
    assert [text for text in offers if text.startswith("Load ")] == ["Load B"]
    window.message.offer.click()
    qtbot.waitUntil(lambda: window.status.model.text().startswith("B "))
    assert engine.used[0] == "B"


def test_a_models_offer_that_is_refused_says_why(qtbot, window):
    press(window, "run")
    window.controller.editor.reattributor.model_wanted.emit("Another model is loaded.", Identity("A"))
    window.message.offer.click()
    assert "A run goes on" in window.message.text
    qtbot.waitUntil(lambda: idle(window), timeout=20_000)


def test_a_models_offer_loads_it_as_it_was():
    details = {
        "source": "maker/model",
        "family": "Qwen3-VL",
        "visual_tokens_at_most": 256,
        "dtype": "float16",
    }
    name, loading = how_to_load(Identity("model", "0", details))
    assert name == "maker/model"
    assert (loading.visual_tokens, loading.family, loading.dtype) == (256, "Qwen3-VL", "auto")
