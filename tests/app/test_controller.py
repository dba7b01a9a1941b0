"""The controller, with an engine that plays a written run: what a person does, and what is kept of it."""

from __future__ import annotations

import threading
import time

import numpy as np
from controllers import ready, run, run_to_the_end, run_when_ready, with_nowhere_to_write
from PIL import Image

from app.run_state import RunState
from core.errors import InputError
from core.store import read_trace
from models.checkpoint import Loading


def test_opening_a_screenshot_finds_its_regions(qtbot, make_controller, picture):
    controller = make_controller()
    controller.open(picture)
    qtbot.waitUntil(lambda: ready(controller))
    assert len(controller.scene.region_map) == 5
    assert controller.session.trace is None


def test_a_run_is_shown_and_kept_in_a_file(qtbot, make_controller, picture):
    controller = make_controller(tokens=30)
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
    qtbot, make_controller, picture, monkeypatch
):
    def fail(*_) -> None:
        raise InputError("The model does not fit into memory.")

    controller, named = make_controller(tokens=5), []
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


def test_a_run_that_waits_for_the_model_does_not_name_it_again(qtbot, make_controller, picture):
    controller, loads, named = make_controller(tokens=5), threading.Event(), []
    engine = controller._engine
    warm_up = engine.warm_up

    def slow(progress):
        assert loads.wait(10)
        return warm_up(progress)

    engine.warm_up = slow
    controller.runner.model_ready.connect(lambda name, device: named.append(name))
    controller.runner.warm_up()
    controller.open(picture)
    run_when_ready(qtbot, controller)
    loads.set()
    qtbot.waitUntil(lambda: controller.state is RunState.IDLE)
    assert named == ["scripted"]
    assert len(controller.session.trace) == 5


def test_run_may_be_pressed_before_the_regions_are_there(qtbot, make_controller, picture):
    controller = make_controller(tokens=5)
    controller.open(picture)
    qtbot.waitUntil(lambda: controller.scene is not None)
    run(controller)
    qtbot.waitUntil(lambda: controller.state is RunState.IDLE and controller.session.trace is not None)
    assert len(controller.session.trace) == 5


def test_stop_answers_at_once_and_keeps_what_exists(qtbot, make_controller, picture):
    controller = make_controller(tokens=100_000)
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


def test_pause_holds_the_run_and_lets_it_go_on(qtbot, make_controller, picture):
    controller = make_controller(tokens=60)
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


def test_a_run_that_breaks_says_so_and_keeps_what_exists(qtbot, make_controller, picture, capsys):
    controller = make_controller(tokens=30, breaks_at=12)
    controller.open(picture)
    run_when_ready(qtbot, controller)
    qtbot.waitUntil(lambda: controller.state is RunState.IDLE)
    assert controller.messages[-1][0] == "error"
    assert "the model broke" in controller.messages[-1][1]
    assert controller.session.trace.status == "failed"
    kept = read_trace(controller.trace_path)
    assert (len(kept), kept.status) == (12, "failed")
    capsys.readouterr()


def test_opening_another_screenshot_in_mid_run_leaves_no_late_tokens(
    qtbot, make_controller, picture, tmp_path
):
    other = tmp_path / "other.png"
    Image.fromarray(np.zeros((30, 40, 3), np.uint8)).save(other)
    controller = make_controller(tokens=100_000)
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


def test_a_broken_file_is_told_and_changes_nothing(qtbot, make_controller, picture, tmp_path):
    broken = tmp_path / "text.png"
    broken.write_text("not an image")
    controller = make_controller()
    controller.open(picture)
    qtbot.waitUntil(lambda: ready(controller))
    controller.open(broken)
    qtbot.waitUntil(lambda: bool(controller.messages))
    assert controller.messages[0][0] == "error"
    assert controller.scene.screenshot.name == "screen.png"


def test_an_empty_question_is_told(qtbot, make_controller, picture):
    controller = make_controller()
    controller.open(picture)
    qtbot.waitUntil(lambda: ready(controller))
    run(controller, "   ")
    assert "empty" in controller.messages[0][1]
    assert controller.state is RunState.IDLE


def test_a_folder_that_cannot_be_written_to_is_told(qtbot, make_controller, picture, tmp_path):
    (tmp_path / "runs").write_text("a file where the folder should be")
    controller = make_controller()
    controller.open(picture)
    run_when_ready(qtbot, controller)
    qtbot.waitUntil(lambda: controller.state is RunState.IDLE)
    assert controller.messages[0][0] == "error"


def test_a_kept_run_opens_again_with_its_question(qtbot, make_controller, picture):
    controller = make_controller(tokens=8)
    controller.open(picture)
    run_when_ready(qtbot, controller)
    qtbot.waitUntil(lambda: controller.state is RunState.IDLE)
    path = controller.trace_path
    controller.session.set_trace(None)
    controller.open(path)
    qtbot.waitUntil(lambda: controller.session.trace is not None)
    assert len(controller.session.trace) == 8
    assert controller.session.selection is not None


def test_another_way_to_find_regions_applies_at_once(qtbot, make_controller, picture):
    controller = make_controller()
    controller.open(picture)
    qtbot.waitUntil(lambda: ready(controller))
    before = controller.scene.region_map
    controller.set_segmenter("halves")
    qtbot.waitUntil(lambda: len(controller.scene.region_map) == 3)
    controller.editor.undo()
    qtbot.waitUntil(lambda: controller.scene.region_map is before)


def test_twenty_runs_in_a_row_leave_no_thread_behind(qtbot, make_controller, picture, tmp_path):
    controller = make_controller(tokens=10, work=lambda: None)
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


def test_closing_in_mid_run_keeps_it(qtbot, make_controller, picture):
    controller = make_controller(tokens=100_000)
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


def test_a_run_without_a_region_that_is_taken_back_leaves_the_screenshot_as_it_was(
    qtbot, make_controller, picture
):
    controller = make_controller(tokens=5)
    controller.open(picture)
    qtbot.waitUntil(lambda: ready(controller))
    before = run_to_the_end(qtbot, controller)
    controller.run_without(1)
    controller.runner.stop()
    assert controller.state is RunState.IDLE
    qtbot.waitUntil(lambda: not controller._files.busy)
    assert controller.scene.screenshot is before.screenshot


def test_a_run_that_cannot_start_leaves_the_trace_that_is_shown_as_it_was(
    qtbot, make_controller, picture, tmp_path
):
    controller = make_controller(tokens=5)
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


def test_a_run_without_a_region_that_cannot_start_leaves_the_screenshot(
    qtbot, make_controller, picture, tmp_path
):
    controller = make_controller(tokens=5)
    controller.open(picture)
    qtbot.waitUntil(lambda: ready(controller))
    before = run_to_the_end(qtbot, controller)
    with_nowhere_to_write(controller, tmp_path)
    controller.run_without(1)
    qtbot.waitUntil(lambda: controller.state is RunState.IDLE)
    assert controller.scene.screenshot is before.screenshot


def test_a_model_that_cannot_be_loaded_is_not_held_against_the_run_that_waits(
    qtbot, make_controller, picture
):
    controller, held = make_controller(tokens=5), threading.Event()
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
