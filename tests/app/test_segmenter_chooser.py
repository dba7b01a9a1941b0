"""Choosing what finds regions: a checkpoint of one's own, or an official one after consent."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import numpy as np
import pytest
from hub_server import FakeHub, serve
from PySide6.QtWidgets import QFileDialog
from windows import press, run_to_the_end

from app.dialogs import segmenter_chooser
from app.dialogs.segmenter_chooser import SegmenterChooser
from app.segmenter_names import remember, remembered, title
from core.errors import InputError
from models import file_fetch
from models.file_fetch import RemoteFile

DATA = np.random.default_rng(1).bytes(2**20)


@pytest.fixture
def server(monkeypatch):
    """Serves what stands for ViT-B; the others stay out of reach."""
    monkeypatch.setattr(file_fetch, "_FIRST_WAIT", 0.001)
    monkeypatch.setattr(file_fetch, "_MARGIN", 0)
    with serve(FakeHub({"m/m": {"vit.safetensors": DATA}})) as running:
        remote = RemoteFile(
            f"{running.address}/m/m/resolve/main/vit.safetensors", len(DATA), hashlib.sha256(DATA).hexdigest()
        )
        monkeypatch.setitem(segmenter_chooser.OFFICIAL, "ViT-B", remote)
        yield running


@pytest.fixture
def chooser(window):
    press(window, "choose_segmenter")
    return window.findChild(SegmenterChooser)


def go_to(dialog, text):
    rows = [dialog.table.topLevelItem(i) for i in range(dialog.table.topLevelItemCount())]
    dialog.table.setCurrentItem(next(row for row in rows if row.text(0) == text))


def test_it_lists_what_there_is_and_what_could_be_fetched(server, window, chooser):
    rows = [chooser.table.topLevelItem(i) for i in range(chooser.table.topLevelItemCount())]
    assert [row.text(0) for row in rows] == ["quadrants", "halves", "SAM ViT-B", "SAM ViT-L", "SAM ViT-H"]
    assert rows[3].text(1) == "to be fetched, 1.2 GB"
    assert chooser.table.currentItem() is rows[0]
    assert not server.served


def test_a_checkpoint_is_fetched_after_consent_and_used(qtbot, server, window, chooser, tmp_path):
    go_to(chooser, "SAM ViT-B")
    assert not chooser.use.isEnabled()
    chooser.ask.click()
    assert "1 MB to fetch, licence Apache 2.0" in chooser.answer.text()
    assert not server.served
    chooser.decline.click()
    assert chooser.answer.text() == ""
    chooser.ask.click()
    chooser.agree.click()
    qtbot.waitUntil(lambda: "is on this machine now" in chooser.answer.text(), timeout=30_000)
    path = tmp_path / "data" / "checkpoints" / "vit.safetensors"
    assert path.read_bytes() == DATA
    assert chooser.selected() == f"sam:{path}"
    chooser.use.click()
    qtbot.waitUntil(lambda: window.controller.scene.segmenter.name == f"sam:{path}")
    assert window.prompt.segmenter() == f"sam:{path}"


def test_a_slow_download_can_be_stopped_and_continued(qtbot, server, window, chooser):
    server.seconds_a_block = 0.05
    go_to(chooser, "SAM ViT-B")
    chooser.ask.click()
    chooser.agree.click()
    qtbot.waitUntil(lambda: chooser.bar.isVisible() and chooser.bar.value() > 0, timeout=30_000)
    assert "of 1 MB" in chooser.answer.text()
    began = time.monotonic()
    chooser.cancel.click()
    assert "Stopping" in chooser.answer.text()
    assert time.monotonic() - began < 0.2
    qtbot.waitUntil(lambda: "Stopped. What came is kept" in chooser.answer.text(), timeout=30_000)
    qtbot.waitUntil(lambda: not chooser.fetch.busy)
    server.seconds_a_block = 0.0
    chooser.ask.click()
    assert "are here already" in chooser.answer.text()
    chooser.agree.click()
    qtbot.waitUntil(lambda: "is on this machine now" in chooser.answer.text(), timeout=30_000)
    assert server.served[-1][1].startswith("bytes=")


@pytest.mark.parametrize(("mishap", "words"), [("spoil", "checksum differs"), ("status", "does not have it")])
def test_what_goes_wrong_is_said_and_can_be_tried_again(qtbot, server, window, chooser, mishap, words):
    setattr(server, mishap, 404)
    go_to(chooser, "SAM ViT-B")
    chooser.ask.click()
    chooser.agree.click()
    qtbot.waitUntil(lambda: words in chooser.answer.text(), timeout=30_000)
    qtbot.waitUntil(lambda: not chooser.fetch.busy)
    setattr(server, mishap, 0)
    chooser.ask.click()
    chooser.agree.click()
    qtbot.waitUntil(lambda: "is on this machine now" in chooser.answer.text(), timeout=30_000)


def test_a_file_of_ones_own_is_remembered(qtbot, server, window, chooser, tmp_path, monkeypatch):
    mine = tmp_path / "mine.pth"
    mine.write_bytes(b"weights")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(mine), ""))
    chooser.file.click()
    assert chooser.table.currentItem().text(0) == "SAM: mine.pth"
    chooser.use.click()
    qtbot.waitUntil(lambda: window.controller.scene.segmenter.name == f"sam:{mine}")
    assert remembered() == [mine]
    assert title(f"sam:{mine}") == "SAM: mine.pth"


def test_a_checkpoint_that_may_not_be_looked_for_any_more_is_forgotten(qapp):
    remember(Path("x" * 300))
    assert remembered() == []


def test_a_bad_checkpoint_gets_a_sentence_and_the_default_segmenter(qtbot, window, monkeypatch):
    engine = window.controller._engine
    segment = type(engine).segment

    def refuse(self, screenshot, name, progress, cancelled):
        if ":" in name:
            raise InputError("bad.pth holds program code. It was not run.")
        return segment(self, screenshot, name, progress, cancelled)

    monkeypatch.setattr(type(engine), "segment", refuse)
    window.prompt.set_segmenter("halves")
    qtbot.waitUntil(lambda: len(window.controller.scene.region_map) == 3)
    window.prompt.set_segmenter("sam:bad.pth")
    qtbot.waitUntil(lambda: len(window.controller.scene.region_map) == 5)
    assert window.message.text == (
        "bad.pth holds program code. It was not run. Regions come from quadrants instead."
    )
    assert window.prompt.segmenter() == "quadrants"


def test_other_regions_for_an_open_run_are_attributed_and_can_be_undone(qtbot, window):
    before = run_to_the_end(qtbot, window)
    session = window.controller.session
    window.prompt.set_segmenter("halves")
    qtbot.waitUntil(lambda: session.trace.effects.shape[1] == 3 and not window.controller.editor.busy)
    assert session.trace.estimated == 40
    assert window.actions_by_id["undo"].text() == "Undo regions by halves"
    press(window, "undo")
    qtbot.waitUntil(lambda: session.trace is before)


def test_escape_stops_looking_for_regions_within_200_ms(qtbot, window, monkeypatch):
    engine = window.controller._engine
    begun = []

    def slowly(screenshot, name, progress, cancelled):
        begun.append(name)
        until = time.monotonic() + 30
        while time.monotonic() < until and not cancelled():
            time.sleep(0.005)
        raise InputError("cancelled")

    monkeypatch.setattr(engine, "segment", slowly)
    before, named = window.controller.scene.region_map, window.prompt.segmenter()
    window.prompt.set_segmenter("halves")
    qtbot.waitUntil(lambda: bool(begun))
    assert window.actions_by_id["stop"].isEnabled()
    began = time.monotonic()
    press(window, "stop")
    assert not window.controller.finding
    assert time.monotonic() - began < 0.2
    assert window.controller.scene.region_map is before
    assert "Stopped looking for regions" in window.message.text
    assert not window.actions_by_id["stop"].isEnabled()
    assert window.prompt.segmenter() == window.controller.segmenter_name == named
    window.prompt.set_segmenter("halves")  # it can be chosen again
    qtbot.waitUntil(lambda: len(begun) == 2)
    press(window, "stop")
