"""Memory that runs out during a run: what exists is kept, the window goes on, and it says what helps."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from own_process import receive, start, starve
from PIL import Image

from app.controller import Controller
from app.engine import Engine
from app.main import main
from app.run_state import RunState
from core.store import read_trace
from core.trace import Sampling
from models.thinker import Thinker


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "screen.png"
    pixels = np.full((90, 150, 3), 250, np.uint8)
    pixels[20:50, 20:60] = (200, 30, 30)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def small_memory(monkeypatch):
    """A machine whose memory is full after so many passes through the model."""
    whole = Thinker.forward
    left = []

    def forward(self, cache, **inputs):
        if not left:
            torch.empty(2**55, dtype=torch.uint8)  # the CPU's own error
        left.pop()
        return whole(self, cache, **inputs)

    monkeypatch.setattr(Thinker, "forward", forward)
    return left


def test_the_window_keeps_the_tokens_says_what_helps_and_runs_again(
    qtbot, picture, tiny_folder, tmp_path, small_memory
):
    controller, said = Controller(Engine(str(tiny_folder), "none", "cpu"), tmp_path / "runs"), []
    controller.said.connect(lambda text, level: said.append((level, text)))
    try:
        controller.open(picture)
        qtbot.waitUntil(
            lambda: controller.scene is not None and controller.scene.region_map is not None, timeout=60_000
        )
        for passes in (9, 0):
            small_memory[:] = [None] * passes
            controller.run("What?", Sampling(max_new_tokens=30), None)
            qtbot.waitUntil(lambda: controller.state is RunState.IDLE, timeout=60_000)
            level, text = said.pop()
            assert level == "error"
            for words in ("ran out of memory", "kept", "smaller image budget", "smaller model", "4 bit"):
                assert words in text
            assert len(controller.session.trace) == passes
            kept = read_trace(controller.trace_path)
            assert (len(kept), kept.status) == (passes, "failed")
        small_memory[:] = [None] * 100
        controller.run("What?", Sampling(max_new_tokens=12), None)
        qtbot.waitUntil(lambda: controller.state is RunState.IDLE, timeout=60_000)
        assert (len(controller.session.trace), controller.session.trace.status) == (12, "finished")
    finally:
        assert controller.close()


def test_the_command_line_keeps_the_tokens_and_says_what_helps(
    picture, tiny_folder, tmp_path, small_memory, capsys
):
    small_memory[:] = [None] * 6
    out = tmp_path / "o"
    code = main(["run", str(picture), "--prompt", "What?", "--model", str(tiny_folder), "--out", str(out)])
    assert code == 1
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("sightline: The machine ran out of memory. What was generated is kept.")
    assert "--visual-tokens" in last
    kept = read_trace(out / "trace.sightline")
    assert (len(kept), kept.status) == (6, "failed")
    assert (out / "annotated.png").exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits memory by Linux's and glibc's means")
def test_a_process_without_any_memory_left_keeps_the_tokens(tiny_folder, tmp_path):
    picture, out = tmp_path / "large.png", tmp_path / "o"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (900, 900, 3), np.uint8)).save(picture)
    arguments = [
        "run", str(picture), "--prompt", "What?", "--model", str(tiny_folder), "--segmenter", "grid",
        "--visual-tokens", "800", "--out", str(out),
    ]  # fmt: skip
    process, said = start(starve, arguments, 41)
    code, errors = receive(said)
    process.join()
    assert code == 1
    assert "The machine ran out of memory. What was generated is kept." in errors
    kept = read_trace(out / "trace.sightline")
    assert kept.status == "failed"
    assert 40 <= len(kept) < 60
    assert kept.estimated


def test_memory_that_runs_out_while_the_screenshot_is_prepared_is_bad_input(
    picture, tiny_folder, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(Thinker, "prepare", lambda *given: torch.empty(2**55, dtype=torch.uint8))
    out = tmp_path / "o"
    assert main(["run", str(picture), "--prompt", "?", "--model", str(tiny_folder), "--out", str(out)]) == 2
    assert "There is not enough memory for this screenshot." in capsys.readouterr().err
