"""The commands that turn files into files: sample, segment, export."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scripted_engine import ScriptedEngine

from app.main import main
from core.rle import from_coco


@pytest.fixture
def screen(tmp_path):
    assert main(["sample", "--kind", "document", "--seed", "5", "--out", str(tmp_path / "s")]) == 0
    return tmp_path / "s" / "screen.png"


def test_a_sample_is_a_picture_with_its_truth_and_the_same_again(screen, tmp_path):
    truth = json.loads(screen.with_name("truth.json").read_text())
    assert truth["kind"] == "document"
    assert truth["prompt"]
    assert truth["answer"]
    for evidence in truth["evidence"]:
        start, end = evidence["span"]
        assert 0 <= start < end <= len(truth["thinking"])
    again = tmp_path / "again"
    assert main(["sample", "--kind", "document", "--seed", "5", "--out", str(again)]) == 0
    assert (again / "screen.png").read_bytes() == screen.read_bytes()


def test_regions_are_written_as_labels_and_as_coco(screen, tmp_path, capsys):
    capsys.readouterr()
    assert main(["segment", str(screen), "--segmenter", "grid", "--out", str(tmp_path / "r")]) == 0
    picture, coco = capsys.readouterr().out.split()
    with Image.open(picture) as image:
        labels = np.array(image)
    data = json.loads(Path(coco).read_text())
    assert data["images"][0]["width"] == labels.shape[1]
    assert len(data["annotations"]) == labels.max() > 1
    for annotation in data["annotations"]:
        assert np.array_equal(from_coco(annotation["segmentation"]), labels == annotation["id"])
        assert annotation["area"] == (labels == annotation["id"]).sum()


def test_the_name_of_a_screenshot_cannot_command_the_terminal(screen, tmp_path, capsys):
    odd = screen.rename(screen.with_name("a\x9b2Jb.png"))
    capsys.readouterr()
    assert main(["segment", str(odd), "--segmenter", "grid", "--out", str(tmp_path / "r")]) == 0
    written = [Path(line).name for line in capsys.readouterr().out.splitlines()]
    assert written == ["a\ufffd2Jb.regions.png", "a\ufffd2Jb.regions.json"]


def test_a_trace_is_exported_by_the_name_of_the_file(screen, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        "app.engine.Engine", lambda *_args, **_options: ScriptedEngine(tokens=25, work=lambda: None)
    )
    assert main(["run", str(screen), "--out", str(tmp_path / "o")]) == 0
    trace = str(tmp_path / "o" / "trace.sightline")
    whole, part = tmp_path / "whole.json", tmp_path / "part.json"
    assert main(["export", trace, "--out", str(whole)]) == 0
    assert main(["export", trace, "--format", "json", "--steps", "1:2", "--out", str(part)]) == 0
    assert len(json.loads(whole.read_text())["tokens"]) == 25
    assert [t["index"] for t in json.loads(part.read_text())["tokens"]] == list(range(10, 20))
    assert main(["export", trace, "--out", str(tmp_path / "p.png")]) == 0
    with Image.open(tmp_path / "p.png") as picture:
        assert picture.format == "PNG"
    assert main(["export", trace, "--steps", "7:9", "--out", str(part)]) == 2
    capsys.readouterr()
    words = {
        ("--enlarge", "9"): "--enlarge",
        ("--layers", "overlay,sound"): "--layers",
        ("--speed", "8"): "The format png has no option --speed",
    }
    for bad, sentence in words.items():
        assert main(["export", trace, "--out", str(tmp_path / "q.png"), *bad]) == 2
        assert sentence in capsys.readouterr().err
    assert not (tmp_path / "q.png").exists()


def test_the_options_of_a_format_are_taken_from_the_command_line(screen, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        "app.engine.Engine", lambda *_args, **_options: ScriptedEngine(tokens=25, work=lambda: None)
    )
    assert main(["run", str(screen), "--out", str(tmp_path / "o")]) == 0
    trace = str(tmp_path / "o" / "trace.sightline")
    with Image.open(screen) as drawn:
        width, height = drawn.size
    bare = ["--steps", "0:1", "--layers", "screenshot,overlay", "--enlarge", "2", "--no-signed"]
    for out in ("a.png", "b.png"):
        assert main(["export", trace, "--out", str(tmp_path / out), *bare]) == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size == (2 * width, 2 * height)
    film = ["--format", "gif", "--by", "steps", "--width", "240", "--speed", "60"]
    assert main(["export", trace, "--out", str(tmp_path / "a.gif"), *film]) == 0
    with Image.open(tmp_path / "a.gif") as picture:
        assert (picture.width, picture.n_frames) == (240, 3)
