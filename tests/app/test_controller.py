"""The controller, with an engine that plays a written run: what a person does, and what is kept of it."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from PIL import Image
from scripted_engine import ScriptedEngine, quadrants

from app.batch import BatchItem
from app.controller import Controller
from app.prompt_bar import RunState
from app.scene import read
from core.errors import InputError
from core.store import read_trace
from core.trace import Identity, Sampling
from models.checkpoint import Loading


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "screen.png"
    Image.fromarray(np.full((60, 80, 3), 200, np.uint8)).save(path)
    return path


@pytest.fixture
def make(qtbot, tmp_path):
    made = []

    def build(**script) -> Controller:
        controller = Controller(ScriptedEngine(**script), tmp_path / "runs")
        controller.messages = []
        controller.said.connect(lambda text, level: controller.messages.append((level, text)))
        made.append(controller)
        return controller

    yield build
    for controller in made:
        assert controller.close()


def ready(controller) -> bool:
    return controller.scene is not None and controller.scene.region_map is not None


def run(controller, prompt="What is this?") -> None:
    controller.run(prompt, Sampling(), None)


def test_opening_a_screenshot_finds_its_regions(qtbot, make, picture):
    controller = make()
    controller.open(picture)
    qtbot.waitUntil(lambda: ready(controller))
    assert len(controller.scene.region_map) == 5
    assert controller.session.trace is None


def test_a_run_is_shown_and_kept_in_a_file(qtbot, make, picture):
    controller = make(tokens=30)
    controller.open(picture)
    run_when_ready(qtbot, controller)
    qtbot.waitUntil(lambda: controller.state is RunState.IDLE)
    shown = controller.session.trace
    assert len(shown) == shown.estimated == 30
    assert shown.status == "finished"
    kept = read_trace(controller.trace_path)
    assert [t.text for t in kept.tokens] == [t.text for t in shown.tokens]
    assert np.allclose(kept.effects, shown.effects)


def test_a_model_that_could_not_be_loaded_at_first_is_named_by_the_run_that_loads_it(
    qtbot, make, picture, monkeypatch
):
    def fail(*_) -> None:
        raise InputError("The model does not fit into memory.")

    controller, named = make(tokens=5), []
    controller.runner.model_ready.connect(lambda name, device: named.append((name, device)))
    with monkeypatch.context() as patched:
        patched.setattr(controller._engine, "warm_up", fail, raising=False)
        controller.runner.warm_up()
        qtbot.waitUntil(lambda: controller.messages == [("error", "The model does not fit into memory.")])
    controller.open(picture)
    run_when_ready(qtbot, controller)
    qtbot.waitUntil(lambda: controller.state is RunState.IDLE)
    run_to_the_end(qtbot, controller)
    assert named == [("scripted", "cpu")]
    assert len(controller.session.trace) == 5


def test_run_may_be_pressed_before_the_regions_are_there(qtbot, make, picture):
    controller = make(tokens=5)
    controller.open(picture)
    qtbot.waitUntil(lambda: controller.scene is not None)
    run(controller)
    qtbot.waitUntil(lambda: controller.state is RunState.IDLE and controller.session.trace is not None)
    assert len(controller.session.trace) == 5


def test_stop_answers_at_once_and_keeps_what_exists(qtbot, make, picture):
    controller = make(tokens=100_000)
    controller.open(picture)
    run_when_ready(qtbot, controller)
    qtbot.waitUntil(lambda: controller.session.trace is not None and len(controller.session.trace) > 5)
    begin = time.monotonic()
    controller.runner.stop()
    assert controller.state is RunState.STOPPING
    qtbot.waitUntil(lambda: controller.state is RunState.IDLE)
    assert time.monotonic() - begin < 0.2
    assert controller.session.trace.status == "stopped"
    assert read_trace(controller.trace_path).status == "stopped"


def test_pause_holds_the_run_and_lets_it_go_on(qtbot, make, picture):
    controller = make(tokens=60)
    controller.open(picture)
    run_when_ready(qtbot, controller)
    qtbot.waitUntil(lambda: controller.session.trace is not None and len(controller.session.trace) > 3)
    controller.runner.pause(True)
    qtbot.wait(80)
    held = len(controller.session.trace)
    qtbot.wait(120)
    assert len(controller.session.trace) == held < 60
    controller.runner.pause(False)
    qtbot.waitUntil(lambda: controller.state is RunState.IDLE)
    assert len(controller.session.trace) == 60


def test_a_run_that_breaks_says_so_and_keeps_what_exists(qtbot, make, picture, capsys):
    controller = make(tokens=30, breaks_at=12)
    controller.open(picture)
    run_when_ready(qtbot, controller)
    qtbot.waitUntil(lambda: controller.state is RunState.IDLE)
    assert controller.messages[-1][0] == "error"
    assert "the model broke" in controller.messages[-1][1]
    assert controller.session.trace.status == "failed"
    kept = read_trace(controller.trace_path)
    assert (len(kept), kept.status) == (12, "failed")
    capsys.readouterr()


def test_opening_another_screenshot_in_mid_run_leaves_no_late_tokens(qtbot, make, picture, tmp_path):
    other = tmp_path / "other.png"
    Image.fromarray(np.zeros((30, 40, 3), np.uint8)).save(other)
    controller = make(tokens=100_000)
    controller.open(picture)
    run_when_ready(qtbot, controller)
    qtbot.waitUntil(lambda: controller.session.trace is not None and len(controller.session.trace) > 3)
    first = controller.trace_path
    controller.open(other)
    qtbot.waitUntil(lambda: ready(controller) and controller.scene.screenshot.name == "other.png")
    qtbot.wait(100)
    assert controller.session.trace is None
    assert controller.state is RunState.IDLE
    qtbot.waitUntil(lambda: read_trace(first).status == "stopped")


def test_a_broken_file_is_told_and_changes_nothing(qtbot, make, picture, tmp_path):
    broken = tmp_path / "text.png"
    broken.write_text("not an image")
    controller = make()
    controller.open(picture)
    qtbot.waitUntil(lambda: ready(controller))
    controller.open(broken)
    qtbot.waitUntil(lambda: bool(controller.messages))
    assert controller.messages[0][0] == "error"
    assert controller.scene.screenshot.name == "screen.png"


def test_an_empty_question_is_told(qtbot, make, picture):
    controller = make()
    controller.open(picture)
    qtbot.waitUntil(lambda: ready(controller))
    run(controller, "   ")
    assert "empty" in controller.messages[0][1]
    assert controller.state is RunState.IDLE


def test_a_folder_that_cannot_be_written_to_is_told(qtbot, make, picture, tmp_path):
    (tmp_path / "runs").write_text("a file where the folder should be")
    controller = make()
    controller.open(picture)
    run_when_ready(qtbot, controller)
    qtbot.waitUntil(lambda: controller.state is RunState.IDLE)
    assert controller.messages[0][0] == "error"


def test_a_kept_run_opens_again_with_its_question(qtbot, make, picture):
    controller = make(tokens=8)
    controller.open(picture)
    run_when_ready(qtbot, controller)
    qtbot.waitUntil(lambda: controller.state is RunState.IDLE)
    path = controller.trace_path
    controller.session.set_trace(None)
    controller.open(path)
    qtbot.waitUntil(lambda: controller.session.trace is not None)
    assert len(controller.session.trace) == 8
    assert controller.session.selection is not None


def test_another_way_to_find_regions_applies_at_once(qtbot, make, picture):
    controller = make()
    controller.open(picture)
    qtbot.waitUntil(lambda: ready(controller))
    before = controller.scene.region_map
    controller.set_segmenter("halves")
    qtbot.waitUntil(lambda: len(controller.scene.region_map) == 3)
    controller.editor.undo()
    qtbot.waitUntil(lambda: controller.scene.region_map is before)


def test_twenty_runs_in_a_row_leave_no_thread_behind(qtbot, make, picture, tmp_path):
    controller = make(tokens=10, work=lambda: None)
    controller.open(picture)
    qtbot.waitUntil(lambda: ready(controller))
    threads = threading.active_count()
    for i in range(20):
        run(controller)
        if i % 3 == 2:
            controller.runner.stop()
        qtbot.waitUntil(lambda: controller.state is RunState.IDLE)
    assert threading.active_count() == threads
    assert len(list((tmp_path / "runs").glob("*.sightline"))) == 20


def test_closing_in_mid_run_keeps_it(qtbot, make, picture):
    controller = make(tokens=100_000)
    controller.open(picture)
    run_when_ready(qtbot, controller)
    qtbot.waitUntil(lambda: controller.session.trace is not None and len(controller.session.trace) > 5)
    seen = len(controller.session.trace)
    begin = time.monotonic()
    assert controller.close()
    assert time.monotonic() - begin < 2
    kept = read_trace(controller.trace_path)
    assert len(kept) >= seen
    assert kept.status == "stopped"


def run_when_ready(qtbot, controller) -> None:
    qtbot.waitUntil(lambda: ready(controller))
    run(controller)


@pytest.fixture
def slow_sam(make, picture):
    """A controller with a picture open whose SAM looks until told; OpenCV sees halves and SAM quarters."""
    controller, seen = make(), threading.Event()
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
def slow_halves(qtbot, make, picture):
    """A controller with a picture open: quarters are seen at once, halves only when told."""
    controller, seen = make(tokens=5), threading.Event()
    at_once = controller._engine.segment

    def segment(screenshot, name, progress, cancelled):
        while name == "halves" and not cancelled() and not seen.is_set():
            time.sleep(0.005)
        return at_once(screenshot, name, progress, cancelled)

    controller._engine.segment = segment
    controller.open(picture)
    qtbot.waitUntil(lambda: ready(controller))
    return controller, seen


def run_to_the_end(qtbot, controller):
    run(controller)
    qtbot.waitUntil(lambda: controller.state is RunState.IDLE)
    return controller.session.trace


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


def test_a_run_without_a_region_that_is_taken_back_leaves_the_screenshot_as_it_was(qtbot, make, picture):
    controller = make(tokens=5)
    controller.open(picture)
    qtbot.waitUntil(lambda: ready(controller))
    before = run_to_the_end(qtbot, controller)
    controller.run_without(1)
    controller.runner.stop()
    assert controller.state is RunState.IDLE
    qtbot.waitUntil(lambda: not controller._files.busy)
    assert controller.scene.screenshot is before.screenshot


def with_nowhere_to_write(controller, tmp_path):
    """From now on, traces would go to a folder that cannot be made."""
    (tmp_path / "a file").write_text("no folder")
    controller.runs = tmp_path / "a file"


def test_a_run_that_cannot_start_leaves_the_trace_that_is_shown_as_it_was(qtbot, make, picture, tmp_path):
    controller = make(tokens=5)
    controller.open(picture)
    qtbot.waitUntil(lambda: ready(controller))
    before, kept = run_to_the_end(qtbot, controller), controller.trace_path
    controller.session.select(1)
    with_nowhere_to_write(controller, tmp_path)
    with qtbot.assertNotEmitted(controller.session.run_ended):
        run_to_the_end(qtbot, controller)
    assert controller.messages[-1][0] == "error"
    assert controller.session.trace is before
    assert (before.status, controller.trace_path) == ("finished", kept)
    assert "failure" not in before.details
    assert controller.session.selection.start == 1


def test_a_run_without_a_region_that_cannot_start_leaves_the_screenshot(qtbot, make, picture, tmp_path):
    controller = make(tokens=5)
    controller.open(picture)
    qtbot.waitUntil(lambda: ready(controller))
    before = run_to_the_end(qtbot, controller)
    with_nowhere_to_write(controller, tmp_path)
    controller.run_without(1)
    qtbot.waitUntil(lambda: controller.state is RunState.IDLE)
    assert controller.scene.screenshot is before.screenshot


def test_a_model_that_cannot_be_loaded_is_not_held_against_the_run_that_waits(qtbot, make, picture):
    controller, held = make(tokens=5), threading.Event()
    controller.open(picture)
    qtbot.waitUntil(lambda: ready(controller))
    run_to_the_end(qtbot, controller)
    use = controller._engine.use

    def slowly(*given):
        held.wait(5)
        return use(*given)

    controller._engine.use = slowly
    controller.use_model("broken", Loading("cpu"))
    before = controller.session.trace
    run(controller)
    held.set()
    qtbot.waitUntil(lambda: controller.state is RunState.IDLE)
    assert ("error", "The model broken does not fit into memory.") in controller.messages
    assert before.status == "finished"
    assert controller.session.trace is not before
    assert controller.session.trace.status == "finished"


def test_a_segmenter_chosen_while_a_run_goes_on_looks_when_it_has_ended(qtbot, make, picture):
    controller = make(tokens=100_000)
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


def test_a_segmenter_chosen_while_a_batch_goes_on_looks_when_it_has_ended(qtbot, make, picture, tmp_path):
    controller = make(tokens=5)
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
    qtbot, make, picture, read_on, tmp_path
):
    controller = make(tokens=100_000)
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
def long_run(qtbot, make, picture):
    """A controller with a run that goes on until it is stopped, over quarters."""
    controller = make(tokens=100_000)
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
