"""The model chooser says what fits, asks before it fetches, shows progress, and can be stopped."""

from __future__ import annotations

import numpy as np
import pytest
from hub_server import FakeHub, serve
from PySide6.QtWidgets import QPushButton
from shiboken6 import isValid

from app import model_fetch
from app.dialogs.model_chooser import ModelChooser
from app.model_fetch import progress_text
from app.settings import settings
from core.errors import InputError
from models import hub
from models.checkpoint import Loading
from models.hardware import GIB, Device

BIG = Device("cuda:0", "Some GPU", 24 * GIB, 22 * GIB, 1e12, "bfloat16")
SMALL = Device("cpu", "CPU, 2 threads", 8 * GIB, 4 * GIB, 2e10, "float32")
WEIGHTS = np.random.default_rng(0).bytes(2 * 2**20)
NAME = "maker/model"


@pytest.fixture
def server(monkeypatch, tmp_path):
    monkeypatch.setattr(hub.large_files, "_FIRST_WAIT", 0.001)
    monkeypatch.setattr(hub.fetching, "_MARGIN", 0)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)  # the server is this machine
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    with serve(FakeHub({NAME: {"config.json": b"{}", "model.safetensors": WEIGHTS}})) as running:
        settings().setValue("hub/mirror", running.address)
        yield running


@pytest.fixture
def machine(monkeypatch):
    """Sets what the machine has."""

    def have(*devices: Device) -> None:
        monkeypatch.setattr(model_fetch, "devices", lambda: devices)

    have(SMALL)
    return have


@pytest.fixture
def open_chooser(qtbot, machine, server):
    opened = []

    def make(image=(1280, 800)) -> ModelChooser:
        dialog = ModelChooser(image)
        opened.append(dialog)
        dialog.show()
        qtbot.waitUntil(lambda: dialog.table.topLevelItemCount() > 1, timeout=90_000)
        return dialog

    yield make
    for dialog in opened:
        if isValid(dialog):
            dialog.close()


def row(dialog: ModelChooser, name: str) -> list[str]:
    items = [dialog.table.topLevelItem(i) for i in range(dialog.table.topLevelItemCount())]
    item = next(item for item in items if item.text(0) == name)
    return [item.text(column) for column in range(6)]


def press(button: QPushButton) -> None:
    assert button.isEnabled()
    button.click()


def test_it_says_what_fits_and_what_would_help(open_chooser, machine):
    machine(BIG, SMALL)
    dialog = open_chooser()
    assert "Some GPU, 22.0 of 24.0 GiB free" in dialog.machine.text()
    assert "1280 × 800" in dialog.machine.text()
    _, where, memory, verdict, speed, shown = row(dialog, "Qwen/Qwen3-VL-8B-Thinking")
    assert where == "to be fetched, 17.5 GB"
    assert memory.endswith("GiB, 1,000 visual tokens")
    assert verdict == "fits"
    assert speed.startswith("up to ")
    assert shown == "uncalibrated attention"
    assert row(dialog, "Qwen/Qwen3-VL-32B-Thinking")[3].startswith("too large")
    assert row(dialog, "bundled")[1] == "comes with Sightline"
    assert row(dialog, "bundled")[5] == "estimated effects"


def test_a_smaller_image_needs_less_and_another_format_too(open_chooser, qtbot):
    dialog = open_chooser((3840, 2160))
    name = "Qwen/Qwen3-VL-2B-Thinking"
    assert row(dialog, name)[3] != "fits"
    assert "8,040 visual tokens" in row(dialog, name)[2] or "8,160 visual tokens" in row(dialog, name)[2]
    dialog.budget.setCurrentIndex(dialog.budget.findData(512))
    qtbot.waitUntil(lambda: "512 visual tokens" in row(dialog, name)[2], timeout=20_000)
    assert dialog.loading() == Loading(visual_tokens=512)
    dialog.format.setCurrentIndex(1)
    assert dialog.loading() == Loading(dtype="bfloat16", visual_tokens=512)


