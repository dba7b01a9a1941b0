"""Steps are measured in the window, shown beside the estimates, and kept in the trace file."""

from __future__ import annotations

import threading

import pytest
from fake_traces import fake_trace
from pixels import differences, picture
from PySide6.QtCore import Qt
from windows import idle, press

from app.batch import BatchItem
from app.calibrating import Wish
from app.regions_model import EFFECT, MEASURED, SHARE
from app.session import Selection
from core.store import read_trace, save_trace
from core.trace import Identity, Sampling


@pytest.fixture
def opened(qtbot, window, tmp_path):
    path = tmp_path / "a.sightline"
    save_trace(path, fake_trace())
    window.open(path)
    qtbot.waitUntil(lambda: window.controller.session.selection is not None)
    return window


@pytest.fixture
def engine(opened):
    return opened.controller._engine


def measure(qtbot, window, action="measure_step"):
    with qtbot.waitSignal(window.controller.session.measured_changed, timeout=10_000):
        press(window, action)
    qtbot.waitUntil(lambda: not window.controller.verifier.busy)


def test_the_step_of_the_playhead_is_measured_and_shown_beside_the_estimate(qtbot, opened):
    session, table = opened.controller.session, opened.regions.table
    step = session.trace.step(2)
    session.select(step.start + 2)
    assert table.isColumnHidden(MEASURED)
    measure(qtbot, opened)
    assert session.selection == Selection(step.start, step.end)
    assert not table.isColumnHidden(MEASURED)
    assert table.isColumnHidden(SHARE)
    model = opened.regions.model
    estimated, measured = (float(model.index(0, c).data().replace("−", "-")) for c in (EFFECT, MEASURED))
    assert measured == pytest.approx(2 * estimated, abs=0.02)
    assert "Measured:" in opened.regions.finding
    session.select(step.start)
    assert table.isColumnHidden(MEASURED), "a token is not its step"


def test_steps_before_come_along_and_are_not_measured_twice(qtbot, opened, engine):
    session = opened.controller.session
    spans = [(step.start, step.end) for step in session.trace.steps]
    session.select_step(2)
    measure(qtbot, opened)
    session.select_step(3)
    measure(qtbot, opened)
    measure(qtbot, opened, "measure_all")
    assert engine.measured == [spans[:3], [spans[3]], [spans[4]]]
    press(opened, "measure_all")
    assert "measured already" in opened.message.text


def test_a_range_is_measured_as_it_is(qtbot, opened, engine):
    opened.controller.session.select(1, 4)
    measure(qtbot, opened)
    assert engine.measured == [[(1, 4)]]
    assert opened.controller.session.selected_measurement() is not None


def test_the_file_keeps_what_was_measured(qtbot, opened):
    opened.controller.session.select_step(1)
    measure(qtbot, opened)
    kept = read_trace(opened.controller.trace_path).measured
    assert [(m.start, m.end) for m in kept] == [(0, 10), (10, 21)]
    assert kept[0].operator == "pixels"


def test_the_badge_tells_how_faithful_the_estimates_proved(qtbot, opened):
    bar = opened.regions.measure_bar
    assert bar.badge == "Not measured yet"
    opened.controller.session.select_step(1)
    measure(qtbot, opened)
    assert bar.badge == "Faithfulness: LDS 1.00, 2 steps measured"
    assert "16 random masks a step, operator pixels" in bar._badge.toolTip()


def test_of_uncalibrated_attention_the_badge_claims_no_faithful_estimates(qtbot, opened):
    bar, trace = opened.regions.measure_bar, opened.controller.session.trace
    trace.estimator = Identity("attention, uncalibrated", "", {"calibrated": False})
    opened.controller.session.trace_changed.emit()
    opened.controller.session.select_step(1)
    measure(qtbot, opened)
    assert bar.badge == "Uncalibrated attention: LDS 1.00, 2 steps measured"
    assert "estimate" not in bar._badge.toolTip()
    headers = [opened.regions.model.headerData(i, Qt.Orientation.Horizontal) for i in range(4)]
    assert headers == ["Region", "Relative", "Share", "Measured, nats"]


def test_measured_steps_are_marked_on_the_timeline(qtbot, opened):
    opened.controller.session.select_step(0)
    strip = opened.timeline.strip
    before = picture(strip)
    measure(qtbot, opened)
    places = differences(before, picture(strip))
    assert {strip.token_at(p.x()) for p in places} <= set(range(11))
    assert places


