"""Tests of the app: no screen, no user's settings or data, and nothing left behind."""

from __future__ import annotations

import gc
import json
import os
import threading

import numpy as np
import pytest
from PIL import Image

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def pytest_configure(config: pytest.Config) -> None:
    # The offscreen platform says this whenever a window is shown; no screen does.
    config.addinivalue_line("qt_log_ignore", "does not support propagateSizeHints")


@pytest.fixture(autouse=True)
def _own_folders(tmp_path, monkeypatch):
    """Settings and traces go to a folder of the test."""
    from PySide6.QtCore import QSettings

    monkeypatch.setenv("SIGHTLINE_DATA", str(tmp_path / "data"))
    for scope in (QSettings.Scope.UserScope, QSettings.Scope.SystemScope):
        QSettings.setPath(QSettings.Format.IniFormat, scope, str(tmp_path / "settings"))


@pytest.fixture(autouse=True)
def _nothing_left_behind(request):
    """Fail a test that leaks a top-level widget or a thread."""
    threads = set(threading.enumerate())
    yield
    left = [t for t in threading.enumerate() if t not in threads and t.is_alive() and not _foreign(t)]
    assert not left, f"threads left running: {[t.name for t in left]}"
    if "qtbot" not in request.fixturenames:
        return
    from PySide6.QtCore import QCoreApplication, QEvent
    from PySide6.QtWidgets import QApplication

    app = QApplication.instance()
    if app is None:
        return
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()
    shown = [w for w in QApplication.topLevelWidgets() if w.isVisible()]
    assert not shown, f"windows left open: {shown}"


def _foreign(thread: threading.Thread) -> bool:
    """Threads that libraries keep for the life of the process."""
    return thread.name.startswith(("ThreadPoolExecutor", "tqdm", "pydevd", "Dummy"))


@pytest.fixture
def sample(tmp_path):
    """A generated screen: it has its truth beside it."""
    from app.samples import Sample

    path = tmp_path / "sample.png"
    Image.fromarray(np.full((60, 80, 3), 220, np.uint8)).save(path)
    truth = {"kind": "math", "prompt": "How many apples?", "answer": "3", "suggestions": ["Which is red?"]}
    path.with_suffix(".json").write_text(json.dumps(truth))
    return Sample("Math: How many apples?", path)


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(np.full((50, 90, 3), 90, np.uint8)).save(path)
    return path


@pytest.fixture
def theme(qapp):
    from app.theme import Theme

    made = Theme(qapp, "light")
    yield made
    made.deleteLater()


@pytest.fixture
def make(qtbot, tmp_path, sample, theme):
    """Makes a window whose engine plays a written run."""
    from scripted_engine import ScriptedEngine

    from app.window import Places, Window

    def build(shown: bool = True, **script) -> Window:
        window = Window(ScriptedEngine(**script), theme, Places(tmp_path / "runs", (sample,)))
        qtbot.addWidget(window, before_close_func=lambda w: w.controller.close())
        if shown:
            window.show()
            qtbot.waitExposed(window)
        return window

    return build


@pytest.fixture
def window(qtbot, make):
    """A window with the sample open and its regions found."""
    from windows import settled

    made = make()
    made.begin(None)
    qtbot.waitUntil(lambda: settled(made))
    return made


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "screen.png"
    Image.fromarray(np.full((60, 80, 3), 200, np.uint8)).save(path)
    return path


@pytest.fixture
def make_controller(qtbot, tmp_path):
    """Makes a controller whose engine plays a written run; it keeps what it said in ``messages``."""
    from scripted_engine import ScriptedEngine

    from app.controller import Controller

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
