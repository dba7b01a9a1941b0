"""A model whose name does not tell its family runs once a person says it, and its trace remembers."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from tiny_families import save_mimo_vl

from app.main import main
from core.store import read_trace


@pytest.fixture
def nameless(tmp_path):
    return save_mimo_vl(tmp_path / "my-tuned-model")


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "screen.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 120, 3), dtype=np.uint8)).save(path)
    return path


def test_the_family_is_asked_for_given_and_remembered(nameless, image, tmp_path, capsys):
    told = [
        "run", str(image), "--prompt", "What?", "--model", str(nameless), "--device", "cpu",
        "--segmenter", "grid", "--max-new-tokens", "12", "--out", str(tmp_path / "out"), "--json",
    ]  # fmt: skip
    assert main(told) == 2
    assert "--family mimo-vl or --family cosmos-reason1" in capsys.readouterr().err
    assert main([*told, "--family", "mimo-vl"]) == 0
    capsys.readouterr()
    path = tmp_path / "out" / "trace.sightline"
    assert read_trace(path).model.details["family"] == "MiMo-VL"
    for operator in ("embeddings", "attention"):
        asked = ["verify", str(path), "--masks", "4", "--operator", operator, "--device", "cpu", "--json"]
        assert main(asked) == 0
        assert json.loads(capsys.readouterr().out)["operator"] == operator
    assert [m.operator for m in read_trace(path).measured][-1] == "attention"