def test_measuring_can_be_cancelled_and_leaves_the_trace_as_it_was(qtbot, opened, engine):
    engine.measuring_takes = 500
    button = opened.regions.measure_bar._button
    assert button.text() == "Measure step"
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert button.text() == "Cancel"
    qtbot.waitUntil(lambda: "Measuring" in opened.status.stage.text())
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not opened.controller.verifier.busy)
    assert button.text() == "Measure step"
    assert opened.controller.session.trace.measured == []
    assert read_trace(opened.controller.trace_path).measured == []


def test_cancel_frees_the_button_at_once_whatever_the_model_is_at(qtbot, opened, engine, monkeypatch):
    begun, go_on, measure_now = threading.Event(), threading.Event(), engine.measure

    def stuck(*given):
        begun.set()
        go_on.wait(5)
        return measure_now(*given)

    engine.measuring_takes = 1
    monkeypatch.setattr(engine, "measure", stuck)
    button = opened.regions.measure_bar._button
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(begun.is_set)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert button.text() == "Measure step"
    assert not opened.controller.verifier.busy
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(opened.controller.session.measured_changed):
        go_on.set()
    qtbot.waitUntil(lambda: not opened.controller.verifier.busy)
    assert len(opened.controller.session.trace.measured) == 1


def test_nothing_is_measured_while_a_calibration_has_the_model(qtbot, opened, engine, tmp_path):
    engine.calibrating_takes = 10_000
    opened.controller.calibrate(Wish(tmp_path))
    press(opened, "measure_step")
    assert "being calibrated" in opened.message.text
    assert not opened.controller.verifier.busy
    opened.controller.calibrator.cancel()
    qtbot.waitUntil(lambda: not opened.controller.calibrator.busy, timeout=30_000)  # it loads libraries
    measure(qtbot, opened)


def test_nothing_is_measured_while_a_folder_is_run(qtbot, opened, photo, tmp_path):
    item = BatchItem(photo, "What?", tmp_path / "batch.sightline")
    opened.controller.run_batch([item], Sampling())
    press(opened, "measure_step")
    assert "A folder is being run" in opened.message.text
    assert not opened.controller.verifier.busy
    qtbot.waitUntil(lambda: idle(opened))
    measure(qtbot, opened)


def test_nothing_is_measured_before_a_run_that_was_asked_for_has_begun(qtbot, opened):
    press(opened, "run")
    press(opened, "measure_step")
    assert "A run goes on" in opened.message.text
    assert not opened.controller.verifier.busy
    qtbot.waitUntil(lambda: idle(opened))


def test_another_model_is_refused_with_a_sentence(qtbot, opened, engine):
    engine.refuses = "This trace was made by another model."
    press(opened, "measure_step")
    qtbot.waitUntil(lambda: opened.message.text == engine.refuses)
    assert not opened.controller.verifier.busy


def test_memory_that_runs_out_is_told_in_words_and_leaves_the_trace_as_it_was(
    qtbot, opened, engine, monkeypatch
):
    def full(*given):
        raise MemoryError

    monkeypatch.setattr(engine, "measure", full)
    press(opened, "measure_step")
    qtbot.waitUntil(lambda: "ran out of memory while measuring" in opened.message.text)
    assert not opened.controller.verifier.busy
    assert opened.controller.session.trace.measured == []


def test_without_a_trace_it_says_what_to_do(window):
    press(window, "measure_step")
    assert "Run a question first" in window.message.text


def test_a_measurement_that_cannot_be_saved_is_shown_all_the_same(qtbot, opened):
    opened.controller.trace_path.unlink()
    measure(qtbot, opened)
    assert len(opened.controller.session.trace.measured) == 1
    assert "could not be saved" in opened.message.text


def test_a_trace_opened_meanwhile_does_not_get_the_measurements(qtbot, opened, engine, tmp_path):
    engine.measuring_takes = 30
    first = opened.controller.session.trace
    press(opened, "measure_step")
    opened.open(tmp_path / "a.sightline")
    qtbot.waitUntil(lambda: opened.controller.session.trace is not first)
    qtbot.waitUntil(lambda: not opened.controller.verifier.busy)
    assert opened.controller.session.trace.measured == []


def test_the_badge_tells_how_many_measurements_lie_in_their_intervals(qtbot, opened):
    bar, trace = opened.regions.measure_bar, opened.controller.session.trace
    trace.set_bounds(0, (trace.effects - 1e4, trace.effects + 1e4))
    opened.controller.session.select_step(1)
    measure(qtbot, opened)
    count = 2 * len(trace.region_map)
    assert f"{count} of {count} measured effects lie in the 90 % intervals" in bar._badge.toolTip()
