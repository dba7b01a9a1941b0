"""The window stays quick while a model is busy, and is there before the model is."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt, QTimer
from scripted_engine import ScriptedEngine

from app.run_state import RunState
from app.theme import Theme
from app.window import Places, Window

ROOT = Path(__file__).parents[2]
FRAME = 0.016
"""Seconds between the beats of the timer."""
BUSY = 0.008
"""Seconds; where an event loop that has nothing to do is later than this, other programs are to blame."""


class Beat:
    """A 16 ms timer that notes how late it is."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self._due = time.perf_counter() + FRAME
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start(round(1000 * FRAME))

    def _tick(self) -> None:
        now = time.perf_counter()
        self.late.append(max(0.0, now - self._due))
        self._due = now + FRAME

    def stop(self) -> float:
        """The 99th percentile of the lateness, in seconds."""
        self._timer.stop()
        return float(np.percentile(self.late, 99))


def decode_like_torch() -> None:
    """About 5 ms: array operations that release the lock, and the Python between them that does not."""
    until = time.perf_counter() + 0.005
    values = np.ones(40_000, np.float32)
    while time.perf_counter() < until:
        np.exp(values)
        sum(i * i for i in range(60))


def lateness_of_an_empty_loop(qtbot) -> float:
    """The same work beside an event loop that shows nothing of it."""
    until = time.perf_counter() + 1.0

    def work() -> None:
        while time.perf_counter() < until:
            decode_like_torch()

    thread = threading.Thread(target=work)
    thread.start()
    beat = Beat()
    qtbot.wait(1000)
    thread.join()
    return beat.stop()


@pytest.fixture
def quick_threads():
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.0005)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("quick_threads")
def test_the_event_loop_is_late_by_less_than_two_frames_while_tokens_stream(qtbot, qapp, tmp_path):
    path = tmp_path / "screen.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (600, 900, 3), np.uint8)).save(path)
    theme = Theme(qapp, "light")
    window = Window(ScriptedEngine(300, decode_like_torch), theme, Places(tmp_path / "runs", ()))
    qtbot.addWidget(window, before_close_func=lambda w: w.controller.close())
    window.show()
    window.begin(path)
    qtbot.waitUntil(lambda: window.status.regions.text() != "")
    p99 = []
    for _ in range(3):  # the machine has other work too: the best of three counts
        if lateness_of_an_empty_loop(qtbot) > BUSY:
            continue
        window.run()
        qtbot.waitUntil(lambda: len(window.controller.session.trace or ()) > 10)
        beat = Beat()
        qtbot.waitUntil(lambda: window.controller.state is RunState.IDLE, timeout=20_000)
        p99.append(beat.stop())
        if p99[-1] < 0.033:
            break
    theme.deleteLater()
    if not p99:
        pytest.skip("other programs keep this machine too busy to measure")
    assert min(p99) < 0.033, p99


def test_the_window_is_there_before_torch_is_loaded():
    """Starts the real ``sightline`` and looks when the first event loop turn comes."""
    script = """
import json, sys, time
begin = time.monotonic()
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from app.window import Window
seen = {}
def begin_spied(self, path):
    self.repaint()
    seen.update(seconds=time.monotonic() - begin, visible=self.isVisible(),
                heavy=[m for m in ("torch", "transformers", "cv2") if m in sys.modules])
    QTimer.singleShot(0, QApplication.instance().quit)
Window.begin = begin_spied
from app.main import main
code = main([])
print(json.dumps(seen))
sys.exit(code)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.strip().splitlines()[-1])
    assert seen["visible"]
    assert seen["heavy"] == []
