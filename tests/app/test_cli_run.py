"""``sightline run`` and the run without a display, with an engine that plays a written run."""

from __future__ import annotations

import json
import os
import signal
import threading
import time

import numpy as np
import pytest
from PIL import Image
from scripted_engine import ScriptedEngine

from app.cli.console import harmless
from app.main import main
from app.samples import GENERATED_ONLY, Sample
from core.store import read_trace


@pytest.fixture
def engine(monkeypatch):
    """What ``run`` gets instead of the bundled models; its tokens can be set."""
    made = ScriptedEngine(tokens=12, work=lambda: None)
    monkeypatch.setattr("app.engine.Engine", lambda *_args, **_kwargs: made)
    return made


@pytest.fixture
def picture(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "screen.png"
    Image.fromarray(np.full((60, 80, 3), 200, np.uint8)).save(path)
    return path


def test_it_streams_the_reasoning_and_leaves_trace_and_picture(engine, picture, tmp_path, capsys):
    out = tmp_path / "here"
    assert main(["run", str(picture), "--prompt", "What is it?", "--out", str(out)]) == 0
    heard = capsys.readouterr()
    assert heard.out.startswith("word0 word1 ")
    assert "Answer: word6 " in heard.out
    assert str(out / "trace.sightline") in heard.err
    assert read_trace(out / "trace.sightline").prompt == "What is it?"
    with Image.open(out / "annotated.png") as drawn:
        assert drawn.width >= 80


def test_a_library_that_finds_no_memory_costs_the_picture_only(
    engine, picture, tmp_path, monkeypatch, capsys
):
    def no_room(_name):
        raise ImportError("ft2font.so: failed to map segment from shared object")

    monkeypatch.setattr("core.export.registry.format_named", no_room)
    assert main(["run", str(picture), "--prompt", "What?", "--out", str(tmp_path / "o")]) == 0
    assert "Picture: could not be drawn" in capsys.readouterr().err
    assert read_trace(tmp_path / "o" / "trace.sightline").status == "finished"


def test_json_is_one_object_and_nothing_else(engine, picture, tmp_path, capsys):
    assert main(["run", str(picture), "--prompt", "What?", "--json", "--out", str(tmp_path / "o")]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["answer"].startswith("word6")
    assert result["tokens"] == 12
    assert result["status"] == "finished"
    effects = [region["estimated_effect"] for region in result["regions"]]
    assert effects == sorted(effects, reverse=True)
    assert os.path.exists(result["trace"])
    assert os.path.exists(result["picture"])


def test_json_keeps_every_character_and_prints_none_that_commands_the_terminal(engine, picture, capsys):
    prompt = "Wie groß?\x9b2J\x1b[2J\x7f"
    assert main(["run", str(picture), "--prompt", prompt, "--json"]) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed)["prompt"] == prompt
    assert harmless(printed) == printed


def test_without_out_no_earlier_run_is_overwritten(engine, picture, tmp_path):
    assert main(["run", str(picture), "--prompt", "a"]) == 0
    assert main(["run", str(picture), "--prompt", "b"]) == 0
    kept = sorted(path.parent.name for path in tmp_path.glob("sightline-out/*/trace.sightline"))
    assert kept == ["screen", "screen-2"]


def test_the_question_of_a_generated_screen_is_the_default(engine, picture, capsys):
    truth = {"kind": "math", "prompt": "How many apples?", "answer": "3"}
    picture.with_name("truth.json").write_text(json.dumps(truth))
    assert main(["run", str(picture)]) == 0
    heard = capsys.readouterr().err
    assert "How many apples?" in heard
    assert GENERATED_ONLY not in heard


def test_a_screenshot_of_ones_own_comes_with_a_notice(engine, picture, capsys):
    assert main(["run", str(picture)]) == 0
    assert GENERATED_ONLY in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_saves_what_exists_and_exits_with_130(engine, picture, tmp_path, capsys):
    engine.tokens, engine.work = 100_000, lambda: time.sleep(0.002)
    threading.Timer(0.8, os.kill, (os.getpid(), signal.SIGINT)).start()
    assert main(["run", str(picture), "--out", str(tmp_path / "o")]) == 130
    kept = read_trace(tmp_path / "o" / "trace.sightline")
    assert kept.status == "stopped"
    assert 0 < len(kept) < 100_000
    assert (tmp_path / "o" / "annotated.png").exists()


def test_a_folder_that_cannot_be_written_to_is_bad_input(engine, picture, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["run", str(picture), "--out", str(tmp_path / "file" / "o")]) == 2
    assert "cannot be created" in capsys.readouterr().err


def test_out_with_a_name_too_long_is_bad_input_for_several_images_too(engine, picture, tmp_path, capsys):
    assert main(["run", str(picture), str(picture), "--out", str(tmp_path / ("x" * 300))]) == 2
    assert "inside Sightline" not in capsys.readouterr().err


def test_an_estimator_that_cannot_be_used_is_refused_before_anything_is_done(
    engine, picture, tmp_path, capsys
):
    old = tmp_path / "old"
    old.mkdir()
    (old / "config.json").write_text('{"format": 3}')
    for folder, told in ((old, "has another format. Calibrate it again."), (tmp_path / "no", "no estimator")):
        assert main(["run", str(picture), "--estimator", str(folder), "--out", str(tmp_path / "o")]) == 2
        heard = capsys.readouterr()
        assert told in heard.err
        assert heard.out == ""
    assert not (tmp_path / "o").exists()


def test_without_a_display_the_sample_runs_and_tells_where_it_is(
    engine, picture, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr("app.cli.window.display_problem", lambda: "There is no display here.")
    monkeypatch.setattr("app.samples.samples", lambda: [Sample("Screen", picture)])
    assert main([]) == 0
    heard = capsys.readouterr()
    assert heard.err.startswith("There is no display here. Running screen.png without a window instead.")
    assert "trace.sightline" in heard.err
    assert "annotated.png" in heard.err
    assert "word0" in heard.out


def test_a_model_cannot_command_the_terminal():
    assert harmless("a\x1b[2Jb\x07\x9bc\nd\te") == "a\ufffd[2Jb\ufffd\ufffdc\nd\te"
