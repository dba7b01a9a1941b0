"""Regions are looked for while screenshots are opened, run and edited; nothing asked for is lost."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from controllers import ready, run, run_to_the_end, run_when_ready, with_nowhere_to_write
from PIL import Image
from scripted_engine import quadrants

from app.batch import BatchItem
from app.run_state import RunState
from app.scene import read
from core.errors import InputError
from core.store import read_trace
from core.trace import Identity, Sampling


@pytest.fixture
def slow_sam(make_controller, picture):
    """A controller with a picture open whose SAM looks until told; OpenCV sees halves and SAM quarters."""
    controller, seen = make_controller(), threading.Event()
    engine = controller._engine
    engine.called = []

    def segment(screenshot, name, progress, cancelled):
        engine.called.append(name)
        while name == "sam" and not cancelled() and not seen.is_set():
            time.sleep(0.005)
        return quadrants(screenshot, halves=name == "opencv"), Identity(name)

    engine.segmenters, engine.segment = ("sam", "opencv"), segment
    controller.segmenter_name = "sam"
    controller.open(picture)
    return controller, seen


def glimpsed(controller) -> bool:
    return controller.scene is not None and controller.scene.region_map is not None


def test_what_opencv_sees_is_shown_until_sam_has_looked(qtbot, slow_sam):
    controller, seen = slow_sam
    qtbot.waitUntil(lambda: glimpsed(controller))
    assert controller.scene.segmenter.name == "opencv"
    assert controller.finding
    seen.set()
    qtbot.waitUntil(lambda: not controller.finding)
    assert controller.scene.segmenter.name == "sam"
    assert controller._engine.called == ["opencv", "sam"]
    assert not controller.editor.history.undo_text, "nobody chose the regions of before"


def test_cancelled_while_sam_looks_the_regions_that_opencv_saw_stay_and_can_be_run(qtbot, slow_sam):
    controller, _ = slow_sam
    qtbot.waitUntil(lambda: glimpsed(controller))
    assert controller.cancel_finding()
    assert controller.scene.segmenter.name == "opencv"
    run(controller)
    qtbot.waitUntil(lambda: controller.session.trace is not None)
    assert controller.session.trace.segmenter.name == "opencv"
    qtbot.waitUntil(lambda: controller.state is RunState.IDLE)


def test_a_run_waits_for_what_sam_sees(qtbot, slow_sam):
    controller, seen = slow_sam
    qtbot.waitUntil(lambda: glimpsed(controller))
    run(controller)
    qtbot.wait(50)
    assert controller.session.trace is None
    seen.set()
    qtbot.waitUntil(lambda: controller.session.trace is not None)
    assert controller.session.trace.segmenter.name == "sam"
    assert controller.session.trace.region_map is controller.scene.region_map
    qtbot.waitUntil(lambda: controller.state is RunState.IDLE)


def test_a_region_chosen_of_what_opencv_saw_is_let_go_when_sam_has_looked(qtbot, slow_sam):
    controller, seen = slow_sam
    qtbot.waitUntil(lambda: glimpsed(controller))
    controller.session.select_region(2)
    controller.session.highlight(1)
    named = controller.editor.targets([2])
    seen.set()
    qtbot.waitUntil(lambda: not controller.finding)
    assert (controller.session.chosen, controller.session.highlighted) == ((), -1)
    controller.editor.rename(named, "what opencv saw")
    qtbot.waitUntil(lambda: bool(controller.messages))
    assert "“part 2” is no longer there" in controller.messages[0][1]
    assert controller.scene.region_map.regions[2].name == "part 2"


def test_what_a_hand_made_of_the_regions_while_sam_looked_stays(qtbot, slow_sam):
    controller, seen = slow_sam
    qtbot.waitUntil(lambda: glimpsed(controller))
    mine = quadrants(controller.scene.screenshot)
    controller.editor.put(mine, Identity("hand"))
    qtbot.waitUntil(lambda: controller.scene.region_map is mine)
    with qtbot.waitSignal(controller.said) as told:
        seen.set()
    qtbot.waitUntil(lambda: not controller.finding)
    assert controller.scene.region_map is mine
    assert "yours stay" in told.args[0]


@pytest.fixture
def slow_halves(qtbot, make_controller, picture):
    """A controller with a picture open: quarters are seen at once, halves only when told."""
    controller, seen = make_controller(tokens=5), threading.Event()
    at_once = controller._engine.segment

    def segment(screenshot, name, progress, cancelled):
        while name == "halves" and not cancelled() and not seen.is_set():
            time.sleep(0.005)
        return at_once(screenshot, name, progress, cancelled)

    controller._engine.segment = segment
    controller.open(picture)
    qtbot.waitUntil(lambda: ready(controller))
    return controller, seen


def test_a_run_without_a_region_never_takes_the_screenshot_that_still_has_it(qtbot, slow_halves):
    controller, seen = slow_halves
    before = run_to_the_end(qtbot, controller)
    controller.set_segmenter("halves")
    controller.run_without(1)
    seen.set()
    qtbot.waitUntil(lambda: controller.session.trace is not before)
    without = controller.session.trace
    assert without.screenshot.name == "screen.png without part 1"
    assert controller.scene.screenshot is without.screenshot
    qtbot.waitUntil(lambda: controller.state is RunState.IDLE)


def test_a_segmenter_chosen_while_a_run_goes_on_looks_when_it_has_ended(qtbot, make_controller, picture):
    controller = make_controller(tokens=100_000)
    controller.open(picture)
    run_when_ready(qtbot, controller)
    qtbot.waitUntil(lambda: controller.session.trace is not None and len(controller.session.trace) > 5)
    controller.set_segmenter("halves")
    assert controller.segmenter_name == "halves"
    assert controller.messages[-1] == (
        "info",
        "A run goes on. When it has ended, regions are found by halves.",
    )
    assert len(controller.scene.region_map) == 5
    controller.runner.stop()
    qtbot.waitUntil(lambda: len(controller.scene.region_map) == 3)
    assert controller.session.trace.segmenter.name == "halves"


def test_a_segmenter_chosen_while_a_batch_goes_on_looks_when_it_has_ended(
    qtbot, make_controller, picture, tmp_path
):
    controller = make_controller(tokens=5)
    controller.open(picture)
    qtbot.waitUntil(lambda: ready(controller))
    controller.run_batch([BatchItem(picture, "What?", tmp_path / "batch.sightline")], Sampling())
    controller.set_segmenter("halves")
    qtbot.waitUntil(lambda: len(controller.scene.region_map) == 3)
    assert read_trace(tmp_path / "batch.sightline").segmenter.name == "quadrants"


def test_a_run_waits_for_the_segmenter_that_was_chosen_just_before(qtbot, slow_halves):
    controller, seen = slow_halves
    before = run_to_the_end(qtbot, controller)
    controller.set_segmenter("halves")
    run(controller)
    qtbot.wait(50)
    assert controller.session.trace is before
    seen.set()
    qtbot.waitUntil(lambda: controller.session.trace is not before)
    assert controller.session.trace.segmenter.name == "halves"
    assert controller.session.trace.region_map is controller.scene.region_map
    qtbot.waitUntil(lambda: controller.state is RunState.IDLE)


def test_regions_that_a_run_waited_for_are_shown_even_if_it_cannot_start(qtbot, slow_halves, tmp_path):
    controller, seen = slow_halves
    with_nowhere_to_write(controller, tmp_path)
    controller.set_segmenter("halves")
    run(controller)
    seen.set()
    qtbot.waitUntil(lambda: len(controller.scene.region_map) == 3)
    assert controller.session.trace is None
    assert controller.state is RunState.IDLE


def test_a_search_given_up_for_a_run_without_a_region_is_made_after_it(qtbot, slow_halves):
    controller, seen = slow_halves
    run_to_the_end(qtbot, controller)
    controller.set_segmenter("halves")
    controller.run_without(1)
    assert "When it has ended" in controller.messages[-1][1]
    seen.set()
    qtbot.waitUntil(lambda: len(controller.scene.region_map) == 3)
    assert controller.scene.screenshot.name == "screen.png without part 1"


def test_a_segmenter_chosen_after_an_edit_of_what_opencv_saw_is_used(qtbot, slow_sam):
    controller, _ = slow_sam
    qtbot.waitUntil(lambda: glimpsed(controller))
    mine = quadrants(controller.scene.screenshot)
    controller.editor.put(mine, Identity("hand"))
    qtbot.waitUntil(lambda: controller.scene.region_map is mine)
    controller.set_segmenter("opencv")
    qtbot.waitUntil(lambda: controller.scene.segmenter.name == "opencv")
    controller.editor.undo()
    assert controller.scene.region_map is mine


def being_opened(controller, tmp_path):
    """Begin to open a picture called other.png."""
    path = tmp_path / "other.png"
    Image.fromarray(np.full((30, 40, 3), 90, np.uint8)).save(path)
    controller.open(path)


def test_a_file_is_opened_though_a_segmenter_is_chosen_meanwhile(qtbot, slow_halves, tmp_path):
    controller, seen = slow_halves
    being_opened(controller, tmp_path)
    controller.set_segmenter("halves")
    qtbot.waitUntil(lambda: controller.scene.screenshot.name == "other.png")
    seen.set()
    qtbot.waitUntil(lambda: ready(controller))
    assert len(controller.scene.region_map) == 3
    assert not controller.finding


def test_a_file_is_opened_though_a_run_without_a_region_is_asked_for_meanwhile(qtbot, slow_halves, tmp_path):
    controller, _ = slow_halves
    run_to_the_end(qtbot, controller)
    being_opened(controller, tmp_path)
    controller.run_without(1)
    qtbot.waitUntil(lambda: controller.scene.screenshot.name == "other.png" and ready(controller))
    assert controller.session.trace is None
    assert controller.state is RunState.IDLE


def kept_run(qtbot, controller):
    """The file of a finished run, and the screenshot open again without it."""
    run_to_the_end(qtbot, controller)
    path = controller.trace_path
    screenshot = controller.scene.screenshot
    controller.open_pixels(screenshot.pixels, screenshot.name)
    qtbot.waitUntil(lambda: controller.session.trace is None and ready(controller))
    return path


def test_a_trace_opened_while_a_segmenter_is_chosen_can_be_run_again(qtbot, slow_halves):
    controller, _ = slow_halves
    path = kept_run(qtbot, controller)
    controller.open(path)
    controller.set_segmenter("halves")
    qtbot.waitUntil(lambda: controller.session.trace is not None)
    assert not controller.finding
    before = controller.session.trace
    assert run_to_the_end(qtbot, controller) is not before


@pytest.fixture
def read_on(monkeypatch):
    """Files that are opened from now on are read when this is set."""
    told = threading.Event()

    def slowly(path):
        told.wait(5)
        return read(path)

    monkeypatch.setattr("app.controller.read", slowly)
    return told


def choose(controller):
    controller.set_segmenter("halves")


def choose_and_choose_again(controller):
    controller.set_segmenter("halves")
    controller.set_segmenter("thirds")
    controller.set_segmenter("halves")


def choose_and_run(controller):
    controller.set_segmenter("halves")
    run(controller)


def choose_run_and_stop(controller):
    controller.set_segmenter("halves")
    run(controller)
    controller.cancel_or_stop()


def choose_and_run_without_a_region(controller):
    controller.set_segmenter("halves")
    controller.run_without(1)


@pytest.mark.parametrize(
    "act",
    [
        choose,
        choose_and_choose_again,
        choose_and_run,
        choose_run_and_stop,
        choose_and_run_without_a_region,
    ],
)
def test_a_file_is_opened_whatever_is_asked_for_meanwhile(qtbot, slow_halves, read_on, tmp_path, act):
    controller, seen = slow_halves
    run_to_the_end(qtbot, controller)
    seen.set()
    being_opened(controller, tmp_path)
    act(controller)
    qtbot.wait(50)
    read_on.set()
    qtbot.waitUntil(lambda: controller.scene.screenshot.name == "other.png" and ready(controller))
    qtbot.waitUntil(lambda: not controller._files.busy)
    assert len(controller.scene.region_map) == 3
    assert controller.session.trace is None
    assert controller.state is RunState.IDLE
    assert not controller.finding
    assert not controller.cancellable


def test_opening_a_file_can_be_cancelled_and_that_is_told(qtbot, slow_halves, read_on, tmp_path):
    controller, seen = slow_halves
    being_opened(controller, tmp_path)
    controller.set_segmenter("halves")
    assert controller.cancellable
    controller.cancel_or_stop()
    assert controller.messages[-1] == ("info", "Stopped opening. What was open before stays.")
    assert controller.finding, "what was chosen meanwhile looks now"
    read_on.set()
    seen.set()
    qtbot.waitUntil(lambda: len(controller.scene.region_map) == 3)
    assert controller.scene.screenshot.name == "screen.png"
    assert not controller.cancellable


def no_picture_being_opened(controller, tmp_path):
    """Begin to open a file that is no picture."""
    (tmp_path / "text.png").write_text("not an image")
    controller.open(tmp_path / "text.png")


def test_a_segmenter_chosen_while_a_broken_file_is_read_looks_then(qtbot, slow_halves, read_on, tmp_path):
    controller, seen = slow_halves
    seen.set()
    no_picture_being_opened(controller, tmp_path)
    controller.set_segmenter("halves")
    assert not controller.finding
    read_on.set()
    qtbot.waitUntil(lambda: len(controller.scene.region_map) == 3)
    assert controller.messages[0][0] == "error"
    assert controller.segmenter_name == "halves"


def test_a_search_that_a_broken_file_broke_off_is_made_again(qtbot, slow_sam, tmp_path):
    controller, seen = slow_sam
    qtbot.waitUntil(lambda: glimpsed(controller))
    no_picture_being_opened(controller, tmp_path)
    seen.set()
    qtbot.waitUntil(lambda: controller.scene.segmenter.name == "sam")
    assert controller.messages[0][0] == "error"


def test_a_run_that_waits_for_regions_is_not_given_up_for_a_broken_file(qtbot, slow_halves, tmp_path):
    controller, seen = slow_halves
    controller.set_segmenter("halves")
    run(controller)
    no_picture_being_opened(controller, tmp_path)
    seen.set()
    qtbot.waitUntil(lambda: controller.state is RunState.IDLE)
    assert controller.session.trace.segmenter.name == "halves"


@pytest.mark.parametrize("file_first", [True, False])
def test_a_run_without_a_region_is_not_given_up_for_a_broken_file(qtbot, slow_halves, tmp_path, file_first):
    controller, _ = slow_halves
    run_to_the_end(qtbot, controller)
    if file_first:
        no_picture_being_opened(controller, tmp_path)
        controller.run_without(1)
    else:
        controller.run_without(1)
        no_picture_being_opened(controller, tmp_path)
    qtbot.waitUntil(lambda: controller.state is RunState.IDLE)
    assert controller.session.trace.screenshot.name == "screen.png without part 1"


def test_what_a_run_that_ends_meanwhile_left_to_find_does_not_hold_up_a_file(
    qtbot, make_controller, picture, read_on, tmp_path
):
    controller = make_controller(tokens=100_000)
    controller.open(picture)
    read_on.set()
    run_when_ready(qtbot, controller)
    qtbot.waitUntil(lambda: controller.session.trace is not None)
    read_on.clear()
    controller.set_segmenter("halves")
    being_opened(controller, tmp_path)
    controller.runner.stop()
    qtbot.waitUntil(lambda: controller.state is RunState.IDLE)
    controller.set_segmenter("quadrants")
    read_on.set()
    qtbot.waitUntil(lambda: controller.scene.screenshot.name == "other.png" and ready(controller))
    assert len(controller.scene.region_map) == 5


@pytest.fixture
def long_run(qtbot, make_controller, picture):
    """A controller with a run that goes on until it is stopped, over quarters."""
    controller = make_controller(tokens=100_000)
    controller.open(picture)
    run_when_ready(qtbot, controller)
    qtbot.waitUntil(lambda: controller.session.trace is not None)
    return controller


def test_a_broken_file_does_not_take_back_the_segmenter_that_looks_after_the_run(qtbot, long_run, tmp_path):
    controller = long_run
    controller.set_segmenter("halves")
    no_picture_being_opened(controller, tmp_path)
    qtbot.waitUntil(lambda: controller.messages[-1][0] == "error")
    assert controller.segmenter_name == "halves"
    controller.runner.stop()
    qtbot.waitUntil(lambda: len(controller.scene.region_map) == 3)
    assert controller.segmenter_name == "halves"


def test_a_region_that_cannot_be_hidden_does_not_take_back_the_segmenter_that_looks_then(
    qtbot, slow_halves, monkeypatch
):
    def fails(*given):
        raise InputError("No room to hide it.")

    controller, seen = slow_halves
    run_to_the_end(qtbot, controller)
    monkeypatch.setattr("core.ablation.ablate_pixels", fails)
    controller.set_segmenter("halves")
    controller.run_without(1)
    seen.set()
    qtbot.waitUntil(lambda: len(controller.scene.region_map) == 3)
    assert ("error", "No room to hide it.") in controller.messages
    assert controller.segmenter_name == "halves"


def hold_back(engine, held):
    """From now on, a segmenter looks until it is told to stop."""
    at_once = engine.segment

    def segment(screenshot, name, progress, cancelled):
        while name == held and not cancelled():
            time.sleep(0.005)
        return at_once(screenshot, name, progress, cancelled)

    engine.segment = segment


def test_after_escape_the_segmenter_is_named_that_found_the_regions_that_stay(qtbot, long_run):
    controller = long_run
    controller.set_segmenter("thirds")
    controller.set_segmenter("halves")
    hold_back(controller._engine, "halves")
    controller.runner.stop()
    qtbot.waitUntil(lambda: controller.finding)
    controller.cancel_or_stop()
    assert controller.segmenter_name == "quadrants"


def test_a_segmenter_chosen_back_during_a_run_leaves_the_regions_alone(qtbot, long_run):
    controller = long_run
    controller.set_segmenter("halves")
    controller.set_segmenter("quadrants")
    assert controller.messages[-1] == ("info", "The regions stay as they are.")
    before = controller.scene.region_map
    controller.runner.stop()
    qtbot.waitUntil(lambda: controller.state is RunState.IDLE)
    assert not controller.finding
    assert controller.scene.region_map is before
    controller.set_segmenter("halves")
    qtbot.waitUntil(lambda: len(controller.scene.region_map) == 3)


def test_regions_that_a_batch_keeps_from_being_shown_are_not_named_before_they_are(
    qtbot, slow_halves, picture, tmp_path
):
    controller, seen = slow_halves
    controller._engine.tokens = 100_000
    controller.set_segmenter("halves")
    controller.run_batch([BatchItem(picture, "What?", tmp_path / "batch.sightline")], Sampling())
    seen.set()
    qtbot.waitUntil(lambda: not controller.finding)
    seen.clear()
    controller.runner.stop()
    qtbot.waitUntil(lambda: controller.finding)
    controller.cancel_or_stop()
    assert controller.segmenter_name == "quadrants"
    assert len(controller.scene.region_map) == 5


def test_regions_of_a_run_that_could_not_start_are_named_when_the_next_search_is_stopped(qtbot, slow_halves):
    controller, seen = slow_halves
    begun, held = threading.Event(), threading.Event()

    def fails(request, control):
        begun.set()
        held.wait(5)
        raise InputError("No room for a trace.")

    controller._engine.run = fails
    controller.set_segmenter("halves")
    run(controller)
    seen.set()
    qtbot.waitUntil(begun.is_set)
    controller.set_segmenter("thirds")
    seen.clear()
    hold_back(controller._engine, "thirds")
    held.set()
    qtbot.waitUntil(lambda: len(controller.scene.region_map) == 3)
    controller.cancel_or_stop()
    assert controller.segmenter_name == "halves"
