"""Many screenshots, one question: a queue with progress, one trace each."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from scripted_engine import ScriptedEngine
from windows import idle, press, settled

from app.batch import BatchItem, ItemEnded, images_in, run_batch
from app.dialogs.batch import BatchDialog
from app.main import main
from core.control import RunControl
from core.errors import InputError
from core.store import read_trace
from core.trace import Sampling


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "screens"
    place.mkdir()
    for name in ("a.png", "b.PNG", "c.jpg"):
        Image.fromarray(np.full((40, 60, 3), 180, np.uint8)).save(place / name)
    (place / "notes.txt").write_text("no picture")
    return place


def items(folder, images=None):
    return [BatchItem(i, "What?", folder / f"{i.stem}.sightline") for i in images or images_in(folder)]


def test_the_pictures_of_a_folder_are_found(folder, tmp_path):
    assert [path.name for path in images_in(folder)] == ["a.png", "b.PNG", "c.jpg"]
    (tmp_path / "empty").mkdir()
    for place in (tmp_path / "empty", tmp_path / "gone", folder / "notes.txt"):
        with pytest.raises(InputError):
            images_in(place)


def test_each_item_gets_a_trace_and_a_broken_one_does_not_stop_the_rest(folder):
    (folder / "b.PNG").write_text("broken")
    engine = ScriptedEngine(tokens=5, work=lambda: None)
    events = list(run_batch(engine, items(folder), Sampling(), "quadrants", RunControl()))
    ends = [event for event in events if isinstance(event, ItemEnded)]
    assert [end.status for end in ends] == ["done", "failed", "done"]
    assert "b.PNG" in ends[1].problem
    assert len(read_trace(folder / "c.sightline")) == 5


def test_stopping_keeps_what_was_run_and_begins_nothing_more(folder):
    control = RunControl()
    engine = ScriptedEngine(tokens=5, work=control.stop)
    events = list(run_batch(engine, items(folder), Sampling(), "quadrants", control))
    assert [e.status for e in events if isinstance(e, ItemEnded)] == ["stopped"]
    assert not (folder / "b.sightline").exists()


def test_a_folder_runs_in_the_window_while_other_things_are_opened(qtbot, window, folder, photo):
    press(window, "batch")
    dialog = window.findChild(BatchDialog)
    assert not dialog.isModal()
    dialog.folder.setText(str(folder))
    dialog.question.setText("What is it?")
    assert dialog.list.topLevelItemCount() == 3
    dialog.start.click()
    assert not window.actions_by_id["run"].isEnabled()
    window.open(photo)
    qtbot.waitUntil(lambda: settled(window) and window.controller.scene.screenshot.name == "photo.png")
    qtbot.waitUntil(lambda: idle(window), timeout=30_000)
    states = [dialog.list.topLevelItem(i).text(1) for i in range(3)]
    assert states == ["Done"] * 3
    assert dialog.progress.value() == 3
    traces = [item.trace for item in dialog._items]
    assert len(set(traces)) == 3
    assert {read_trace(path).prompt for path in traces} == {"What is it?"}
    dialog.list.setCurrentItem(dialog.list.topLevelItem(1))
    dialog._open()
    qtbot.waitUntil(lambda: window.controller.trace_path == traces[1])


def test_the_end_says_what_failed_and_enter_opens_a_run_without_starting_again(qtbot, window, folder):
    (folder / "b.PNG").write_text("broken")
    press(window, "batch")
    dialog = window.findChild(BatchDialog)
    dialog.folder.setText(str(folder))
    dialog.start.click()
    qtbot.waitUntil(lambda: dialog._ended == 3 and idle(window), timeout=30_000)
    assert "2 of 3 ran" in dialog.answer.text()
    assert "1 failed: b.PNG: " in dialog.answer.text()
    assert "b.PNG" in dialog.list.topLevelItem(1).toolTip(0)
    dialog.list.setCurrentItem(dialog.list.topLevelItem(0))
    with qtbot.waitSignal(dialog.chosen):
        qtbot.keyClick(dialog.list, Qt.Key.Key_Return)
    assert not window.controller.runner.batching
    assert dialog.isVisible()
    assert dialog._ended == 3
    dialog.folder.setText(str(folder / "gone"))
    assert " ran" not in dialog.answer.text()


def test_one_screenshot_is_no_plural(qtbot, window, sample):
    press(window, "batch")
    dialog = window.findChild(BatchDialog)
    dialog.folder.setText(str(sample.path.parent))
    assert dialog.answer.text().startswith("1 screenshot. Each")
    dialog.close()


@pytest.mark.parametrize("text", ["~nosuchuser/screens", "x" * 300])
def test_a_text_that_is_no_folder_gets_a_sentence(qtbot, window, folder, text):
    press(window, "batch")
    dialog = window.findChild(BatchDialog)
    dialog.folder.setText(str(folder))
    assert dialog.start.isEnabled()
    dialog.folder.setText(text)
    assert "No home folder" in dialog.answer.text() or "cannot be used" in dialog.answer.text()
    assert not dialog.start.isEnabled()
    dialog.close()


def test_an_empty_folder_says_what_to_do(qtbot, window, tmp_path):
    press(window, "batch")
    dialog = window.findChild(BatchDialog)
    dialog.folder.setText(str(tmp_path / "gone"))
    assert "cannot be read" in dialog.answer.text()
    assert not dialog.start.isEnabled()
    dialog.close()


def test_the_command_line_runs_a_folder(folder, tmp_path, monkeypatch, capsys):
    engine = ScriptedEngine(tokens=4, work=lambda: None)
    monkeypatch.setattr("app.engine.Engine", lambda *_args, **_options: engine)
    out = tmp_path / "out"
    assert main(["run", str(folder), "--prompt", "What?", "--json", "--out", str(out)]) == 0
    results = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [result["tokens"] for result in results] == [4, 4, 4]
    assert len({result["trace"] for result in results}) == 3
    (folder / "b.PNG").write_text("broken")
    assert main(["run", str(folder), "--prompt", "What?", "--out", str(out)]) == 2
    assert "b.PNG" in capsys.readouterr().err