def test_nothing_is_fetched_before_the_person_agrees_to_the_size(open_chooser, qtbot, server):
    dialog = open_chooser()
    dialog.name.setText(NAME)
    assert not dialog.use.isEnabled()
    press(dialog.ask)
    qtbot.waitUntil(dialog.agree.isVisible, timeout=20_000)
    assert "2 MB to fetch, licence apache-2.0" in dialog.answer.text()
    assert not server.served
    press(dialog.decline)
    assert not dialog.agree.isVisible()
    assert not server.served
    press(dialog.ask)
    qtbot.waitUntil(dialog.agree.isVisible, timeout=20_000)
    press(dialog.agree)
    qtbot.waitUntil(lambda: "is on this machine now" in dialog.answer.text(), timeout=30_000)
    assert any(path == "model.safetensors" for path, _, _ in server.served)


def test_a_slow_download_shows_progress_and_can_be_stopped_and_continued(open_chooser, qtbot, server):
    server.seconds_a_block = 0.03
    dialog = open_chooser()
    dialog.name.setText(NAME)
    press(dialog.ask)
    qtbot.waitUntil(dialog.agree.isVisible, timeout=20_000)
    press(dialog.agree)
    qtbot.waitUntil(lambda: dialog.bar.value() > 100, timeout=30_000)
    assert f"Fetching {NAME}: " in dialog.answer.text()
    press(dialog.cancel)
    qtbot.waitUntil(lambda: dialog.answer.text().startswith("Stopped."), timeout=20_000)
    server.seconds_a_block = 0.0
    qtbot.waitUntil(dialog.ask.isVisible, timeout=20_000)
    press(dialog.ask)
    qtbot.waitUntil(dialog.agree.isVisible, timeout=20_000)
    assert "are here already" in dialog.answer.text()
    press(dialog.agree)
    qtbot.waitUntil(lambda: "is on this machine now" in dialog.answer.text(), timeout=30_000)
    assert any(wanted for _, wanted, _ in server.served), "it went on in the middle of the file"


def test_what_goes_wrong_is_said_and_can_be_tried_again(open_chooser, qtbot, server):
    server.status, server.error_code = 404, "RepoNotFound"
    dialog = open_chooser()
    dialog.name.setText(NAME)
    press(dialog.ask)
    qtbot.waitUntil(lambda: "There is no model maker/model" in dialog.answer.text(), timeout=20_000)
    server.status = 0
    press(dialog.ask)
    qtbot.waitUntil(dialog.agree.isVisible, timeout=20_000)


def test_offline_and_mirror_are_remembered(open_chooser, qtbot):
    dialog = open_chooser()
    dialog.offline.setChecked(True)
    dialog.name.setText(NAME)
    press(dialog.ask)
    qtbot.waitUntil(lambda: "set to stay offline" in dialog.answer.text(), timeout=20_000)
    dialog.mirror.setText("https://mirror.example")
    dialog.mirror.editingFinished.emit()
    assert model_fetch.chosen_hub() == hub.Hub("https://mirror.example", offline=True)


def test_a_model_that_is_here_can_be_used(open_chooser, qtbot):
    dialog = open_chooser()
    with qtbot.waitSignal(dialog.chosen) as signal:
        press(dialog.use)
    assert signal.args == ["bundled", Loading()]


@pytest.mark.parametrize("text", ["~nosuchuser/model", "x" * 300])
def test_a_text_that_is_no_folder_cannot_be_used_and_breaks_nothing(open_chooser, text):
    dialog = open_chooser()
    dialog.name.setText(text)
    assert not dialog.use.isEnabled()
    assert dialog.ask.isEnabled()


def test_a_download_tells_one_minute_from_several():
    assert progress_text("m", 0, 75, 1.0).endswith("1 minute left")
    assert progress_text("m", 0, 125, 1.0).endswith("2 minutes left")
    assert progress_text("m", 0, 30, 1.0).endswith("less than a minute left")


def test_a_broken_machine_description_is_a_sentence(qtbot, machine, server, monkeypatch):
    def fail():
        raise InputError("There is no device here.")

    monkeypatch.setattr(model_fetch, "devices", fail)
    dialog = ModelChooser(None)
    qtbot.addWidget(dialog)
    qtbot.waitUntil(lambda: "There is no device here." in dialog.answer.text(), timeout=20_000)
    dialog.close()
